"""The other end of a way between Machines and something, as it is told and named. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.fly.models import Machine
from pytest_sre.local.proxy.internal_names import parse_internal_name
from pytest_sre.targets.errors import did_you_mean, quoted

_FORMS: Final = "anywhere, client, outside, app:NAME, group:APP/GROUP, machine:ID or host:NAME"
_MOST_NAMED: Final = 12
_ALONE: Final = frozenset({"anywhere", "client", "outside"})
_NAMED: Final = frozenset({"app", "group", "machine", "host"})
_NAME: Final = re.compile(r"[A-Za-z0-9_:](?:[A-Za-z0-9_.:-]{0,251}[A-Za-z0-9_:])?")


@dataclass(frozen=True)
class Other:
    """The other end of a way.

    Attributes:
        kind: such as ``app`` or ``anywhere``.
        name: which one of that kind; empty for those that need none.
    """

    kind: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``group:shop/store`` and its like.

        Raises:
            NotInjected: it has none of the forms.
        """
        kind, _, name = text.partition(":")
        if text in _ALONE:
            return cls(text)
        parts = name.split("/") if kind == "group" else [name]
        is_whole = (len(parts) == 2) == (kind == "group")
        if kind in _NAMED and is_whole and all(map(_NAME.fullmatch, parts)):
            return cls(kind, name)
        raise NotInjected(f"expected {_FORMS}, found {text[:80]!r}")

    def point(self) -> str:
        """Name it as the local platform's network does."""
        if self.kind == "client":
            # Users come to Machines through the edge.
            return "edge"
        place = self.on_platform()
        return f"{place.kind}:{place.name}" if place.name else place.kind

    def on_platform(self) -> "Other":
        """Give what a name of the private network stands for; itself when it is none."""
        internal = parse_internal_name(self.name) if self.kind == "host" else None
        if internal is None:
            return self
        if internal.machine_id:
            return Other("machine", internal.machine_id)
        if internal.group:
            return Other("group", f"{internal.app}/{internal.group}")
        return Other("app", internal.app)

    def host(self, app: str) -> str:
        """Give the name that stands for it on Fly's private network; empty for all there is.

        Args:
            app: the app of the Machines whose way it is.

        Raises:
            NotInjected: nothing tells it apart inside a Machine.
        """
        match self.kind:
            case "anywhere":
                return ""
            case "host":
                return self.name
            case "app":
                return f"{self.name}.internal"
            case "group":
                of, _, group = self.name.partition("/")
                return f"{group}.process.{of}.internal"
            case "machine":
                return f"{self.name}.vm.{app}.internal"
        raise NotInjected(
            f"expected another end than {self.kind}, which cannot be told apart inside a Machine"
            " on Fly.io\nname anywhere, app:NAME, group:APP/GROUP, machine:ID or host:NAME"
        )


def require_end(other: Other, apps: Mapping[str, Sequence[Machine]]) -> None:
    """Pass when there is something at the other end, or it is not of the platform.

    Args:
        other: the end.
        apps: all apps of the platform, each with its Machines; one without any is no end.

    Raises:
        NotInjected: there is nothing; names what there is.
    """
    place = other.on_platform()
    machines = [(app, machine) for app, fleet in apps.items() for machine in fleet]
    match place.kind:
        case "app":
            there = {app for app, _ in machines}
        case "group":
            there = {f"{app}/{machine.group}" for app, machine in machines}
        case "machine":
            there = {machine.id for _, machine in machines}
        case _:
            return
    if place.name not in there:
        hint = did_you_mean(place.name, there)
        found = f"there is no {place.kind} {quoted(place.name)}; there are: {_some(there)}"
        raise NotInjected(f"{found}\n{hint}" if hint else found)


def _some(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return (", ".join(found[:_MOST_NAMED]) or "none") + more
