"""What a run is about: the target, its apps, what is allowed on it, and how it is judged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pytest_sre.targets.fly_toml import FlyToml
from pytest_sre.targets.objectives import BudgetAdjustment, Objective
from pytest_sre.targets.severities import Severity

Permission = Literal["observe", "load", "chaos", "deploy"]
PlatformName = Literal["fly", "local"]

PERMISSIONS: tuple[Permission, ...] = ("observe", "load", "chaos", "deploy")
PLATFORMS: tuple[PlatformName, ...] = ("fly", "local")


@dataclass(frozen=True)
class AppSpec:
    """One app of a target.

    ``machines`` says how many Machines there are to be, by process group and region; a group
    that it does not name is not judged by number. ``processes`` has commands by process group,
    for the local platform.
    """

    name: str
    toml: FlyToml
    path: Path
    machines: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    processes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_public(self) -> bool:
        """Whether users reach it over HTTP, by its fly.toml."""
        services = (each for group in self.toml.groups for each in self.toml.services(group))
        return any(service.is_web for service in services)

    def command(self, group: str) -> str | None:
        """Give what a group's Machines execute; None for the image's own command."""
        return self.processes.get(group) or self.toml.command(group)


@dataclass(frozen=True, kw_only=True)
class LoadLimits:
    """The most load that a run may put on a target.

    Attributes:
        rate_per_s: journeys that may begin a second; requests, of a locustfile.
        requests: requests that may be sent in one run, all its loads together.
    """

    rate_per_s: float
    requests: int


NO_LOAD = LoadLimits(rate_per_s=0.0, requests=0)
"""Of a target about which nothing is known."""


@dataclass(frozen=True, kw_only=True)
class ChaosLimits:
    """How much of a target may be perturbed at once: the blast radius.

    Attributes:
        apps: the apps that may be.
        machines: of how many Machines, all process groups together.
        share: of how much of a process group, above 0 and at most 1.
        regions: in how many regions.
        lasts_s: for how long, seconds.
        last_machine: whether the last healthy Machine of a process group that serves may be.
        min_budget_ratio: how much of each error budget has to be left; at 0 it is not looked at.
        undo_timeout_s: how long undoing is tried before it is given up, seconds.
    """

    apps: frozenset[str]
    machines: int
    share: float
    regions: int
    lasts_s: float
    last_machine: bool
    min_budget_ratio: float
    undo_timeout_s: float = 30.0


NO_CHAOS = ChaosLimits(
    apps=frozenset(),
    machines=0,
    share=0.0,
    regions=0,
    lasts_s=0.0,
    last_machine=False,
    min_budget_ratio=1.0,
)
"""Of a target about which nothing is known."""


@dataclass(frozen=True)
class Target:
    """What is looked at, and what may be done to it. Nothing in ``deny`` is in ``allow``.

    ``incidents`` says whether a critical cause found there starts an incident; ``load`` how much
    load there may be, where it is allowed, and ``chaos`` how much may be perturbed. ``chaos_on`` is
    the target's name again if somebody has typed it for chaos in this run, and empty otherwise.
    """

    name: str
    platform: PlatformName
    apps: tuple[AppSpec, ...]
    organization: str | None
    url: str | None
    allow: frozenset[Permission]
    deny: frozenset[Permission]
    incidents: bool = False
    load: LoadLimits = NO_LOAD
    chaos: ChaosLimits = NO_CHAOS
    chaos_on: str = ""

    @property
    def public_app(self) -> AppSpec:
        """The first app that users reach over HTTP; the first of all when there is none."""
        return next((app for app in self.apps if app.is_public), self.apps[0])

    def url_on_fly(self, app: str) -> str:
        """Say where an app is reached when it is on Fly.io."""
        if self.url and app == self.public_app.name:
            return self.url
        return f"https://{app}.fly.dev"


@dataclass(frozen=True)
class BakeSettings:
    """How long the target is watched, in seconds, and the limits it is judged by."""

    window_s: float
    error_ratio: float = 0.01
    latency_p95_s: float = 1.0


@dataclass(frozen=True)
class ReleaseSettings:
    """Where the app reports its build revision: an HTTP path and a dotted key in its JSON.

    Without a path the app does not report it.
    """

    path: str | None = None
    key: str = "revision"


@dataclass(frozen=True)
class LogRule:
    """A pattern of log lines that tell of a fault, as stated; `pytest_sre.logs` compiles it.

    Attributes:
        id: its name, unique among all rules.
        kind: what kind of fault it is, such as ``out-of-memory``.
        severity: how bad a line that matches usually is.
        pattern: what to look for, anywhere in a line.
        explanation: what such a line usually means.
        matches: lines that it must match.
        misses: lines that it must not match.
        ignore_case: whether ASCII letters match in upper and lower case.
        where: the file and the key it was read from, for messages.
    """

    id: str
    kind: str
    severity: Severity
    pattern: str
    explanation: str
    matches: tuple[str, ...]
    misses: tuple[str, ...]
    ignore_case: bool = False
    where: str = ""


@dataclass(frozen=True)
class LogSettings:
    """Patterns of log lines that are not judged, to be searched for in the line; own rules."""

    ignore: tuple[re.Pattern[str], ...] = ()
    rules: tuple[LogRule, ...] = ()


@dataclass(frozen=True)
class ProjectSettings:
    """A project on GitHub that issues are put on, once, when they are opened.

    Attributes:
        owner: the organization or the user whose it is.
        number: as in its address.
        fields: what its fields are set to, by name.
        severity_field: which field is set to the severity; None for none.
    """

    owner: str
    number: int
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    severity_field: str | None = None


@dataclass(frozen=True)
class IssueSettings:
    """Where failures become issues, and how these live.

    Attributes:
        tracker: ``files:FOLDER``, relative to the project's folder, or ``github:OWNER/NAME``.
        api_url: of a GitHub Enterprise server; None for github.com.
        max_per_run: how many issues one run opens; one more tells of the rest.
        recover_after: how many runs in a row have to pass before an issue is closed.
        reopen_within_s: how long after its close an issue is opened again; later a new one is.
        labels: labels that every issue gets.
        assignees: to whom every issue is given, as GitHub names them.
        assign_codeowners: give an issue also to the people who own, by CODEOWNERS, what changed
            since the last healthy run.
        escalate_to: who is mentioned, in critical issues only.
        escalate_every_s: how long after one mention an incident may mention again.
        update_every_s: how long an open incident may go without an entry in its log.
        project: what issues are put on when they are opened; None for nothing.
    """

    tracker: str = "files:.sre/issues"
    api_url: str | None = None
    max_per_run: int = 5
    recover_after: int = 2
    reopen_within_s: float = 14 * 86_400.0
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    escalate_to: str | None = None
    escalate_every_s: float = 30 * 60.0
    update_every_s: float = 30 * 60.0
    assign_codeowners: bool = False
    project: ProjectSettings | None = None


@dataclass(frozen=True)
class AlertSettings:
    """Who would tell, and by which rules.

    Attributes:
        rules: Prometheus rule files.
        prometheus: the address of the one that evaluates them; None where nobody does.
        alertmanager: the address of the one that alerts are sent to.
        scrape_s: how often metrics are read, seconds; Fly does so every 15.
    """

    rules: tuple[Path, ...] = ()
    prometheus: str | None = None
    alertmanager: str | None = None
    scrape_s: float = 15.0


@dataclass(frozen=True, kw_only=True)
class LoadSettings:
    """The load that a project asks for of each journey.

    Attributes:
        rate_per_s: arrivals a second; None asks for none.
        duration_s: how long, seconds.
    """

    rate_per_s: float | None = None
    duration_s: float = 30.0


@dataclass(frozen=True)
class Settings:
    """All of it. ``source`` is the file it was read from; None when there is only a fly.toml."""

    root: Path
    source: Path | None
    target: Target
    journeys: tuple[Path, ...]
    bake: BakeSettings
    release: ReleaseSettings
    logs: LogSettings
    issues: IssueSettings
    objectives: tuple[Objective, ...] = ()
    adjustments: tuple[BudgetAdjustment, ...] = ()
    load: LoadSettings = LoadSettings()
    alerts: AlertSettings = AlertSettings()
