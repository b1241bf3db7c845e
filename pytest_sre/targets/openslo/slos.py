"""The SLOs of OpenSLO files, made into objectives."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.objectives import (
    BurnAlert,
    Objective,
    Slices,
    SliKind,
    ThresholdQuery,
)
from pytest_sre.targets.openslo.alerting import read_burn_alerts, read_condition, read_policy
from pytest_sre.targets.openslo.annotations import Annotations, read_annotations
from pytest_sre.targets.openslo.indicators import Indicator, IndicatorReader, Limit
from pytest_sre.targets.openslo.objects import V1, Object, Objects, Version, index
from pytest_sre.targets.openslo.slo_schema import InlineSli, SloV1, SloV2, Target, Window
from pytest_sre.targets.reading import Place, mapping, require_exactly, table
from pytest_sre.targets.slo_keys import DEFAULT_WINDOW_S, StatedObjective, objective_name
from pytest_sre.targets.slo_sources import refuse_unfit
from pytest_sre.targets.yaml_files import Part, read_yaml

_IN_PARTS = ("indicator", "indicatorRef", "sli", "sliRef", "compositeWeight")


def read_openslo(paths: Sequence[Path]) -> tuple[StatedObjective, ...]:
    """Read all objectives of some OpenSLO files, which may refer to each other.

    Raises:
        ConfigError: one has a mistake, or asks for what is not supported; the text has its line.
    """
    objects = index(document for path in paths for document in read_yaml(path))
    _check_unused(objects)
    return tuple(found for slo in objects.of_kind("SLO") for found in _objectives(slo, objects))


def _check_unused(objects: Objects) -> None:
    """Check what may be used by nothing, and would then not be read."""
    indicators = IndicatorReader(objects)
    for one in objects.of_kind("SLI"):
        indicators.check(one.spec)
    for one in objects.of_kind("AlertPolicy"):
        read_policy(one.spec, objects)
    for one in objects.of_kind("AlertCondition"):
        read_condition(one.metadata.name, one.spec)


def _objectives(stated: Object, objects: Objects) -> Iterator[StatedObjective]:
    place = stated.spec.place
    slo = _read_slo(stated)
    notes = read_annotations(stated.metadata.annotations)
    service = slo.service or (slo.service_ref if isinstance(slo, SloV2) else None)
    if not slo.objectives:
        raise ConfigError(str(place / "objectives"), "is empty", "at least one objective")
    for part in slo.objectives:
        _refuse_composite(part)
    targets = [table(Target, closed=True)(one.value, one.place) for one in slo.objectives]
    for number, (target, part) in enumerate(zip(targets, slo.objectives, strict=True)):
        indicator, slices = _measured(stated, slo, objects, target, notes, part.place)
        kind = notes.kind or _kind_of(indicator)
        refuse_unfit(kind, indicator.source, indicator.threshold_s, part.place)
        objective = Objective(
            name=_name(stated, targets, number),
            kind=kind,
            source=indicator.source,
            good_ratio=_good_ratio(target, part.place),
            window_s=_window_s(slo.windows, place / "timeWindow"),
            app=notes.app,
            threshold_s=indicator.threshold_s,
            slices=slices,
            alerts=notes.alerts,
            burn_alerts=_burn_alerts(slo.policies or (), objects),
            severity=notes.severity,
            owner=notes.owner,
            runbook=notes.runbook,
            freeze_below=notes.freeze_below,
            description=slo.description or "",
            where=str(part.place),
        )
        yield StatedObjective(objective, notes.targets, part.place, service)


def _read_slo(stated: Object) -> SloV1 | SloV2:
    value, place = stated.spec.value, stated.spec.place
    if stated.version == V1:
        return table(SloV1, closed=True)(value, place)
    return table(SloV2, closed=True)(value, place)


def _refuse_composite(part: Part) -> None:
    for name in mapping(part.value, part.place):
        if name in _IN_PARTS:
            raise ConfigError(
                where=str(part.place / name),
                found="makes a composite SLO, which is not supported",
                expected="an SLO for each part, with the indicator beside its objectives",
            )


def _measured(
    stated: Object,
    slo: SloV1 | SloV2,
    objects: Objects,
    target: Target,
    notes: Annotations,
    place: Place,
) -> tuple[Indicator, Slices | None]:
    """Give what an objective measures, and its time slices where events are counted in them."""
    spec, version = _sli(stated, slo, objects)
    reader = IndicatorReader(objects)
    slice_s = _slice_s(slo, target, place)
    limit = _limit(target, place, is_needed=reader.is_threshold(spec))
    every_s = notes.every_s or slice_s or ThresholdQuery.slice_s
    raw_good = target.slice_target or 0.0
    indicator = reader.read(spec, version, limit, every_s, raw_good)
    # A value is asked for once each slice, so that its slices are its events.
    if slice_s is None or isinstance(indicator.source, ThresholdQuery):
        return indicator, None
    return indicator, Slices(slice_s=slice_s, good_ratio=target.slice_target)


def _sli(stated: Object, slo: SloV1 | SloV2, objects: Objects) -> tuple[Part, Version]:
    place = stated.spec.place
    name = "indicator" if stated.version == V1 else "sli"
    if (slo.sli is None) == (slo.sli_ref is None):
        has = "neither" if slo.sli is None else "both"
        raise ConfigError(
            where=str(place),
            found=f'has {has} of "{name}" and "{name}Ref"',
            expected="exactly one of them",
        )
    if slo.sli is not None:
        return table(InlineSli, closed=True)(slo.sli.value, slo.sli.place).spec, stated.version
    found = objects.named("SLI", slo.sli_ref or "", place / f"{name}Ref")
    return found.spec, found.version


def _limit(target: Target, place: Place, *, is_needed: bool) -> Limit | None:
    if is_needed:
        if target.op is None:
            raise place.lacks("op")
        if target.value is None:
            raise place.lacks("value")
        return Limit(target.op, target.value)
    # An operator without a value is found in published examples, where it says nothing.
    if target.value is not None:
        raise ConfigError(
            str(place / "value"), "means nothing for a ratioMetric", "a thresholdMetric, or none"
        )
    return None


def _slice_s(slo: SloV1 | SloV2, target: Target, place: Place) -> float | None:
    needs = {
        "Occurrences": (),
        "Timeslices": ("timeSliceWindow", "timeSliceTarget"),
        "RatioTimeslices": ("timeSliceWindow",),
    }[slo.method]
    given = {"timeSliceWindow": target.slice_s, "timeSliceTarget": target.slice_target}
    require_exactly(
        place,
        given,
        needs,
        found=f"means nothing with budgetingMethod: {slo.method}",
        expected="it with Timeslices only",
    )
    return target.slice_s


def _name(stated: Object, targets: Sequence[Target], number: int) -> str:
    """Name an objective as its SLO, with its display name or number where there are several."""
    name, place = stated.metadata.name, stated.spec.place
    if len(targets) > 1:
        shown = re.sub("[^a-z0-9]+", "-", targets[number].display_name.lower()).strip("-")
        name = f"{name}-{shown or number + 1}"
    return objective_name(name, place)


def _kind_of(indicator: Indicator) -> SliKind:
    if isinstance(indicator.source, ThresholdQuery):
        return "saturation"
    return "availability" if indicator.threshold_s is None else "latency"


def _good_ratio(target: Target, place: Place) -> float:
    if (target.target is None) == (target.percent is None):
        has = "neither" if target.target is None else "both"
        raise ConfigError(
            str(place), f'has {has} of "target" and "targetPercent"', "exactly one of them"
        )
    return target.target or target.percent or 0.0


def _window_s(stated: Sequence[Part] | None, place: Place) -> float:
    if stated is None:
        return DEFAULT_WINDOW_S
    if len(stated) != 1:
        raise ConfigError(str(place), f"has {len(stated)} items", "exactly one window")
    window = table(Window, closed=True)(stated[0].value, stated[0].place)
    if window.calendar is not None or not window.is_rolling:
        raise ConfigError(
            where=str(stated[0].place),
            found="is aligned with the calendar, which is not supported",
            expected="isRolling: true, without calendar",
            hint="such as duration: 28d, which always has as many of each day of the week",
        )
    return window.duration_s


def _burn_alerts(policies: Sequence[Part], objects: Objects) -> tuple[BurnAlert, ...]:
    return tuple(alert for policy in policies for alert in read_burn_alerts(policy, objects))
