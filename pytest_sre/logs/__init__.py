"""The app's log: reading a line's level, grouping what it says, following it as it grows."""

from pytest_sre.logs.errors import ErrorGroup, error_groups
from pytest_sre.logs.lines import LineRead, read_line
from pytest_sre.logs.signatures import Signature, signatures
from pytest_sre.logs.source import LogTail

__all__ = [
    "ErrorGroup",
    "LineRead",
    "LogTail",
    "Signature",
    "error_groups",
    "read_line",
    "signatures",
]
