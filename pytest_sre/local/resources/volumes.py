"""What the platform remembers of a volume and its snapshots, and how its API shows them."""

import re
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pytest_sre.local.naming import rfc3339, volume_id

DEFAULT_SIZE_GB: Final = 1
_LARGEST_GB: Final = 500
_NAME: Final = re.compile(r"[a-z0-9_]{1,30}")
_FSTYPES: Final = ("ext4", "raw")
_RETENTION_DAYS: Final = range(1, 61)
_KEPT_SNAPSHOTS: Final = 20
_BLOCK_BYTES: Final = 4096
_GB: Final = 1024**3


def snapshot_id() -> str:
    """A new snapshot's id."""
    return f"vs_{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Snapshot:
    """A volume as it was once; ``created_at`` in Unix seconds."""

    size_bytes: int
    volume_size_bytes: int
    digest: str
    retention_days: int
    id: str = field(default_factory=snapshot_id)
    created_at: float = field(default_factory=time.time)

    def view(self) -> dict[str, Any]:
        """As the API shows it; sizes in bytes."""
        return {
            "id": self.id,
            "size": self.size_bytes,
            "volume_size": self.volume_size_bytes,
            "digest": self.digest,
            "status": "created",
            "retention_days": self.retention_days,
            "created_at": rfc3339(self.created_at),
        }


@dataclass(frozen=True)
class Volume:
    """A volume.

    Args:
        name: several volumes of an app may have the same.
        region: where Machines can mount it.
        size_gb: what it may hold; told, not enforced.
        encrypted: as it was asked for; here nothing is.
        fstype: ``ext4`` or ``raw``.
        snapshot_retention: how many days a snapshot is kept.
        auto_backup_enabled: as it was asked for; here no snapshot is made by itself.
        created_at: Unix seconds.
        snapshots: those taken of it, newest first.
    """

    name: str
    region: str
    size_gb: int = DEFAULT_SIZE_GB
    encrypted: bool = True
    fstype: str = "ext4"
    snapshot_retention: int = 5
    auto_backup_enabled: bool = True
    id: str = field(default_factory=volume_id)
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    snapshots: tuple[Snapshot, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"invalid volume name {self.name!r}: expected 1 to 30 of a-z, 0-9 and _"
            )
        if not 1 <= self.size_gb <= _LARGEST_GB:
            raise ValueError(f"invalid size_gb {self.size_gb}: expected 1 to {_LARGEST_GB}")
        if self.fstype not in _FSTYPES:
            raise ValueError(f"invalid fstype {self.fstype!r}: expected {' or '.join(_FSTYPES)}")
        if self.snapshot_retention not in _RETENTION_DAYS:
            raise ValueError(
                f"invalid snapshot_retention {self.snapshot_retention}: expected 1 to 60 days"
            )

    @property
    def size_bytes(self) -> int:
        """What it may hold."""
        return self.size_gb * _GB

    def extended(self, size_gb: int) -> "Volume":
        """The same with more room.

        Raises:
            ValueError: that is not more than it has, or too much.
        """
        if size_gb <= self.size_gb:
            raise ValueError(f"volume size can only grow: it has {self.size_gb} GB")
        return replace(self, size_gb=size_gb, updated_at=time.time())

    def changed(self, retention: int | None, auto_backup: bool | None) -> "Volume":
        """The same with other backups; what is None stays.

        Raises:
            ValueError: not a number of days that snapshots can be kept.
        """
        return replace(
            self,
            snapshot_retention=self.snapshot_retention if retention is None else retention,
            auto_backup_enabled=self.auto_backup_enabled if auto_backup is None else auto_backup,
            updated_at=time.time(),
        )

    def with_snapshot(self, snapshot: Snapshot) -> tuple["Volume", tuple[Snapshot, ...]]:
        """The same with one more snapshot, and those that are too many now."""
        every = (snapshot, *self.snapshots)
        kept, dropped = every[:_KEPT_SNAPSHOTS], every[_KEPT_SNAPSHOTS:]
        return replace(self, snapshots=kept), dropped

    def view(self, holder: str | None, used_bytes: int) -> dict[str, Any]:
        """As the API shows it.

        Args:
            holder: the Machine that mounts it.
            used_bytes: what is on it.
        """
        used_bytes = min(used_bytes, self.size_bytes)
        free = (self.size_bytes - used_bytes) // _BLOCK_BYTES
        return {
            **self.summary(holder),
            "block_size": _BLOCK_BYTES,
            "blocks": self.size_bytes // _BLOCK_BYTES,
            "blocks_free": free,
            "blocks_avail": free,
            "bytes_used": used_bytes,
            "bytes_total": self.size_bytes,
        }

    def summary(self, holder: str | None, state: str = "created") -> dict[str, Any]:
        """As the API shows it in short: without what is on it."""
        return {
            "id": self.id,
            "name": self.name,
            "state": state,
            "size_gb": self.size_gb,
            "region": self.region,
            "zone": f"{self.region}-local",
            "encrypted": self.encrypted,
            "fstype": self.fstype,
            "type": "local",
            "attached_machine_id": holder,
            "attached_alloc_id": None,
            "snapshot_retention": self.snapshot_retention,
            "auto_backup_enabled": self.auto_backup_enabled,
            "host_status": "ok",
            "created_at": rfc3339(self.created_at),
        }
