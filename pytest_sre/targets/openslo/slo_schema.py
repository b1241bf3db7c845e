"""The keys of an SLO in OpenSLO files."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

from dataclasses import dataclass
from typing import Literal

from pytest_sre.targets.openslo.durations import shorthand_s, slice_s
from pytest_sre.targets.openslo.indicators import OPS, Op
from pytest_sre.targets.openslo.objects import Metadata, optional, read_metadata
from pytest_sre.targets.reading import Place, boolean, key, list_of, one_of, text
from pytest_sre.targets.slo_keys import percent
from pytest_sre.targets.slo_sources import number
from pytest_sre.targets.yaml_files import Part, part

Method = Literal["Occurrences", "Timeslices", "RatioTimeslices"]
_METHODS: tuple[Method, ...] = ("Occurrences", "Timeslices", "RatioTimeslices")


@dataclass(frozen=True, kw_only=True)
class _Slo:
    description: str | None = key("description", optional(text), None)
    windows: tuple[Part, ...] | None = key("timeWindow", optional(list_of(part)), None)
    method: Method = key("budgetingMethod", one_of(_METHODS))
    objectives: tuple[Part, ...] = key("objectives", list_of(part))
    policies: tuple[Part, ...] | None = key("alertPolicies", optional(list_of(part)), None)


@dataclass(frozen=True, kw_only=True)
class SloV1(_Slo):
    """The ``spec`` of an SLO of v1."""

    service: str = key("service", text)
    sli: Part | None = key("indicator", part, None)
    sli_ref: str | None = key("indicatorRef", text, None)


@dataclass(frozen=True, kw_only=True)
class SloV2(_Slo):
    """The ``spec`` of an SLO of v2alpha, as its proposal or its toolkit has it."""

    service: str | None = key("service", text, None)
    service_ref: str | None = key("serviceRef", text, None)
    sli: Part | None = key("sli", part, None)
    sli_ref: str | None = key("sliRef", text, None)


@dataclass(frozen=True, kw_only=True)
class InlineSli:
    """An SLI in the place where it is used."""

    metadata: Metadata = key("metadata", read_metadata)
    spec: Part = key("spec", part)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The one item of ``timeWindow``."""

    duration_s: float = key("duration", shorthand_s)
    is_rolling: bool | None = key("isRolling", boolean, None)
    calendar: Part | None = key("calendar", part, None)


def _ratio(value: object, place: Place) -> float:
    found = number(value, place)
    if found > 1 or found == 0:
        expected = "a number above 0 and below 1; targetPercent is in percent"
        raise place.wrong(value, expected)
    if not 0 < found < 1:
        raise place.wrong(value, "a number above 0 and below 1: 1 would leave no error budget")
    return found


def _slice_ratio(value: object, place: Place) -> float:
    found = number(value, place)
    if not 0 < found <= 1:
        raise place.wrong(value, "a number above 0 and at most 1")
    return found


@dataclass(frozen=True, kw_only=True)
class Target:
    """An item of ``objectives``."""

    display_name: str = key("displayName", text, "")
    labels: Part | None = key("labels", part, None)
    op: Op | None = key("op", one_of(OPS), None)
    value: float | None = key("value", number, None)
    target: float | None = key("target", _ratio, None)
    percent: float | None = key("targetPercent", percent, None)
    slice_target: float | None = key("timeSliceTarget", _slice_ratio, None)
    slice_s: float | None = key("timeSliceWindow", slice_s, None)
