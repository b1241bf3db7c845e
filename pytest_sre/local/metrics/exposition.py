"""The page that Prometheus reads: all of Fly's built-in metrics of all apps, as they are now."""

import asyncio
from pathlib import Path
from typing import Final

from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.metrics.instances import write_file_systems, write_machine
from pytest_sre.local.metrics.page import Page
from pytest_sre.local.metrics.traffic import write_traffic
from pytest_sre.local.metrics.usage import FileSystem, Usage, file_system_of, usage_of

# Fly names hosts by four hexadecimal digits; here there is one.
HOST: Final = "10ca"


class Exposition:
    """Makes the pages, one after another: a count that is new begins with 0 on its first page.

    Args:
        fleet: the platform's state.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._counted: set[str] = set()

    async def page(self) -> bytes:
        """The next page."""
        pids = [pid for each in self._fleet.lifecycles() if (pid := _pid(each)) is not None]
        usages, root = await asyncio.to_thread(_measure, pids)
        page = Page(self._counted)
        for app in self._fleet.apps.values():
            _write_app(page, app, usages, root)
        self._counted = page.counted
        return page.render()


def _measure(pids: list[int]) -> tuple[dict[int, Usage], FileSystem | None]:
    return (usage_of(pids) if pids else {}), file_system_of(Path.cwd())


def _pid(lifecycle: Lifecycle) -> int | None:
    process = lifecycle.execution.process
    return process.pid if process else None


def _write_app(page: Page, app: App, usages: dict[int, Usage], root: FileSystem | None) -> None:
    app.meter.keep_only(app.machines)
    write_traffic(page, app.name, HOST, app.meter)
    for lifecycle in app.machines.values():
        usage = usages.get(_pid(lifecycle) or 0)
        write_machine(page, HOST, lifecycle.record, usage)
        if usage and root:
            write_file_systems(page, HOST, lifecycle.record, {"/": root})
