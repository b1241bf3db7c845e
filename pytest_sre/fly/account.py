"""Calls about what is no app's: regions, and what the token may be used for."""

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import Organization, Region, TokenInfo
from pytest_sre.fly.transport import Transport


class _Regions(msgspec.Struct, frozen=True):
    """Its keys have been seen both small and capital."""

    regions: list[Region] = msgspec.field(default_factory=list)
    older: list[Region] = msgspec.field(default_factory=list, name="Regions")


class _Tokens(msgspec.Struct, frozen=True):
    tokens: list[TokenInfo]


class _OneOrganization(msgspec.Struct, frozen=True):
    organization: Organization


class AccountCalls:
    """The calls about regions, organizations and tokens. Each raises FlyError when it fails."""

    _machines_api: Transport
    _releases_api: Transport

    def regions(self) -> list[Region]:
        """List the platform's regions."""
        found = self._machines_api.request(
            "GET", path_of("v1", "platform", "regions"), into=_Regions
        )
        return found.regions or found.older

    def organization(self, slug: str) -> Organization:
        """Get one organization."""
        path = path_of("api", "v1", "organizations", slug)
        return self._releases_api.request("GET", path, into=_OneOrganization).organization

    def current_tokens(self) -> list[TokenInfo]:
        """Say what the token, or each of several sent together, may be used for."""
        path = path_of("v1", "tokens", "current")
        return self._machines_api.request("GET", path, into=_Tokens).tokens
