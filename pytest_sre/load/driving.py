"""Drives the workers that make a load: orders it, hears them, stops them, whatever happens."""

import selectors
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from pytest_sre.load.frames import (
    BrokenStreamError,
    Ended,
    Frame,
    Go,
    Order,
    Ready,
    Stop,
    Word,
)
from pytest_sre.load.gathering import Gathering
from pytest_sre.load.naming import host_of
from pytest_sre.load.plan import LoadPlan, shortened
from pytest_sre.load.result import LoadResult
from pytest_sre.load.sharing import Share
from pytest_sre.load.workers import STOP_S, Crew, Processes, Worker
from pytest_sre.verdict import Inconclusive

START_S = 60.0
SILENCE_S = 30.0
"""How long a worker may take to be ready, and may say nothing."""

_LOOK_S = 0.1
_SPARE_S = 30.0

Watch = Callable[[Frame], str | None]
"""Told each frame as it comes; a text ends the load early, with it as the reason."""

Enough = Callable[[], bool]
"""Asked ten times a second whether the load has lasted long enough."""


def drive(
    plan: LoadPlan,
    base_url: str,
    *,
    hosts: Collection[str] = (),
    journey_files: Sequence[Path] = (),
    processes: int = 1,
    watch: Watch | None = None,
    ca: str = "",
    crew: Crew | None = None,
    enough: Enough | None = None,
) -> LoadResult:
    """Make a load and wait for its end.

    Args:
        plan: what to make.
        base_url: where it goes.
        hosts: what else may be asked, as ``host:port``; a load that is to ask another is ended.
        journey_files: Python files that register the plan's journeys.
        processes: how many share the load; one uses at most one core.
        watch: told each frame as it comes; may end the load.
        ca: a PEM file of the only authorities to trust; those of the system when empty.
        crew: gives the workers that share the load; ``processes`` of this machine when None.
        enough: ends the load before its time: nothing more begins, what is under way is waited
            for, and the result is of a plan that lasts as long as that.

    Returns:
        What came of it; partial, and in doubt, when a worker was lost or the load ended early.

    Raises:
        Inconclusive: no load could be made, such as for a journey that nobody registered.
        KeyboardInterrupt: after the load was stopped; the frames that came were told to ``watch``.
    """
    files = tuple(str(file.resolve()) for file in journey_files)
    with (
        (crew or Processes(processes)).at_work(_longest_s(plan)) as workers,
        _Drive(plan, base_url, watch, enough) as drive,
    ):
        orders = [
            Order(
                plan=plan,
                base_url=base_url,
                hosts=(host_of(base_url), *hosts),
                journey_files=files,
                worker=number,
                workers=len(workers),
                ca=ca,
            )
            for number in range(len(workers))
        ]
        drive.start(workers, orders)
        return drive.see_through()


class _Part:
    """A worker's part in a load."""

    def __init__(self, worker: Worker, order: Order) -> None:
        self.worker = worker
        self.share = Share(order.plan, order.worker, order.workers)
        self.ready = False
        self.ended: Ended | None = None
        self.is_lost = False


class _Drive:
    """A load under way. A context manager that leaves nobody at work."""

    def __init__(
        self, plan: LoadPlan, base_url: str, watch: Watch | None, enough: Enough | None
    ) -> None:
        self._plan, self._watch, self._enough = plan, watch, enough
        self._gathering = Gathering(plan, base_url, time.time() + plan.delay_s)
        self._parts: list[_Part] = []
        self._selector = selectors.DefaultSelector()
        self._troubles: list[str] = []
        self._reason, self._detail = "complete", ""
        self._is_enough = False
        self._began_s = self._stop_at = float("inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts:
            part.worker.tell(Stop())
        self._selector.close()

    def start(self, workers: Sequence[Worker], orders: Sequence[Order]) -> None:
        """Tell each worker its order, and let all begin at once when all are ready.

        Raises:
            Inconclusive: one of them cannot make the load.
        """
        for worker, order in zip(workers, orders, strict=True):
            part = _Part(worker, order)
            self._parts.append(part)
            worker.heard_at = time.monotonic()
            worker.tell(order)
            for fd in worker.fds:
                self._selector.register(fd, selectors.EVENT_READ, part)
        deadline_at = time.monotonic() + START_S
        while not all(part.ready for part in self._parts):
            self._hear()
            failed = [part for part in self._parts if part.ended]
            if failed or self._troubles or time.monotonic() > deadline_at:
                raise Inconclusive(self._why_not(failed), cause="load generator")
        self._gathering.begin(time.time() + self._plan.delay_s)
        self._began_s = time.monotonic() + self._plan.delay_s
        for part in self._parts:
            part.worker.tell(Go())

    def see_through(self) -> LoadResult:
        """Hear the workers until all have ended, or their time is up."""
        deadline_at = time.monotonic() + _longest_s(self._plan)
        try:
            while self._talking:
                self._hear()
                now = time.monotonic()
                self._end_if_enough(now)
                self._give_up_silent(now)
                if now > min(deadline_at, self._stop_at):
                    self._give_up_all("did not end in time")
        except KeyboardInterrupt:
            self._end("interrupted")
            self._hear_out()
            raise
        return self._result()

    @property
    def _talking(self) -> list[_Part]:
        return [part for part in self._parts if part.ended is None]

    def _hear(self) -> None:
        for key, _ in self._selector.select(_LOOK_S):
            part: _Part = key.data
            try:
                words = part.worker.words(key.fd)
            except BrokenStreamError as error:
                self._selector.unregister(key.fd)
                self._lose(part, f"said what is no frame: {error}")
                continue
            if words is None:
                self._selector.unregister(key.fd)
                how = part.worker.how_it_ended() if part.ended is None else None
                if how:
                    self._lose(part, how)
            for word in words or ():
                self._take(part, word)

    def _take(self, part: _Part, word: Word) -> None:
        match word:
            case Ready():
                part.ready = True
            case Frame():
                part.share.heard(word)
                self._gathering.add(word)
                asked = self._watch(word) if self._watch else None
                if asked and self._reason == "complete":
                    self._end("aborted", asked)
            case Ended():
                part.ended = word
                if word.reason == "failed":
                    part.is_lost = True
                    self._troubles.append(f"{part.worker.name} failed: {word.detail}")
                elif word.reason == "cap" and self._reason == "complete":
                    self._end("cap", f"{self._plan.caps.requests} requests were sent")

    def _end_if_enough(self, now: float) -> None:
        if self._enough and not self._is_enough and self._enough():
            self._is_enough = True
            self._stop_at = min(self._stop_at, now + self._plan.timeout_s + _SPARE_S)
            for part in self._parts:
                part.worker.tell(Stop(waits=True))

    def _end(self, reason: str, detail: str = "") -> None:
        self._reason, self._detail = reason, detail
        self._stop_at = time.monotonic() + STOP_S
        for part in self._parts:
            part.worker.tell(Stop())

    def _lose(self, part: _Part, how: str) -> None:
        """Go on without a worker that can't be heard any more."""
        if part.ended is None:
            part.ended = Ended(reason="failed", detail=how)
            part.is_lost = True
            self._troubles.append(f"{part.worker.name} {how}")
        part.worker.give_up()

    def _give_up_silent(self, now: float) -> None:
        for part in self._talking:
            if now - part.worker.heard_at > SILENCE_S + self._plan.delay_s:
                self._lose(part, f"said nothing for {SILENCE_S:g} s and was killed")

    def _give_up_all(self, how: str) -> None:
        for part in self._talking:
            self._lose(part, f"{how} and was killed")

    def _hear_out(self) -> None:
        while self._talking and time.monotonic() < self._stop_at:
            self._hear()

    def _why_not(self, failed: list[_Part]) -> str:
        if failed and failed[0].ended:
            return f"no load could be made: {failed[0].ended.detail}"
        if self._troubles:
            return f"no load could be made: {self._troubles[0]}"
        late = ", ".join(part.worker.name for part in self._parts if not part.ready)
        return f"no load could be made: {late} was not ready within {START_S:g} s"

    def _result(self) -> LoadResult:
        reason = "failed" if self._troubles and self._reason == "complete" else self._reason
        made_s = time.monotonic() - self._began_s
        until_s = self._plan.duration_s if self._reason == "complete" else made_s
        for part in self._parts:
            if part.is_lost:
                self._gathering.add(part.share.unsent(until_s))
        result = self._gathering.result(time.time(), reason, self._detail, tuple(self._troubles))
        return replace(result, plan=self._plan_made, laggards=tuple(self._laggards()))

    @property
    def _plan_made(self) -> LoadPlan:
        """The plan; where it had lasted long enough before its time, until then only.

        Raises:
            Inconclusive: nothing of it was to be judged until then.
        """
        if not self._is_enough or self._reason != "complete":
            return self._plan
        made_s = min((part.ended.made_s for part in self._parts if part.ended), default=0.0)
        if made_s <= self._plan.warm_up_s:
            raise Inconclusive(
                f"the load ended after {made_s:.1f} s: nothing of it was to be judged until then",
                cause="load generator",
            )
        return shortened(self._plan, made_s)

    def _laggards(self) -> Iterator[str]:
        """Name who of several could not keep up."""
        for part in self._parts if len(self._parts) > 1 else ():
            late = part.share.too_late
            if late:
                yield f"{part.worker.name} ({late})"


def _longest_s(plan: LoadPlan) -> float:
    return plan.delay_s + plan.duration_s + plan.timeout_s + _SPARE_S
