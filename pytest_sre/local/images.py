"""Images of the local platform: a directory, its environment, and what identifies them."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from pytest_sre.local.scripts import Script

REVISION_LABEL: Final = "org.opencontainers.image.revision"
REVISION_VARIABLE: Final = "REVISION"
_REVISION_DIGITS: Final = 12
_RELEASE_KEYS: Final = ("description", "expect", "cause", "env")


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a Machine is started from.

    Args:
        ref: its name, such as ``registry.local/shop:good``.
        root: the directory that its processes run in; absolute. Empty for a simulated one.
        commands: process group to command, for Machines whose configuration has none.
        env: the image's own environment.
        labels: the image's labels.
        digest: ``sha256:…`` of what it is made from.
        simulated: what its Machines do instead of running a process.
        warm: its Machines' Python processes are forked off one that has their libraries loaded,
            so that they start sooner.
    """

    ref: str
    root: str = ""
    commands: dict[str, str] = msgspec.field(default_factory=dict)
    env: dict[str, str] = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    digest: str = ""
    simulated: Script | None = None
    warm: bool = False

    @property
    def revision(self) -> str:
        """The build's revision, as the image's label tells; empty when it has none."""
        return self.labels.get(REVISION_LABEL, "")


class ReleaseFileError(Exception):
    """A release file is not what it should be; the text says where and what to do."""


class ReleaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variant of an app to deploy by name: ``releases/NAME.toml``.

    Args:
        description: one sentence.
        expect: the verdict that it should get.
        cause: the phrase that the verdict should name, for one that is broken.
        env: the image's environment.
    """

    description: str = ""
    expect: str = "HEALTHY"
    cause: str = ""
    env: dict[str, str] = msgspec.field(default_factory=dict)


def release_names(root: Path) -> tuple[str, ...]:
    """The names of the releases beside a fly.toml, sorted.

    Args:
        root: the directory of the fly.toml.
    """
    return tuple(sorted(path.stem for path in (root / "releases").glob("*.toml")))


def read_release_file(path: Path) -> ReleaseFile:
    """Read a release file.

    Raises:
        ReleaseFileError: it is missing, not TOML, or has other keys or types than it should.
    """
    try:
        return msgspec.convert(_toml(path), ReleaseFile)
    except msgspec.ValidationError as error:
        expected = ", ".join(_RELEASE_KEYS)
        raise ReleaseFileError(f"{path}: {error}\nexpected the keys {expected}") from None


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        names = ", ".join(release_names(path.parent.parent)) or "none"
        raise ReleaseFileError(
            f"{path}: cannot be read: {error.strerror}\nreleases there: {names}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ReleaseFileError(f"{path}: is not valid TOML: {error}") from None


def image_from_release(
    root: Path,
    app: str,
    release_file: Path | None = None,
    *,
    commands: Mapping[str, str] = MappingProxyType({}),
) -> Image:
    """The image of an app's directory, with a release's environment when one is given.

    Its digest covers the directory's Python files and the release file, so it is the same
    for the same content, on any machine.

    Args:
        root: the directory of the fly.toml.
        app: the app's name.
        release_file: ``releases/NAME.toml``; without it the environment is empty and the
            tag is ``local``.
        commands: process group to command, where the fly.toml has none.

    Raises:
        ReleaseFileError: the release file cannot be used.
    """
    root = root.resolve()
    release = read_release_file(release_file) if release_file else ReleaseFile()
    digest = _digest(root, release_file, commands)
    revision = digest[:_REVISION_DIGITS]
    return Image(
        ref=f"registry.local/{app}:{release_file.stem if release_file else 'local'}",
        root=str(root),
        commands=dict(commands),
        env={**release.env, REVISION_VARIABLE: revision},
        labels={REVISION_LABEL: revision},
        digest=f"sha256:{digest}",
    )


def _digest(root: Path, release_file: Path | None, commands: Mapping[str, str]) -> str:
    digest = hashlib.sha256(repr(sorted(commands.items())).encode())
    for path in _sources(root):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    if release_file:
        digest.update(f"\0{release_file.name}\0".encode())
        digest.update(release_file.read_bytes())
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[Path]:
    """The Python files below, sorted, without hidden and generated directories and venvs."""
    for entry in sorted(root.iterdir()):
        if entry.name.startswith(".") or entry.name in ("__pycache__", "node_modules"):
            continue
        if entry.is_dir() and not entry.is_symlink() and not (entry / "pyvenv.cfg").exists():
            yield from _sources(entry)
        elif entry.suffix == ".py" and entry.is_file():
            yield entry


def split_ref(ref: str) -> tuple[str, str, str]:
    """An image's name as registry, repository and tag."""
    name = ref.partition("@")[0]
    registry, slash, rest = name.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        registry, rest = "docker.io", name
    repository, colon, tag = rest.rpartition(":")
    return (registry, repository, tag) if colon else (registry, rest, "latest")
