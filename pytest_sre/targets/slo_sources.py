"""What an objective measures, as a ``[[slo]]`` says it: from its keys to its source."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_sre.targets.errors import ConfigError, quoted
from pytest_sre.targets.objectives import (
    WINDOW,
    Edge,
    Logged,
    Observed,
    RatioQuery,
    SliKind,
    Source,
    ThresholdQuery,
)
from pytest_sre.targets.reading import Place, duration_with_unit, key, matching, one_of, text

SourceName = Literal["runs", "logs", "edge"]
SOURCE_NAMES: tuple[SourceName, ...] = ("runs", "logs", "edge")
_UNITS_S: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_REQUEST_PATH = matching(r"/[^\s?#]*", 'a path such as "/checkout"')
_EXAMPLE = '"300ms"'
_time_s = duration_with_unit(f"a duration with its unit, such as {_EXAMPLE}")
_ONE_SOURCE = (
    'one of: journey, path, source ("runs", "logs" or "edge"), total with good or bad, value'
)
# Which keys say more about which source; "below" goes with several.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "runs": ("source", "journey", "path"),
    "logs": ("source", "status", "duration", "duration-unit"),
    "edge": ("source",),
    "total": ("total", "good", "bad"),
    "value": ("value", "above", "every"),
}
_TIMED: Mapping[SliKind, tuple[type[Source], ...]] = {
    "latency": (Observed, Logged, Edge),
    "freshness": (Logged,),
}
_PLAIN: Mapping[SliKind, tuple[type[Source], ...]] = {
    "availability": (Observed, Logged, Edge, RatioQuery, ThresholdQuery),
    "latency": (RatioQuery, ThresholdQuery),
    "freshness": (RatioQuery, ThresholdQuery),
    "correctness": (Observed, RatioQuery, ThresholdQuery),
    "saturation": (RatioQuery, ThresholdQuery),
}


def number(value: object, place: Place) -> float:
    """Read a finite number.

    Raises:
        ConfigError: it is something else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            if math.isfinite(found := float(value)):
                return found
        except OverflowError:
            pass
    raise place.wrong(value, "a number")


def ranged_query(value: object, place: Place) -> str:
    """Read a PromQL query that counts over the window.

    Raises:
        ConfigError: it is no text, or does not say where the window goes.
    """
    query = text(value, place)
    if WINDOW not in query:
        raise place.wrong(value, f"PromQL that counts over {WINDOW}, as increase(x[{WINDOW}]) does")
    return query


def _number_or_time(value: object, place: Place) -> float | str:
    return value if isinstance(value, str) else number(value, place)


@dataclass(frozen=True, kw_only=True)
class SourceKeys:
    """The keys of a ``[[slo]]`` that say what is measured."""

    source: SourceName | None = key("source", one_of(SOURCE_NAMES), None)
    journey: str | None = key("journey", text, None)
    path: str | None = key("path", _REQUEST_PATH, None)
    status: str | None = key("status", text, None)
    duration: str | None = key("duration", text, None)
    duration_unit: str | None = key("duration-unit", one_of(_UNITS_S), None)
    total: str | None = key("total", ranged_query, None)
    good: str | None = key("good", ranged_query, None)
    bad: str | None = key("bad", ranged_query, None)
    value: str | None = key("value", text, None)
    below: float | str | None = key("below", _number_or_time, None)
    above: float | None = key("above", number, None)
    every_s: float | None = key("every", _time_s, None)


def source_of(keys: SourceKeys, place: Place) -> Source:
    """Find the one source that the keys name.

    Raises:
        ConfigError: they name none, or keys of two are mixed.
    """
    name = _named(keys, place)
    _refuse_foreign(keys, name, place)
    match name:
        case "runs":
            return Observed(journey=keys.journey, path=keys.path)
        case "logs":
            return Logged(
                status=keys.status or Logged.status,
                duration=keys.duration or Logged.duration,
                duration_unit_s=_UNITS_S[keys.duration_unit or "ms"],
            )
        case "edge":
            return Edge()
        case "total":
            return _ratio_query(keys, place)
    return _threshold_query(keys, place)


def _named(keys: SourceKeys, place: Place) -> str:
    if keys.value is not None:
        return "value"
    if any((keys.total, keys.good, keys.bad)):
        return "total"
    if keys.source is not None:
        return keys.source
    if keys.journey is None and keys.path is None:
        raise ConfigError(place.section, "does not say what is measured", _ONE_SOURCE)
    return "runs"


def _refuse_foreign(keys: SourceKeys, name: str, place: Place) -> None:
    foreign = {key for known in _KEYS.values() for key in known} - set(_KEYS[name])
    for other in sorted(foreign):
        attribute = "every_s" if other == "every" else other.replace("-", "_")
        if getattr(keys, attribute) is not None:
            ours = f'source = "{name}"' if name in SOURCE_NAMES else quoted(name)
            raise ConfigError(str(place / other), f"does not go with {ours}", _ONE_SOURCE)


def _ratio_query(keys: SourceKeys, place: Place) -> RatioQuery:
    if keys.total is None:
        raise place.lacks("total")
    if (keys.good is None) == (keys.bad is None):
        raise ConfigError(
            where=place.section,
            found='has both "good" and "bad"' if keys.good else 'has neither "good" nor "bad"',
            expected="one of the two, beside total",
        )
    return RatioQuery(total=keys.total, good=keys.good, bad=keys.bad)


def _threshold_query(keys: SourceKeys, place: Place) -> ThresholdQuery:
    value = keys.value or ""
    if (keys.below is None) == (keys.above is None):
        raise ConfigError(
            where=place.section,
            found=f'has a value, and {"both" if keys.above is not None else "neither"} of "below" '
            'and "above"',
            expected="one of the two: up to where the value is good, or from where",
        )
    below = None if keys.below is None else number(keys.below, place / "below")
    every_s = ThresholdQuery.slice_s if keys.every_s is None else keys.every_s
    return ThresholdQuery(value=value, below=below, above=keys.above, slice_s=every_s)


def threshold_of(keys: SourceKeys, source: Source, place: Place) -> float | None:
    """Read the time that ``below`` says, in seconds; None where it is absent or a plain number.

    Raises:
        ConfigError: it is no duration, or there is nothing whose time could be below it.
    """
    if keys.below is None or isinstance(source, ThresholdQuery):
        return None
    if isinstance(source, RatioQuery):
        raise ConfigError(
            where=str(place / "below"),
            found='does not go with "total"',
            expected="queries that count the requests in time themselves, or source = ...",
        )
    return _time_s(keys.below, place / "below")


def refuse_unfit(kind: SliKind, source: Source, threshold_s: float | None, place: Place) -> None:
    """Refuse a kind that its source cannot tell, or that lacks its threshold.

    Raises:
        ConfigError: it is so.
    """
    timed, plain = _TIMED.get(kind, ()), _PLAIN[kind]
    if isinstance(source, Observed) and source.path and kind == "correctness":
        raise ConfigError(
            str(place / "path"), "has no results to be correct", "a journey, or none for all"
        )
    if threshold_s is None and isinstance(source, timed):
        raise ConfigError(
            where=place.section,
            found=f'is about {kind} and has no key "below"',
            expected=f"below = {_EXAMPLE}",
        )
    if threshold_s is not None and not isinstance(source, timed):
        raise ConfigError(
            where=str(place / "below"),
            found=f"means nothing for {kind} there",
            expected=f"it for kind = {' or '.join(quoted(name) for name in _TIMED)}",
        )
    if not isinstance(source, timed + plain):
        raise ConfigError(
            where=str(place / "kind"),
            found=f"is {quoted(kind)}, which this source cannot tell",
            expected=_fit_sources(timed + plain),
        )


def _fit_sources(sources: tuple[type[Source], ...]) -> str:
    keys = {
        Observed: "journey",
        Logged: 'source = "logs"',
        Edge: 'source = "edge"',
        RatioQuery: "total",
        ThresholdQuery: "value",
    }
    return f"one of: {', '.join(keys[source] for source in sources)}"
