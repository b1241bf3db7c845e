"""The page that Prometheus reads: all of Fly's built-in metrics of all apps, as they are now."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.metrics.instances import write_file_systems, write_machine
from pytest_sre.local.metrics.meter import Place
from pytest_sre.local.metrics.page import Page, labels
from pytest_sre.local.metrics.traffic import write_edges, write_machine_traffic
from pytest_sre.local.metrics.usage import FileSystem, Usage, file_system_of, usage_of
from pytest_sre.local.metrics.volumes import VolumeUse, file_system_on, write_volume

# Fly names hosts by four hexadecimal digits; here there is one.
HOST: Final = "10ca"
# So many Machines are written before others get their turn: some 5 ms.
_AT_ONCE: Final = 50


@dataclass(frozen=True)
class _Measured:
    usages: dict[int, Usage]
    root: FileSystem | None
    used_bytes: dict[str, int]


class Exposition:
    """Makes the pages, one after another: a count that is new begins with 0 on its first page.

    Args:
        fleet: the platform's state.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._volumes = VolumeUse(fleet.disks)
        self._counted: set[str] = set()

    async def page(self, within_s: float) -> bytes:
        """The next page.

        Args:
            within_s: how long the reader waits for it. After more than half of that it may never
                have seen the page, so what is new on it begins with 0 on the next one, too.
        """
        began = time.monotonic()
        measured = await self._measure()
        page = Page(self._counted)
        for app in [*self._fleet.apps.values()]:
            await _write_app(page, app, measured)
        content = page.render()
        was_seen = time.monotonic() - began < within_s / 2
        self._counted = page.counted if was_seen else page.counted & self._counted
        return content

    async def _measure(self) -> _Measured:
        pids = [pid for each in self._fleet.lifecycles() if (pid := _pid(each)) is not None]
        volumes = [volume for app in self._fleet.apps.values() for volume in app.volumes]
        usages, root = await asyncio.to_thread(_ask_system, pids)
        return _Measured(usages, root, await self._volumes.used_bytes(volumes))


def _ask_system(pids: list[int]) -> tuple[dict[int, Usage], FileSystem | None]:
    return (usage_of(pids) if pids else {}), file_system_of(Path.cwd())


def _pid(lifecycle: Lifecycle) -> int | None:
    process = lifecycle.execution.process
    return process.pid if process else None


async def _write_app(page: Page, app: App, measured: _Measured) -> None:
    write_edges(page, app.name, HOST, app.meter)
    for volume in app.volumes.values():
        write_volume(page, app.name, HOST, volume, measured.used_bytes.get(volume.id, 0))
    for number, lifecycle in enumerate([*app.machines.values()]):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        _write_machine(page, app, lifecycle, measured)


def _write_machine(page: Page, app: App, lifecycle: Lifecycle, measured: _Measured) -> None:
    record = lifecycle.record
    own = labels(app=app.name, region=record.region, host=HOST, instance=record.id)
    usage = measured.usages.get(_pid(lifecycle) or 0)
    write_machine(page, own, record, usage)
    if traffic := app.meter.machines.get(Place(record.region, record.id)):
        write_machine_traffic(page, own, traffic)
    if usage:
        write_file_systems(page, own, _file_systems(app, record, measured))


def _file_systems(app: App, record: MachineRecord, measured: _Measured) -> dict[str, FileSystem]:
    mounted = {mount.path: app.volumes.get(mount.volume or "") for mount in record.settings.mounts}
    seen = {
        path: file_system_on(volume, measured.used_bytes.get(volume.id, 0))
        for path, volume in mounted.items()
        if volume
    }
    return {"/": measured.root, **seen} if measured.root else seen
