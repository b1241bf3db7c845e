"""How big a Machine may be: the sizes that Fly has, and what their memory may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

DEFAULT_GUEST: Final = {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}


@dataclass(frozen=True)
class _Kind:
    """A kind of CPU: how many a Machine may have, and the memory that goes with one."""

    cpus: tuple[int, ...]
    least_mb: int
    most_mb: int
    step_mb: int


# Source: the presets and limits in fly-go's machine_types.go.
_KINDS: Final = {
    "shared": _Kind((1, 2, 4, 6, 8), 256, 2048, 256),
    "performance": _Kind((1, 2, 4, 6, 8, 10, 12, 14, 16), 2048, 8192, 1024),
}


def check_guest(guest: Mapping[str, Any]) -> None:
    """Refuse a size that Fly does not have.

    Args:
        guest: as in a Machine's configuration: cpu_kind, cpus, memory_mb.

    Raises:
        ValueError: the text says which sizes there are.
    """
    name = guest.get("cpu_kind") or "shared"
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"invalid config.guest.cpu_kind, must be one of {', '.join(_KINDS)}")
    cpus = guest.get("cpus") or 1
    if cpus not in kind.cpus:
        known = ", ".join(map(str, kind.cpus))
        raise ValueError(f"invalid config.guest.cpus for {name}, must be one of {known}")
    least_mb, most_mb = kind.least_mb * cpus, kind.most_mb * cpus
    memory_mb = guest.get("memory_mb") or least_mb
    if not isinstance(memory_mb, int) or not least_mb <= memory_mb <= most_mb:
        raise ValueError(
            f"invalid config.guest.memory_mb, for {name}-{cpus}x it must be from {least_mb} to"
            f" {most_mb} MiB"
        )
    if memory_mb % kind.step_mb:
        raise ValueError(
            f"invalid config.guest.memory_mb, must be a multiple of {kind.step_mb} MiB"
        )


def completed_guest(guest: Mapping[str, Any] | None) -> dict[str, Any]:
    """A size with what was not given: one shared CPU, and the memory that goes with the CPUs."""
    given = {key: value for key, value in (guest or {}).items() if value}
    completed = {**DEFAULT_GUEST, **given}
    kind = _KINDS.get(str(completed["cpu_kind"]))
    if kind and "memory_mb" not in given and isinstance(completed["cpus"], int):
        completed["memory_mb"] = kind.least_mb * completed["cpus"]
    return completed
