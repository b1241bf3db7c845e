"""The HTTP connections to Fly, and the addresses and paths that are asked for on them."""

import ssl
from urllib.parse import quote, urlsplit

import httpx

from pytest_sre.fly.errors import Unreachable

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def open_connections(*base_urls: str) -> httpx.Client:
    """Open a client for these addresses.

    A proxy named by the environment is used, except when all of them are on this machine.
    """
    addresses = [urlsplit(checked_url(url)) for url in base_urls]
    is_encrypted = any(address.scheme == "https" for address in addresses)
    return httpx.Client(
        # Reading the certificate authorities takes longer than the calls to a local platform.
        verify=httpx.create_ssl_context() if is_encrypted else _trusting_nobody(),
        trust_env=not all(map(is_loopback, base_urls)),
        # Servers close idle connections after 5 s; a change sent into that moment is lost.
        limits=httpx.Limits(max_connections=50, keepalive_expiry=2.0),
        headers={"user-agent": "pytest-sre"},
    )


def is_loopback(base_url: str) -> bool:
    """Whether an address is on this machine."""
    return urlsplit(base_url).hostname in _LOOPBACK


def checked_url(base_url: str) -> str:
    """Return an API's address without a slash at its end.

    Raises:
        Unreachable: it is not an address of the form ``https://host[:port]``.
    """
    try:
        address = urlsplit(base_url)
        is_complete = bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        is_complete = False
    if not is_complete or address.scheme not in ("http", "https"):
        raise Unreachable(
            "the address of Fly's API, such as https://api.machines.dev",
            f'"{base_url}"',
            "the FLY_*_BASE_URL variables",
            "begin it with https:// (or http:// on this machine)",
        )
    return base_url.rstrip("/")


def without_credentials(base_url: str) -> str:
    """Return an address without a user's name or password: we send the token, and nothing else."""
    address = urlsplit(base_url)
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()


def path_of(*segments: str) -> str:
    """Join segments to a path, each quoted so that it stays one segment.

    Raises:
        ValueError: a segment is empty or dots only, so that the path would name another thing.
    """
    for segment in segments:
        if not segment.strip("."):
            raise ValueError(f"expected a name or an id for Fly's API, found {segment!r}")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
