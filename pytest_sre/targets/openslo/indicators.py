"""The SLI of an OpenSLO file, made into what an objective measures."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

import math
from dataclasses import dataclass
from typing import Literal, TypeVar

from pytest_sre.targets.errors import ConfigError, quoted
from pytest_sre.targets.objectives import RatioQuery, Source, ThresholdQuery
from pytest_sre.targets.openslo.counters import counted, with_window
from pytest_sre.targets.openslo.objects import V1, Objects, Version, optional
from pytest_sre.targets.reading import Place, boolean, key, mapping, one_of, table, text
from pytest_sre.targets.slo_sources import SourceKeys, source_of, threshold_of
from pytest_sre.targets.yaml_files import Part, part

T = TypeVar("T")
Op = Literal["lte", "gte", "lt", "gt"]
OPS: tuple[Op, ...] = ("lte", "gte", "lt", "gt")
OWN_TYPE = "pytest-sre"
_PROMETHEUS = "prometheus"
_ONE_QUERY = "exactly one of them"


@dataclass(frozen=True)
class Limit:
    """What the value of a threshold metric is compared with."""

    op: Op
    value: float


@dataclass(frozen=True)
class Indicator:
    """What is measured, and the time within which it is good where there is one."""

    source: Source
    threshold_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Sli:
    description: str | None = key("description", optional(text), None)
    threshold: Part | None = key("thresholdMetric", part, None)
    ratio: Part | None = key("ratioMetric", part, None)


@dataclass(frozen=True, kw_only=True)
class _Ratio:
    counter: bool = key("counter", boolean, False)
    good: Part | None = key("good", part, None)
    bad: Part | None = key("bad", part, None)
    total: Part | None = key("total", part, None)
    raw: Part | None = key("raw", part, None)
    raw_type: Literal["success", "failure"] | None = key(
        "rawType", one_of(("success", "failure")), None
    )


@dataclass(frozen=True, kw_only=True)
class _MetricV1:
    source: Part = key("metricSource", part)


@dataclass(frozen=True, kw_only=True)
class _MetricSource:
    ref: str | None = key("metricSourceRef", text, None)
    type: str | None = key("type", text, None)
    spec: Part = key("spec", part)


@dataclass(frozen=True, kw_only=True)
class _MetricV2:
    ref: str | None = key("dataSourceRef", text, None)
    source: Part | None = key("dataSourceSpec", part, None)
    spec: Part = key("spec", part)


@dataclass(frozen=True, kw_only=True)
class _DataSource:
    type: str = key("type", text)


@dataclass(frozen=True, kw_only=True)
class _PrometheusSpec:
    query: str = key("query", text)


@dataclass(frozen=True)
class _Metric:
    type: str
    spec: Part


@dataclass(frozen=True)
class IndicatorReader:
    """Reads SLIs, whose metrics may refer to data sources among *objects*."""

    objects: Objects

    def check(self, spec: Part) -> None:
        """Check the keys of an SLI, whether something uses it or not.

        Raises:
            ConfigError: there is an unknown one, or not exactly one kind of metric.
        """
        self._sli(spec)

    def is_threshold(self, spec: Part) -> bool:
        """Tell whether an SLI is a value to be compared."""
        return self._sli(spec).threshold is not None

    def read(
        self, spec: Part, version: Version, limit: Limit | None, slice_s: float, raw_good: float
    ) -> Indicator:
        """Read an SLI.

        Args:
            spec: its ``spec``.
            version: of the object that has it.
            limit: what a threshold metric is compared with; None where none is stated.
            slice_s: how often a value is asked for, seconds.
            raw_good: the good ratio that a slice is to have, where only a ratio is known; 0 where
                events are counted.

        Raises:
            ConfigError: it has a mistake, or is nothing that can be measured here.
        """
        sli = self._sli(spec)
        if sli.threshold is not None:
            return Indicator(self._value(sli.threshold, version, limit, slice_s))
        assert sli.ratio is not None
        ratio = table(_Ratio, closed=True)(sli.ratio.value, sli.ratio.place)
        if ratio.raw is not None:
            return Indicator(self._raw(ratio, ratio.raw, version, slice_s, raw_good))
        return self._events(ratio, sli.ratio.place, version)

    def _sli(self, spec: Part) -> _Sli:
        sli = table(_Sli, closed=True)(spec.value, spec.place)
        if (sli.threshold is None) == (sli.ratio is None):
            raise ConfigError(
                where=str(spec.place),
                found=f"has {_both(sli.threshold)} thresholdMetric {_and(sli.ratio)} ratioMetric",
                expected=_ONE_QUERY,
            )
        return sli

    def _value(
        self, stated: Part, version: Version, limit: Limit | None, slice_s: float
    ) -> ThresholdQuery:
        metric = self._metric(stated, version)
        query = with_window(self._query(metric))
        assert limit is not None, "the reader of objectives asks for it"
        match limit.op:
            case "lte":
                return ThresholdQuery(value=query, below=limit.value, slice_s=slice_s)
            case "gte":
                return ThresholdQuery(value=query, above=limit.value, slice_s=slice_s)
            case "lt":
                # The next number there is: less than it, and at most this one, are the same.
                below = math.nextafter(limit.value, -math.inf)
                return ThresholdQuery(value=query, below=below, slice_s=slice_s)
        above = math.nextafter(limit.value, math.inf)
        return ThresholdQuery(value=query, above=above, slice_s=slice_s)

    def _raw(
        self, ratio: _Ratio, raw: Part, version: Version, slice_s: float, good: float
    ) -> ThresholdQuery:
        if ratio.good or ratio.bad or ratio.total:
            raise ConfigError(str(raw.place), "stands beside counts", "raw alone, or counts")
        if ratio.raw_type is None:
            raise ConfigError(str(raw.place), "has no rawType", "rawType: success, or failure")
        if not good:
            raise ConfigError(
                where=str(raw.place),
                found="is a ratio without counts, which cannot carry a verdict",
                expected="total with good or bad; or budgetingMethod: Timeslices",
            )
        query = with_window(self._query(self._metric(raw, version)))
        if ratio.raw_type == "success":
            return ThresholdQuery(value=query, above=good, slice_s=slice_s)
        return ThresholdQuery(value=query, below=round(1 - good, 12), slice_s=slice_s)

    def _events(self, ratio: _Ratio, place: Place, version: Version) -> Indicator:
        if ratio.raw_type is not None:
            raise ConfigError(str(place / "rawType"), 'means nothing without "raw"', "no rawType")
        if ratio.total is None:
            raise place.lacks("total")
        if (ratio.good is None) == (ratio.bad is None):
            raise ConfigError(
                where=str(place),
                found=f"has {_both(ratio.good)} good {_and(ratio.bad)} bad",
                expected=_ONE_QUERY,
            )
        total = self._metric(ratio.total, version)
        numerator = self._metric(ratio.good or ratio.bad or ratio.total, version)
        if OWN_TYPE in (total.type, numerator.type):
            return _own(total, numerator, is_good=ratio.good is not None)
        queries = [
            counted(self._query(one), one.spec.place / "query", is_counter=ratio.counter)
            for one in (total, numerator)
        ]
        if ratio.good is not None:
            return Indicator(RatioQuery(total=queries[0], good=queries[1]))
        return Indicator(RatioQuery(total=queries[0], bad=queries[1]))

    def _metric(self, stated: Part, version: Version) -> _Metric:
        if version == V1:
            outer = table(_MetricV1, closed=True)(stated.value, stated.place).source
            v1 = table(_MetricSource, closed=True)(outer.value, outer.place)
            kind = v1.type or self._referred(v1.ref, outer.place, "metricSourceRef")
            return _Metric(kind.lower(), v1.spec)
        v2 = table(_MetricV2, closed=True)(stated.value, stated.place)
        if v2.source is not None:
            kind = table(_DataSource, closed=False)(v2.source.value, v2.source.place).type
        else:
            kind = self._referred(v2.ref, stated.place, "dataSourceRef")
        return _Metric(kind.lower(), v2.spec)

    def _referred(self, ref: str | None, place: Place, name: str) -> str:
        if ref is None:
            raise place.lacks(name)
        # Our own events are in no data source that anybody would have to describe.
        if ref == OWN_TYPE:
            return ref
        found = self.objects.named("DataSource", ref, place / name)
        return table(_DataSource, closed=False)(found.spec.value, found.spec.place).type

    def _query(self, metric: _Metric) -> str:
        if metric.type != _PROMETHEUS:
            raise ConfigError(
                where=str(metric.spec.place),
                found=f"is for a data source of type {quoted(metric.type)}",
                expected=f"type Prometheus with a query, or {OWN_TYPE}",
            )
        return table(_PrometheusSpec, closed=False)(metric.spec.value, metric.spec.place).query


def _own(total: _Metric, good: _Metric, *, is_good: bool) -> Indicator:
    """Read events of our own sources: the same for good and total, but for ``below``."""
    counted_in = mapping(good.spec.value, good.spec.place)
    same = {name: value for name, value in counted_in.items() if name != "below"}
    whole = mapping(total.spec.value, total.spec.place)
    if not is_good or total.type != good.type or same != whole:
        raise ConfigError(
            where=str(good.spec.place),
            found=f"is not the good part of the {OWN_TYPE} events in total",
            expected="good and total of one spec; good may add below",
        )
    keys = table(SourceKeys, closed=True)(counted_in, good.spec.place)
    source = source_of(keys, good.spec.place)
    return Indicator(source, threshold_of(keys, source, good.spec.place))


def _both(first: object) -> str:
    return "neither" if first is None else "both"


def _and(second: object) -> str:
    return "nor" if second is None else "and"
