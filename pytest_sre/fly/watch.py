"""Asks the platform about apps again and again, and records what changes."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.models import Event, Machine, Release
from pytest_sre.recording.rows import CheckSeen, EventSeen, MachineSeen, Row

# How much longer a failing call is left alone than it took to fail.
_LEFT_ALONE_RATIO = 2.0
# Machines that flyctl starts for a moment; they are not part of the app.
_PASSING_GROUPS = frozenset(
    {"fly_app_release_command", "fly_app_test_machine_command", "fly_app_console"}
)


@dataclass(frozen=True)
class _Refusal:
    """What was not said, and until when nobody asks again (monotonic clock)."""

    error: FlyError
    until: float


class FleetWatch:
    """Asks the platform about apps, at most once in ``fresh_s`` seconds, and records changes.

    Safe to use from several threads.
    """

    def __init__(self, fly: Fly, write: Callable[[Row], None], *, fresh_s: float = 2.0) -> None:
        self._fly, self._write, self._fresh_s = fly, write, fresh_s
        self._lock = threading.Lock()
        self._asked_at: dict[str, float] = {}
        self._machines: dict[str, tuple[Machine, ...]] = {}
        self._releases: dict[str, tuple[Release, ...]] = {}
        self._seen: dict[object, object] = {}
        self._refused: dict[tuple[str, str], _Refusal] = {}

    def machines(self, app: str) -> tuple[Machine, ...]:
        """Give the app's Machines, sorted by process group, region and id.

        Raises:
            FlyError: the platform does not say.
        """
        with self._lock:
            age_s = time.monotonic() - self._asked_at.get(app, float("-inf"))
            if age_s > self._fresh_s:
                with self._unless_refused("machines", app):
                    self._machines[app] = self._ask(app)
                self._asked_at[app] = time.monotonic()
            return self._machines[app]

    def known(self, app: str) -> tuple[Machine, ...]:
        """Give the app's Machines as they were last listed, without asking."""
        with self._lock:
            return self._machines.get(app, ())

    def releases(self, app: str) -> tuple[Release, ...]:
        """Give the app's newest releases, newest first; asked once a run."""
        with self._lock:
            if app not in self._releases:
                with self._unless_refused("releases", app):
                    found = self._fly.releases(app, limit=10)
                self._releases[app] = tuple(sorted(found, key=lambda r: -r.version))
            return self._releases[app]

    @contextlib.contextmanager
    def _unless_refused(self, what: str, app: str) -> Iterator[None]:
        """Ask, unless the same failed a moment ago; what took long to fail is left for longer.

        Every test asks, and a platform on a bad day would be asked by each in vain.
        """
        refused = self._refused.get((what, app))
        if refused and time.monotonic() < refused.until:
            raise refused.error
        began = time.monotonic()
        try:
            yield
        except FlyError as error:
            now = time.monotonic()
            left_s = max(self._fresh_s, _LEFT_ALONE_RATIO * (now - began))
            self._refused[what, app] = _Refusal(error, now + left_s)
            raise

    def _ask(self, app: str) -> tuple[Machine, ...]:
        machines = sorted(
            (m for m in self._fly.machines(app) if _is_of_the_app(m)),
            key=lambda m: (m.group, m.region, m.id),
        )
        at = time.time()
        for machine in machines:
            for row in _rows_of(app, machine, at):
                self._write_if_new(row)
        return tuple(machines)

    def _write_if_new(self, row: Row) -> None:
        key, value = _identity(row)
        if self._seen.get(key) != value:
            self._seen[key] = value
            self._write(row)


def _is_of_the_app(machine: Machine) -> bool:
    """Whether a Machine is there to stay: not one of a moment, nor one that runs on a schedule."""
    return machine.group not in _PASSING_GROUPS and not machine.settings.schedule


def _rows_of(app: str, machine: Machine, at: float) -> Iterator[Row]:
    yield MachineSeen(
        at=at,
        app=app,
        machine=machine.id,
        name=machine.name,
        region=machine.region,
        group=machine.group,
        state=machine.state,
        instance_id=machine.instance_id,
        image=machine.settings.image,
        release_version=machine.release_version,
        cordoned=machine.cordoned,
        may_sleep=machine.settings.may_sleep,
        host_status=machine.host_status,
    )
    for check in machine.checks:
        yield CheckSeen(
            at=at,
            app=app,
            machine=machine.id,
            check=check.name,
            status=check.status,
            output=check.output[:1024],
        )
    for event in machine.events:
        yield _event_row(app, machine.id, event)


def _event_row(app: str, machine: str, event: Event) -> EventSeen:
    request = event.request
    ended = event.ended
    return EventSeen(
        at=event.at,
        app=app,
        machine=machine,
        id=event.id or f"{event.type}-{event.timestamp}",
        type=event.type,
        status=event.status,
        source=event.source,
        exit_code=ended.exit_code if ended else None,
        oom_killed=bool(ended and ended.oom_killed),
        requested_stop=bool(ended and ended.requested_stop),
        restart_count=request.restart_count if request else 0,
    )


def _identity(row: Row) -> tuple[object, object]:
    """Split a row into what it is about and what it says, its time left out."""
    match row:
        case MachineSeen():
            now = row.state, row.instance_id, row.image, row.cordoned, row.host_status
            return ("machine", row.machine), now
        case CheckSeen():
            return ("check", row.machine, row.check), (row.status, row.output)
        case EventSeen():
            return ("event", row.machine, row.id), True
    raise TypeError(f"expected a row about a Machine, found {type(row).__name__}")
