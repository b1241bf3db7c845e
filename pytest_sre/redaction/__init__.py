"""Makes foreign text safe to show: secrets taken out of it, and nothing left in it that acts."""

from pytest_sre.redaction.inert import fenced, inline, markdown, one_line, printable, quote, title
from pytest_sre.redaction.key_lines import KeyLines
from pytest_sre.redaction.patterns import REDACTED
from pytest_sre.redaction.secrets import Redactor, redact, secret_values

__all__ = [
    "REDACTED",
    "KeyLines",
    "Redactor",
    "fenced",
    "inline",
    "markdown",
    "one_line",
    "printable",
    "quote",
    "redact",
    "secret_values",
    "title",
]
