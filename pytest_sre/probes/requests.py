"""An HTTP request to be made as a probe, and how its URL may be shown."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_TIMEOUT_S = 5.0

_SECRET_VALUE = re.compile(
    r"([?&][^=&#]*(?:token|secret|passw|api_?key|signature|auth|credential|session)[^=&#]*=)"
    r"[^&#]*",
    re.IGNORECASE,
)


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request without side effects.

    ``machine`` is the id of the only Machine that may answer; empty leaves the choice to the
    proxy. ``label`` is how texts call who is asked. ``timeout_s`` bounds all of it, from the
    name's resolution to the body's last byte.

    Raises:
        ValueError: when the URL is not an absolute http(s) one, or the method changes things.
    """

    url: str
    method: str = "GET"
    machine: str = ""
    label: str = ""
    region: str = ""
    app: str = ""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    timeout_s: float = DEFAULT_TIMEOUT_S

    def __post_init__(self) -> None:
        if self.method not in SAFE_METHODS:
            raise ValueError(
                f"a probe has no side effects: expected GET, HEAD or OPTIONS, found {self.method!r}"
            )
        if not self.url.lower().startswith(("http://", "https://")):
            raise ValueError(f"expected an absolute http(s) URL, found {shown_url(self.url)!r}")

    @property
    def is_tls(self) -> bool:
        """Whether it goes over TLS."""
        return self.url[:8].lower() == "https://"

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers to send; a Machine that was asked for is named to the proxy."""
        forced = {"fly-force-instance-id": self.machine} if self.machine else {}
        return {**self.headers, **forced}


def shown_url(url: str) -> str:
    """Return a URL that may be recorded: no user, no password, no secret in its query."""
    if "@" in url:
        parts = urlsplit(url)
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return _SECRET_VALUE.sub(r"\1…", url) if "?" in url else url
