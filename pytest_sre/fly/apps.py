"""Calls about apps and what belongs to them: volumes, secrets, certificates, addresses."""

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import App, Certificate, IpAssignment, Secret, Volume
from pytest_sre.fly.pages import pages
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import Acknowledgement


class _AppPage(msgspec.Struct, frozen=True):
    apps: list[App]
    next_cursor: str = ""


class _CertificatePage(msgspec.Struct, frozen=True):
    certificates: list[Certificate]
    next_cursor: str = ""


class _NewApp(msgspec.Struct, frozen=True):
    id: str = ""


class _Secrets(msgspec.Struct, frozen=True):
    secrets: list[Secret]


class _IpAssignments(msgspec.Struct, frozen=True):
    ips: list[IpAssignment]


class AppCalls:
    """The calls about apps and what belongs to them. Each raises FlyError when it fails."""

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

    def volumes(self, app: str) -> list[Volume]:
        """List an app's volumes."""
        path = path_of("v1", "apps", app, "volumes")
        found = pages(self._machines_api, path, into=list[Volume])
        return [volume for page in found for volume in page]

    def create_volume(
        self, app: str, name: str, *, region: str, size_gb: int | None = None
    ) -> Volume:
        """Create a volume, of the platform's default size when none is given."""
        return self._machines_api.request(
            "POST",
            path_of("v1", "apps", app, "volumes"),
            into=Volume,
            json={"name": name, "region": region, "size_gb": size_gb},
            timeout_s=60.0,
        )

    def secrets(self, app: str) -> list[Secret]:
        """List the names and digests of an app's secrets; their values are never asked for."""
        path = path_of("v1", "apps", app, "secrets")
        return self._machines_api.request("GET", path, into=_Secrets).secrets

    def certificates(self, app: str) -> list[Certificate]:
        """List the certificates of an app's hostnames in short: without those issued."""
        path = path_of("v1", "apps", app, "certificates")
        found = pages(self._machines_api, path, into=_CertificatePage)
        return [certificate for page in found for certificate in page.certificates]

    def certificate(self, app: str, hostname: str) -> Certificate:
        """Get the certificate of one hostname in full."""
        path = path_of("v1", "apps", app, "certificates", hostname)
        return self._machines_api.request("GET", path, into=Certificate)

    def ips(self, app: str) -> list[IpAssignment]:
        """List an app's addresses."""
        path = path_of("v1", "apps", app, "ip_assignments")
        return self._machines_api.request("GET", path, into=_IpAssignments).ips
