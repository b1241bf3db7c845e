"""Which Machine the proxy sends a request to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.local.network.distances import round_trip_s
from pytest_sre.local.proxy.regions import is_in, read_regions

_DEFAULT_SOFT_LIMIT: Final = 20


@dataclass(frozen=True)
class Candidate:
    """A Machine as the proxy sees it for one service.

    Args:
        machine_id: its id.
        region: where it is.
        state: its state.
        cordoned: taken out of routing.
        healthy: all of the service's checks pass; true when the service has none.
        load: requests in flight.
        soft_limit: from this load on others are preferred; 20 when not stated.
        hard_limit: from this load on it gets nothing more; none when not stated.
        autostart: the proxy may start it.
        turn: when it was last chosen, as a rising number; the longest unused goes first.
    """

    machine_id: str
    region: str
    state: str
    cordoned: bool = False
    healthy: bool = True
    load: int = 0
    soft_limit: int | None = None
    hard_limit: int | None = None
    autostart: bool = False
    turn: int = 0

    @property
    def is_started(self) -> bool:
        """It runs and may be routed to."""
        return self.state == "started" and not self.cordoned

    @property
    def is_startable(self) -> bool:
        """It does not run, and the proxy may change that."""
        return self.autostart and not self.cordoned and self.state in ("stopped", "suspended")

    @property
    def is_full(self) -> bool:
        """It is at its hard limit."""
        return self.hard_limit is not None and self.load >= self.hard_limit

    @property
    def is_busy(self) -> bool:
        """It is at its soft limit."""
        limit = _DEFAULT_SOFT_LIMIT if self.soft_limit is None else self.soft_limit
        return self.load >= limit


@dataclass(frozen=True)
class Wish:
    """What a request asks of the proxy; regions and their aliases in order of preference."""

    force_machine: str | None = None
    prefer_machine: str | None = None
    force_regions: tuple[str, ...] = ()
    prefer_regions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Where a request goes.

    Args:
        machine_id: the Machine to send it to; None when none can take it now.
        wake: a stopped Machine that should be started for it.
        full: Machines could serve it, were they not at their hard limit.
        unknown: the Machine that the request insists on does not exist.
    """

    machine_id: str | None = None
    wake: str | None = None
    full: bool = False
    unknown: bool = False


def choose(candidates: Sequence[Candidate], wish: Wish, edge_region: str) -> Decision:
    """Choose the Machine for a request.

    Candidates are started, not cordoned and healthy Machines; then the wished for, those
    below their soft limit, the nearest, the least loaded. A forced Machine need not be healthy.

    Args:
        candidates: the Machines of the service that were not tried yet.
        wish: what the request's headers ask for.
        edge_region: where the request came in.
    """
    if wish.force_machine:
        return _forced(candidates, wish.force_machine)
    if wish.force_regions:
        allowed = wish.force_regions
        candidates = [c for c in candidates if _place(c.region, allowed) < len(allowed)]
    serving = [each for each in candidates if each.is_started and each.healthy]
    free = [each for each in serving if not each.is_full]

    def rank(each: Candidate) -> tuple[object, ...]:
        return (
            each.machine_id != wish.prefer_machine,
            _place(each.region, wish.force_regions),
            _place(each.region, wish.prefer_regions),
            each.is_busy,
            each.region != edge_region,
            round_trip_s(edge_region, each.region),
            each.load,
            each.turn,
            each.machine_id,
        )

    wake = None
    if all(each.is_busy for each in free):
        startable = [each for each in candidates if each.is_startable]
        wake = min(startable, key=rank).machine_id if startable else None
    if free:
        return Decision(min(free, key=rank).machine_id, wake)
    return Decision(wake=wake, full=bool(serving))


def _forced(candidates: Sequence[Candidate], machine_id: str) -> Decision:
    only = next((each for each in candidates if each.machine_id == machine_id), None)
    if only is None:
        return Decision(unknown=True)
    if only.is_startable:
        return Decision(wake=machine_id)
    if not only.is_started:
        return Decision()
    return Decision(full=True) if only.is_full else Decision(machine_id)


def _place(region: str, wished: Sequence[str]) -> int:
    """The place of the first wish that the region fulfils; behind all when none."""
    fulfilled = (place for place, wish in enumerate(wished) if is_in(region, wish))
    return next(fulfilled, len(wished))


def wish_from_headers(headers: dict[str, str]) -> Wish:
    """Read the routing headers of a request; names in lower case."""
    return Wish(
        headers.get("fly-force-instance-id") or None,
        headers.get("fly-prefer-instance-id") or None,
        read_regions(headers.get("fly-force-region", "")),
        read_regions(headers.get("fly-prefer-region", "")),
    )


def idle_machine(candidates: Sequence[Candidate], *, quiet: bool, keep: int) -> str | None:
    """The Machine of one region that autostop would stop now, if any.

    Args:
        candidates: the region's Machines.
        quiet: none of them had traffic since the last look.
        keep: how many must go on running here.
    """
    running = [each for each in candidates if each.is_started]
    if len(running) <= keep:
        return None
    busy = sum(each.is_busy for each in running)
    excess = len(running) - (busy + 1)
    idle = [each for each in running if each.load == 0]
    if idle and (excess >= 1 or (len(running) == 1 and quiet)):
        return min(idle, key=lambda each: (each.turn, each.machine_id)).machine_id
    return None
