"""What an incident amounted to, in numbers, from what runs recorded. All of it pure.

A number is of what was observed: between two runs nobody looked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_sre.incidents.recorded import RecordedRun
from pytest_sre.recording.rows import EventSeen, TestRun
from pytest_sre.verdict import Verdict


@dataclass(frozen=True)
class Impact:
    """What was observed of an incident.

    Attributes:
        runs: how many runs looked.
        requests: how many requests they made.
        failed: how many of these failed.
        minutes: minutes of the clock in which there was a request.
        failing_minutes: those in which one failed.
        bad_minutes: those in which more failed than the objective allows; None without one.
        machines: ids of the Machines that failed a request or a test, exited, or ran out of
            memory.
        began_at: when the first of all this was, Unix seconds; None when nothing was observed.
    """

    runs: int
    requests: int
    failed: int
    minutes: int
    failing_minutes: int
    bad_minutes: int | None
    machines: tuple[str, ...]
    began_at: float | None


@dataclass(frozen=True)
class Minute:
    """The requests of one minute, which begins ``at``."""

    at: float
    requests: int
    failed: int


def measure(runs: Sequence[RecordedRun], error_ratio: float | None) -> Impact:
    """Count what runs recorded.

    Args:
        runs: those that tell of the incident.
        error_ratio: which share of requests may fail, 0 to 1; None when nobody said.
    """
    by_minute = minutes(runs)
    failing = [minute for minute in by_minute if minute.failed]
    failed = [each for run in runs for each in run.exchanges if not each.ok]
    exits = [event for event in events(runs) if is_unwanted(event)]
    tests = [test for run in runs for test in run.tests if is_failed(test)]
    machines = {each.machine for each in failed} | {each.machine for each in exits}
    machines |= {machine for test in tests for machine in test.machines.split()}
    return Impact(
        runs=len(runs),
        requests=sum(minute.requests for minute in by_minute),
        failed=len(failed),
        minutes=len(by_minute),
        failing_minutes=len(failing),
        bad_minutes=None if error_ratio is None else len(_beyond(failing, error_ratio)),
        machines=tuple(sorted(machines - {""})),
        began_at=min((each.at for each in (*failed, *exits, *tests)), default=None),
    )


def minutes(runs: Iterable[RecordedRun]) -> tuple[Minute, ...]:
    """The requests of runs by the minute, of minutes in which there are some."""
    requests = Counter[float]()
    failed = Counter[float]()
    for exchange in (each for run in runs for each in run.exchanges):
        at = exchange.at // 60 * 60
        requests[at] += 1
        failed[at] += not exchange.ok
    return tuple(Minute(at, requests[at], failed[at]) for at in sorted(requests))


def events(runs: Iterable[RecordedRun]) -> Iterator[EventSeen]:
    """The Machine events that runs saw, each once, oldest first."""
    unique = {(each.machine, each.id): each for run in runs for each in run.events}
    yield from sorted(unique.values(), key=lambda event: event.at)


def is_failed(test: TestRun) -> bool:
    """Whether a test failed by what it looked at."""
    return test.verdict == Verdict.UNHEALTHY.value


def is_unwanted(event: EventSeen) -> bool:
    """Whether a Machine stopped that nobody asked to."""
    return event.oom_killed or (bool(event.exit_code) and not event.requested_stop)


def _beyond(failing: Iterable[Minute], error_ratio: float) -> list[Minute]:
    return [minute for minute in failing if minute.failed > error_ratio * minute.requests]
