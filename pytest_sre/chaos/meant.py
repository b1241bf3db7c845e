"""Which Machines a test means, and for how long: from the words it says to values. Pure."""

from collections.abc import Sequence
from typing import TypedDict

from pytest_sre.chaos.actions import Which
from pytest_sre.fly.fleet import FlyApp, FlyMachine
from pytest_sre.targets.durations import Duration, parse_duration_s

Place = FlyApp | FlyMachine | str
"""An app, or its name; or one Machine. The target's first app when it is an empty text."""

_LASTS_S = 60.0


class Lasting(TypedDict, total=False):
    """How long something lasts.

    Attributes:
        lasts: when it ends by itself at the latest, where the platform can end it; ``"60s"``.
    """

    lasts: Duration


class Meant(Lasting, total=False):
    """Which Machines are meant.

    Attributes:
        any: so many, chosen by the run's seed; one when nothing is said.
        share: this share of them, rounded up.
        group: only those of a process group.
        region: only those in a region; all of them, when neither ``any`` nor ``share`` is said.
        ids: only these; the beginning of an id is enough.
    """

    any: int
    share: float
    group: str
    region: str
    ids: str | Sequence[str]


def which_of(place: Place, meant: Meant) -> Which:
    """Give the Machines that are meant.

    Raises:
        ValueError: a Machine is given, and something that chooses among several.
    """
    ids = meant.get("ids", ())
    if isinstance(place, FlyMachine):
        if meant.keys() - {"lasts"}:
            said = ", ".join(sorted(meant.keys() - {"lasts"}))
            raise ValueError(f"expected nothing beside the Machine {place.label}, found {said}")
        ids = (place.id,)
    return Which(
        app=app_named(place),
        group=meant.get("group", ""),
        region=meant.get("region", ""),
        ids=(ids,) if isinstance(ids, str) else tuple(ids),
        count=meant.get("any"),
        share=meant.get("share"),
    )


def app_named(place: Place) -> str:
    """Name the app of a place."""
    match place:
        case FlyMachine():
            return place.app.name
        case FlyApp():
            return place.name
        case name:
            return name


def lasting_s(meant: Lasting) -> float:
    """How long it lasts at most, seconds.

    Raises:
        ValueError: it is no time.
    """
    return parse_duration_s(meant.get("lasts", _LASTS_S))
