"""What the log said while a test ran, of the Machines that its failure is about."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_sre.fly.fleet import FlyMachine
from pytest_sre.logs.errors import is_error
from pytest_sre.logs.events import LogEvent, events_of
from pytest_sre.logs.recorded import recorded_lines
from pytest_sre.recording.rows import LogLine
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.run import Run

MOST_MACHINES = 3
MOST_EVENTS = 12
# What a test meets was often announced just before.
_BEFORE_S = 1.0
# Tests that fail since the platform does not answer are not to wait for it one by one.
_RETRY_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some events of a log, in the order of time.

    Attributes:
        title: whose they are, and of when.
        events: at most `MOST_EVENTS`; errors are kept before others, and late ones before early.
        left_out: how many more there are.
    """

    title: str
    events: tuple[LogEvent, ...]
    left_out: int = 0


def excerpts_of(run: Run, evidence: Evidence, machines: Sequence[FlyMachine]) -> list[Excerpt]:
    """Read the log on, and give what it says of a test that failed.

    Args:
        run: the run; secrets were taken out when its log was recorded.
        evidence: the test's.
        machines: what its failure is about. Where no Machine is, the errors of all are given;
            where one said nothing meanwhile, the last that it said before.
    """
    apps = {machine.app.name for machine in machines} or set(run.apps)
    for app in apps:
        run.read_log(app, _RETRY_AFTER_S)
    since_at, until_at = evidence.began_at - _BEFORE_S, time.time()
    lines = [
        line
        for app in sorted(apps)
        for line in recorded_lines(run.recording, app, since_at, until_at)
    ]
    if not machines:
        errors = [event for event in events_of(lines) if is_error(event)]
        return [_excerpt("errors in the log during the test (UTC):", errors)] if errors else []
    return [_of_machine(run, lines, machine) for machine in machines[:MOST_MACHINES]]


def _of_machine(run: Run, lines: Iterable[LogLine], machine: FlyMachine) -> Excerpt:
    own = events_of([line for line in lines if line.machine == machine.id])
    if own:
        return _excerpt(f"log of {machine.label} during the test (UTC):", own)
    before = events_of(run.recording.rows(LogLine, machine=machine.id)[-MOST_EVENTS:])
    return _excerpt(f"last log lines of {machine.label} (UTC):", before)


def _excerpt(title: str, events: Sequence[LogEvent]) -> Excerpt:
    order = sorted(range(len(events)), key=lambda index: (is_error(events[index]), index))
    kept = sorted(order[-MOST_EVENTS:])
    return Excerpt(title, tuple(events[index] for index in kept), len(events) - len(kept))
