"""Whom a run's loads are made by, as the command line asks for."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest_sre
from pytest_sre.fly.organization import organization_of
from pytest_sre.load.remote.asked import Asked, External, InMachines, read_workers
from pytest_sre.load.remote.machines import MachineCrew, Place
from pytest_sre.load.remote.mustering import ExternalCrew
from pytest_sre.load.remote.secret import secret_in
from pytest_sre.load.workers import Crew
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.platforms import Platform
from pytest_sre.targets import Settings
from pytest_sre.undo.files import Journal, undo_dir

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Wanted:
    """Which workers the command line asks for.

    Attributes:
        workers: who.
        image: what Machines of workers are made from; the local platform has its own.
        secret: that workers know that join by themselves.
    """

    workers: Asked
    image: str
    secret: bytes = field(repr=False)


def read_wanted(text: str, image: str, settings: Settings) -> Wanted:
    """Read what the command line asks for. Nothing is contacted.

    Raises:
        ValueError: it cannot be understood, or cannot be had.
    """
    workers = read_workers(text)
    if isinstance(workers, External):
        return Wanted(workers, image, secret_in(os.environ))
    if settings.target.platform == "fly" and not image:
        raise ValueError(
            f"--sre-load-workers={text}: expected an image for load workers, found none\n"
            "give --sre-load-image=IMAGE, which has pytest-sre and what your journeys import"
        )
    return Wanted(workers, image, b"")


class HiredCrew(Crew, Protocol):
    """A crew that is let go in the end."""

    def close(self) -> None:
        """Let it go."""


def hire(
    wanted: Wanted,
    settings: Settings,
    platform: Platform,
    *,
    run: str,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
) -> HiredCrew:
    """Give the crew that was asked for; nobody is started, or listened for, before its first load.

    Args:
        wanted: what was asked for.
        settings: the target's.
        platform: where Machines would be started.
        run: which run this is.
        tell: told in a line what takes time.
        warn: told what could not be removed in the end.
    """
    asked = wanted.workers
    if isinstance(asked, External):
        return ExternalCrew(asked, wanted.secret)

    def place() -> Place:
        return _place(asked, settings, platform, wanted.image, run)

    return MachineCrew(platform.fly, place, Journal(undo_dir(settings.root)), tell=tell, warn=warn)


def _place(
    asked: InMachines, settings: Settings, platform: Platform, image: str, run: str
) -> Place:
    target = settings.target
    host = ""
    if target.platform == "local":
        image, host = _local_image(settings.root, platform), _LOOPBACK
    return Place(
        organization=organization_of(platform.fly, target),
        image=image,
        regions=asked.regions,
        host=host,
        platform=str(Path(platform.handle).resolve()) if platform.handle else "",
        run=run,
        target=target.name,
    )


def _local_image(root: Path, platform: Platform) -> str:
    local = LocalPlatform.attach(Path(platform.handle))
    if local is None:
        raise LocalPlatformError(f"the local platform of this run is gone: {platform.handle}")
    image = Image(f"registry.local/pytest-sre-load:{pytest_sre.__version__}", str(root.resolve()))
    try:
        local.register_image(image)
    finally:
        local.close()
    return image.ref
