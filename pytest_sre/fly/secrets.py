"""Calls about an app's secrets. Values are written and never read."""

from collections.abc import Iterable, Mapping

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import Secret
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import as_written


class _Secrets(msgspec.Struct, frozen=True):
    secrets: list[Secret]


class _Changed(msgspec.Struct, frozen=True):
    version: int = 0
    older_version: int = msgspec.field(default=0, name="Version")


class SecretCalls:
    """The calls about secrets. Each raises FlyError when it fails.

    A change is staged: it reaches a Machine when that is created, updated or started anew.
    """

    _machines_api: Transport

    def secrets(self, app: str, *, min_version: int | None = None) -> list[Secret]:
        """List the names and digests of an app's secrets; their values are never asked for.

        Args:
            app: the app's name.
            min_version: the list may be behind, but not behind this version.
        """
        path = path_of("v1", "apps", app, "secrets")
        # It is documented by the one name, and Fly's own client uses the other.
        least = {"min_version": min_version, "version": min_version}
        return self._machines_api.request("GET", path, into=_Secrets, params=least).secrets

    def set_secrets(self, app: str, values: Mapping[str, str]) -> int:
        """Set secrets; others stay as they are.

        Returns:
            The secrets' version, for ``min_secrets_version`` of a Machine that needs them.
        """
        return self._change(app, values)

    def unset_secrets(self, app: str, names: Iterable[str]) -> int:
        """Remove secrets, and return the version of those that are left."""
        return self._change(app, dict.fromkeys(names))

    def _change(self, app: str, values: Mapping[str, str | None]) -> int:
        path = path_of("v1", "apps", app, "secrets")
        body = {"values": as_written(values)}
        changed = self._machines_api.request("POST", path, into=_Changed, json=body)
        return changed.version or changed.older_version
