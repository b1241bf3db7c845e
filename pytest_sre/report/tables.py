"""Plain tables of what was seen, for terminals and for text that is kept."""

import io
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pytest_sre.logs.events import LogEvent
from pytest_sre.recording.rows import Exchange

_WIDTH = 120
_BETWEEN = "  "


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under titles, a line each, without colour or markup; foreign text is safe."""
    made = Table(box=None, pad_edge=False, header_style="")
    cells = [[clean(cell, _WIDTH) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(titles, *cells, strict=True)]
    for title, width in zip(titles, _fitted(widths), strict=True):
        made.add_column(title, no_wrap=True, overflow="ellipsis", width=width)
    for row in cells:
        made.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    out = io.StringIO()
    Console(file=out, width=_WIDTH, color_system=None, highlight=False).print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _fitted(widths: Sequence[int]) -> list[int]:
    """Show all but the last column whole if that leaves the last some room; or share alike."""
    *first, last = widths
    room = _WIDTH - len(_BETWEEN) * len(first)
    fair = room // len(widths)
    left = room - sum(first)
    if left >= min(last, fair):
        return [*first, min(last, left)]
    return [min(width, fair) for width in widths]


def exchanges_table(exchanges: Sequence[Exchange], labels: dict[str, str]) -> str:
    """Show requests and what came back, by Machine.

    Args:
        exchanges: the requests.
        labels: names of Machines, by id.
    """
    rows = [
        (
            labels.get(exchange.machine, exchange.machine or exchange.app),
            exchange.region,
            f"{exchange.method} {urlsplit(exchange.url).path or '/'}",
            str(exchange.status) if exchange.status else exchange.error_kind,
            f"{exchange.total_s * 1000:.0f} ms" if exchange.total_s else "-",
            clean(exchange.body_head or exchange.error, 60),
        )
        for exchange in exchanges
    ]
    return table(("Machine", "region", "request", "status", "time", "what came"), rows)


def log_excerpt(title: str, events: Sequence[LogEvent], left_out: int = 0) -> str:
    """Show events of a log under a title, a line each; of a stack trace also where it began."""
    shown = [
        f"  {clock(event.line.at)} {event.level:<8} {clean(_told(event), _WIDTH - 22)}"
        for event in events
    ]
    more = [f"  and {left_out} more"] if left_out else []
    return "\n".join([title, *shown, *more])


def _told(event: LogEvent) -> str:
    _, _, place = event.cause.rpartition(" at ")
    return f"{event.message} ({place})" if place and event.trace else event.message


def clock(at: float) -> str:
    """Show a Unix time as the time of day, in UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(at))


def clean(text: str, width: int) -> str:
    """Make foreign text fit to be shown on one line: nothing in it acts on a terminal."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(shown.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
