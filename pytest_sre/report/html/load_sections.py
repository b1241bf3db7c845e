"""Arranges what a report shows of loads. Pure."""

import math
from collections.abc import Iterator
from typing import Final

from pytest_sre.report.html.blocks import Block
from pytest_sre.report.html.buckets import told_latency
from pytest_sre.report.html.figures import (
    Figure,
    Table,
    at_text,
    curve_figure,
    error_figure,
    heat_figure,
    safe_line,
    share_text,
)
from pytest_sre.report.html.plots import BLUE, GREY, RED, About, Series, over_time
from pytest_sre.report.html.values import Load, LoadPart, Report

_NAME: Final = 200
_TEXT: Final = 400
_MOST_DOUBTS: Final = 8


def load_blocks(report: Report) -> Iterator[Block]:
    """Arrange the loads of a report."""
    for number, load in enumerate(report.loads.shown):
        yield _load(load, f"load-{number}")
    if report.loads.left:
        yield Block(f"and {report.loads.left:,} more loads, which are in the recording")


def _load(load: Load, key: str) -> Block:
    name = safe_line(load.name, _NAME)
    labels = tuple(f"{load.slices.begins_at(place):g} s" for place in range(load.slices.count))
    points = load.whole.percentiles_s
    curve = curve_figure(key, f"Latencies of {name} by percentile, from when each was due", points)
    errors = error_figure(key, f"Errors of {name}, by kind", load.errors)
    heat = heat_figure(key, f"Latencies of {name} over time", load.bands, labels)
    return Block(
        title=name,
        mark="INCONCLUSIVE" if load.doubts else "",
        says=tuple(_says(load)),
        figures=(
            _rates(load, key, name, labels),
            heat,
            *((curve,) if points else ()),
            *((errors,) if load.errors else ()),
        ),
        tables=tuple(_tables(load, name)),
    )


def _says(load: Load) -> Iterator[str]:
    yield f"{at_text(load.began_at)} to {at_text(load.ended_at)} UTC, to {_line(load.base_url)}"
    yield _line(load.workload)
    if load.test:
        yield f"made by {_line(load.test)}"
    yield from (f"in doubt: {_line(doubt)}" for doubt in load.doubts[:_MOST_DOUBTS])


def _line(text: str) -> str:
    return safe_line(text, _TEXT)


def _rates(load: Load, key: str, name: str, labels: tuple[str, ...]) -> Figure:
    wide_s = load.slices.slice_s
    planned = [Series("planned", _per_s(load.planned, wide_s), GREY)] if load.planned else []
    series = (
        Series("achieved", _per_s(load.started, wide_s), BLUE),
        *planned,
        Series("failed", _per_s(load.failed, wide_s), RED),
    )
    title = f"Rate of {name}, a second, in slices of {wide_s:g} s"
    told = ", ".join(f"{each.name} {sum(each.values) * wide_s:,.0f} in all" for each in series)
    rows = tuple(
        (label, *(f"{value:,.6g}" for value in values))
        for label, *values in zip(labels, *(each.values for each in series), strict=True)
    )
    numbers = Table(title, ("from", *(each.name for each in series)), rows)
    return Figure(over_time(About(f"{key}-rate", title, f"{told}."), series, labels), numbers)


def _per_s(counts: tuple[int, ...], slice_s: float) -> tuple[float, ...]:
    return tuple(count / slice_s for count in counts)


def _tables(load: Load, name: str) -> Iterator[Table]:
    titles = (
        "journey",
        "request",
        "planned",
        "dropped",
        "begun",
        "late",
        "ended",
        "failed",
        "failed share",
        "on our side",
        "p50",
        "p95",
        "p99",
    )
    yield Table(f"What was judged of {name}", titles, tuple(map(_part, load.parts)))
    if load.answered:
        rows = tuple(
            (safe_line(machine, _NAME), safe_line(region, _NAME), f"{count:,}")
            for machine, region, count in load.answered
        )
        yield Table(f"Machines that answered {name}", ("Machine", "region", "answers"), rows)


def _part(part: LoadPart) -> tuple[str, ...]:
    judged = part.done - part.own_faults
    return (
        safe_line(part.journey, _NAME),
        safe_line(part.request, _NAME) or "as a whole",
        f"{part.planned:,}",
        f"{part.dropped:,}",
        f"{part.started:,}",
        f"{part.late:,}",
        f"{part.done:,}",
        f"{part.failed:,}",
        share_text(part.failed / judged if judged else math.nan),
        f"{part.own_faults:,}",
        *(told_latency(part.percentile_s(each)) for each in (50.0, 95.0, 99.0)),
    )
