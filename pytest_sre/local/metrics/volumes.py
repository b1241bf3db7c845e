"""How full volumes are."""

import time
from collections.abc import Iterable
from typing import Final

from pytest_sre.local.metrics import families
from pytest_sre.local.metrics.page import Page, labels
from pytest_sre.local.metrics.usage import FileSystem
from pytest_sre.local.resources.disks import Disks
from pytest_sre.local.resources.volumes import Volume

_KEPT_S: Final = 2.0
_BLOCK: Final = 4096


class VolumeUse:
    """What is on volumes; looks again after 2 s, since files have to be counted for it.

    Args:
        disks: the volumes' directories.
    """

    def __init__(self, disks: Disks) -> None:
        self._disks = disks
        self._found: dict[str, tuple[float, int]] = {}

    async def used_bytes(self, volumes: Iterable[str]) -> dict[str, int]:
        """What is on each of these volumes; others are forgotten."""
        found: dict[str, tuple[float, int]] = {}
        for volume in volumes:
            known = self._found.get(volume)
            if known is None or time.monotonic() - known[0] > _KEPT_S:
                known = time.monotonic(), await self._disks.used_bytes(volume)
            found[volume] = known
        self._found = found
        return {volume: used for volume, (_, used) in found.items()}


def write_volume(page: Page, app: str, host: str, volume: Volume, used_bytes: int) -> None:
    """Write how large and how full a volume is."""
    own = labels(app=app, region=volume.region, host=host, id=volume.id)
    page.show(families.VOLUME_SIZE, own, volume.size_bytes)
    page.show(families.VOLUME_USED, own, 100 * used_bytes / volume.size_bytes)


def file_system_on(volume: Volume, used_bytes: int) -> FileSystem:
    """The file system that a Machine sees on a volume."""
    free = max(0, volume.size_bytes - used_bytes) // _BLOCK
    return FileSystem(_BLOCK, volume.size_bytes // _BLOCK, free, free)
