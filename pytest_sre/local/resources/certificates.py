"""What the platform remembers of a hostname and its certificates, and how its API shows them.

There is no DNS and no certificate authority here: what Fly issues when a name points to the app,
this platform has as issued from the first check on.
"""

import re
import time
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_sre.local.naming import numeric_id, rfc3339
from pytest_sre.local.resources.addresses import LOOPBACK

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME: Final = re.compile(rf"(\*\.)?({_LABEL}\.)+{_LABEL}")
_LONGEST_HOSTNAME: Final = 253
_LIFETIME_S: Final = 90 * 86400.0
_AUTHORITY: Final = "lets_encrypt"


@dataclass(frozen=True)
class CustomCertificate:
    """A certificate that was brought along. Times in Unix seconds."""

    issuer: str
    kind: str
    expires_at: float
    created_at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Hostname:
    """A name that an app wants to be reached by. Times in Unix seconds.

    Args:
        name: a DNS name, in small letters; may begin with ``*.``.
        acme_requested: whether the platform is to get a certificate for it.
        issued_at: when it got that; None when it has none yet.
        custom: the certificate that was brought along.
    """

    name: str
    acme_requested: bool = False
    issued_at: float | None = None
    custom: CustomCertificate | None = None
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        if len(self.name) > _LONGEST_HOSTNAME or not _HOSTNAME.fullmatch(self.name):
            raise ValueError(
                f"invalid hostname {self.name!r}: expected one such as www.example.com"
            )

    @property
    def configured(self) -> bool:
        """Whether a visitor would be served a certificate."""
        return self.custom is not None or self.issued_at is not None

    @property
    def status(self) -> str:
        """As the API says it."""
        return "active" if self.configured else "pending_validation"

    def summary(self) -> dict[str, Any]:
        """As the API lists it."""
        issued = self.issued_at is not None
        return {
            "hostname": self.name,
            "status": self.status,
            "dns_provider": "",
            "configured": self.configured,
            "acme_requested": self.acme_requested,
            "acme_dns_configured": issued,
            "acme_alpn_configured": issued,
            "acme_http_configured": issued,
            "ownership_txt_configured": self.configured,
            "has_custom_certificate": self.custom is not None,
            "has_fly_certificate": issued,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        }

    def detail(self, app: str) -> dict[str, Any]:
        """As the API shows it alone.

        Args:
            app: the app's name.
        """
        issued = self.issued_at is not None
        return {
            "hostname": self.name,
            "status": self.status,
            "configured": self.configured,
            "acme_requested": self.acme_requested,
            "certificates": self._certificates(),
            "validation": {
                "dns_configured": issued,
                "alpn_configured": issued,
                "http_configured": issued,
                "ownership_txt_configured": self.configured,
            },
            "dns_requirements": self._requirements(app),
            "validation_errors": [],
        }

    def checked(self, app: str) -> dict[str, Any]:
        """As the API shows it after it was checked: with the records that were found."""
        records = {
            "a": [LOOPBACK],
            "aaaa": [],
            "cname": [],
            "resolved_addresses": [LOOPBACK],
            "soa": None,
            "acme_challenge_cname": None,
            "ownership_txt": None,
        }
        return {**self.detail(app), "dns_records": records}

    def _requirements(self, app: str) -> dict[str, Any]:
        bare = self.name.removeprefix("*.")
        proof = f"app-{numeric_id(app):x}"
        return {
            "a": [LOOPBACK],
            "aaaa": [],
            "cname": f"{app}.fly.dev",
            "acme_challenge": {"name": f"_acme-challenge.{bare}", "target": f"{bare}.flydns.net"},
            "ownership": {
                "name": f"_fly-ownership.{bare}",
                "app_value": proof,
                "org_value": f"org-{numeric_id(proof):x}",
            },
        }

    def _certificates(self) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = []
        if self.issued_at is not None:
            expires_at = self.issued_at + _LIFETIME_S
            shown.append(_entry("fly", self.issued_at, expires_at, _AUTHORITY, ("rsa", "ecdsa")))
        elif self.acme_requested:
            shown.append({"source": "fly", "status": "pending_validation", "issued": []})
        if self.custom:
            own = self.custom
            shown.append(_entry("custom", own.created_at, own.expires_at, own.issuer, (own.kind,)))
        return shown


def _entry(
    source: str, created_at: float, expires_at: float, issuer: str, kinds: tuple[str, ...]
) -> dict[str, Any]:
    expires = rfc3339(expires_at)
    return {
        "source": source,
        "status": "active",
        "created_at": rfc3339(created_at),
        "expires_at": expires,
        "issuer": issuer,
        "issued": [
            {"type": kind, "expires_at": expires, "certificate_authority": issuer} for kind in kinds
        ],
    }
