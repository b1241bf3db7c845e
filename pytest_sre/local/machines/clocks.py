"""Machines whose clock is off while a fault says so: their processes run with libfaketime.

A file tells the library how far the clock is off, so that it is right again at once when the fault
ends; a process that was started before the fault began has to be started anew to be off. This
computer's own clock is never touched. Monotonic clocks go on as they are.
"""

import asyncio
import importlib.util
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pytest_sre.local.faults.kinds import ClockSkew
from pytest_sre.local.files import write_whole
from pytest_sre.local.machines.records import MachineRecord

_SYSTEM: Final = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
_NAME: Final = "libfaketime.so.1"
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - where the library keeps what it shares
_TRIAL_TIMEOUT_S: Final = 30.0
# Versions before 0.9.11 break the sleeping of Python 3.11 and later when they spare the monotonic
# clock: https://github.com/wolfcw/libfaketime/issues/426
_TRIAL: Final = """
import sys, time
began = time.monotonic()
time.sleep(0.01)
is_off = abs(time.time() - float(sys.argv[1]) - 86400) < 3600
sys.exit(0 if is_off and 0 < time.monotonic() - began < 3600 else 1)
"""


class NoFaketimeError(ValueError):
    """No libfaketime that works is there; the text says what to do."""


class Clocks:
    """Whose clock is off, and how far.

    Args:
        directory: for a file for each Machine.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._library: Path | None = None
        self._records: dict[str, MachineRecord] = {}
        self._written: dict[str, str] = {}

    async def require_library(self) -> None:
        """Find a libfaketime that works here; tried once.

        Raises:
            NoFaketimeError: there is none.
        """
        if self._library:
            return
        for library in _libraries():
            if await self._works(library):
                self._library = library
                return
        raise NoFaketimeError(
            "expected libfaketime for clock-skew, found none that works with this Python\n"
            "pip install libfaketime (Debian 12 has one that breaks time.sleep)"
        )

    def environment(self, record: MachineRecord) -> dict[str, str]:
        """What a process is started with whose clock is off now; nothing for another."""
        if self._library is None or _skew_s(record) is None:
            return {}
        self._records[record.id] = record
        self._write(record)
        return _environment(self._library, self._file(record.id))

    def settle(self) -> None:
        """Set the clocks as the faults have them now."""
        for record in self._records.values():
            self._write(record)

    def forget(self, record: MachineRecord, pids: Iterable[int]) -> None:
        """Remove what processes of a Machine leave behind when they are killed."""
        if record.id not in self._records:
            return
        for pid in pids:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                (_SHARED_MEMORY / name).unlink(missing_ok=True)

    def drop(self, record: MachineRecord) -> None:
        """Forget a Machine that will not run again."""
        self._written.pop(record.id, None)
        if self._records.pop(record.id, None):
            self._file(record.id).unlink(missing_ok=True)

    def _file(self, machine_id: str) -> Path:
        return self._directory / machine_id

    def _write(self, record: MachineRecord) -> None:
        skew = f"{_skew_s(record) or 0.0:+f}\n"
        if self._written.get(record.id) == skew:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        write_whole(self._file(record.id), skew.encode())
        self._written[record.id] = skew

    async def _works(self, library: Path) -> bool:
        self._directory.mkdir(parents=True, exist_ok=True)
        file = self._file("trial")
        file.write_text("+86400\n", encoding="ascii")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", "-E", "-c", _TRIAL, str(time.time())),
            env={"PATH": os.environ.get("PATH", ""), **_environment(library, file)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_TRIAL_TIMEOUT_S):
                return await process.wait() == 0
        except TimeoutError:
            process.kill()
            await process.wait()
            return False
        finally:
            file.unlink(missing_ok=True)


def _libraries() -> Iterable[Path]:
    package = importlib.util.find_spec("libfaketime")
    if package and package.origin:
        yield Path(package.origin).parent / "vendor" / "libfaketime" / "src" / _NAME
    for folder in _SYSTEM:
        yield from sorted(Path("/").glob(f"{folder[1:]}/{_NAME}"))


def _skew_s(record: MachineRecord) -> float | None:
    skews = record.faults.all_of(ClockSkew, record.site)
    return sum(skew.by_s for skew in skews) if skews else None


def _environment(library: Path, file: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
