"""The line that says how a load is doing, while it is made. Pure but for where it is shown."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_sre.load.frames import Frame, Tally
from pytest_sre.load.latencies import Buckets, histogram
from pytest_sre.load.plan import LoadPlan, Open

# What is due in the last second is still on its way.
_SETTLED_S = 1
_RECENT_S = 5


@dataclass
class _Second:
    started: int = 0
    done: int = 0
    failed: int = 0
    own_faults: int = 0
    latencies: list[Buckets] = field(default_factory=list)


class LiveLine:
    """Tells of a load by its last seconds, as frames come.

    Args:
        plan: the load.
        tell: shows a line.
    """

    def __init__(self, plan: LoadPlan, tell: Callable[[str], None]) -> None:
        self._plan, self._tell = plan, tell
        self._seconds: dict[int, _Second] = {}

    def __call__(self, frame: Frame) -> None:
        """Take in a frame and show where the load is."""
        for one in frame.tallies:
            if bool(one.request) == bool(self._plan.locustfile):
                _add(self._seconds.setdefault(one.second, _Second()), one)
        for second in [each for each in self._seconds if each < frame.elapsed_s - 4 * _RECENT_S]:
            del self._seconds[second]
        self._tell(self.line(frame.elapsed_s))

    def line(self, elapsed_s: float) -> str:
        """Say in one line how it is doing after so many seconds."""
        until = int(elapsed_s) - _SETTLED_S
        recent = [self._seconds.get(n, _Second()) for n in range(max(0, until - _RECENT_S), until)]
        shown_s = min(max(elapsed_s, 0.0), self._plan.duration_s)
        parts = [f"load {shown_s:.0f} of {self._plan.duration_s:g} s"]
        if recent:
            reached = sum(each.started for each in recent) / len(recent)
            parts += [f"{self._target(shown_s)}{reached:.1f}/s", *_told(recent)]
        return "  ".join(parts)

    def _target(self, at_s: float) -> str:
        match self._plan.workload:
            case Open() as workload:
                begin_s = max(0.0, at_s - 1)
                rate = workload.expected_by(begin_s + 1) - workload.expected_by(begin_s)
                return f"target {rate:.1f}/s, reached "
            case closed:
                return f"{closed.users} users, "


def _add(second: _Second, tally: Tally) -> None:
    second.started += tally.started
    second.done += tally.done
    second.failed += tally.failed
    second.own_faults += tally.own_faults
    second.latencies += [tally.intended, tally.failed_after]


def _told(recent: list[_Second]) -> list[str]:
    judged = sum(each.done - each.own_faults for each in recent)
    if not judged:
        return ["no answers yet"]
    parts = []
    seen = histogram(part for each in recent for part in each.latencies)
    if seen.total:
        times = (f"p{p} {1000 * seen.percentile_s(p):.0f}" for p in (50, 95, 99))
        parts.append(f"{'  '.join(times)} ms")
    failed = sum(each.failed for each in recent)
    return [*parts, f"errors {100 * failed / judged:.1f} %"]
