"""What is said to a guardian: lines of text, each one word and what it is about. Pure."""

from dataclasses import dataclass
from typing import Final

READY: Final = b"ready\n"
"""What a guardian says once nothing that ends its process group ends it."""

FAREWELL: Final = b"farewell\n"
"""All is undone: it has nothing to do any more."""

_WATCH: Final = "watch"
_FORGET: Final = "forget"
_LONGEST: Final = 4_096


@dataclass(frozen=True)
class Group:
    """A process group that must not outlive whoever is guarded.

    Attributes:
        leader: the process id of its leader, which is also its own.
        began_at: when the leader was started, as the system says; tells it from a later one with
            the same number.
    """

    leader: int
    began_at: float


@dataclass(frozen=True)
class Heard:
    """What a guardian was told so far.

    Attributes:
        groups: what it has to end.
        is_dismissed: it has nothing to do any more.
        rest: the beginning of a line that is not there yet.
    """

    groups: frozenset[Group] = frozenset()
    is_dismissed: bool = False
    rest: bytes = b""


def watch_line(group: Group) -> bytes:
    """Say that a process group must not outlive us."""
    return f"{_WATCH} {group.leader} {group.began_at!r}\n".encode()


def forget_line(group: Group) -> bytes:
    """Say that it has ended."""
    return f"{_FORGET} {group.leader} {group.began_at!r}\n".encode()


def hear(before: Heard, data: bytes) -> Heard:
    """Take in what was said since; what cannot be understood is left out.

    Args:
        before: what was said before.
        data: what came since.
    """
    *lines, rest = (before.rest + data).split(b"\n")
    heard = Heard(before.groups, before.is_dismissed, rest[-_LONGEST:])
    for line in lines:
        heard = _heard(heard, line + b"\n")
    return heard


def _heard(before: Heard, line: bytes) -> Heard:
    if line == FAREWELL:
        return Heard(before.groups, is_dismissed=True, rest=before.rest)
    match line.decode("ascii", "replace").split():
        case [("watch" | "forget") as word, leader, began_at]:
            group = _group(leader, began_at)
        case _:
            return before
    if group is None:
        return before
    groups = before.groups | {group} if word == _WATCH else before.groups - {group}
    return Heard(groups, before.is_dismissed, before.rest)


def _group(leader: str, began_at: str) -> Group | None:
    try:
        group = Group(int(leader), float(began_at))
    except ValueError:
        return None
    # 0 and 1 are no groups of others: they would be our own, or all processes.
    return group if group.leader > 1 else None
