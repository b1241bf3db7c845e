"""What the tests of a run share: the platform, the recording, the loop, the bake."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

import msgspec

from pytest_sre.alerts.facade import Alerts
from pytest_sre.bake.plan import Endpoint, plan_bake
from pytest_sre.bake.watch import SPAN, BakeWatch
from pytest_sre.bake.window import Bake
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp, FlyMachine
from pytest_sre.fly.watch import FleetWatch
from pytest_sre.journeys import Journey, registered
from pytest_sre.journeys.run import JourneyRunner, Journeys
from pytest_sre.judge.left_out import left_out, may_be_refused
from pytest_sre.logs.baselines import Baseline, baseline_before, recorded_baseline
from pytest_sre.logs.facade import App, Logs, Reading, Stretch
from pytest_sre.probes.eventually import eventually
from pytest_sre.probes.facade import Probe
from pytest_sre.probes.http import HttpProber
from pytest_sre.probes.loop import BackgroundLoop
from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import (
    CheckSeen,
    Exchange,
    Flake,
    JourneyRun,
    LogLine,
    MachineSeen,
    OwnFault,
    Row,
    Span,
)
from pytest_sre.run.alerting import Alerting
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.handover import Handover
from pytest_sre.run.load_crew import HiredCrew
from pytest_sre.run.log_reading import LogReader
from pytest_sre.run.objectives import Objectives
from pytest_sre.run.outcomes import fault_of_platform, why_inconclusive
from pytest_sre.run.platforms import Platform
from pytest_sre.targets import Settings
from pytest_sre.verdict import Inconclusive, NotAsked

_BAKE_PATIENCE_S = 60.0
_POLL_S = 0.05


class Run:
    """One process's part of a run against a target.

    Args:
        settings: what is verified, and how.
        platform: the platform's client and where the apps are reached.
        recorder: where everything seen goes.
        since_at: from when on logs and events are judged, Unix seconds; the deploy when None.

    Attributes:
        before_end: what undoes what a test is doing to the target, while it does.
        has_ended: whether it has ended.
    """

    def __init__(
        self, settings: Settings, platform: Platform, recorder: Recorder, since_at: float | None
    ) -> None:
        self.settings, self.platform, self.recorder = settings, platform, recorder
        self._since_at = since_at
        platform.fly.record_calls(recorder.write)
        self.watch = FleetWatch(platform.fly, recorder.write, fresh_s=platform.fresh_s)
        self.apps: dict[str, FlyApp] = {
            spec.name: FlyApp(spec, platform.url_of(spec), self.watch, settings, since_at)
            for spec in settings.target.apps
        }
        self.own_fault: Inconclusive | None = None
        self._endpoints: list[Endpoint] = []
        self.watched: BakeWatch | None = None
        self.before_end: list[Callable[[], None]] = []
        self.has_ended = False

    @classmethod
    def begin(
        cls, settings: Settings, platform: Platform, recorder: Recorder, since_at: float | None
    ) -> "Run":
        """Begin a run: list the Machines.

        A platform that does not answer makes the run inconclusive; it does not end it.
        """
        run = cls(settings, platform, recorder, since_at)
        try:
            for app in run.apps.values():
                app.machines = tuple(
                    FlyMachine(app, m.id, m.name, m.region, m.group) for m in app.live
                )
                run._endpoints += _endpoints(app)
        except (FlyError, Inconclusive) as error:
            run.own_fault = why_inconclusive(error)
        if run.own_fault:
            run.record_own_fault(run.own_fault)
        return run

    @classmethod
    def join(
        cls, settings: Settings, platform: Platform, recorder: Recorder, told: Handover
    ) -> "Run":
        """Join a run that another process began, with the Machines that it listed."""
        run = cls(settings, platform, recorder, told.since_at)
        for name, machines in told.machines.items():
            app = run.apps[name]
            app.machines = tuple(FlyMachine(app, *machine) for machine in machines)
        if told.own_fault:
            reason, cause = told.own_fault
            run.own_fault = Inconclusive(reason, cause=cause)
        return run

    def handover(self) -> Handover:
        """Give what another process needs to join."""
        return Handover(
            recording=str(self.recorder.path),
            platform=self.platform.handle,
            machines={
                name: [(m.id, m.name, m.region, m.group) for m in app.machines]
                for name, app in self.apps.items()
            },
            since_at=self._since_at,
            own_fault=(self.own_fault.reason, self.own_fault.cause) if self.own_fault else None,
        )

    def start_bake(self) -> None:
        """Begin the bake, once, in the process that began the run."""
        app = self._public_app
        plan = plan_bake(
            self.settings.bake.window_s,
            self._endpoints,
            sorted(self.known_journeys) if app else [],
            error_ratio=self.settings.bake.error_ratio,
            platform=self.settings.target.platform,
        )
        self.watched = BakeWatch(
            plan,
            journeys=self.known_journeys,
            runner=lambda write: self._journey_runner("bake", write),
            looks=[look for app in self.apps.values() for look in self._looks(app)],
            loop=self._loop,
            prober=self._prober,
            recorder=self.recorder,
        )
        self.watched.start()

    def stop_bake(self) -> None:
        """End the bake now if it has not ended by itself, and wait until all is recorded.

        A bake that broke off is a fault of our own.
        """
        if self.watched is None:
            return
        try:
            self.watched.stop()
        except Exception as error:  # noqa: BLE001 - whatever it was, the run goes on to conclude
            broke = f"the bake broke off with {type(error).__name__}: {error}"
            self.own_fault = self.own_fault or Inconclusive(broke, cause="own bake")

    def leave_target(self) -> None:
        """Undo what tests are still doing to the target; what is left by then is on record."""
        while self.before_end:
            with contextlib.suppress(Exception):
                self.before_end.pop()()

    def end(self) -> None:
        """End everything this process began, the platform last, even if a step before it fails."""
        self.leave_target()
        self.has_ended = True
        with contextlib.ExitStack() as steps:
            steps.callback(self.platform.close)
            steps.callback(self.recorder.close)
            if self.load_crew:
                steps.callback(self.load_crew.close)
            for begun in ("_alerting", "recording", "_loop"):
                if begun in self.__dict__:
                    steps.callback(getattr(self, begun).close)
            if "_prober" in self.__dict__:
                steps.callback(lambda: self._loop.run(self._prober.close()))
            self.stop_bake()

    @property
    def machines(self) -> list[FlyMachine]:
        """The Machines of all apps, as they were listed when the run began."""
        return [machine for app in self.apps.values() for machine in app.machines]

    @property
    def known_journeys(self) -> Mapping[str, Journey]:
        """The registered journeys, by name."""
        return registered()

    def machine(self, machine_id: str | None) -> FlyMachine:
        """Find a Machine by id; None stands for "there are none"."""
        for machine in self.machines:
            if machine.id == machine_id:
                return machine
        raise self.own_fault or Inconclusive(f"{self.settings.target.name} has no Machine")

    def app(self, name: str | None) -> FlyApp:
        """Find an app by name; None stands for the first."""
        if self.own_fault:
            raise self.own_fault
        return self.apps[name] if name else next(iter(self.apps.values()))

    def journey_name(self, name: str | None) -> str:
        """Give the name of a journey; None stands for "there are none"."""
        if name is None:
            raise NotAsked("no journey is registered; see @journey")
        return name

    def probe(self, evidence: Evidence) -> Probe:
        """Give the probes to one test."""
        return Probe(self._loop, self._prober, write=evidence.write, test=evidence.test)

    def journeys(self, evidence: Evidence) -> Journeys:
        """Give the journeys to one test."""
        if self._public_app is None:
            raise NotAsked(f"{self.settings.target.name} has no public service to walk through")
        return Journeys(
            self.known_journeys,
            lambda: self._journey_runner("journey", evidence.write),
            test=evidence.test,
        )

    def eventually(self, evidence: Evidence) -> Callable[..., object]:
        """Give ``eventually`` to one test, counting what passes late as its flakes."""

        def count(flake: Flake) -> None:
            evidence.write(msgspec.structs.replace(flake, test=evidence.test))

        return functools.partial(eventually, on_flake=count)

    def bake(self) -> Bake:
        """Wait until the bake is over, and give what it saw.

        Raises:
            Inconclusive: there is no bake to wait for.
        """
        self.wait_for_bake()
        return self._baked

    def observed(self) -> Bake | None:
        """Give what a bake that has ended saw; None when there was none."""
        return self._baked if self.recording.count(Span, name=SPAN) else None

    @cached_property
    def _baked(self) -> Bake:
        span = self.recording.rows(Span, name=SPAN)[0]
        return Bake.of(
            self.settings.bake,
            span.at,
            span.ended_at,
            [self._of_platform(row) for row in self.recording.rows(Exchange, source="bake")],
            self.recording.rows(JourneyRun, source="bake"),
        )

    def _of_platform(self, exchange: Exchange) -> Exchange:
        """Take a request to a Machine whose host did not answer for one that tells nothing."""
        is_lost = exchange.machine in self._lost_machines and not exchange.ok
        return msgspec.structs.replace(exchange, own_fault=True) if is_lost else exchange

    @cached_property
    def _lost_machines(self) -> frozenset[str]:
        seen = self.recording.rows(MachineSeen)
        return self.left_out() | {row.machine for row in seen if row.host_status != "ok"}

    def left_out(self) -> frozenset[str]:
        """The Machines that the proxy leaves out although they are well, as far as is recorded."""
        self.recorder.flush()
        exchanges = self.recording.rows(Exchange)
        if not any(map(may_be_refused, exchanges)):
            return frozenset()
        for name in self.apps:
            self.read_log(name)
        self.recorder.flush()
        known = [machine for app in self.apps.values() for machine in app.known]
        return left_out(
            {m.id for m in known if any(service.ports for service in m.settings.services)},
            self.recording.rows(MachineSeen),
            self.recording.rows(CheckSeen),
            exchanges,
            self.recording.rows(LogLine, provider="proxy"),
        )

    @cached_property
    def objectives(self) -> Objectives:
        """The target's objectives, as this run sees them."""
        return Objectives(self)

    def logs(self, evidence: Evidence) -> Logs:
        """Wait until the bake is over, and give one test the log since the deploy."""
        watched = self.wait_for_bake()
        bake = Stretch(watched.at, watched.ended_at)
        return Logs(
            self.recording,
            self.settings.logs.ignore,
            self._find_baseline,
            rules=self.settings.logs.rules,
            reading=Reading([*self.apps.values()], evidence.began_at, bake, self.read_log),
        )

    def read_log(self, app: str, retry_after_s: float = 0.5) -> None:
        """Read an app's log to its present end into the recording, as far as can be.

        Args:
            app: the app's name.
            retry_after_s: how long a platform that did not answer is not asked again.
        """
        self._log_readers[app].read_on(retry_after_s)

    @cached_property
    def _log_readers(self) -> Mapping[str, LogReader]:
        fly = self.platform.fly
        return {name: LogReader(fly, app, self.recorder) for name, app in self.apps.items()}

    on_wait: Callable[[str], None] | None = None
    load_crew: HiredCrew | None = None
    tracker = ""
    """Where the run's issues go; empty when they go nowhere."""

    def wait_for_bake(self) -> Span:
        """Wait until the bake is over, in this process or another.

        Raises:
            Inconclusive: it did not end, or was never begun.
        """
        deadline = time.monotonic() + self.settings.bake.window_s + _BAKE_PATIENCE_S
        while time.monotonic() < deadline:
            spans = self.recording.rows(Span, name=SPAN)
            if spans:
                self._tell("")
                return spans[0]
            if self.watched and self.watched.is_over and not self.recording.rows(Span, name=SPAN):
                self.stop_bake()
            if self.own_fault:
                raise self.own_fault
            if self.watched:
                self._tell(self.watched.progress.line(time.time()))
            time.sleep(_POLL_S)
        raise Inconclusive("the bake did not end in time", cause="own bake")

    def _tell(self, line: str) -> None:
        if self.on_wait:
            self.on_wait(line)

    @cached_property
    def recording(self) -> Recording:
        """What has been recorded so far, by all processes of the run."""
        return Recording(self.recorder.path)

    def record_own_fault(self, fault: Inconclusive) -> None:
        """Record something that failed on our side."""
        row = OwnFault(at=time.time(), cause=fault.cause, detail=fault.reason)
        self.recorder.write(row)

    @property
    def alerts(self) -> Alerts:
        """The alerts, by their rules and as they fire."""
        return self._alerting.alerts

    @cached_property
    def _alerting(self) -> Alerting:
        return Alerting(self.settings, self.platform)

    @cached_property
    def _loop(self) -> BackgroundLoop:
        return BackgroundLoop()

    @cached_property
    def _prober(self) -> HttpProber:
        async def make() -> HttpProber:
            return HttpProber()

        return self._loop.run(make())

    @property
    def _public_app(self) -> FlyApp | None:
        return next((app for app in self.apps.values() if app.serving), None)

    def _find_baseline(self, app: App) -> Baseline | None:
        """Find what an app's log said before: in the last healthy run, or the day before."""
        target, fly = self.settings.target.name, self.platform.fly
        return recorded_baseline(
            self.settings.root, target=target, app=app.name, current=self.recorder.path
        ) or baseline_before(
            lambda token: fly.logs(app.name, next_token=token), app.name, app.since_at
        )

    def _journey_runner(self, source: str, write: Callable[[Row], None]) -> JourneyRunner:
        app = self._public_app
        if app is None:
            raise NotAsked(f"{self.settings.target.name} has no public service to walk through")
        return JourneyRunner(app.url, app=app.name, source=source, write=write)

    def _looks(self, app: FlyApp) -> Iterator[Callable[[], object]]:
        """Make what reads an app's Machines and new log lines, again and again, during a bake."""
        yield self._log_readers[app.name].read
        yield functools.partial(_ask, functools.partial(self.watch.machines, app.name))


def _ask(look: Callable[[], object]) -> None:
    """Look once; what keeps the platform from answering is named as in a test.

    Raises:
        Inconclusive: the platform did not answer.
    """
    try:
        look()
    except FlyError as error:
        raise fault_of_platform(error) from error


def _endpoints(app: FlyApp) -> list[Endpoint]:
    return [
        Endpoint(
            app.name,
            machine.id,
            machine.region,
            app.url + path,
            is_check=bool(machine.health_paths),
        )
        for machine in app.serving
        if not machine.is_asleep
        for path in machine.health_paths or ("/",)
    ]
