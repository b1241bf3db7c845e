"""The blast radius: how much of a target is perturbed at once, and that it is no more than may be.

Pure, but for `Radius`, which remembers what is perturbed now.
"""

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.chaos.changes.change import Change, ChangeStruct
from pytest_sre.chaos.changes.machines import CloneMachine
from pytest_sre.chaos.choosing import labels_of
from pytest_sre.deploys.health import is_healthy
from pytest_sre.fly.models import Machine
from pytest_sre.targets import Target
from pytest_sre.verdict import Inconclusive

_CAUSE: Final = "chaos limits"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What is perturbed.

    Attributes:
        app: the app's name.
        fleet: all its Machines, as they were listed.
        machines: those of them that are perturbed.
        made: how many are made beside them.
        lasts_s: for how long at most, seconds.
    """

    app: str
    fleet: Sequence[Machine]
    machines: tuple[Machine, ...]
    lasts_s: float
    made: int = 0


def reach_of(
    changes: Sequence[Change], fleet: Sequence[Machine], *, app: str, lasts_s: float
) -> Reach:
    """Say what changes perturb: their Machines; the whole app where one is not of a Machine.

    Args:
        changes: what is to be done.
        fleet: the app's Machines, as they were listed.
        app: its name.
        lasts_s: how long it lasts at most, seconds.
    """
    perturbing = [each for each in changes if not isinstance(each, CloneMachine)]
    ids = {each.perturbs if isinstance(each, ChangeStruct) else "" for each in perturbing}
    perturbed = tuple(each for each in fleet if "" in ids or each.id in ids)
    made = len(changes) - len(perturbing)
    return Reach(app=app, fleet=fleet, machines=perturbed, lasts_s=lasts_s, made=made)


def require_within(target: Target, reach: Reach, others: Sequence[Machine] = ()) -> None:
    """Pass when no more is perturbed than may be.

    Args:
        target: where.
        reach: what is to be perturbed.
        others: Machines of the target that are perturbed already.

    Raises:
        Inconclusive: it is more; nothing was done.
    """
    require_time(target, reach.lasts_s)
    perturbed = tuple({each.id: each for each in (*others, *reach.machines)}.values())
    _require_count(target, perturbed, reach.made)
    _require_regions(target, perturbed)
    ids = {each.id for each in perturbed}
    for group in sorted({each.group for each in reach.machines}):
        there = [each for each in reach.fleet if each.group == group]
        _require_share(target, group, there, ids)
        if _serves(target, reach.app, group):
            _require_one_left(target, group, there, ids)


def require_time(target: Target, lasts_s: float) -> None:
    """Pass when chaos lasts no longer than it may.

    Raises:
        Inconclusive: it does; nothing was done.
    """
    if lasts_s > target.chaos.lasts_s:
        raise _refused(
            target,
            f"chaos of at most {target.chaos.lasts_s:g} s",
            f"{lasts_s:g} s",
            f"chaos-seconds = {math.ceil(lasts_s)}",
        )


class Radius:
    """Keeps all that is perturbed at the same time within limits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: list[Reach] = []

    @contextlib.contextmanager
    def taking(self, target: Target, reach: Reach) -> Iterator[None]:
        """Perturb something beside what is perturbed already.

        Args:
            target: whose limits hold.
            reach: what is to be perturbed.

        Raises:
            Inconclusive: together it is more than may be; nothing was done.
        """
        with self._lock:
            others = [machine for each in self._now for machine in each.machines]
            require_within(target, reach, others)
            self._now.append(reach)
        try:
            yield
        finally:
            with self._lock:
                self._now = [each for each in self._now if each is not reach]


def _require_count(target: Target, perturbed: Sequence[Machine], made: int) -> None:
    count = len(perturbed) + made
    if count > target.chaos.machines:
        new = [f"{made} new"] if made else []
        raise _refused(
            target,
            f"at most {_machines(target.chaos.machines)} perturbed at once",
            f"{count}: {', '.join([*filter(None, [labels_of(perturbed)]), *new])}",
            f"chaos-machines = {count}",
        )


def _require_regions(target: Target, perturbed: Sequence[Machine]) -> None:
    regions = sorted({each.region for each in perturbed})
    if len(regions) > target.chaos.regions:
        raise _refused(
            target,
            f"Machines perturbed in at most {target.chaos.regions} of the regions",
            ", ".join(regions),
            f"chaos-regions = {len(regions)}",
        )


def _require_share(target: Target, group: str, there: Sequence[Machine], ids: set[str]) -> None:
    """Count what runs: a Machine that sleeps bears nothing while others are perturbed."""
    perturbed = [each for each in there if each.id in ids]
    running = [each for each in there if each.id in ids or each.state == "started"]
    share = len(perturbed) / len(running)
    if share > target.chaos.share:
        raise _refused(
            target,
            f"at most {100 * target.chaos.share:g} % of the group {group} perturbed at once",
            f"{len(perturbed)} of {_machines(len(running))}",
            f"chaos-share = {math.ceil(100 * share) / 100:g}",
        )


def _require_one_left(target: Target, group: str, there: Sequence[Machine], ids: set[str]) -> None:
    if target.chaos.last_machine or any(_bears(each) and each.id not in ids for each in there):
        return
    perturbed = labels_of(each for each in there if each.id in ids)
    raise _refused(
        target,
        f"a healthy Machine of the group {group} to be left",
        f"none beside {perturbed}",
        "chaos-last-machine = true",
    )


def _bears(machine: Machine) -> bool:
    """Whether users are served by a Machine now."""
    return is_healthy(machine) and machine.is_reachable and not machine.cordoned


def _serves(target: Target, app: str, group: str) -> bool:
    """Whether the proxy sends anybody to a group; one that nobody knows is taken to serve."""
    known = [spec.toml for spec in target.apps if spec.name == app]
    return not known or bool(known[0].services(group)) or group not in known[0].groups


def _machines(count: int) -> str:
    return f"{count} Machine" if count == 1 else f"{count} Machines"


def _refused(target: Target, expected: str, found: str, line: str) -> Inconclusive:
    return Inconclusive(
        f"expected {expected} on {target.name}, found {found}\n"
        f"ask for less, or put {line} into [targets.{target.name}.limits]",
        cause=_CAUSE,
    )
