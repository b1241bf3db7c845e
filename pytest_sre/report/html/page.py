"""Writes a report as one HTML page that loads nothing and runs nothing."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from pytest_sre.redaction import one_line, printable, redact
from pytest_sre.report.html.figures import at_text
from pytest_sre.report.html.sections import sections
from pytest_sre.report.html.values import Deployed, Report

_LONGEST: Final = 300
_MARKS: Final = ("healthy", "unhealthy", "inconclusive", "met", "breached")
_UNDECIDED: Final = "INCONCLUSIVE"


def render(report: Report) -> str:
    """Write the page of a report.

    Nothing in what was recorded acts in it: text is escaped, secrets and controls are taken out,
    and the page's policy lets nothing load or run but its own style.
    """
    style = _text_of("page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template().render(
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
        # Our own file.
        style=Markup(style),  # noqa: S704
        marks=_MARKS,
        verdict=report.verdict or _UNDECIDED,
        target=one_line(report.target, _LONGEST),
        began=f"{at_text(report.began_at)} UTC",
        facts=tuple(_facts(report)),
        sections=sections(report),
    )


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield from (("release", _released(each)) for each in report.deployed)
    yield "begun", f"{at_text(report.began_at)} UTC"
    if report.ended_at:
        yield "verdict given", f"{at_text(report.ended_at)} UTC"
    yield "recording", one_line(report.recording, _LONGEST)
    yield "pytest-sre", one_line(report.version, _LONGEST)


def _released(deployed: Deployed) -> str:
    version = f" v{deployed.version}" if deployed.version else ""
    image = f" ({deployed.image})" if deployed.image else ""
    revision = f", revision {deployed.revision}" if deployed.revision else ""
    return one_line(f"{deployed.app}{version}{image}{revision}", _LONGEST)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(_text_of("page.html"))


def _inert(value: object) -> object:
    """Take from a text what acts or is secret; markup is this package's own."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(redact(value))
    return value


def _text_of(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
