"""Watches a target by journeys while something is done to it: ``with watch("checkout", rate=20)``.

The journeys are walked by the same processes that make loads, at a rate of arrivals that does not
wait for answers, so that what users lose while nothing answers is counted.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from pytest_sre.chaos.asked import Asked
from pytest_sre.fly.fleet import FlyMachine
from pytest_sre.load.aborting import Abort
from pytest_sre.load.baselines import LoadComparison, compare_side_by_side
from pytest_sre.load.facade import Watched, objectives_of
from pytest_sre.load.frames import Frame
from pytest_sre.load.making import Maker
from pytest_sre.load.outages import Outage, outages_of
from pytest_sre.load.plan import LoadPlan
from pytest_sre.load.planning import plan_of, workload_of
from pytest_sre.load.result import LoadResult, Part
from pytest_sre.slo.measuring.values import Measured
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.targets.objectives import Objective
from pytest_sre.verdict import Inconclusive

FORCE_MACHINE: Final = "fly-force-instance-id"
"""The header by which Fly's proxy sends a request to one Machine, or answers that it cannot."""

_POLL_S: Final = 0.05
_START_S: Final = 90.0
_SPARE_S: Final = 60.0


class Watch:
    """Traffic that one test sends to see what its users would.

    Each gives a context manager. Arguments that make no sense are a ValueError at once; what is
    asked for and never entered fails a test that passes otherwise. Entering the block raises
    NotAsked, with nothing sent, where the target allows neither load nor chaos, and Inconclusive
    where it is more than the target may bear, or could not be sent.

    Args:
        maker: makes it.
        run: which run this is.
        keep: told each result.
        watched: told of a condition under which all chaos of the test is to end: a callable that
            says why, and empty text while it need not.
    """

    def __init__(
        self,
        maker: Maker,
        run: str,
        *,
        keep: Callable[[LoadResult], None],
        watched: Callable[[Callable[[], str]], None],
    ) -> None:
        self._maker, self._run, self._keep, self._watched = maker, run, keep, watched
        self._asked = Asked()

    def __call__(
        self,
        journey: str,
        *,
        rate: float,
        at_most: Duration = "5m",
        timeout: Duration = "5s",
        machine: FlyMachine | str = "",
        abort_when: Watched | Sequence[Watched] = (),
    ) -> AbstractContextManager["Traffic"]:
        """Walk a journey at a rate, from before the block begins until it ends.

        Afterwards the traffic tells what users saw. A test that passes although that is in doubt
        (nothing was answered, arrivals were dropped, the generator could not keep up) is
        inconclusive.

        Args:
            journey: the journey to walk.
            rate: arrivals a second, whether or not earlier ones are answered.
            at_most: for how long, such as ``"5m"``, or seconds.
            timeout: how long one request may take.
            machine: the only Machine that is asked, or its id, such as one of a control group.
            abort_when: objectives that, once one is certainly broken, undo all that the test has
                done to the target.

        Raises:
            ValueError: the arguments do not say one load.
        """
        only = machine.id if isinstance(machine, FlyMachine) else machine
        plan = plan_of(
            workload_of(rate=rate, duration=at_most),
            run=self._run,
            mix={journey: 1.0},
            timeout=timeout,
            headers={FORCE_MACHINE: only} if only else {},
        )
        abort = Abort(objectives_of(abort_when), plan)
        return self._sent(self._asked.ask("watch(...)"), plan, abort)

    def require_begun(self) -> None:
        """Pass when all traffic that the test asked for was begun.

        Raises:
            Inconclusive: some was not: its ``with`` was forgotten, so nothing was seen.
        """
        self._asked.require_begun()

    @contextmanager
    def _sent(self, number: int, plan: LoadPlan, abort: Abort) -> Iterator["Traffic"]:
        self._asked.begin(number)
        traffic = Traffic(plan)
        self._watched(lambda: abort.breached)
        sending = _Sending(self._maker, plan, abort)
        try:
            sending.begin()
            traffic.sent_by(sending)
            yield traffic
        except BaseException:
            sending.cut()
            raise
        finally:
            result = sending.end()
            if result:
                traffic.ended(result)
                self._keep(result)


class _Sending:
    """The thread that drives the process that sends."""

    def __init__(self, maker: Maker, plan: LoadPlan, abort: Abort) -> None:
        self._maker, self._plan, self._abort = maker, plan, abort
        self._flows, self._enough, self._is_cut = threading.Event(), threading.Event(), False
        self._result: LoadResult | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._send, name="sre-watch", daemon=True)

    def begin(self) -> None:
        """Let the traffic flow.

        Raises:
            Inconclusive: it does not.
        """
        self._thread.start()
        deadline_at = time.monotonic() + _START_S
        while not self._flows.wait(_POLL_S):
            self.require_well()
            if time.monotonic() > deadline_at:
                raise Inconclusive(
                    f"no traffic could be sent within {_START_S:g} s", cause="load generator"
                )

    def require_well(self) -> None:
        """Pass while it is sent.

        Raises:
            Inconclusive: it cannot be, or was not as long as it was to be.
        """
        if self._error:
            raise self._error
        if self._result and not self._enough.is_set():
            raise Inconclusive(
                f"the traffic ended by itself: {self._result.detail or self._result.reason}",
                cause="load generator",
            )

    def cut(self) -> None:
        """Let it end without waiting for what is under way."""
        self._is_cut = True

    def end(self) -> LoadResult | None:
        """Let it end, and give what came of it; None when it could not be sent.

        Raises:
            Inconclusive: it could not be sent to its end.
        """
        self._enough.set()
        if self._thread.ident is None:
            return None
        self._thread.join(self._plan.timeout_s + _SPARE_S)
        if self._error and not self._is_cut:
            raise self._error
        return self._result

    def _send(self) -> None:
        try:
            self._result = self._maker.make_beside(
                self._plan, self._enough.is_set, self._heard, self._judged
            )
        except BaseException as error:  # noqa: BLE001 - raised where the test waits
            self._error = error

    def _heard(self, _frame: Frame) -> str | None:
        self._flows.set()
        return "the test did not come to its end" if self._is_cut else None

    def _judged(self, frame: Frame) -> None:
        # Whether chaos ends for it is not the traffic's: it goes on, to see the end.
        self._abort(frame)


class Traffic:
    """What users saw while something was done to the target: told when the block has ended.

    Faults of our own are in none of the shares; what was sent and never answered has failed.
    """

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._sending: _Sending | None = None
        self._result: LoadResult | None = None

    def __repr__(self) -> str:
        return f"<traffic of {'+'.join(self._plan.mix)}: {self._result or 'under way'}>"

    def sent_by(self, sending: _Sending) -> None:
        """Take in who sends it."""
        self._sending = sending

    def ended(self, result: LoadResult) -> None:
        """Take in what came of it."""
        self._result = result

    def run_for(self, duration: Duration) -> None:
        """Let it flow for a time, such as ``"5s"``, or seconds.

        Raises:
            Inconclusive: it no longer flows.
        """
        until = time.monotonic() + parse_duration_s(duration)
        while (left_s := until - time.monotonic()) > 0:
            if self._sending:
                self._sending.require_well()
            time.sleep(min(left_s, _POLL_S))

    @property
    def result(self) -> LoadResult:
        """What came of it, as of any load.

        Raises:
            RuntimeError: it is still being sent.
        """
        if self._result is None:
            raise RuntimeError("expected traffic that has ended: read it after the with block")
        return self._result

    @property
    def journeys(self) -> Part:
        """The journeys that were walked: counts and latencies."""
        return self.result.runs()

    @property
    def error_ratio(self) -> float:
        """The share of journeys that failed.

        Raises:
            Inconclusive: nothing was answered, or failed to be.
        """
        return self.journeys.error_ratio

    @property
    def error_rate(self) -> float:
        """The same as ``error_ratio``."""
        return self.error_ratio

    def percentile_s(self, percent: float) -> float:
        """Give the time since they were due within which this share of journeys had ended.

        Raises:
            Inconclusive: nothing was answered, or failed to be.
            ValueError: the percentage is not above 0 and at most 100.
        """
        return self.journeys.percentile_s(percent)

    @property
    def outages(self) -> tuple[Outage, ...]:
        """The stretches in which journeys were due and none of them came to a good end."""
        return outages_of(self.result)

    @property
    def longest_outage_s(self) -> float:
        """How long the longest of them was, in seconds; 0 when there was none."""
        return max((outage.lasted_s for outage in self.outages), default=0.0)

    @property
    def by_machine(self) -> dict[str, int]:
        """How many answers came from which Machine, by their own account."""
        return {one.machine: one.count for one in self.result.answered}

    @property
    def by_region(self) -> dict[str, int]:
        """How many answers came from which region, by their own account."""
        counts: dict[str, int] = {}
        for one in self.result.answered:
            counts[one.region] = counts.get(one.region, 0) + one.count
        return counts

    def measure(self, objective: Objective) -> Measured:
        """Count the events of an objective: ``slo.availability(0.99).check(traffic)``.

        Raises:
            Inconclusive: requests and journeys do not tell what the objective is about.
        """
        return self.result.measure(objective)

    def compare(
        self, control: "Traffic", *, p: float = 95, worse_by: float = 0.2, more_errors: float = 0.01
    ) -> LoadComparison:
        """Compare with traffic that was sent to Machines without the fault at the same time.

        For faults smaller than the noise: what both suffer alike, neither is blamed for.

        Args:
            control: the other traffic.
            p: which percentile of the latency, above 0 and below 100.
            worse_by: by what share it may be longer.
            more_errors: by how much the share that failed may be higher.

        Raises:
            Inconclusive: one of them is in doubt, or they did not flow at the same time.
            ValueError: a number is out of range.
        """
        return compare_side_by_side(
            self.result, control.result, percent=p, worse_by=worse_by, more_errors=more_errors
        )
