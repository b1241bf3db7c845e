"""The files that a Machine's configuration puts into it: which, and where they are written."""

import base64
import binascii
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pytest_sre.fly.config import File, MachineConfig

_DEFAULT_MODE: Final = 0o644
_PERMISSIONS: Final = 0o777


@dataclass(frozen=True)
class GuestFile:
    """A file to be written.

    Args:
        path: where, below the directory that stands for the Machine's root.
        content: what is in it.
        mode: its permissions, as chmod(2) has them.
    """

    path: PurePosixPath
    content: bytes
    mode: int


def planned_files(config: MachineConfig, secrets: Mapping[str, str]) -> tuple[GuestFile, ...]:
    """The files that a configuration asks for.

    Args:
        config: the configuration.
        secrets: the Machine's secrets; one that is named as a file holds base64 text.

    Raises:
        ValueError: a path is not a plain absolute one or is taken by another file, or what
            should be in it cannot be had.
    """
    planned = tuple(
        GuestFile(
            _relative(file.guest_path),
            _content(file, secrets),
            (file.mode or _DEFAULT_MODE) & _PERMISSIONS,
        )
        for file in config.files
    )
    _refuse_overlaps(file.path for file in planned)
    return planned


def write_files(root: Path, files: Iterable[GuestFile]) -> None:
    """Write files into a directory that is made anew, so that nothing in it leads elsewhere.

    Args:
        root: the directory; what is there already is removed.
        files: what to write.

    Raises:
        OSError: it cannot be removed or written.
    """
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(parents=True)
    for file in files:
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)


def _relative(guest_path: str) -> PurePosixPath:
    path = PurePosixPath(guest_path)
    if not path.is_absolute() or ".." in path.parts or "\0" in guest_path or not path.name:
        raise ValueError(f"config.files: guest_path is not a plain absolute path: {guest_path!r}")
    # Two slashes at the beginning are a root of their own.
    return PurePosixPath(*path.parts[1:])


def _content(file: File, secrets: Mapping[str, str]) -> bytes:
    where = f"config.files: {file.guest_path}"
    if file.raw_value is not None:
        return _decoded(file.raw_value, f"{where}: raw_value")
    if not file.secret_name:
        raise ValueError(f"{where}: expected raw_value or secret_name; no other content is served")
    if file.secret_name not in secrets:
        raise ValueError(f"{where}: secret {file.secret_name!r} is not set")
    return _decoded(secrets[file.secret_name], f"{where}: secret {file.secret_name!r}")


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{what} is not base64") from None


def _refuse_overlaps(paths: Iterable[PurePosixPath]) -> None:
    taken: set[PurePosixPath] = set()
    folders: set[PurePosixPath] = set()
    for path in paths:
        if path in taken or path in folders or taken & set(path.parents):
            raise ValueError(f"config.files: guest_path is taken twice: '/{path}'")
        taken.add(path)
        folders.update(path.parents)
