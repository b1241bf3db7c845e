"""Private keys that come line by line, as a program's log does."""

import re
from typing import Final

from pytest_sre.redaction.patterns import REDACTED

_BEGINS: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----(.*)", re.DOTALL
)
_ENDS: Final = re.compile(r"-----END [A-Z0-9 ]{0,50}-----")
# RFC 7468 wraps at 64 characters, RFC 4880 at 76; older files begin with headers.
_PART: Final = re.compile(r"\s*(?:[A-Za-z0-9+/=]{0,80}|[A-Za-z-]{1,20}: [\x20-\x7e]{0,80})\s*")
_MOST_LINES: Final = 400


class KeyLines:
    """Takes private keys out of lines that are given one after another, writer by writer."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    def clean(self, writer: str, line: str) -> str:
        """Give a line without what belongs to a key that began in one before.

        Where a key begins is left to who cleans single lines.

        Args:
            writer: whose line it is.
            line: it.
        """
        left = self._left.pop(writer, 0)
        begins = _BEGINS.search(line)
        if begins and not _ENDS.search(begins[1]):
            self._left[writer] = _MOST_LINES
        if begins or not left:
            return line
        ends = _ENDS.search(line)
        if ends:
            return REDACTED + line[ends.end() :]
        if not _PART.fullmatch(line):
            return line
        self._left[writer] = left - 1
        return REDACTED if line.strip() else line
