"""Chooses among an app's Machines for each request, wakes those that sleep, and says why not."""

import asyncio
import itertools
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Final

from pytest_sre.local.fleet import App, Known
from pytest_sre.local.logbook import Origin
from pytest_sre.local.machines.records import Blueprint, MachineRecord
from pytest_sre.local.machines.state import Refused
from pytest_sre.local.proxy.routing import Candidate, Decision, Wish, choose
from pytest_sre.local.proxy.services import MAIN, Entrance, Route, find_route
from pytest_sre.local.proxy.stale import as_known

LONGEST_WAIT_S: Final = 10.0
LOOK_AGAIN_S: Final = 0.02
_KEPT_ROUTES: Final = 20_000
_WAKING: Final = frozenset({"starting", "started"})


class Balancer:
    """The Machines of one app, as its proxy sees them.

    Args:
        app: the app.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._turns = itertools.count(1)
        self._routes: dict[tuple[str, Entrance], tuple[Blueprint, Route | None]] = {}

    def candidates(self, entrance: Entrance = MAIN, tried: Container[str] = ()) -> list[Candidate]:
        """The Machines that an entrance leads to, as they are now.

        Args:
            entrance: where requests come in.
            tried: Machines to leave out.
        """
        current = [
            _candidate(record, route)
            for record in self.app.present()
            if record.id not in tried and (route := self.route(record, entrance))
        ]
        return as_known(self.app, current)

    async def decide(
        self,
        entrance: Entrance,
        wish: Wish,
        region: str,
        tried: Container[str],
        within_s: float = LONGEST_WAIT_S,
    ) -> Decision:
        """Choose a Machine; wait for one that is being started, or is full, for a while.

        Args:
            entrance: where the request came in.
            wish: what it asks for.
            region: where it came in.
            tried: Machines to leave out.
            within_s: how long to wait.
        """
        until = time.monotonic() + within_s
        woken: str | None = None
        while True:
            decision = choose(self.candidates(entrance, tried), wish, region)
            if decision.wake and decision.wake != woken:
                woken = decision.wake
                self._wake(woken)
            waiting = decision.full or (woken is not None and self._is_coming(woken))
            if decision.machine_id or not waiting or time.monotonic() > until:
                return decision
            await asyncio.sleep(LOOK_AGAIN_S)

    def route(self, record: MachineRecord, entrance: Entrance) -> Route | None:
        """The service of a Machine that an entrance leads to; None when it has none."""
        # Asked for each Machine at each request, and the same until the Machine is updated.
        key = (record.id, entrance)
        known = self._routes.get(key)
        if known is None or known[0] is not record.blueprint:
            if len(self._routes) > _KEPT_ROUTES:
                self._routes.clear()
            known = (record.blueprint, find_route(record.settings, entrance))
            self._routes[key] = known
        return known[1]

    def record(self, machine_id: str) -> MachineRecord:
        """A Machine of the app."""
        return self.app.machines[machine_id].record

    @contextmanager
    def using(self, record: MachineRecord) -> Iterator[None]:
        """Count a request, or a connection, as the Machine's load."""
        record.load += 1
        record.turn = next(self._turns)
        try:
            yield
        finally:
            record.load -= 1

    def log(self, text: str, record: MachineRecord | None = None, *, level: str = "error") -> None:
        """Write a line of the proxy into the app's log; its code is taken from its text."""
        origin = Origin(record.id, record.region) if record else Origin()
        code = int(text[3:5]) if text.startswith("[P") else None
        self.app.logbook.write(text, provider="proxy", level=level, origin=origin, error_code=code)

    def log_refusal(self, decision: Decision, refusals: dict[str, str], attempts: int) -> str:
        """Write down why no Machine can serve.

        Returns:
            The code: which Fly's documentation explains.
        """
        searched = (
            f"could not find a good candidate within {max(1, attempts)} attempts at load balancing"
        )
        if refusals:
            for machine_id, text in refusals.items():
                lifecycle = self.app.machines.get(machine_id)
                self.log(text, lifecycle.record if lifecycle else None)
            self.log(f"[PR03] {searched}. last error: {list(refusals.values())[-1]}")
            return "PR03"
        if decision.unknown:
            self.log("[PR02] machine not found")
            return "PR02"
        if decision.full:
            self.log("[PL01] all Machines are at their hard limit")
            return "PL01"
        self.log(f"[PR04] {searched}")
        return "PR04"

    def _wake(self, machine_id: str) -> None:
        lifecycle = self.app.machines[machine_id]
        self.log("Starting machine", lifecycle.record, level="info")
        try:
            before = lifecycle.start(source="proxy")
        except Refused as refused:
            self.log(f'[PM01] machines API returned an error: "{refused}"', lifecycle.record)
            return
        if before == "started" and machine_id in self.app.known:
            # What the proxy had not heard of, the API's answer tells it.
            self.app.known[machine_id] = Known.of(lifecycle.record)

    def _is_coming(self, machine_id: str) -> bool:
        return self.record(machine_id).state in _WAKING


def _candidate(record: MachineRecord, route: Route) -> Candidate:
    limits = route.service.concurrency
    return Candidate(
        record.id,
        record.region,
        record.state,
        record.cordoned,
        record.passes(route.place),
        record.load,
        limits.soft_limit if limits else None,
        limits.hard_limit if limits else None,
        route.service.autostart is not False,
        record.turn,
    )
