"""The set checker: is all that was acknowledged there afterwards, and nothing else? Pure.

From Jepsen's checkers ``set`` and ``total-queue``
(https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/checker.clj), and stricter than
the latter: what is there twice makes it false, too, and so does what is there though its operation
failed, which promised that it is not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SetVerdict:
    """What became of the items.

    Attributes:
        lost: acknowledged, and not there.
        duplicated: there more than once, or acknowledged to more than one user.
        unexpected: there, though nobody asked for it, or it was refused.
        recovered: there, though nobody was told so: its outcome was not known. That is fine.
        unread: acknowledged, and the app did not say whether it is there.
        attempted: how many were asked for.
    """

    lost: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    attempted: int = 0

    @property
    def holds(self) -> bool | None:
        """Whether nothing is wrong; None when nobody can tell: what was not read may be lost."""
        if self.lost or self.duplicated or self.unexpected:
            return False
        return None if self.unread or not self.attempted else True


def check_set(
    acknowledged: Iterable[str],
    *,
    readable: Mapping[str, int | None],
    indeterminate: Iterable[str] = (),
) -> SetVerdict:
    """Compare what users were told with what is there.

    Args:
        acknowledged: the items whose operations were ok, one for each operation.
        readable: how often each item is there; None for one about which the app did not say. One
            that it does not name is not there.
        indeterminate: the items whose operations may or may not have happened.
    """
    told = Counter(acknowledged)
    open_ = set(indeterminate) - set(told)
    there = {item for item, copies in readable.items() if copies}
    unread = {item for item, copies in readable.items() if copies is None}
    twice = {item for item, copies in readable.items() if copies and copies > 1}
    twice |= {item for item, times in told.items() if times > 1}
    return SetVerdict(
        lost=tuple(sorted(set(told) - there - unread)),
        duplicated=tuple(sorted(twice)),
        unexpected=tuple(sorted(there - set(told) - open_)),
        recovered=tuple(sorted(there & open_)),
        unread=tuple(sorted(unread & set(told))),
        attempted=len(told) + len(open_),
    )
