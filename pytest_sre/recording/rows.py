"""The rows of a recording: everything seen or done in a run, one type a kind.

Times named ``at`` are Unix seconds in UTC; durations are float seconds. Rows hold primitives
only, so that they are written as they are, cross process boundaries, and are read back equal.
"""

import math
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One observation. ``table`` is the table it is kept in."""

    table: ClassVar[str]

    at: float


class Exchange(Row, frozen=True, kw_only=True):
    """One request and what came back, or why nothing did.

    ``source`` is ``probe``, ``bake`` or ``journey``, or ``load`` where it stands for a `LoadError`.
    ``error_kind`` is empty when an answer came; otherwise ``dns``, ``dns-nxdomain``, ``network``,
    ``refused``, ``reset``, ``timeout``, ``tls`` or ``protocol``. ``own_fault`` says that the error
    is on our side of the network. ``test`` is the node id of the test that asked, empty for the
    bake. ``machine`` is the Machine asked for (or the one that says it answered), empty when
    unknown.
    """

    table: ClassVar[str] = "exchanges"

    source: str
    app: str
    method: str
    url: str
    machine: str = ""
    region: str = ""
    journey: str = ""
    test: str = ""
    status: int = 0
    ok: bool = False
    own_fault: bool = False
    error_kind: str = ""
    error: str = ""
    dns_s: float = 0.0
    connect_s: float = 0.0
    tls_s: float = 0.0
    first_byte_s: float = 0.0
    total_s: float = 0.0
    request_id: str = ""
    body_head: str = ""

    @property
    def described(self) -> str:
        """What was asked and what came, in one line."""
        path = urlsplit(self.url).path or "/"
        came = f"answers {self.status}" if self.status else f"gets no answer ({self.error_kind})"
        return f"{self.method} {path} {came}"


class JourneyRun(Row, frozen=True, kw_only=True):
    """One run of a journey from its first request to its last assertion."""

    table: ClassVar[str] = "journey_runs"

    source: str
    app: str
    journey: str
    ok: bool
    own_fault: bool = False
    total_s: float = 0.0
    error: str = ""
    test: str = ""


class LogLine(Row, frozen=True, kw_only=True):
    """One line of the app's or the platform's log, its level read from the message."""

    table: ClassVar[str] = "log_lines"

    app: str
    machine: str
    region: str
    level: str
    message: str
    provider: str = "app"


class MachineSeen(Row, frozen=True, kw_only=True):
    """A Machine as the platform's API described it at a time."""

    table: ClassVar[str] = "machines_seen"

    app: str
    machine: str
    name: str
    region: str
    group: str
    state: str
    instance_id: str
    image: str
    release_version: int = 0
    cordoned: bool = False
    may_sleep: bool = False
    host_status: str = "ok"


class CheckSeen(Row, frozen=True, kw_only=True):
    """The state of a health check of a Machine; a row a change, not a row a poll."""

    table: ClassVar[str] = "checks_seen"

    app: str
    machine: str
    check: str
    status: str
    output: str = ""


class EventSeen(Row, frozen=True, kw_only=True):
    """A Machine event; ``at`` is when the platform says it happened."""

    table: ClassVar[str] = "events_seen"

    app: str
    machine: str
    id: str
    type: str
    status: str
    source: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    requested_stop: bool = False
    restart_count: int = 0


class OwnFault(Row, frozen=True, kw_only=True):
    """Something on our side failed (the platform's API, our token, our network)."""

    table: ClassVar[str] = "own_faults"

    cause: str
    detail: str


class PlatformCall(Row, frozen=True, kw_only=True):
    """One try of a call to one of the platform's APIs; ``status`` is 0 when no answer came."""

    table: ClassVar[str] = "platform_calls"

    api: str
    method: str
    path: str
    status: int = 0
    error: str = ""
    total_s: float = 0.0


class Flake(Row, frozen=True, kw_only=True):
    """A check that failed first and passed when asked again."""

    table: ClassVar[str] = "flakes"

    what: str
    attempts: int
    first_failure: str
    test: str = ""


class TestRun(Row, frozen=True, kw_only=True):
    """One test of the run and its verdict; ``machines`` are ids joined by a space.

    ``suite`` is empty when it is not known, such as of a worker that died.
    """

    __test__: ClassVar[bool] = False
    table: ClassVar[str] = "test_runs"

    test: str
    verdict: str
    severity: str = ""
    duration_s: float = 0.0
    message: str = ""
    machines: str = ""
    suite: str = ""


class Reason(Row, frozen=True, kw_only=True):
    """Why the run came to its verdict: a probable cause of failed tests, or a gap of knowledge.

    ``verdict`` is what it makes of the release. ``evidence`` and ``tests`` hold a line each;
    ``machines`` are ids joined by a space. A gap has neither.
    """

    table: ClassVar[str] = "reasons"

    title: str
    verdict: str
    severity: str = ""
    app: str = ""
    evidence: str = ""
    tests: str = ""
    machines: str = ""


class ObjectiveSeen(Row, frozen=True, kw_only=True):
    """What the test of an objective measured, and concluded.

    ``lower_ratio`` and ``upper_ratio`` bound the true bad share, each with the ``confidence``;
    ``remaining_ratio`` is the share of the error budget that is left, below 0 when overspent. What
    is not known is not a number. ``told_by`` says where the events come from, ``detail`` what the
    numbers do not.
    """

    table: ClassVar[str] = "objectives_seen"

    objective: str
    verdict: str
    bad: int
    total: int
    allowed_ratio: float
    window_s: float
    told_by: str
    lower_ratio: float = math.nan
    upper_ratio: float = math.nan
    confidence: float = math.nan
    remaining_ratio: float = math.nan
    detail: str = ""


class Risk(Row, frozen=True, kw_only=True):
    """Something that a test found that can fail one day."""

    table: ClassVar[str] = "risks"

    test: str
    title: str
    evidence: str
    severity: str


class Span(Row, frozen=True, kw_only=True):
    """A stretch of the run with a beginning (``at``) and an end, such as the bake."""

    table: ClassVar[str] = "spans"

    name: str
    ended_at: float
    detail: str = ""


class LoadSecond(Row, frozen=True, kw_only=True):
    """What became known of a second of a load, of one journey or request name of it.

    ``at`` is when what is counted was due. Rows of one second and name add up. ``load`` is the id
    of the load; ``request`` is empty for the journey as a whole; ``errors`` is JSON, how many by
    kind. ``intended``, ``sent`` and ``failed_after`` are latencies of good answers from when they
    were due and from when they were sent, and of bad ones from when they were due: counts by the
    bucket's index (`slo.histogram`) in msgpack, empty for none. ``unsent`` are arrivals of a worker
    that was lost; nobody knows whether it began them.
    """

    table: ClassVar[str] = "load_seconds"

    load: str
    second: int
    journey: str
    request: str = ""
    planned: int = 0
    dropped: int = 0
    started: int = 0
    late: int = 0
    done: int = 0
    failed: int = 0
    own_faults: int = 0
    errors: str = ""
    intended: bytes = b""
    sent: bytes = b""
    failed_after: bytes = b""
    unsent: int = 0


class LoadError(Row, frozen=True, kw_only=True):
    """A request of a load that the app failed: one of some of each kind.

    The columns are those of an exchange. They are apart since a load records no good ones.
    """

    table: ClassVar[str] = "load_errors"

    load: str
    app: str
    method: str
    url: str
    machine: str = ""
    region: str = ""
    journey: str = ""
    test: str = ""
    status: int = 0
    error_kind: str = ""
    error: str = ""
    request_id: str = ""


class LoadRun(Row, frozen=True, kw_only=True):
    """A load that has ended; ``at`` is when it began.

    ``plan``, ``answered``, ``health`` and ``fleet`` (how many Machines of which kind) are JSON;
    ``troubles`` and ``doubts`` are a line each; ``requests`` is how many were sent.
    """

    table: ClassVar[str] = "load_runs"

    load: str
    name: str
    base_url: str
    plan: str
    ended_at: float
    reason: str
    detail: str = ""
    troubles: str = ""
    doubts: str = ""
    requests: int = 0
    answered: str = "[]"
    health: str = "[]"
    fleet: str = "{}"
    test: str = ""


class Perturbation(Row, frozen=True, kw_only=True):
    """What chaos did to the target on purpose; ``at`` is when that was written down to be undone.

    There is a row when it was made, and another of the same ``perturbation`` when it was undone:
    the newest tells. ``kind`` is the action's, such as ``stop-machines``; ``machines`` is JSON,
    their ids. Times that did not come are not numbers. ``clean`` says that it is proven to be
    undone; ``left`` holds the commands by which a person does so, a line each. ``experiment`` is
    the id of the experiment it belongs to, if any.
    """

    table: ClassVar[str] = "perturbations"

    perturbation: str
    kind: str
    described: str
    app: str
    machines: str = "[]"
    made_at: float = math.nan
    undone_at: float = math.nan
    clean: bool = False
    left: str = ""
    test: str = ""
    experiment: str = ""

    @property
    def machine_ids(self) -> tuple[str, ...]:
        """The Machines it was done to."""
        return msgspec.json.decode(self.machines, type=tuple[str, ...])


class ExperimentRun(Row, frozen=True, kw_only=True):
    """An experiment that has ended; ``at`` is when it began.

    ``verdict`` is ``HELD``, ``DEVIATED``, ``NOT INJECTED`` or ``ABORTED``, ``detail`` why.
    ``steady_states`` and ``activities`` are JSON, lists of objects, in their order;
    ``recovery_s`` is how long after the undo the steady state held again, not a number when it did
    not or was not asked.
    """

    table: ClassVar[str] = "experiment_runs"

    experiment: str
    name: str
    title: str
    verdict: str
    ended_at: float
    detail: str = ""
    clean: bool = False
    steady_states: str = "[]"
    activities: str = "[]"
    recovery_s: float = math.nan
    test: str = ""


ROWS: tuple[type[Row], ...] = (
    Exchange,
    JourneyRun,
    LogLine,
    MachineSeen,
    CheckSeen,
    EventSeen,
    OwnFault,
    PlatformCall,
    Flake,
    TestRun,
    Reason,
    ObjectiveSeen,
    Risk,
    Span,
    LoadSecond,
    LoadError,
    LoadRun,
    Perturbation,
    ExperimentRun,
)
