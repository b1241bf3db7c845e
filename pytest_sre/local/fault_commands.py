"""What ``pytest-sre local fault add|list|clear`` does; the command line prints what is returned."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pytest_sre.local.commands import Outcome
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError

_USAGE = 4
_COMMON = ("id", "kind", "began_at", "ends_at", "left")


def add_fault(state_dir: Path, told: Mapping[str, object]) -> Outcome:
    """Switch a fault on.

    Args:
        state_dir: of the platform.
        told: the kind, what it is told, what restricts it, ``for`` and ``count``; without None.
    """
    return _on_platform(state_dir, lambda platform: [f"on: {_line(platform.add_fault(told))}"])


def list_faults(state_dir: Path, *, as_json: bool) -> Outcome:
    """List the faults that are on."""

    def listed(platform: LocalPlatform) -> list[str]:
        faults = platform.faults()
        if as_json:
            return [msgspec.json.encode(faults).decode()]
        return [_line(fault) for fault in faults] or ["no fault is on"]

    return _on_platform(state_dir, listed)


def clear_faults(state_dir: Path, fault_id: str | None) -> Outcome:
    """Switch one fault off, or all."""

    def clear(platform: LocalPlatform) -> list[str]:
        if fault_id:
            platform.remove_fault(fault_id)
            return [f"off: {fault_id}"]
        return [f"faults switched off: {platform.clear_faults()}"]

    return _on_platform(state_dir, clear)


def _on_platform(state_dir: Path, act: Callable[[LocalPlatform], list[str]]) -> Outcome:
    platform = LocalPlatform.attach(state_dir)
    if platform is None:
        return Outcome(
            1, (f"no local platform runs in {state_dir}", "start it: pytest-sre local up")
        )
    try:
        return Outcome(0, tuple(act(platform)))
    except LocalPlatformError as error:
        return Outcome(_USAGE, tuple(str(error).splitlines()))
    finally:
        platform.close()


def _line(fault: Mapping[str, Any]) -> str:
    """Say which fault it is, of what, and for how long."""
    told = [f"{name} {value}" for name, value in fault.items() if name not in _COMMON and value]
    left_s = max(0.0, fault["ends_at"] - time.time())
    times = f", at most {fault['left']} more times" if fault["left"] is not None else ""
    return f"{fault['id']} ({', '.join(told) or 'everything'}) for {left_s:.0f} s{times}"
