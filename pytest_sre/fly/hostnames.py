"""Calls about where an app is reached: its addresses, its hostnames and their certificates."""

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import Certificate, IpAssignment
from pytest_sre.fly.pages import pages
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import Acknowledgement


class _CertificatePage(msgspec.Struct, frozen=True):
    certificates: list[Certificate]
    next_cursor: str = ""


class _IpAssignments(msgspec.Struct, frozen=True):
    ips: list[IpAssignment]


class HostnameCalls:
    """The calls about addresses and certificates. Each raises FlyError when it fails."""

    _machines_api: Transport

    def certificates(self, app: str) -> list[Certificate]:
        """List the certificates of an app's hostnames in short: without those issued."""
        path = path_of("v1", "apps", app, "certificates")
        found = pages(self._machines_api, path, into=_CertificatePage)
        return [certificate for page in found for certificate in page.certificates]

    def certificate(self, app: str, hostname: str) -> Certificate:
        """Get the certificates of one hostname in full, with their expiry."""
        path = path_of("v1", "apps", app, "certificates", hostname)
        return self._machines_api.request("GET", path, into=Certificate)

    def ips(self, app: str) -> list[IpAssignment]:
        """List an app's addresses."""
        path = path_of("v1", "apps", app, "ip_assignments")
        return self._machines_api.request("GET", path, into=_IpAssignments).ips

    def assign_ip(self, app: str, kind: str, *, region: str | None = None) -> IpAssignment:
        """Give an app an address.

        Args:
            app: the app's name.
            kind: v4, v6, shared_v4, private_v6, egress_v4 or egress_v6.
            region: where an egress address is used.
        """
        path = path_of("v1", "apps", app, "ip_assignments")
        body = {"type": kind, "region": region}
        return self._machines_api.request("POST", path, into=IpAssignment, json=body)

    def release_ip(self, app: str, ip: str) -> None:
        """Take an address from an app."""
        path = path_of("v1", "apps", app, "ip_assignments", ip)
        self._machines_api.request("DELETE", path, into=Acknowledgement)
