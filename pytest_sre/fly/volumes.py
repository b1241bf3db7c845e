"""Calls about volumes and their snapshots."""

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import Snapshot, Volume
from pytest_sre.fly.pages import pages
from pytest_sre.fly.transport import Transport

_CHANGE_TIMEOUT_S = 60.0


class _Extended(msgspec.Struct, frozen=True):
    volume: Volume
    needs_restart: bool = False


class VolumeCalls:
    """The calls about volumes. Each raises FlyError when it fails."""

    _machines_api: Transport

    def volumes(self, app: str) -> list[Volume]:
        """List an app's volumes."""
        path = path_of("v1", "apps", app, "volumes")
        found = pages(self._machines_api, path, into=list[Volume])
        return [volume for page in found for volume in page]

    def volume(self, app: str, volume_id: str) -> Volume:
        """Get one volume."""
        path = path_of("v1", "apps", app, "volumes", volume_id)
        return self._machines_api.request("GET", path, into=Volume)

    def create_volume(
        self,
        app: str,
        name: str,
        *,
        region: str,
        size_gb: int | None = None,
        snapshot_id: str | None = None,
    ) -> Volume:
        """Create a volume, of the platform's default size when none is given.

        With ``snapshot_id`` it begins with what that snapshot holds.
        """
        return self._machines_api.request(
            "POST",
            path_of("v1", "apps", app, "volumes"),
            into=Volume,
            json={"name": name, "region": region, "size_gb": size_gb, "snapshot_id": snapshot_id},
            timeout_s=_CHANGE_TIMEOUT_S,
        )

    def extend_volume(self, app: str, volume_id: str, size_gb: int) -> bool:
        """Make a volume larger; return whether its Machine has to be restarted to see it."""
        path = path_of("v1", "apps", app, "volumes", volume_id, "extend")
        return self._machines_api.request(
            "PUT",
            path,
            into=_Extended,
            json={"size_gb": size_gb},
            timeout_s=_CHANGE_TIMEOUT_S,
        ).needs_restart

    def destroy_volume(self, app: str, volume_id: str) -> None:
        """Destroy a volume, with what is on it."""
        path = path_of("v1", "apps", app, "volumes", volume_id)
        self._machines_api.answer("DELETE", path, timeout_s=_CHANGE_TIMEOUT_S)

    def snapshots(self, app: str, volume_id: str) -> list[Snapshot]:
        """List the snapshots of a volume."""
        path = path_of("v1", "apps", app, "volumes", volume_id, "snapshots")
        return self._machines_api.request("GET", path, into=list[Snapshot])

    def create_snapshot(self, app: str, volume_id: str) -> None:
        """Begin a snapshot of a volume; it is done when ``snapshots`` shows it so."""
        path = path_of("v1", "apps", app, "volumes", volume_id, "snapshots")
        self._machines_api.answer("POST", path, json={}, timeout_s=_CHANGE_TIMEOUT_S)
