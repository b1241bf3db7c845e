"""Calls about releases."""

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import Release
from pytest_sre.fly.transport import Transport


class _Releases(msgspec.Struct, frozen=True):
    releases: list[Release]


class _OneRelease(msgspec.Struct, frozen=True):
    release: Release


class _ChangedRelease(msgspec.Struct, frozen=True):
    release: Release = Release()


class ReleaseCalls:
    """The calls about releases. Each raises FlyError when it fails."""

    _releases_api: Transport

    def releases(self, app: str, limit: int = 25) -> list[Release]:
        """List an app's releases, newest first."""
        path = path_of("api", "v1", "apps", app, "releases")
        found = self._releases_api.request("GET", path, into=_Releases, params={"limit": limit})
        return found.releases

    def create_release(
        self,
        app: str,
        *,
        image: str,
        definition: dict[str, object] | None = None,
        strategy: str = "rolling",
    ) -> Release:
        """Write down that a release begins, which numbers it; no Machine is changed by it.

        Args:
            app: the app's name.
            image: what its Machines are going to run.
            definition: the fly.toml it is made from, as a document.
            strategy: how it is rolled out: rolling, canary, immediate or bluegreen.
        """
        body = {
            "app_name": app,
            "image": image,
            "definition": definition,
            "strategy": strategy.upper(),
        }
        path = path_of("api", "v1", "releases")
        return self._releases_api.request("POST", path, into=_OneRelease, json=body).release

    def update_release(self, release_id: str, status: str) -> Release:
        """Write down how a release stands: running, complete, failed or interrupted."""
        path = path_of("api", "v1", "releases", release_id)
        body = {"status": status}
        answer = self._releases_api.request("PATCH", path, into=_ChangedRelease, json=body)
        return msgspec.structs.replace(answer.release, id=release_id, status=status)
