"""Which faults are active: a pure registry on a clock that is handed in."""

import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from pytest_sre.local.faults.kinds import KINDS, Kind, kind_name
from pytest_sre.local.faults.scopes import Scope, Site

DEFAULT_S: Final = 60.0
LONGEST_S: Final = 3600.0
MOST: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")

K = TypeVar("K", bound=Kind)


class TooManyFaults(Exception):  # noqa: N818 - a refusal
    """As many faults are active as there may be."""


class Fault(msgspec.Struct, frozen=True):
    """A fault that was switched on.

    Attributes:
        id: by which it is known.
        kind: what goes wrong.
        scope: what it concerns.
        began_at: Unix seconds.
        ends_at: when it ends by itself at the latest, Unix seconds.
        left: how many more times it strikes; None for as often as it can.
    """

    id: str
    kind: Kind
    scope: Scope
    began_at: float
    ends_at: float
    left: int | None = None

    def is_active(self, at: float) -> bool:
        """Whether it strikes at a Unix time."""
        return at < self.ends_at and self.left != 0

    def view(self) -> dict[str, Any]:
        """As the API shows it."""
        stated = {name: value for name, value in msgspec.to_builtins(self.scope).items() if value}
        return {
            "id": self.id,
            **msgspec.to_builtins(self.kind),
            **stated,
            "began_at": self.began_at,
            "ends_at": self.ends_at,
            "left": self.left,
        }


class Faults:
    """The faults that are active. Each ends by itself; at most a hundred at a time.

    Args:
        clock: gives Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._faults: dict[str, Fault] = {}
        self._numbers = itertools.count(1)

    def add(
        self,
        kind: Kind,
        scope: Scope,
        *,
        for_s: float = DEFAULT_S,
        count: int | None = None,
        name: str = "",
    ) -> Fault:
        """Switch a fault on.

        Args:
            kind: what goes wrong.
            scope: what it concerns.
            for_s: for how long at most, seconds: more than none, at most an hour.
            count: how often it strikes at most; None for as often as it can.
            name: its id, so that who asks for it knows that before the answer; a new one when
                empty.

        Raises:
            ValueError: the time or the count is out of range, the kind cannot be restricted
                or counted so, or the name is taken.
            TooManyFaults: a hundred are active.
        """
        _require_applicable(kind, scope, count)
        if not 0 < for_s <= LONGEST_S:
            raise ValueError(f"expected a time of more than 0s and at most 1h, found {for_s:g}s")
        if count is not None and count < 1:
            raise ValueError(f"expected a count of at least 1, found {count}")
        if name in {each.id for each in self.active()}:
            raise ValueError(f"expected a new name, found {name!r}, which is a fault's already")
        if len(self.active()) >= MOST:
            raise TooManyFaults(f"{MOST} faults are active, and there may not be more")
        now = self._clock()
        new = (f"{kind_name(kind)}-{n}" for n in self._numbers)
        fault_id = require_name(name) or next(each for each in new if each not in self._faults)
        fault = Fault(fault_id, kind, scope, now, now + for_s, count)
        self._faults[fault.id] = fault
        return fault

    def active(self) -> list[Fault]:
        """The faults that are on now, oldest first."""
        now = self._clock()
        self._faults = {key: each for key, each in self._faults.items() if each.is_active(now)}
        return list(self._faults.values())

    def remove(self, fault_id: str) -> bool:
        """Switch one off; whether it was on."""
        was_active = any(each.id == fault_id for each in self.active())
        self._faults.pop(fault_id, None)
        return was_active

    def clear(self) -> int:
        """Switch all off; how many were on."""
        ended = len(self.active())
        self._faults.clear()
        return ended

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was switched on that could still be active."""
        return not self._faults

    def find(self, kind: type[K], site: Site) -> K | None:
        """Give the first active fault of a kind that concerns a site, without counting."""
        return next((found for _, found in self._concerning(kind, site)), None)

    def all_of(self, kind: type[K], site: Site) -> list[K]:
        """Give all active faults of a kind that concern a site, oldest first."""
        return [found for _, found in self._concerning(kind, site)]

    def strike(self, kind: type[K], site: Site) -> K | None:
        """Give the first active fault of a kind that concerns a site, and count that it struck."""
        for fault, found in self._concerning(kind, site):
            if fault.left is not None:
                self._faults[fault.id] = msgspec.structs.replace(fault, left=fault.left - 1)
            return found
        return None

    def _concerning(self, kind: type[K], site: Site) -> Iterator[tuple[Fault, K]]:
        if self.is_quiet:
            return
        for fault in self.active():
            if isinstance(fault.kind, kind) and fault.scope.covers(site):
                yield fault, fault.kind


def _require_applicable(kind: Kind, scope: Scope, count: int | None) -> None:
    name, may = kind_name(kind), kind.scopes
    wrong = [each for each in scope.__struct_fields__ if getattr(scope, each) and each not in may]
    if wrong:
        raise ValueError(
            f"expected {name} to be restricted by {', '.join(may)}, found {', '.join(wrong)}"
        )
    if count is not None and not kind.is_counted:
        raise ValueError(
            f"expected no count for {name}, which is a state: say for how long it lasts"
        )


def require_name(name: str) -> str:
    """Give a name by which a fault can be called, or an empty one.

    Raises:
        ValueError: it is none.
    """
    if name and not _NAME.fullmatch(name):
        raise ValueError(f"expected a name of letters, digits and . _ -, found {name[:40]!r}")
    return name


def read_kind(given: Mapping[str, object]) -> Kind:
    """Read a kind with what it is told.

    Args:
        given: its name as ``kind``, and beside it what else it is told.

    Raises:
        ValueError: there is no such kind, or it cannot be told that.
    """
    if given.get("kind") not in known_kinds():
        known = ", ".join([*known_kinds(), "link"])
        raise ValueError(
            f"expected a kind of fault, found {given.get('kind')!r}\nthere are: {known}"
        )
    return msgspec.convert(given, Kind, strict=False)  # type: ignore[no-any-return]


def known_kinds() -> list[str]:
    """Name all kinds."""
    return [kind_name(each) for each in KINDS]
