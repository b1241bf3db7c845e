"""Calls about what happens to a Machine: waiting for a state, its events and its versions."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, machine_of, route
from pytest_sre.local.api.paging import limit_of
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.state import State, satisfies

_LONGEST_WAIT_S: Final = 60
_SHOWN_EVENTS: Final = 20
_MOST_EVENTS: Final = 50
_WAITED_FOR: Final = frozenset({*get_args(State), "settled"})


def waiting_routes() -> list[BaseRoute]:
    """The routes of this file."""
    machine = "/v1/apps/{app}/machines/{machine}"
    return [
        route(f"{machine}/wait", get=_wait),
        route(f"{machine}/events", get=_events),
        route(f"{machine}/versions", get=_versions),
    ]


@dataclass(frozen=True)
class _Awaited:
    """What a caller waits for.

    Args:
        states: any of them will do.
        version: the Machine's version that has to be in it; empty for any.
        since: an event after which it has to be in it; empty for none.
    """

    states: tuple[str, ...]
    version: str
    since: str

    @classmethod
    def read(cls, request: Request) -> "_Awaited":
        query = request.query_params
        given = query.getlist("state") or ["started"]
        states = tuple(part for each in given for part in each.split(","))
        unknown = [state for state in states if state not in _WAITED_FOR]
        if unknown:
            raise ValueError(f"invalid WaitMachineRequest.State: {unknown[0][:40]!r}")
        version = query.get("version") or query.get("instance_id") or ""
        return cls(states, version, query.get("from_event_id", ""))

    def is_met(self, record: MachineRecord) -> bool:
        """Whether the Machine is there now."""
        at_version = self.version in ("", record.instance_id) or record.state == "destroyed"
        # Events are newest first: what is not the newest has had something come after it.
        is_since = not self.since or not record.events or record.events[0]["id"] != self.since
        return at_version and is_since and any(satisfies(record.state, s) for s in self.states)


async def _wait(request: Request) -> Response:
    record, awaited = machine_of(request).record, _Awaited.read(request)
    if not await _reached(record, awaited, _timeout_s(request)):
        states = ",".join(awaited.states)
        raise ApiError(
            408, f"machine failed to reach desired state, {states}, currently {record.state}"
        )
    event_id = record.events[0]["id"] if record.events else ""
    return answer(
        {"ok": True, "state": record.state, "version": record.instance_id, "event_id": event_id}
    )


def _timeout_s(request: Request) -> int:
    text = request.query_params.get("timeout", str(_LONGEST_WAIT_S)).removesuffix("s")
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST_WAIT_S:
        raise ApiError(
            400,
            "invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range"
            " [1s, 1m0s]",
        )
    return int(text)


async def _reached(record: MachineRecord, awaited: _Awaited, timeout_s: int) -> bool:
    until = time.monotonic() + timeout_s
    while True:
        changed = record.changed
        if awaited.is_met(record):
            return True
        if record.state == "destroyed":
            # flyctl takes it as: ended, and was destroyed, before one could look.
            raise ApiError(404, "machine not found")
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await changed.wait()
        except TimeoutError:
            return False


async def _events(request: Request) -> Response:
    limit = limit_of(request, _SHOWN_EVENTS, _MOST_EVENTS)
    return answer(machine_of(request).record.events[:limit])


async def _versions(request: Request) -> Response:
    record = machine_of(request).record
    current = {"version": record.instance_id, "user_config": record.blueprint.config}
    return answer([current, *reversed(record.versions)])
