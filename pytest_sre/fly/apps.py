"""Calls about apps."""

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import App
from pytest_sre.fly.pages import pages
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import Acknowledgement


class _AppPage(msgspec.Struct, frozen=True):
    apps: list[App]
    next_cursor: str = ""


class _NewApp(msgspec.Struct, frozen=True):
    id: str = ""


class AppCalls:
    """The calls about apps. Each raises FlyError when it fails."""

    _machines_api: Transport

    def app(self, name: str) -> App:
        """Get one app."""
        return self._machines_api.request("GET", path_of("v1", "apps", name), into=App)

    def apps(self, org_slug: str) -> list[App]:
        """List the apps of an organization."""
        path = path_of("v1", "apps")
        found = pages(self._machines_api, path, into=_AppPage, params={"org_slug": org_slug})
        return [app for page in found for app in page.apps]

    def create_app(self, name: str, org_slug: str) -> App:
        """Create an app, and return once it can be used.

        Raises:
            Invalid: the name is taken or is not allowed.
        """
        new = self._machines_api.request(
            "POST",
            path_of("v1", "apps"),
            into=_NewApp,
            params={"wait": True},
            json={"name": name, "org_slug": org_slug},
            timeout_s=60.0,
        )
        return App(name=name, id=new.id)

    def delete_app(self, name: str, *, force: bool = False) -> None:
        """Delete an app; one with Machines only with ``force``."""
        path = path_of("v1", "apps", name)
        self._machines_api.request(
            "DELETE",
            path,
            into=Acknowledgement,
            params={"force": force or None},
            timeout_s=60.0,
        )
