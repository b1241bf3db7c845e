"""Makes foreign text safe to show: secrets taken out of it, and nothing left in it that acts."""

from pytest_sre.redaction.inert import fenced, inline, one_line, printable, title
from pytest_sre.redaction.patterns import REDACTED
from pytest_sre.redaction.secrets import Redactor, secret_values

__all__ = [
    "REDACTED",
    "Redactor",
    "fenced",
    "inline",
    "one_line",
    "printable",
    "secret_values",
    "title",
]
