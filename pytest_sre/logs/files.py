"""Reading logs of any size: files, standard input, gz and zst, in bounded chunks of whole lines."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, cast

CHUNK_BYTES = 512 * 2**10
LONGEST_LINE_BYTES = 2**20
# A line too long to be held is looked at in pieces; each begins with the end of the last.
_OVERLAP_BYTES = 4 * 2**10
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class LogFileError(Exception):
    """A log that cannot be read; its text is to be read after the file's name."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a log that ends where a line ends, or within a line that is over-long.

    Attributes:
        data: its bytes.
        new_bytes: how many of them were not in the chunk before too.
        is_piece: whether it begins within an over-long line that began before.
        is_long: whether its last line is over-long, longer than a MiB, and begins in it.
    """

    data: bytes
    new_bytes: int
    is_piece: bool = False
    is_long: bool = False


def chunks_of(stream: BinaryIO) -> Iterator[Chunk]:
    """Cut a log into chunks; at most three MiB are held at a time, however long a line is.

    Raises:
        LogFileError: it ends in the middle of what was compressed, or cannot be read on.
    """
    try:
        yield from _chunks(stream)
    except _damage() as error:
        raise LogFileError(f"cannot be read to its end: {error}") from None


def _chunks(stream: BinaryIO) -> Iterator[Chunk]:
    while data := stream.read(CHUNK_BYTES):
        if not data.endswith(b"\n"):
            data += stream.readline(LONGEST_LINE_BYTES)
        last_line = data[start_of_last_line(data) :].rstrip(b"\n")
        yield Chunk(data, len(data), is_long=len(last_line) > LONGEST_LINE_BYTES)
        while not data.endswith(b"\n") and (piece := stream.readline(LONGEST_LINE_BYTES)):
            data = data[-_OVERLAP_BYTES:] + piece
            yield Chunk(data, len(piece), is_piece=True)


def start_of_last_line(data: bytes) -> int:
    """Where the last line begins, whether or not a line end follows it."""
    return data.rfind(b"\n", 0, max(len(data) - 1, 0)) + 1


@contextmanager
def open_log(path: str) -> Iterator[BinaryIO]:
    """Open a log; gz and zst are recognised by their first bytes and read as what they hold.

    Args:
        path: a file, or ``-`` for standard input.

    Raises:
        LogFileError: it is not there, cannot be opened, or is zst and nothing here reads that.
    """
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = _opened(path)
    except OSError as error:
        raise LogFileError(
            f"cannot be read: {error.strerror or error}\n"
            "expected a log file, or - for standard input"
        ) from None
    with opened as stream:
        yield stream


def _opened(path: str) -> BinaryIO:
    with Path(path).open("rb") as file:
        head = file.read(len(_ZSTD))
    if head.startswith(_GZIP):
        return cast("BinaryIO", gzip.open(path))
    return _opened_zst(path) if head == _ZSTD else Path(path).open("rb")


def _opened_zst(path: str) -> BinaryIO:
    zst = _zst()
    if zst is None:
        raise LogFileError(
            "is compressed with zst, which this Python does not read\n"
            "expected plain text or gz, or the package backports.zstd to be installed\n"
            "run: pip install 'pytest-sre[logs]'"
        )
    return cast("BinaryIO", zst.open(path))


def _zst() -> ModuleType | None:
    """The standard library's from Python 3.14 on, or its backport."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    return None


def _damage() -> tuple[type[Exception], ...]:
    """What a file raises whose content cannot be read on."""
    zst = _zst()
    return (OSError, EOFError, zlib.error, *((zst.ZstdError,) if zst else ()))
