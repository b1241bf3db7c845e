"""Plays a schedule on a fleet, heals everything, and reads back what users were told."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import httpx

from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.changes.machines import CordonMachine
from pytest_sre.chaos.explore.fleets import Fleet
from pytest_sre.chaos.explore.history import Cordoned, Invocation, Outcome, Played
from pytest_sre.chaos.explore.invariants import Invariant
from pytest_sre.chaos.explore.operations import Operation
from pytest_sre.chaos.explore.steps import AT_ONCE, Begin, Heal, Inject, Schedule, Wait
from pytest_sre.chaos.explore.users import User
from pytest_sre.fly.errors import FlyError
from pytest_sre.local.platform import LocalPlatformError

HELD_S: Final = 0.2
"""How long an app has to keep a user waiting until an operation counts as in flight."""

_LOOK_AGAIN_S: Final = 0.05
_BEGUN_WITHIN_S: Final = 3.0
_UNDONE_WITHIN_S: Final = 10.0
# How long an app may give no answer about an item before nobody can tell.
_READABLE_WITHIN_S: Final = 15.0


@dataclass(frozen=True)
class Stage:
    """Where schedules are played, and what is looked at.

    Attributes:
        fleet: has begun anew.
        operations: what users do, by name.
        invariants: decide what is looked at beside what users were told.
        settles_within_s: how long what was acknowledged may take until it can be read.
    """

    fleet: Fleet
    operations: Mapping[str, Operation]
    invariants: Sequence[Invariant]
    settles_within_s: float

    def play(self, schedule: Schedule) -> Played:
        """Play a schedule; all of its faults are healed when this returns.

        Raises:
            NotInjected: a fault cannot be injected into this fleet.
            FlyError: the platform does not answer.
        """
        changes = self.fleet.changes(schedule.faults)
        with ThreadPoolExecutor(len(schedule.operations) or 1) as users:
            playing = _Playing(self, users, changes)
            try:
                playing.begin(schedule)
            finally:
                playing.heal()
            return playing.end()


@dataclass
class _Playing:
    """One schedule as it is played."""

    stage: Stage
    pool: ThreadPoolExecutor
    changes: Sequence[Sequence[Change]]
    users: list[User] = field(default_factory=list)
    asked: list[Future[Invocation]] = field(default_factory=list)
    not_injected: list[str] = field(default_factory=list)
    on: dict[int, float] = field(default_factory=dict)
    cordons: dict[str, float] = field(default_factory=dict)
    cordoned: list[Cordoned] = field(default_factory=list)
    began_at: float = field(default_factory=time.time)
    healed_at: float = 0.0

    def begin(self, schedule: Schedule) -> None:
        """Take the steps, each when the one before has had its effect, and let faults end."""
        base_url = self.stage.fleet.base_url
        self.users = [User.of(base_url) for _ in schedule.operations]
        waiting = iter(self.users)
        numbers = count()
        self.began_at = time.time()
        for step in schedule.steps:
            match step:
                case Begin(operation, at_once):
                    self._begin(next(waiting), operation, at_once=at_once)
                case Inject(fault):
                    number = next(numbers)
                    self._strike(number)
                    lasts_s = 0.0 if isinstance(fault, AT_ONCE) else fault.lasts_s
                    self.on[number] = time.monotonic() + lasts_s
                case Wait(seconds):
                    self._pass(seconds)
                case Heal():
                    self._heal_due(math.inf)
        while self.on:
            self._pass(max(0.0, min(self.on.values()) - time.monotonic()))

    def _begin(self, user: User, name: str, *, at_once: bool) -> None:
        asked = self.pool.submit(user.does, self.stage.operations[name])
        self.asked.append(asked)
        until = time.monotonic() + _BEGUN_WITHIN_S
        while not (at_once or asked.done() or user.waits_s >= HELD_S or time.monotonic() > until):
            self._pass(_LOOK_AGAIN_S / 5)

    def _pass(self, seconds: float) -> None:
        """Let time pass, and faults end that are due meanwhile."""
        until = time.monotonic() + seconds
        while True:
            self._heal_due(time.monotonic())
            next_at = min([until, *self.on.values()])
            if time.monotonic() >= until:
                return
            time.sleep(max(0.0, next_at - time.monotonic()))

    def _heal_due(self, until: float) -> None:
        for number in sorted(number for number, ends in self.on.items() if ends <= until):
            self._heal(number)

    def _strike(self, number: int) -> None:
        for change in self.changes[number]:
            try:
                change.make(self.stage.fleet.hands)
            except (FlyError, LocalPlatformError, NotInjected) as error:
                # As of a Machine that another fault has stopped already.
                self.not_injected.append(f"{change.described}: {error}")
            else:
                if isinstance(change, CordonMachine):
                    self.cordons[change.machine] = time.time()

    def _heal(self, number: int) -> None:
        self.on.pop(number, None)
        for change in reversed(self.changes[number]):
            if isinstance(change, CordonMachine) and change.machine in self.cordons:
                from_at = self.cordons.pop(change.machine)
                self.cordoned.append(
                    Cordoned(machine=change.machine, from_at=from_at, until_at=time.time())
                )
            with contextlib.suppress(FlyError, LocalPlatformError):
                change.undo(self.stage.fleet.hands)

    def heal(self) -> None:
        """End all faults, and wait until they are undone, or the time for it is over."""
        self._heal_due(math.inf)
        until = time.monotonic() + _UNDONE_WITHIN_S
        left = [change for fault in self.changes for change in fault]
        while left := [change for change in left if not self._is_undone(change)]:
            if time.monotonic() > until:
                break
            time.sleep(_LOOK_AGAIN_S)
        self.healed_at = time.time()

    def _is_undone(self, change: Change) -> bool:
        hands = self.stage.fleet.hands
        with contextlib.suppress(FlyError, LocalPlatformError):
            if change.is_undone(hands):
                return True
            change.undo(hands)
        return False

    def end(self) -> Played:
        """Wait for what users are still told, and look at what is there now."""
        stage = self.stage
        healing_s = max((each.recovers_within_s for each in stage.invariants), default=0.0)
        recovered_s = self._recovered_s(healing_s) if healing_s else None
        invocations = tuple(asked.result() for asked in self.asked)
        readable = self._readable(invocations)
        is_log_read = any(each.reads_log for each in stage.invariants)
        for user in self.users:
            user.client.close()
        return Played(
            invocations=invocations,
            readable=readable,
            healed_at=self.healed_at,
            recovered_s=recovered_s,
            errors=stage.fleet.errors(self.began_at) if is_log_read else (),
            requests=tuple(request for user in self.users for request in user.requests),
            cordoned=tuple(self.cordoned),
            not_injected=tuple(self.not_injected),
        )

    def _recovered_s(self, within_s: float) -> float | None:
        """Wait until all Machines run and an operation is done; None when that takes too long."""
        operation = next(iter(self.stage.operations.values()))
        while (took_s := time.time() - self.healed_at) <= within_s:
            user = User.of(self.stage.fleet.base_url)
            with contextlib.suppress(FlyError), user.client:
                if (
                    self.stage.fleet.is_whole()
                    and user.does(operation).outcome is Outcome.OK
                    and (took_s := time.time() - self.healed_at) <= within_s
                ):
                    return took_s
            time.sleep(_LOOK_AGAIN_S)
        return None

    def _readable(self, invocations: Sequence[Invocation]) -> dict[str, int | None]:
        """How often each item is there: as soon as all are, or when their time is over."""
        reads = {
            each.item: self.stage.operations[each.operation].copies
            for each in invocations
            if each.item
        }
        began = time.monotonic()
        found: dict[str, int | None] = dict.fromkeys(reads)
        user = User.of(self.stage.fleet.base_url)
        with user.client:
            for took_s in _times_s(began):
                found |= _copies(user.client, {i: reads[i] for i in reads if not found[i]})
                settled = all(found.values()) or took_s >= self.stage.settles_within_s
                if (settled and None not in found.values()) or took_s >= _READABLE_WITHIN_S:
                    break
        return found


def _copies(
    client: httpx.Client, reads: Mapping[str, Callable[[httpx.Client, str], int]]
) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for item, copies in reads.items():
        try:
            found[item] = copies(client, item)
        except Exception:  # noqa: BLE001 - whatever a user's function raises: the app did not say
            found[item] = None
    return found


def _times_s(began: float) -> Iterator[float]:
    """Give how long it has been going on, again and again, seconds."""
    while True:
        yield time.monotonic() - began
        time.sleep(_LOOK_AGAIN_S)
