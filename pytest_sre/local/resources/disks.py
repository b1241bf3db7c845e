"""The directories that stand for volumes and snapshots, on this machine's own disk."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from pytest_sre.local.files import BEGINNINGS, SNAPSHOTS, VOLUMES

_COUNTED_FILES: Final = 10_000


class Disks:
    """The directories of all volumes.

    Args:
        directory: the server's state directory.
    """

    def __init__(self, directory: Path) -> None:
        self._volumes = directory / VOLUMES
        self._snapshots = directory / SNAPSHOTS
        self._beginnings = directory / BEGINNINGS

    async def used_bytes(self, volume: str) -> int:
        """What is on a volume; of the first 10,000 files when it has more."""
        return await asyncio.to_thread(_size, self._volumes / volume)

    async def fill(self, volume: str, *, from_volume: str = "", from_snapshot: str = "") -> None:
        """Put on a new volume what is on another, or was on one."""
        source = self._volumes / from_volume if from_volume else self._snapshots / from_snapshot
        await asyncio.to_thread(_copy, source, self._volumes / volume)

    async def keep(self, volume: str, snapshot: str) -> tuple[int, str]:
        """Take a snapshot.

        Returns:
            Its size in bytes, and a digest of its content.
        """
        kept = self._snapshots / snapshot
        await asyncio.to_thread(_copy, self._volumes / volume, kept)
        return await asyncio.to_thread(_size, kept), await asyncio.to_thread(_digest, kept)

    async def keep_beginning(self, volume: str) -> None:
        """Remember what is on a volume, in place of what was remembered of it before."""
        await asyncio.to_thread(_replace, self._volumes / volume, self._beginnings / volume)

    async def restore_beginning(self, volume: str) -> None:
        """Have on a volume what was remembered of it, and nothing else."""
        await asyncio.to_thread(_replace, self._beginnings / volume, self._volumes / volume)

    def remove(self, volume: str) -> None:
        """Remove a volume and what is on it."""
        shutil.rmtree(self._volumes / volume, ignore_errors=True)

    def forget(self, snapshot: str) -> None:
        """Remove a snapshot."""
        shutil.rmtree(self._snapshots / snapshot, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        target.mkdir(parents=True)
        return
    # Sockets and pipes cannot be copied; all else is by the time this is raised.
    with contextlib.suppress(shutil.Error):
        shutil.copytree(source, target, symlinks=True)


def _replace(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    _copy(source, target)


def _files(root: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(root):
        names.sort()
        yield from (Path(directory, name) for name in sorted(files))


def _size(root: Path) -> int:
    total = 0
    for path in islice(_files(root), _COUNTED_FILES):
        # An app may remove its files while they are counted.
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    for path in islice(_files(root), _COUNTED_FILES):
        digest.update(f"{path.relative_to(root)}\0".encode("utf-8", "surrogateescape"))
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
