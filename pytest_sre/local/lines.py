"""Bytes of a process's output, cut into lines."""

from typing import Final

LONGEST_LINE: Final = 16 * 1024


class LineSplitter:
    """Cuts a stream of bytes into lines of text; a line is capped at 16 KiB.

    What a line has beyond the cap is dropped. Bytes that are not UTF-8 are replaced.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Take the next bytes; the lines that are complete with them."""
        *complete, rest = data.split(b"\n")
        lines = [self._finish(part) for part in complete]
        self._keep(rest)
        return lines

    def flush(self) -> list[str]:
        """The last line, when it does not end in a newline."""
        return [self._finish(b"")] if self._rest else []

    def _keep(self, part: bytes) -> None:
        self._rest += part[: LONGEST_LINE - len(self._rest)]

    def _finish(self, part: bytes) -> str:
        self._keep(part)
        line = self._rest.decode("utf-8", "replace").rstrip("\r")
        self._rest.clear()
        return line
