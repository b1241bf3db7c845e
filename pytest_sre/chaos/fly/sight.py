"""What probes look at: the platform, the app's addresses, the journeys, the log."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx

from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.fly.models import Machine
from pytest_sre.fly.organization import organization_of
from pytest_sre.journeys import Journey, load_journeys, registered
from pytest_sre.journeys.run import JourneyRunner
from pytest_sre.logs.baselines import baseline_before
from pytest_sre.logs.novelty import new_error_signatures
from pytest_sre.logs.source import LogPage, LogTail
from pytest_sre.recording.rows import Row
from pytest_sre.slo.judging import judge_objective
from pytest_sre.slo.measuring.windows import Windows
from pytest_sre.targets import Settings
from pytest_sre.targets.errors import did_you_mean
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict


def _unwritten(_row: Row) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Sight:
    """What is seen of a target.

    Attributes:
        settings: the target's.
        hands: by which its platform is asked.
        began_at: when the experiment began, Unix seconds; what the log says before is known.
    """

    settings: Settings
    hands: Hands
    began_at: float = field(default_factory=time.time)
    _acknowledged: list[str] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def app(self, name: str) -> str:
        """Give the name of an app; of the target's first when it is empty."""
        return name or self.settings.target.apps[0].name

    def url_of(self, app: str) -> str:
        """Say where an app is reached."""
        name, local = self.app(app), self.hands.local
        return local.app_url(name) if local else self.settings.target.url_on_fly(name)

    @property
    def public_url(self) -> str:
        """Where the first app is reached that users reach."""
        return self.url_of(self.settings.target.public_app.name)

    def machines(self, app: str, group: str, region: str = "") -> list[Machine]:
        """List the Machines of an app, or of a process group or a region of it.

        Raises:
            FlyError: the platform does not say.
        """
        return [
            machine
            for machine in self.hands.fly.machines(self.app(app))
            if machine.state != "destroyed"
            and group in ("", machine.group)
            and region in ("", machine.region)
        ]

    def journey(self, name: str, write: Callable[[Row], None] = _unwritten) -> str | None:
        """Walk a journey once; give the path of what the app acknowledged, if it gives one.

        Args:
            name: its name.
            write: told of each answer.

        Raises:
            AssertionError: the app did not do what it expects.
            Inconclusive: a fault of our own kept it from being walked.
            JourneyFileError: the file that registers it cannot be imported.
        """
        journey = self._journey(name)
        app = self.settings.target.public_app.name
        with JourneyRunner(self.public_url, app=app, source="chaos", write=write) as runner:
            path = runner.run(journey)
        if path is not None:
            self._acknowledged.append(path)
        return path

    @property
    def acknowledged(self) -> tuple[str, ...]:
        """The paths of all that the app has acknowledged to journeys walked here."""
        return tuple(self._acknowledged)

    def text_of(self, path: str, timeout_s: float) -> str | None:
        """Read what a path of the first public app has; None when it cannot be read."""
        try:
            with httpx.Client(trust_env=False, timeout=timeout_s) as client:
                answer = client.get(f"{self.public_url}/{path.lstrip('/')}")
        except httpx.HTTPError:
            return None
        return answer.text if answer.is_success else None

    def require_journeys(self, names: Iterable[str]) -> None:
        """Pass when there are all of these journeys.

        Raises:
            Inconclusive: there is one that nobody has registered; names those that are.
            JourneyFileError: the file that registers them cannot be imported.
        """
        for name in names:
            self._journey(name)

    def require_group(self, app: str, group: str) -> None:
        """Pass when an app has Machines of a process group.

        Raises:
            Inconclusive: it has none; names the groups that it has.
            FlyError: the platform does not say.
        """
        groups = {machine.group for machine in self.machines(app, "")}
        if group not in groups:
            what = f"process group {group!r} in {self.app(app)}; there are"
            raise _missing(what, group, groups)

    def _journey(self, name: str) -> Journey:
        with self._lock:
            load_journeys(self.settings.journeys)
        known = registered()
        if name not in known:
            raise _missing(f"journey {name!r}; registered", name, known)
        return known[name]

    def status(self, path: str, app: str, timeout_s: float) -> int:
        """Ask for a path once; the status of the answer, 0 when there was none."""
        try:
            with httpx.Client(trust_env=False, timeout=timeout_s) as client:
                return client.get(f"{self.url_of(app)}/{path.lstrip('/')}").status_code
        except httpx.HTTPError:
            return 0

    def new_errors(self, app: str) -> tuple[str, ...]:
        """Give the errors that an app's log did not have in the day before the experiment.

        Raises:
            FlyError: the platform does not say.
        """
        name = self.app(app)

        def page(token: str) -> LogPage:
            return self.hands.fly.logs(name, next_token=token)

        before = baseline_before(page, name, self.began_at)
        since = LogTail(page, name, self.began_at).poll()
        return tuple(
            one.template for one in new_error_signatures(before.lines if before else (), since)
        )

    def is_met(self, objective: str) -> bool:
        """Tell whether an objective is met over its window, by metrics or by former runs.

        Raises:
            Inconclusive: it is not known; there is no such objective.
            FlyError: the metrics do not say.
        """
        found = [one for one in self.settings.objectives if one.name == objective]
        if not found:
            names = ", ".join(one.name for one in self.settings.objectives) or "none"
            raise Inconclusive(f"there is no objective {objective!r}; stated: {names}")
        measured = Windows(self.settings, self.metrics).measure(found[0])
        verdict = judge_objective(found[0], measured).verdict
        if verdict is ObjectiveVerdict.INCONCLUSIVE:
            raise Inconclusive(f"{objective}: too few events to tell")
        return verdict is ObjectiveVerdict.MET

    def metrics(self) -> Prometheus:
        """Give the metrics of the target's organization.

        Raises:
            FlyError: the target does not name its organization, and the platform does not say.
        """
        fly = self.hands.fly
        return fly.metrics(organization_of(fly, self.settings.target))


def _missing(what: str, name: str, names: Iterable[str]) -> Inconclusive:
    there = sorted(names)
    lines = [f"there is no {what}: {', '.join(there) or 'none'}", did_you_mean(name, there)]
    return Inconclusive("\n".join(filter(None, lines)))
