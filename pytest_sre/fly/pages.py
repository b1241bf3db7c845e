"""Lists that come in pages."""

from collections.abc import Iterator
from typing import TypeVar

from pytest_sre.fly.errors import UnexpectedAnswer
from pytest_sre.fly.transport import Query, Transport

T = TypeVar("T")


def pages(api: Transport, path: str, *, into: type[T], params: Query | None = None) -> Iterator[T]:
    """Get a list page by page.

    What leads on to the next page is the header ``fly-next-cursor``, in some lists the body's
    ``next_cursor``; the last page has neither.

    Raises:
        UnexpectedAnswer: a page is of another shape, or the pages go round in a circle.
        FlyError: a page could not be had.
    """
    seen: set[str] = set()
    cursor: str | None = None
    while cursor not in seen:
        if cursor:
            seen.add(cursor)
        answer = api.answer("GET", path, params={**(params or {}), "cursor": cursor})
        page = api.read(answer, into)
        yield page
        cursor = answer.headers.get("fly-next-cursor") or getattr(page, "next_cursor", None)
        if not cursor:
            return
    raise UnexpectedAnswer("each page of the list once", "one page again", f"GET {path}")
