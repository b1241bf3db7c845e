"""Service level objectives as stated: what is measured, what is good, what share, over how long.

One of these serves the test, the gate, the alert rules and the dashboard (`pytest_sre.slo`).
"""

from dataclasses import dataclass
from typing import Literal

from pytest_sre.targets.severities import Severity

SliKind = Literal["availability", "latency", "freshness", "correctness", "saturation"]
SLI_KINDS: tuple[SliKind, ...] = (
    "availability",
    "latency",
    "freshness",
    "correctness",
    "saturation",
)
WINDOW = "$window"
"""What stands for the range of time in a query, as in ``increase(requests_total[$window])``."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Events that runs record themselves: requests of bake, watch and load, or journeys.

    With ``journey`` only its requests (or its runs, for correctness) count, with ``path`` only
    requests of that path.
    """

    journey: str | None = None
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Logged:
    """Requests that the app's structured log tells of, a line a request, by its fields.

    ``status`` names the field with the HTTP status; ``duration`` that with the time taken, in
    units of ``duration_unit_s`` seconds.
    """

    status: str = "status"
    duration: str = "duration"
    duration_unit_s: float = 0.001


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What Fly's proxy answered users: the built-in ``fly_edge_http_*`` metrics of the app."""


@dataclass(frozen=True, kw_only=True)
class RatioQuery:
    """PromQL counts over ``$window``: those of ``total``, and those ``good`` or ``bad``.

    Exactly one of ``good`` and ``bad`` is given.
    """

    total: str
    good: str | None = None
    bad: str | None = None


@dataclass(frozen=True, kw_only=True)
class ThresholdQuery:
    """A PromQL value, good while it is at most ``below`` or at least ``above`` (one is given).

    It is asked for once each ``slice_s`` seconds; each slice is one event.
    """

    value: str
    below: float | None = None
    above: float | None = None
    slice_s: float = 60.0


Source = Observed | Logged | Edge | RatioQuery | ThresholdQuery


@dataclass(frozen=True, kw_only=True)
class Slices:
    """Counts time slices rather than events: one is good when its own good ratio is enough.

    With ``good_ratio`` None none is good or bad: the mean of their good ratios is judged, so that
    a quiet slice weighs as much as a busy one.
    """

    slice_s: float
    good_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class BurnAlert:
    """An alert on the burn rate over ``window_s`` that is asked for, in place of the usual ones.

    It fires once the burn rate has been beyond ``factor`` for ``after_s`` seconds: above it, or
    under it where ``fires_above`` is False. ``severity`` is the label that the alert gets.
    """

    name: str
    factor: float
    window_s: float
    severity: str
    after_s: float = 0.0
    fires_above: bool = True


@dataclass(frozen=True, kw_only=True)
class BudgetAdjustment:
    """A time that does not count in objectives, such as maintenance, and why.

    Attributes:
        objectives: the names of those in which it does not count; empty stands for all.
        start_at: when it begins, Unix seconds.
        end_at: when it ends, Unix seconds.
        reason: why, for people; it is shown wherever the adjustment changed a number.
        where: the file and the key it was read from, for messages.
    """

    objectives: tuple[str, ...]
    start_at: float
    end_at: float
    reason: str
    where: str = ""

    def concerns(self, name: str) -> bool:
        """Tell whether it is about the objective of this name."""
        return not self.objectives or name in self.objectives


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One service level objective.

    Attributes:
        name: unique, in lower case, such as ``checkout-availability``.
        kind: what is measured.
        source: where its events are found.
        good_ratio: the share that is to be good, above 0 and below 1.
        window_s: over how long, seconds.
        app: the app it is about; None for the target's first.
        threshold_s: for latency, the time within which a good request is answered; for
            freshness in requests or logs, the age up to which data is good.
        slices: whether time slices are counted; None counts events.
        alerts: whether burn-rate alerts are made of it.
        burn_alerts: those asked for by an alert policy; without them the usual ones are made.
        severity: how much a breach matters.
        owner: who answers for it, such as a team.
        runbook: the file to follow, in the nearest ``runbooks`` folder, or a URL.
        freeze_below: the share of the error budget under which no release is to pass; None
            never freezes.
        description: for people.
        where: the file and the key it was read from, for messages.
    """

    name: str
    kind: SliKind
    source: Source
    good_ratio: float
    window_s: float
    app: str | None = None
    threshold_s: float | None = None
    slices: Slices | None = None
    alerts: bool = True
    burn_alerts: tuple[BurnAlert, ...] = ()
    severity: Severity = "high"
    owner: str | None = None
    runbook: str | None = None
    freeze_below: float | None = None
    description: str = ""
    where: str = ""

    @property
    def allowed_ratio(self) -> float:
        """The share that may be bad: the error budget of the whole window."""
        return 1 - self.good_ratio
