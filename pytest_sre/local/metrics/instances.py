"""What is known of each Machine, as samples on a page."""

import resource
from collections.abc import Mapping
from typing import Final

from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.metrics import families
from pytest_sre.local.metrics.page import Page, labels
from pytest_sre.local.metrics.usage import FileSystem, Usage

_MB: Final = 1024 * 1024
_SECTOR: Final = 512
_RUNNING: Final = frozenset({"started", "stopping"})


def write_machine(page: Page, own: str, record: MachineRecord, usage: Usage | None) -> None:
    """Write what is known of a Machine.

    Args:
        page: where to.
        own: its labels.
        record: the Machine.
        usage: what its processes use; None when it has none.
    """
    _write_exit(page, own, record)
    if record.state not in _RUNNING:
        return
    page.show(families.UP, own, 1)
    page.show(families.APP_CONCURRENCY, own, record.load)
    _write_memory(page, own, record, usage)
    if usage:
        _write_usage(page, own, usage)


def write_file_systems(page: Page, own: str, mounts: Mapping[str, FileSystem]) -> None:
    """Write how full a Machine's file systems are, by the path where it mounts them."""
    for mount, found in mounts.items():
        labelled = f"{own},{labels(mount=mount)}"
        page.show(families.BLOCKS, labelled, found.blocks)
        page.show(families.BLOCK_SIZE, labelled, found.block_size)
        page.show(families.BLOCKS_FREE, labelled, found.free)
        page.show(families.BLOCKS_AVAILABLE, labelled, found.available)


def _write_exit(page: Page, own: str, record: MachineRecord) -> None:
    last = next((each for each in record.events if each["type"] == "exit"), None)
    if last:
        seen = last["request"]["exit_event"]
        page.show(families.EXIT_CODE, own, seen["exit_code"])
        page.show(families.EXIT_OOM, own, int(seen["oom_killed"]))


def _write_memory(page: Page, own: str, record: MachineRecord, usage: Usage | None) -> None:
    guest = record.settings.guest
    total = (guest.memory_mb if guest else 256) * _MB
    free = max(0, total - (usage.memory_bytes if usage else 0))
    page.show(families.MEMORY_TOTAL, own, total)
    page.show(families.MEMORY_FREE, own, free)
    page.show(families.MEMORY_AVAILABLE, own, free)


def _write_usage(page: Page, own: str, usage: Usage) -> None:
    page.show(families.CPU, f'{own},cpu_id="0",mode="user"', round(usage.user_s * 100))
    page.show(families.CPU, f'{own},cpu_id="0",mode="system"', round(usage.system_s * 100))
    disk = f'{own},device="vdb"'
    page.show(families.SECTORS_READ, disk, usage.read_bytes // _SECTOR)
    page.show(families.SECTORS_WRITTEN, disk, usage.written_bytes // _SECTOR)
    page.show(families.FILES_OPEN, own, usage.open_files)
    page.show(families.FILES_MOST, own, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
