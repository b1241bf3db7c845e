"""Recordings made of rows, and their reports as a browser takes them in."""

import dataclasses
import html.parser
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import Row
from pytest_sre.report.html.page import render
from pytest_sre.report.html.reading import read_report

AT = 1_769_860_800.0


@dataclasses.dataclass
class Element:
    """A tag with its attributes."""

    tag: str
    attributes: dict[str, str]


class Page(html.parser.HTMLParser):
    """A page as a browser takes it in: its elements, its tables by caption, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._caption: str | None = None
        self._rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)
        if tag == "table":
            self._caption, self._rows = "", []
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "table":
            self.tables[self._caption or ""] = self._rows[1:]

    def handle_data(self, data):
        inside = set(self._open)
        if "style" not in inside:
            self.text += data
        if "caption" in inside:
            self._caption = f"{self._caption}{data}"
        elif inside & {"td", "th"}:
            self._rows[-1][-1] += data


def _recorded(path: Path, rows: Iterable[Row], **notes: str) -> Path:
    path.unlink(missing_ok=True)
    with Recorder(path, {"target": "prod", "started_at": str(AT), "version": "1", **notes}) as into:
        for row in rows:
            into.write(row)
    return path


def _page_of(path: Path) -> tuple[str, Page]:
    with Recording(path) as recording:
        text = render(read_report(recording))
    return text, Page(text)


@pytest.fixture
def recorded() -> Callable[..., Path]:
    """Makes a recording of rows at a path; notes by name."""
    return _recorded


@pytest.fixture
def page_of() -> Callable[[Path], tuple[str, Page]]:
    """Gives the report of a recording, as text and taken in."""
    return _page_of
