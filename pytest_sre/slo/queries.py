"""What to ask a Prometheus for an objective's events: PromQL texts, made and never evaluated here.

A query of counts has ``$window`` (`pytest_sre.targets.objectives.WINDOW`) where its range of time
belongs. Nothing is taken for good because it is missing: where the events are not counted at all,
the queries have no value.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.targets.objectives import (
    WINDOW,
    Edge,
    Objective,
    RatioQuery,
    Slices,
    ThresholdQuery,
)

_EDGE_ANSWERS: Final = "fly_edge_http_responses_count"
EDGE_TIMES: Final = "fly_edge_http_response_time_seconds"
_FAILED: Final = 'status=~"5.."'
_NOT_FAILED: Final = 'status!~"5.."'
_UNITS_MS: Final = (
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
)


@dataclass(frozen=True)
class EventQueries:
    """PromQL for how many events there were over ``$window``, and how many of them were bad.

    Both have a value where the events are counted, and none where they are not.
    """

    total: str
    bad: str

    def over(self, window_s: float) -> "EventQueries":
        """Ask about the last so many seconds."""
        return EventQueries(at_window(self.total, window_s), at_window(self.bad, window_s))

    @property
    def error_ratio(self) -> str:
        """PromQL for the share of bad events; without a value while there are no events."""
        return f"{self.bad} / ({self.total} > 0)"


def is_asked(objective: Objective) -> bool:
    """Tell whether a Prometheus knows the objective's events; otherwise runs observe them."""
    return isinstance(objective.source, Edge | RatioQuery | ThresholdQuery)


def event_queries(objective: Objective, app: str, by: Sequence[str] = ()) -> EventQueries:
    """Give what to ask for an objective's events, or for its time slices.

    Args:
        objective: whose source is a Prometheus (`is_asked`).
        app: the app it is about, as Fly's label ``app`` names it.
        by: labels to count apart, such as ``region``; of Fly's edge only.

    Raises:
        ValueError: the objective's events are not in a Prometheus, or not those of its kind.
    """
    sliced = slice_query(objective, app)
    if sliced is not None:
        query, slice_s = sliced
        return _of_slices(f"({query})[{WINDOW}:{duration(slice_s)}]")
    return _requests(objective, app, by)


def slice_query(objective: Objective, app: str) -> tuple[str, float] | None:
    """Give what to ask once for each time slice, and the length of the slices in seconds.

    Its value is 1 for a bad slice and 0 for a good one, or the slice's share of bad events where
    these are averaged; a slice in which nothing was measured has none. None when the objective
    counts events and not slices.

    Raises:
        ValueError: see `event_queries`.
    """
    source, slices = objective.source, objective.slices
    if isinstance(source, ThresholdQuery):
        return _is_beyond(source), source.slice_s
    return None if slices is None else _is_bad(slices, _requests(objective, app, ()))


def measured_query(objective: Objective, app: str) -> str:
    """Give a query that has a value as long as what the objective is measured by is there.

    It may have ``$window`` in it. What is no number is not there; no traffic is.

    Raises:
        ValueError: see `event_queries`.
    """
    if isinstance(objective.source, ThresholdQuery):
        return _numbers(objective.source)
    return f"{_requests(objective, app, ()).bad} >= 0"


def edge_series(objective: Objective, app: str, error_ratio: float) -> dict[str, float]:
    """Give series of Fly's edge with which an objective would see this error ratio.

    Args:
        objective: about Fly's edge.
        app: the app.
        error_ratio: the share of bad events.

    Returns:
        How fast each series grows, relative to the number of events.
    """
    good = 1 - error_ratio
    if objective.kind != "latency" or objective.threshold_s is None:
        return {
            selector(_EDGE_ANSWERS, app=app, status="200"): good,
            selector(_EDGE_ANSWERS, app=app, status="500"): error_ratio,
        }
    bound = number(objective.threshold_s)
    return {
        selector(f"{EDGE_TIMES}_bucket", app=app, status="200", le=bound): good,
        selector(f"{EDGE_TIMES}_count", app=app, status="200"): 1.0,
    }


def slices_recorded(selector: str) -> EventQueries:
    """Give what to ask for time slices of which a rule records whether each is bad.

    Args:
        selector: of the one recorded series.
    """
    return _of_slices(f"{selector}[{WINDOW}]")


def at_window(query: str, window_s: float) -> str:
    """Put a range of time, seconds, where a query has ``$window``."""
    return query.replace(WINDOW, duration(window_s))


def duration(seconds: float) -> str:
    """Write a range of time as PromQL reads it, to the millisecond, such as ``1h30m``.

    Raises:
        ValueError: it is shorter than a millisecond.
    """
    rest = round(seconds * 1000)
    if rest < 1:
        raise ValueError(f"expected a range of time of at least 1 ms, found {seconds:g} s")
    parts = []
    for unit, length_ms in _UNITS_MS:
        count, rest = divmod(rest, length_ms)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def quoted(text: str) -> str:
    """Write a text as a PromQL string, whatever it holds.

    Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals, which
    are Go's; JSON escapes nothing that Go does not.
    """
    return json.dumps(text, ensure_ascii=False)


def number(value: float) -> str:
    """Write a number without the noise of binary fractions, such as 0.001 for 1 - 0.999."""
    return f"{value:.12g}"


def selector(metric: str, **labels: str) -> str:
    """Select the series of a metric that have these labels."""
    inside = ",".join(f"{name}={quoted(value)}" for name, value in labels.items())
    return f"{metric}{{{inside}}}"


def _requests(objective: Objective, app: str, by: Sequence[str]) -> EventQueries:
    match objective.source:
        case Edge():
            return _edge(objective, app, by)
        case RatioQuery(total=total, bad=str(bad)):
            return EventQueries(_sum(total), _or_none(_sum(bad), _sum(total)))
        case RatioQuery(total=total, good=str(good)):
            return _without_good(_sum(total), _sum(good))
    raise ValueError(
        f"objective {objective.name}: expected events that a Prometheus counts,"
        f" found {type(objective.source).__name__}"
    )


def _edge(objective: Objective, app: str, by: Sequence[str]) -> EventQueries:
    def increase(metric: str, *matchers: str) -> str:
        grouping = f" by ({', '.join(by)}) " if by else ""
        inside = ",".join((f"app={quoted(app)}", *matchers))
        return f"sum{grouping}(increase({metric}{{{inside}}}[{WINDOW}]))"

    if objective.kind == "availability":
        total = increase(_EDGE_ANSWERS)
        return EventQueries(total, _or_none(increase(_EDGE_ANSWERS, _FAILED), total))
    if objective.kind != "latency" or objective.threshold_s is None:
        raise ValueError(
            f"objective {objective.name}: expected availability, or latency with a threshold, of"
            f" Fly's edge, found {objective.kind}"
        )
    buckets, bound = f"{EDGE_TIMES}_bucket", _bound(objective.threshold_s)
    # An answer that failed is not good however fast it came. Only the bound itself being there
    # shows that it is one of the histogram's.
    good = _or_none(increase(buckets, bound, _NOT_FAILED), increase(buckets, bound))
    return _without_good(increase(f"{EDGE_TIMES}_count"), good)


def _bound(threshold_s: float) -> str:
    """Match the bucket of a bound; servers write 1 or 1.0."""
    text = number(threshold_s)
    return f'le=~"{text}([.]0)?"' if re.fullmatch("[0-9]+", text) else f'le="{text}"'


def _is_beyond(source: ThresholdQuery) -> str:
    """The worst of all series decides; one that is no number counts as not measured."""
    value = _numbers(source)
    if source.below is not None:
        return f"max({value}) > bool {number(source.below)}"
    if source.above is not None:
        return f"min({value}) < bool {number(source.above)}"
    raise ValueError("expected a threshold query with below or above, found neither")


def _numbers(source: ThresholdQuery) -> str:
    return f"({_within(at_window(source.value, source.slice_s))}) >= -Inf"


def _is_bad(slices: Slices, requests: EventQueries) -> tuple[str, float]:
    ratio = requests.over(slices.slice_s).error_ratio
    if slices.good_ratio is None:
        return ratio, slices.slice_s
    return f"{ratio} > bool {number(1 - slices.good_ratio)}", slices.slice_s


def _of_slices(values: str) -> EventQueries:
    return EventQueries(f"count_over_time({values})", f"sum_over_time({values})")


def _without_good(total: str, good: str) -> EventQueries:
    # Two counters read at slightly different times may differ by less than nothing.
    return EventQueries(total, f"clamp_min({total} - ({good}), 0)")


def _or_none(count: str, total: str) -> str:
    """Count 0 where nothing of the kind was ever seen, but only where events are counted."""
    return f"({count} or 0 * {total})"


def _sum(query: str) -> str:
    return f"sum({_within(query)})"


def _within(query: str) -> str:
    """Make a query safe to be put in parentheses: a comment must not swallow the closing one."""
    text = query.strip()
    return f"{text}\n" if "#" in text else text
