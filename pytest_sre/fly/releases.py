"""Calls about releases."""

import datetime as dt

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.errors import FlyError, Forbidden, NotFound
from pytest_sre.fly.graphql import query
from pytest_sre.fly.models import Release
from pytest_sre.fly.transport import Transport

# flyctl asks it this way.
_QUERY = """
query ($appName: String!, $limit: Int!) {
  app(name: $appName) {
    releases: releasesUnprocessed(first: $limit) {
      nodes { id version status imageRef stable createdAt }
    }
  }
}
"""


class _Releases(msgspec.Struct, frozen=True):
    releases: list[Release]


class _OneRelease(msgspec.Struct, frozen=True):
    release: Release


class _ChangedRelease(msgspec.Struct, frozen=True):
    release: Release = Release()


class _Node(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    version: int = 0
    status: str = ""
    image_ref: str = ""
    stable: bool = False
    created_at: dt.datetime | None = None

    @property
    def release(self) -> Release:
        return Release(
            id=self.id,
            version=self.version,
            status=self.status,
            image_ref=self.image_ref,
            stable=self.stable,
            in_progress=self.status in {"pending", "running"},
            created_at=self.created_at,
        )


class _Nodes(msgspec.Struct, frozen=True):
    nodes: list[_Node]


class _AppNode(msgspec.Struct, frozen=True):
    releases: _Nodes


class _Queried(msgspec.Struct, frozen=True):
    app: _AppNode


class ReleaseCalls:
    """The calls about releases. Each raises FlyError when it fails."""

    _releases_api: Transport
    _web_api: Transport

    def releases(self, app: str, limit: int = 25) -> list[Release]:
        """List an app's releases, newest first.

        GraphQL is asked where the API beside it does not let this token in, or is not there.

        Raises:
            FlyError: neither tells; the text has what both said.
        """
        try:
            return self._listed_releases(app, limit)
        except (Forbidden, NotFound) as refused:
            try:
                return self._queried_releases(app, limit)
            except FlyError as error:
                raise _both(refused, error) from None

    def _listed_releases(self, app: str, limit: int) -> list[Release]:
        path = path_of("api", "v1", "apps", app, "releases")
        found = self._releases_api.request("GET", path, into=_Releases, params={"limit": limit})
        return found.releases

    def _queried_releases(self, app: str, limit: int) -> list[Release]:
        variables = {"appName": app, "limit": limit}
        found = query(self._web_api, _QUERY, variables, into=_Queried)
        return [node.release for node in found.app.releases.nodes]

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


def _both(refused: FlyError, error: FlyError) -> FlyError:
    """Say what both APIs said; what could be done about it is the first one's."""
    return type(refused)(
        refused.expected,
        f"{refused.found}; and by GraphQL: {error.found}",
        f"{refused.where}, {error.where}",
        refused.hint,
    )
