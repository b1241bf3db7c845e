"""Where traffic comes from and goes to: single places, and points that stand for many."""

from dataclasses import dataclass
from typing import Final, Literal, Self, cast

_PointKind = Literal[
    "anywhere", "client", "edge", "region", "app", "group", "machine", "outside", "host"
]
_ALONE: Final = frozenset({"anywhere", "client", "edge", "outside"})
_NAMED: Final = frozenset({"edge", "region", "app", "group", "machine", "host"})
_FORMS: Final = (
    "anywhere, client, outside, edge, edge:REGION, region:REGION, app:APP, group:APP/GROUP,"
    " machine:ID or host:NAME"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One end of a connection.

    Args:
        kind: what is there: a client on the internet, a proxy at the edge, a Machine, or a host
            outside of the platform.
        region: where it is; empty when that is not known.
        app: the Machine's app.
        group: the Machine's process group.
        machine_id: the Machine.
        host: the name of a host outside of the platform, in lower case.
    """

    kind: Literal["client", "edge", "machine", "outside"]
    region: str = ""
    app: str = ""
    group: str = ""
    machine_id: str = ""
    host: str = ""


CLIENT: Final = Place("client")
OUTSIDE: Final = Place("outside")


@dataclass(frozen=True)
class Point:
    """All places of a kind: ``app:shop`` stands for each Machine of that app.

    Args:
        kind: the kind.
        name: which one of that kind; for an edge, empty stands for each.
    """

    kind: _PointKind
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``machine:148e21d9c33e89`` and its like.

        Raises:
            ValueError: it has none of the forms.
        """
        kind, _, name = text.strip().partition(":")
        fits = kind in _NAMED if name else kind in _ALONE and ":" not in text
        if not fits or (kind == "group" and not all(name.partition("/")[::2])):
            raise ValueError(f"expected {_FORMS}, found {text!r}")
        return cls(cast("_PointKind", kind), name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind

    def holds(self, place: Place) -> bool:
        """Whether the point stands for this place, among others."""
        match self.kind:
            case "anywhere":
                return True
            case "client" | "outside":
                return place.kind == self.kind
            case "edge":
                return place.kind == "edge" and self.name in ("", place.region)
            case "region":
                return place.region == self.name
            case "app":
                return place.kind == "machine" and place.app == self.name
            case "group":
                return place.kind == "machine" and f"{place.app}/{place.group}" == self.name
            case "machine":
                return place.machine_id == self.name
            case "host":
                return place.host == self.name.lower()
