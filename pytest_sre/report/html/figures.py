"""Tables, and plots with the table of their numbers. Pure."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_sre.redaction import one_line, redact
from pytest_sre.report.html.buckets import BANDS, Slices, band_label, told_latency
from pytest_sre.report.html.plots import About, bars, heat_map, percentile_curve, told_percent
from pytest_sre.slo.proportion import percent

_NAME: Final = 200
_BARS: Final = 10

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Table:
    """Rows under titles; ``left`` is how many more there are than are shown."""

    caption: str
    titles: tuple[str, ...]
    rows: Rows
    left: int = 0


@dataclass(frozen=True)
class Figure:
    """A plot, with its numbers."""

    svg: Markup
    numbers: Table


def safe_line(text: str, longest: int) -> str:
    """Give foreign text as one line without secrets."""
    return one_line(redact(text), longest)


def slice_labels(slices: Slices) -> tuple[str, ...]:
    """Name slices by the time of day, in UTC, at which each begins."""
    digits = max(0, -math.floor(math.log10(slices.slice_s))) if slices.slice_s < 1 else 0
    return tuple(_clock(slices.begins_at(place), digits) for place in range(slices.count))


def _clock(at: float, digits: int) -> str:
    whole = math.floor(at)
    part = f"{at - whole:.{digits}f}"[1:] if digits else ""
    return time.strftime("%H:%M:%S", time.gmtime(whole)) + part


def heat_figure(
    key: str, title: str, slices: Sequence[Sequence[int]], labels: Sequence[str]
) -> Figure:
    """Show how many of each slice of time were in each band of latencies.

    Args:
        key: names the plot within the page, with what kind it is.
        title: what is shown.
        slices: of each slice, how many were in each band.
        labels: names the slices.
    """
    used = [band for band in range(BANDS) if any(counts[band] for counts in slices)]
    total = sum(map(sum, slices))
    described = f"{total:,} latencies"
    if used:
        described += f", from the band {band_label(used[0])} to the band {band_label(used[-1])}"
    numbers = Table(
        title,
        ("from", *map(band_label, used)),
        tuple(
            (label, *(f"{counts[band]:,}" for band in used))
            for label, counts in zip(labels, slices, strict=True)
        ),
    )
    return Figure(heat_map(About(f"{key}-heat", title, f"{described}."), slices, labels), numbers)


def curve_figure(key: str, title: str, points: Sequence[tuple[float, float]]) -> Figure:
    """Show latencies by percentile.

    Args:
        key: names the plot within the page, with what kind it is.
        title: what is shown.
        points: percentages and seconds, rising.
    """
    told = tuple((told_percent(share), told_latency(latency_s)) for share, latency_s in points)
    described = ", ".join(f"{name} {latency}" for name, latency in told)
    svg = percentile_curve(About(f"{key}-curve", title, f"{described}."), points)
    return Figure(svg, Table(title, ("percentile", "latency"), told))


def error_figure(key: str, title: str, counts: Iterable[tuple[str, int]]) -> Figure:
    """Show how often things went wrong, by kind.

    Args:
        key: names the plot within the page, with what kind it is.
        title: what is shown.
        counts: how many of each kind, the most frequent first.
    """
    named = [(safe_line(name, _NAME), count) for name, count in counts]
    shown = [(safe_line(name, 26), count) for name, count in named[:_BARS]]
    described = ", ".join(f"{name} {count:,}" for name, count in shown)
    rows = tuple((name, f"{count:,}") for name, count in named)
    svg = bars(About(f"{key}-errors", title, f"{described}."), shown)
    return Figure(svg, Table(title, ("kind", "count"), rows))


def at_text(at: float) -> str:
    """Show a Unix time as date and time of day, in UTC; a dash for one that is not known."""
    if not (math.isfinite(at) and 0 < at < 253_402_300_800):
        return "–"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def share_text(ratio: float) -> str:
    """Show a share; a dash for one that is not known."""
    return percent(ratio) if math.isfinite(ratio) else "–"
