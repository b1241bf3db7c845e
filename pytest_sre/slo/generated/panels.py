"""Panels of a Grafana dashboard, and where they are placed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

_COLUMNS: Final = 24
_HEIGHT: Final = 7
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Query:
    """What a panel shows; ``legend`` names its lines, by templates such as ``{{status}}``."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Threshold:
    """The colour of values from ``value`` on; None for the lowest."""

    color: str
    value: float | None = None


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: its title.
        kind: a number, or lines over time.
        unit: Grafana's name of the unit, such as ``percentunit`` for a share from 0 to 1.
        queries: what it shows.
        thresholds: colours by value, the lowest first.
        width: in the columns of a dashboard, which has 24.
    """

    title: str
    kind: Literal["stat", "timeseries"]
    unit: str
    queries: Sequence[Query]
    thresholds: Sequence[Threshold] = ()
    width: int = 8


def placed(rows: Iterable[tuple[str, Sequence[Panel]]]) -> list[dict[str, object]]:
    """Put panels below each other, each row under its title, from left to right."""
    found: list[dict[str, object]] = []
    top = 0
    for title, panels in rows:
        found.append(_row(len(found) + 1, title, top))
        top += 1
        left = 0
        for panel in panels:
            if left + panel.width > _COLUMNS:
                left, top = 0, top + _HEIGHT
            found.append(_panel(len(found) + 1, panel, left, top))
            left += panel.width
        top += _HEIGHT
    return found


def _row(number: int, title: str, top: int) -> dict[str, object]:
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
        "panels": [],
    }


def _panel(number: int, panel: Panel, left: int, top: int) -> dict[str, object]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": _HEIGHT},
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "targets": [_target(chr(ord("A") + n), each) for n, each in enumerate(panel.queries)],
    }


def _field(panel: Panel) -> dict[str, object]:
    field: dict[str, object] = {"unit": panel.unit}
    if panel.thresholds:
        steps = [{"color": each.color, "value": each.value} for each in panel.thresholds]
        field["thresholds"] = {"mode": "absolute", "steps": steps}
        field["color"] = {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"}
    return field


def _target(letter: str, query: Query) -> dict[str, object]:
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
    }
