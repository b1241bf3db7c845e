"""Files that the proxy serves itself, as ``[[statics]]`` says."""

import asyncio
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote

from pytest_sre.fly.config import MachineConfig, Static
from pytest_sre.local.proxy.exchange import Exchange
from pytest_sre.local.proxy.heads import Headers

_AT_ONCE: Final = 256 * 1024


class StaticsMissingError(Exception):
    """The directory of a ``[[statics]]`` is not in the image; the text names it."""


@dataclass(frozen=True)
class StaticFile:
    """A file to be served."""

    path: Path
    size: int

    def headers(self) -> Headers:
        """What it is, and how long."""
        kind = mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"
        return [
            (b"content-type", kind.encode()),
            (b"content-length", str(self.size).encode()),
        ]


def find_static(settings: MachineConfig, root: Path, target: bytes) -> StaticFile | None:
    """The file that a request is for; None when the app is to answer it.

    Args:
        settings: the Machine's configuration.
        root: the directory of its image, which stands for ``/``.
        target: the request's path and query.

    Raises:
        StaticsMissingError: the image has no such directory.
    """
    path = unquote(target.partition(b"?")[0].decode("latin-1"))
    for static in settings.statics:
        prefix = static.url_prefix.rstrip("/")
        if static.tigris_bucket or not f"{path}/".startswith(f"{prefix}/"):
            continue
        directory = (root / static.guest_path.lstrip("/")).resolve()
        if not directory.is_dir():
            raise StaticsMissingError(f"image has no directory {static.guest_path} for statics")
        if found := _file_in(directory, path[len(prefix) :], static):
            return found
    return None


def _file_in(directory: Path, rest: str, static: Static) -> StaticFile | None:
    if "\0" in rest:
        return None
    path = (directory / rest.lstrip("/")).resolve()
    if static.index_document and path.is_dir():
        path = (path / static.index_document).resolve()
    # Never outside, whatever dots and links there are.
    if not path.is_relative_to(directory) or not path.is_file():
        return None
    return StaticFile(path, path.stat().st_size)


async def answer_static(exchange: Exchange, file: StaticFile, own: Headers) -> None:
    """Send a file.

    Args:
        exchange: the request; GET or HEAD.
        file: what to send.
        own: the proxy's headers.
    """
    await exchange.begin(200, [*file.headers(), *own])
    if exchange.head.method == "GET":
        with await asyncio.to_thread(file.path.open, "rb") as content:
            await _send(exchange, content, file.size)
    await exchange.end()


async def _send(exchange: Exchange, content: IO[bytes], left: int) -> None:
    while left and (part := await asyncio.to_thread(content.read, min(left, _AT_ONCE))):
        left -= len(part)
        await exchange.write(part)
    if left:
        exchange.cut()
