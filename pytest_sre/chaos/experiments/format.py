"""The keys of chaostoolkit's files, and those of our extension block in them.

chaostoolkit itself takes a key that it does not know for none at all: with ``rolbacks`` nothing
is rolled back. Here such a key is a mistake.

Source: https://chaostoolkit.org/reference/api/experiment/, and chaoslib's own checks.
"""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pytest_sre.chaos.experiments.experiment import (
    RECOVERS_WITHIN_S,
    AbortOn,
    JourneyFails,
    StatedRadius,
    Terms,
    TooFewHealthy,
)
from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.reading import (
    Place,
    Reader,
    boolean,
    duration_s,
    integer,
    key,
    list_of,
    mapping,
    one_of,
    ratio,
    table,
    text,
)
from pytest_sre.targets.severities import SEVERITIES, Severity
from pytest_sre.targets.yaml_files import Part, part

EXTENSION: Final = "pytest-sre"
Kind = Literal["probe", "action"]
_KINDS: tuple[Kind, ...] = ("probe", "action")
_PLACEHOLDER: Final = re.compile(r"\$\{[^{}]+\}")
_DRY: Final = "no such key; a dry run is asked for with chaos run --dry"
_LONGEST_S: Final = 3600.0
_MOST: Final = 1_000


def _number(value: object, place: Place) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise place.wrong(value, "a number of seconds")
    return float(value)


def _number_or_name(value: object, place: Place) -> object:
    """Read a number, or the ``${name}`` of one."""
    if isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
        return value
    return _number(value, place)


def _never(value: object, place: Place) -> None:
    raise place.wrong(value, _DRY)


def _arguments_of_process(value: object, place: Place) -> object:
    if isinstance(value, str | dict | list):
        return value
    raise place.wrong(value, "a list of texts")


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """``pauses`` around an activity, seconds or a ``${name}``."""

    before: object = key("before", _number_or_name, 0.0)
    after: object = key("after", _number_or_name, 0.0)


@dataclass(frozen=True, kw_only=True)
class Python:
    """A ``provider`` that calls a function."""

    type: str = key("type", text)
    module: str = key("module", text)
    func: str = key("func", text)
    arguments: Part | None = key("arguments", part, None)
    secrets: Part | None = key("secrets", part, None)
    configuration: Part | None = key("configuration", part, None)


@dataclass(frozen=True, kw_only=True)
class Process:
    """A ``provider`` that runs a command."""

    type: str = key("type", text)
    path: str = key("path", text)
    arguments: object = key("arguments", _arguments_of_process, None)
    timeout: object = key("timeout", _number_or_name, None)
    secrets: Part | None = key("secrets", part, None)
    configuration: Part | None = key("configuration", part, None)


@dataclass(frozen=True, kw_only=True)
class Http:
    """A ``provider`` that makes a request."""

    type: str = key("type", text)
    url: str = key("url", text)
    method: str = key("method", text, "GET")
    headers: Mapping[str, object] | None = key("headers", mapping, None)
    arguments: Part | None = key("arguments", part, None)
    timeout: Part | None = key("timeout", part, None)
    verify_tls: bool = key("verify_tls", boolean, True)
    max_retries: int = key("max_retries", integer(0, 100), 0)
    secrets: Part | None = key("secrets", part, None)
    configuration: Part | None = key("configuration", part, None)


Provider = Python | Process | Http
_PROVIDERS: dict[str, Reader[Provider]] = {
    "python": table(Python, closed=True),
    "process": table(Process, closed=True),
    "http": table(Http, closed=True),
}


def provider(value: object, place: Place) -> Provider:
    """Read a provider by its type."""
    kind = mapping(value, place).get("type")
    if kind is None:
        raise place.lacks("type")
    return _PROVIDERS[one_of(tuple(_PROVIDERS))(kind, place / "type")](value, place)


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A probe or an action."""

    type: Kind = key("type", one_of(_KINDS))
    name: str = key("name", text)
    provider: Provider = key("provider", provider)
    tolerance: Part | None = key("tolerance", part, None)
    background: bool = key("background", boolean, False)
    timeout: float | None = key("timeout", _number, None)
    pauses: Pauses | None = key("pauses", table(Pauses, closed=True), None)
    controls: Part | None = key("controls", part, None)
    tags: tuple[str, ...] = key("tags", list_of(text), ())
    dry: None = key("dry", _never, None)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An activity that is written down elsewhere in the file."""

    ref: str = key("ref", text)


_activity = table(Activity, closed=True)
_reference = table(Reference, closed=True)


@dataclass(frozen=True)
class Placed:
    """An activity, and where it stands."""

    activity: Activity | Reference
    place: Place


def placed(value: object, place: Place) -> Placed:
    """Read an activity, or a reference to one."""
    read = _reference if "ref" in mapping(value, place) else _activity
    found = read(value, place)
    if isinstance(found, Activity) and found.background and found.timeout is None:
        raise ConfigError(
            place.holding("background"),
            "runs in the background with no timeout",
            "timeout: SECONDS beside background",
            "without one the experiment may never come to its rollbacks",
        )
    return Placed(found, place)


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """The steady state."""

    title: str = key("title", text)
    probes: tuple[Placed, ...] = key("probes", list_of(placed))
    controls: Part | None = key("controls", part, None)


@dataclass(frozen=True, kw_only=True)
class ControlModule:
    """The ``provider`` of a control."""

    type: str = key("type", one_of(("python",)))
    module: str = key("module", text)
    arguments: Part | None = key("arguments", part, None)
    secrets: Part | None = key("secrets", part, None)


@dataclass(frozen=True, kw_only=True)
class ControlBlock:
    """A control: code that is told of what is done, and may end it."""

    name: str = key("name", text)
    provider: ControlModule = key("provider", table(ControlModule, closed=True))
    scope: str | None = key("scope", one_of(("before", "after")), None)
    automatic: bool = key("automatic", boolean, True)
    ref: str | None = key("ref", text, None)


controls = list_of(table(ControlBlock, closed=True))

HypothesisStrategy = Literal["default", "continuously"]


@dataclass(frozen=True, kw_only=True)
class HypothesisRuntime:
    """When the steady state is looked at; before and after the method in any case."""

    strategy: HypothesisStrategy = key("strategy", one_of(("default", "continuously")), "default")
    frequency: float = key("frequency", _number, 1.0)


@dataclass(frozen=True, kw_only=True)
class RollbacksRuntime:
    """When the rollbacks are played: always."""

    strategy: str = key("strategy", one_of(("always", "default", "deviated", "never")), "always")


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What else would be said on the command line of ``chaos run``."""

    hypothesis: HypothesisRuntime = key(
        "hypothesis", table(HypothesisRuntime, closed=True), HypothesisRuntime()
    )
    rollbacks: RollbacksRuntime = key(
        "rollbacks", table(RollbacksRuntime, closed=True), RollbacksRuntime()
    )


@dataclass(frozen=True, kw_only=True)
class Extension:
    """A block that one program understands, and the others pass over."""

    name: str = key("name", text)


@dataclass(frozen=True, kw_only=True)
class Document:
    """The top of a file."""

    title: str = key("title", text)
    description: str = key("description", text)
    version: Part | None = key("version", part, None)
    tags: tuple[str, ...] = key("tags", list_of(text), ())
    contributions: Part | None = key("contributions", part, None)
    configuration: Mapping[str, object] = key("configuration", mapping, {})
    secrets: Mapping[str, object] = key("secrets", mapping, {})
    hypothesis: Hypothesis = key("steady-state-hypothesis", table(Hypothesis, closed=True))
    method: tuple[Placed, ...] = key("method", list_of(placed))
    rollbacks: tuple[Placed, ...] = key("rollbacks", list_of(placed), ())
    controls: Part | None = key("controls", part, None)
    extensions: tuple[Part, ...] = key("extensions", list_of(part), ())
    runtime: Runtime = key("runtime", table(Runtime, closed=True), Runtime())
    dry: None = key("dry", _never, None)


document = table(Document, closed=True)


def _at_most_an_hour(value: object, place: Place) -> float:
    seconds = duration_s(value, place)
    if seconds > _LONGEST_S:
        raise place.wrong(value, "at most 1h")
    return seconds


@dataclass(frozen=True, kw_only=True)
class _Radius:
    seconds: float = key("seconds", _at_most_an_hour)
    machines: int | None = key("machines", integer(1, _MOST), None)
    share: float | None = key("share", ratio, None)
    regions: int | None = key("regions", integer(1, _MOST), None)


def _radius(value: object, place: Place) -> StatedRadius:
    found = table(_Radius, closed=True)(value, place)
    return StatedRadius(
        seconds=found.seconds, machines=found.machines, share=found.share, regions=found.regions
    )


@dataclass(frozen=True, kw_only=True)
class _JourneyFails:
    journey: str = key("journey", text)
    for_s: float = key("fails-for", duration_s)


@dataclass(frozen=True, kw_only=True)
class _TooFew:
    group: str = key("group", text)
    below: int = key("healthy-below", integer(1, _MOST))
    app: str = key("app", text, "")


def _abort(value: object, place: Place) -> AbortOn:
    if "journey" in mapping(value, place):
        found = table(_JourneyFails, closed=True)(value, place)
        return JourneyFails(found.journey, found.for_s)
    few = table(_TooFew, closed=True)(value, place)
    return TooFewHealthy(few.group, few.below, few.app)


@dataclass(frozen=True, kw_only=True)
class _Terms:
    name: str = key("name", text)
    radius: StatedRadius | None = key("blast-radius", _radius, None)
    may_deviate: bool = key("may-deviate", boolean, False)
    recovers_within_s: float = key("recovers-within", _at_most_an_hour, RECOVERS_WITHIN_S)
    abort: tuple[AbortOn, ...] = key("abort", list_of(_abort), ())
    severity: Severity = key("severity", one_of(SEVERITIES), "medium")
    runbook: str = key("runbook", text, "")


def terms(extensions: tuple[Part, ...]) -> Terms:
    """Read the block that is ours; what is stated for us when there is none."""
    for each in extensions:
        named = table(Extension, closed=False)(each.value, each.place)
        if named.name == EXTENSION:
            found = table(_Terms, closed=True)(each.value, each.place)
            return Terms(
                radius=found.radius,
                may_deviate=found.may_deviate,
                recovers_within_s=found.recovers_within_s,
                abort_on=found.abort,
                severity=found.severity,
                runbook=found.runbook,
            )
    return Terms()
