"""Draws plots as SVG that needs no script and no style sheet. Pure.

Colours are attributes, which pages that forbid styles keep, and of a middle lightness, readable on
light and on dark; what is written has the colour of the page's text. Every plot says in its title
and description what it shows, for those who do not see it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_sre.report.html.buckets import band_label, told_latency

BLUE: Final = "#3b82f6"
RED: Final = "#e5484d"
GREY: Final = "#8b8d98"

_WIDTH, _LEFT, _RIGHT, _TOP = 780.0, 116.0, 16.0, 12.0
_INNER: Final = _WIDTH - _LEFT - _RIGHT
_HEIGHT: Final = 180.0
_SHADES: Final = (0.12, 0.3, 0.5, 0.75, 1.0)
_DASHES: Final = ("", "6 4", "2 3")
_TICKS: Final = 5
_CURVE_PERCENTS: Final = (50.0, 90.0, 99.0, 99.9, 99.99, 100.0)


@dataclass(frozen=True)
class About:
    """What a plot is: ``key`` names it within the page, the others tell it in words."""

    key: str
    title: str
    description: str


@dataclass(frozen=True)
class Series:
    """Values over time, a slice after the other."""

    name: str
    values: tuple[float, ...]
    colour: str = BLUE


def over_time(about: About, series: Sequence[Series], labels: Sequence[str]) -> Markup:
    """Draw series as steps over time.

    Args:
        about: what they are.
        series: at most three, of the same length.
        labels: when each slice begins, in words.
    """
    highest = _nice(max((value for one in series for value in one.values), default=0.0))
    parts = [*_level_lines([(value, f"{value:g}") for value in (0.0, highest / 2, highest)])]
    for one, dashes in zip(series, _DASHES, strict=False):
        parts.append(_steps(one, highest, dashes))
    parts += [*_time_labels(labels), *_legend(series)]
    return _svg(about, _HEIGHT + 52, parts)


def heat_map(about: About, slices: Sequence[Sequence[int]], labels: Sequence[str]) -> Markup:
    """Draw how many of each slice of time were in each band of latencies; more is darker.

    Args:
        about: what is shown.
        slices: of each slice, how many were in each band.
        labels: when each slice begins, in words.
    """
    seen = [band for counts in slices for band, count in enumerate(counts) if count]
    low, high = (min(seen), max(seen)) if seen else (0, 0)
    row = 16.0
    height = row * (high - low + 1)
    most = max((count for counts in slices for count in counts), default=0)
    paths: list[list[str]] = [[] for _ in _SHADES]
    wide = _INNER / max(1, len(slices))
    for place, counts in enumerate(slices):
        for band, count in enumerate(counts):
            if count:
                x, y = _LEFT + place * wide, _TOP + (high - band) * row
                cell = f"M{x:.1f} {y:.0f}h{wide:.1f}v{row:.0f}h-{wide:.1f}z"
                paths[_shade(count, most)].append(cell)
    parts = [
        Markup('<path d="{}" fill="{}" fill-opacity="{}"/>').format("".join(path), BLUE, shade)
        for path, shade in zip(paths, _SHADES, strict=True)
        if path
    ]
    parts += (
        _text(_LEFT - 6, _TOP + (high - band) * row + 12, band_label(band), "end")
        for band in range(low, high + 1)
    )
    return _svg(about, height + 40, [*parts, *_time_labels(labels, height)])


def percentile_curve(about: About, points: Sequence[tuple[float, float]]) -> Markup:
    """Draw latencies by percentile: what is rare takes as much room as what is common.

    Args:
        about: what is shown.
        points: percentages and seconds, rising.
    """
    drawn = [(percent, max(latency_s, 1e-5)) for percent, latency_s in points]
    drawn = [(percent, latency_s) for percent, latency_s in drawn if math.isfinite(latency_s)]
    logs = [math.log10(latency_s) for _, latency_s in drawn] or [0.0]
    low, high = math.floor(min(logs)), max(math.ceil(max(logs)), math.floor(min(logs)) + 1)

    def y_of(latency_s: float) -> float:
        return _TOP + _HEIGHT * (high - math.log10(latency_s)) / (high - low)

    decades = [10.0**power for power in range(low, high + 1)]
    parts = [
        part
        for latency_s in decades
        for part in _level_line(y_of(latency_s), told_latency(latency_s))
    ]
    line = " ".join(f"{_percent_x(percent):.1f},{y_of(latency):.1f}" for percent, latency in drawn)
    parts.append(_polyline(line, BLUE))
    parts += (
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>').format(
            _percent_x(percent), y_of(latency_s), BLUE
        )
        for percent, latency_s in drawn
    )
    parts += (
        _text(_percent_x(percent), _TOP + _HEIGHT + 18, told_percent(percent), "middle")
        for percent in _CURVE_PERCENTS
    )
    return _svg(about, _HEIGHT + 36, parts)


def told_percent(percent: float) -> str:
    """Name a percentile as people do: ``p99.9``, and ``max`` for the highest."""
    return f"p{percent:g}" if percent < 100 else "max"


def bars(about: About, counts: Sequence[tuple[str, int]]) -> Markup:
    """Draw counts as bars beside each other, each with its name and its number."""
    most = max((count for _, count in counts), default=0) or 1
    row, left = 22.0, 180.0
    parts = []
    for place, (name, count) in enumerate(counts):
        y = _TOP + place * row
        wide = (_WIDTH - left - 90) * count / most
        parts += [
            _text(left - 8, y + 13, name, "end"),
            Markup('<rect x="{}" y="{:.0f}" width="{:.1f}" height="14" fill="{}"/>').format(
                left, y + 2, wide, RED
            ),
            _text(left + wide + 6, y + 13, f"{count:,}", "start"),
        ]
    return _svg(about, row * len(counts) + 16, parts)


def _svg(about: About, height: float, parts: Sequence[Markup]) -> Markup:
    head = Markup(
        '<svg viewBox="0 0 {:.0f} {:.0f}" width="100%" role="img" '
        'aria-labelledby="{key}-title {key}-desc" font-size="11" font-family="sans-serif">'
        '<title id="{key}-title">{}</title><desc id="{key}-desc">{}</desc>'
    ).format(_WIDTH, height + _TOP, about.title, about.description, key=about.key)
    return head + Markup("").join(parts) + Markup("</svg>")


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup(
        '<text x="{:.1f}" y="{:.1f}" text-anchor="{}" fill="currentColor">{}</text>'
    ).format(x, y, anchor, text)


def _polyline(points: str, colour: str, dashes: str = "") -> Markup:
    dashed = Markup(' stroke-dasharray="{}"').format(dashes) if dashes else ""
    return Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"{}/>').format(
        points, colour, dashed
    )


def _steps(one: Series, highest: float, dashes: str) -> Markup:
    wide = _INNER / max(1, len(one.values))
    points = []
    for place, value in enumerate(one.values):
        y = _TOP + _HEIGHT * (1 - value / highest)
        points += [
            f"{_LEFT + place * wide:.1f},{y:.1f}",
            f"{_LEFT + (place + 1) * wide:.1f},{y:.1f}",
        ]
    return _polyline(" ".join(points), one.colour, dashes)


def _level_lines(levels: Sequence[tuple[float, str]]) -> Iterator[Markup]:
    highest = levels[-1][0]
    for value, label in levels:
        yield from _level_line(_TOP + _HEIGHT * (1 - value / highest), label)


def _level_line(y: float, label: str) -> Iterator[Markup]:
    yield Markup(
        '<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="{}" stroke-opacity="0.4"/>'
    ).format(_LEFT, _WIDTH - _RIGHT, y, y, GREY)
    yield _text(_LEFT - 6, y + 4, label, "end")


def _time_labels(labels: Sequence[str], height: float = _HEIGHT) -> Iterator[Markup]:
    wide = _INNER / max(1, len(labels))
    every = max(1, math.ceil(len(labels) / _TICKS))
    for place in range(0, len(labels), every):
        yield _text(_LEFT + place * wide, _TOP + height + 18, labels[place], "start")


def _legend(series: Sequence[Series]) -> Iterator[Markup]:
    x, y = _LEFT, _TOP + _HEIGHT + 38
    for one, dashes in zip(series, _DASHES, strict=False):
        yield _polyline(f"{x:.0f},{y:.0f} {x + 24:.0f},{y:.0f}", one.colour, dashes)
        yield _text(x + 30, y + 4, one.name, "start")
        x += 60 + 7 * len(one.name)


def _shade(count: int, most: int) -> int:
    """Choose a shade by the logarithm: one slow request is seen beside thousands of fast ones."""
    share = math.log1p(count) / math.log1p(most)
    return min(len(_SHADES) - 1, int(share * len(_SHADES)))


def _percent_x(percent: float) -> float:
    rarity = min(4.0, -math.log10(1 - percent / 100)) if percent < 100 else 4.5
    return _LEFT + 20 + (_INNER - 60) * rarity / 4.5


def _nice(highest: float) -> float:
    """Give the next number of 1, 2, 4, 5 or 8 times a power of ten that is not below."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(times * power for times in (1, 2, 4, 5, 8, 10) if times * power >= highest)
