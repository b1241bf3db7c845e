"""Makes what pytest shows of a failed test safe: without secrets, and nothing in it acts.

pytest prints messages, source lines, values and captured output as they are; what a target
answered, or logged, is among them.
"""

import dataclasses
from collections.abc import Callable

import pytest

from pytest_sre.redaction import printable


def make_safe(report: pytest.TestReport, clean: Callable[[str], str]) -> None:
    """Change all texts that a report will show.

    Args:
        report: of one phase of a test.
        clean: takes secrets out of a text.
    """

    def safe(text: str) -> str:
        return printable(clean(text))

    report.sections = [(safe(name), safe(content)) for name, content in report.sections]
    if report.longrepr is not None:
        report.longrepr = _made_safe(report.longrepr, safe)  # type: ignore[assignment]


def _made_safe(value: object, safe: Callable[[str], str]) -> object:
    """Change the texts in a value; pytest's own are lists, tuples and dataclasses of texts."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, list):
        return [_made_safe(each, safe) for each in value]
    if isinstance(value, tuple):
        return tuple(_made_safe(each, safe) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for name, each in vars(value).items():
            setattr(value, name, _made_safe(each, safe))
    return value
