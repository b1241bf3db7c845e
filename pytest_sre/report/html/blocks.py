"""The parts of a page: sections of blocks."""

from dataclasses import dataclass

from pytest_sre.report.html.figures import Figure, Table


@dataclass(frozen=True)
class Block:
    """A part of a section: ``mark`` is a verdict, or empty; ``quoted`` is text as it was seen."""

    title: str
    mark: str = ""
    says: tuple[str, ...] = ()
    quoted: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    is_open: bool = True


@dataclass(frozen=True)
class Section:
    """What is under one heading; ``key`` names it within the page."""

    key: str
    title: str
    blocks: tuple[Block, ...]
