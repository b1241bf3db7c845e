"""Carries out a bake on the background loop: endpoints, journeys, Machines and logs at once."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec

from pytest_sre.bake.plan import BakePlan, Endpoint
from pytest_sre.bake.progress import Progress
from pytest_sre.bake.ticks import ticks
from pytest_sre.fly.errors import FlyError
from pytest_sre.journeys import Journey
from pytest_sre.journeys.run import JourneyRunner
from pytest_sre.probes.http import HttpProber
from pytest_sre.probes.loop import BackgroundLoop
from pytest_sre.probes.requests import HttpRequest
from pytest_sre.recording.recorder import Recorder
from pytest_sre.recording.rows import Exchange, OwnFault, Row, Span
from pytest_sre.verdict import Inconclusive

SPAN = "bake"
_LOOK_EVERY_S = 2.0
_JOURNEY_THREADS = 8
# How long journeys that are under way when the window ends may take to end by themselves.
_LAST_STEPS_S = 2.0


class BakeWatch:
    """A bake that runs beside the tests.

    Args:
        plan: how long, how often and what to ask.
        journeys: the journeys of the plan, by name.
        runner: makes what walks a journey; called once in each thread that walks some.
        looks: what else to do every two seconds, such as reading Machines and logs.
        loop: the loop that everything runs on.
        prober: what asks the endpoints.
        recorder: where everything seen goes.
    """

    def __init__(
        self,
        plan: BakePlan,
        *,
        journeys: Mapping[str, Journey],
        runner: Callable[[Callable[[Row], None]], JourneyRunner],
        looks: Sequence[Callable[[], object]],
        loop: BackgroundLoop,
        prober: HttpProber,
        recorder: Recorder,
    ) -> None:
        self._plan, self._journeys, self._looks = plan, journeys, looks
        self._loop, self._prober, self._recorder = loop, prober, recorder
        self._make_runner = runner
        self._of_thread = threading.local()
        self._runners: list[JourneyRunner] = []
        self._stopped = asyncio.Event()
        self._ended_at = 0.0
        self._done: Future[None] | None = None
        self.progress = Progress(plan.window_s)

    def start(self) -> None:
        """Begin to observe; what can be seen from inside is looked at before this returns."""
        self._look_once()
        self.progress.started_at = time.time()
        self._done = self._loop.spawn(self._observe())

    @property
    def is_over(self) -> bool:
        """Whether the window has ended and all of it is recorded."""
        return self._done is not None and self._done.done()

    def stop(self) -> None:
        """End the observation, if it has not ended by itself, and wait until it has.

        Raises:
            Exception: whatever kept the bake from being carried out.
        """
        if self._done is not None:
            self._loop.run(self._tell_stop())
            self._done.result()

    async def _tell_stop(self) -> None:
        self._end()

    def _end(self) -> None:
        """End the window; what was asked until then is still waited for."""
        if not self._stopped.is_set():
            self._ended_at = time.time()
            self._stopped.set()

    async def _observe(self) -> None:
        started_at = time.time()
        asyncio.get_running_loop().call_later(self._plan.window_s, self._end)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask_endpoints())
                tasks.create_task(self._walk_journeys())
                tasks.create_task(self._look_inside())
        finally:
            for runner in self._runners:
                runner.close()
        # A bake that broke off leaves no span: nobody may take it for a whole one.
        self._recorder.write(Span(at=started_at, name=SPAN, ended_at=self._ended_at))
        await asyncio.to_thread(self._recorder.flush)

    async def _ask_endpoints(self) -> None:
        turns = self._plan.endpoint_turns()
        async with asyncio.TaskGroup() as asking:
            async for _ in ticks(self._plan.requests_per_s, self._stopped):
                asking.create_task(self._ask(next(turns)))

    async def _ask(self, endpoint: Endpoint) -> None:
        result = await self._prober.get(
            HttpRequest(
                url=endpoint.url,
                app=endpoint.app,
                machine=endpoint.machine,
                region=endpoint.region,
            )
        )
        exchange = result.exchange(source="bake")
        if not endpoint.is_check and result.was_answered:
            exchange = msgspec.structs.replace(exchange, ok=True)
        self._write(exchange)

    async def _walk_journeys(self) -> None:
        turns = self._plan.journey_turns()
        loop = asyncio.get_running_loop()
        walking: set[asyncio.Future[None]] = set()
        with ThreadPoolExecutor(_JOURNEY_THREADS, thread_name_prefix="sre-bake") as threads:
            async for _ in ticks(self._plan.journeys_per_s, self._stopped):
                walking = {walk for walk in walking if not walk.done()}
                if len(walking) < _JOURNEY_THREADS:
                    walk = loop.run_in_executor(threads, self._walk, self._journeys[next(turns)])
                    walking.add(walk)
            if walking:
                await asyncio.wait(walking, timeout=_LAST_STEPS_S)
            for runner in self._runners:
                runner.cut()
            await asyncio.gather(*walking)

    def _walk(self, journey: Journey) -> None:
        """Walk a journey once; how it ended is in its recorded run."""
        runner = getattr(self._of_thread, "runner", None)
        if runner is None:
            runner = self._of_thread.runner = self._make_runner(self._write)
            self._runners.append(runner)
        try:
            runner.run(journey)
        except BaseException:  # noqa: BLE001 - pytest.fail and sys.exit included: it is recorded
            return

    async def _look_inside(self) -> None:
        async for _ in ticks(1 / _LOOK_EVERY_S, self._stopped):
            await asyncio.to_thread(self._look_once)
        await asyncio.to_thread(self._look_once)

    def _look_once(self) -> None:
        for look in self._looks:
            try:
                look()
            except FlyError as error:
                self._write(OwnFault(at=time.time(), cause=error.cause, detail=str(error)))
            except Inconclusive as error:
                self._write(OwnFault(at=time.time(), cause=error.cause, detail=error.reason))

    def _write(self, row: Row) -> None:
        if isinstance(row, Exchange):
            self.progress.add(row)
        self._recorder.write(row)
