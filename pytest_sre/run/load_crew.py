"""Whom a run's loads are made by, as the command line asks for."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest_sre
from pytest_sre.load.remote.asked import Asked, External, InMachines
from pytest_sre.load.remote.machines import MachineCrew, Place
from pytest_sre.load.remote.mustering import ExternalCrew
from pytest_sre.load.remote.secret import SecretError, secret_in
from pytest_sre.load.workers import Crew
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.platforms import LOCAL_ORGANIZATION, Platform
from pytest_sre.targets import Settings
from pytest_sre.undo.files import Journal, undo_dir
from pytest_sre.verdict import Inconclusive

_LOOPBACK = "127.0.0.1"


class HiredCrew(Crew, Protocol):
    """A crew that is let go in the end."""

    def close(self) -> None:
        """Let it go."""


def hire(
    asked: Asked,
    settings: Settings,
    platform: Platform,
    *,
    image: str,
    run: str,
    tell: Callable[[str], None],
) -> HiredCrew:
    """Give the crew that was asked for; nobody is started before its first load.

    Args:
        asked: by ``--sre-load-workers``.
        settings: the target's.
        platform: where Machines would be started.
        image: what they are made from; the local platform has its own.
        run: which run this is.
        tell: told in a line what takes time.

    Raises:
        Inconclusive: there is no secret for workers that join, or no image for Machines.
    """
    if isinstance(asked, External):
        try:
            return ExternalCrew(asked, secret_in(os.environ))
        except SecretError as error:
            raise Inconclusive(str(error), cause="load workers") from None
    place = _place(asked, settings, platform, image, run)
    return MachineCrew(platform.fly, place, Journal(undo_dir(settings.root)), tell)


def _place(
    asked: InMachines, settings: Settings, platform: Platform, image: str, run: str
) -> Place:
    target = settings.target
    if target.platform == "local":
        image, organization, host = (
            _local_image(settings.root, platform),
            LOCAL_ORGANIZATION,
            _LOOPBACK,
        )
    else:
        organization, host = _organization(settings, platform), ""
    if not image:
        raise Inconclusive(
            "expected an image for load workers, found none\n"
            "give --sre-load-image=IMAGE, which has pytest-sre and what your journeys import",
            cause="load workers",
        )
    return Place(
        organization=organization,
        image=image,
        regions=asked.regions,
        host=host,
        platform=str(Path(platform.handle).resolve()) if platform.handle else "",
        run=run,
        target=target.name,
    )


def _organization(settings: Settings, platform: Platform) -> str:
    target = settings.target
    return target.organization or platform.fly.app(target.apps[0].name).organization.slug


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
