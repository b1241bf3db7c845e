"""Lists as GraphQL has them: nodes, a page's borders, and a total."""

from collections.abc import Callable, Iterable
from typing import Any

Fields = dict[str, Any]
# What the library calls for a field: with its own record, then the field's arguments.
Field = Callable[..., Fields]


def connection(make: Callable[[], Iterable[Fields]]) -> Field:
    """A field that is a list, asked by ``first`` and ``after``; a cursor is an index.

    Args:
        make: makes all of its nodes, when they are asked for.
    """

    def page(_: object, first: int | None = None, after: str | None = None, **__: object) -> Fields:
        every = list(make())
        start = int(after) if after and after.isdecimal() else 0
        end = len(every) if first is None else min(start + max(first, 0), len(every))
        return {
            "nodes": every[start:end],
            "totalCount": len(every),
            "pageInfo": {
                "hasNextPage": end < len(every),
                "hasPreviousPage": start > 0,
                "startCursor": str(start),
                "endCursor": str(end),
            },
        }

    return page


EMPTY = connection(tuple)
