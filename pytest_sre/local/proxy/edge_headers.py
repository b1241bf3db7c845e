"""The headers that the proxy adds to requests and answers, and takes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_sre import __version__
from pytest_sre.fly.config import Port
from pytest_sre.local.proxy.heads import Headers, with_replaced

_SERVER: Final = f"Fly/{__version__} (local)".encode()
_VIA: Final = b"1.1 fly.io"


@dataclass(frozen=True)
class Arrival:
    """How a request came in.

    Args:
        request_id: ours, for its answer too.
        region: of the edge.
        client: its address.
        port: where it came in.
        is_tls: by TLS.
    """

    request_id: bytes
    region: str
    client: str
    port: int
    is_tls: bool

    def for_machine(self, headers: Mapping[str, str]) -> Headers:
        """What is added to a request.

        Args:
            headers: the request's own.
        """
        client, port = self.client, str(self.port).encode()
        forwarded = headers.get("x-forwarded-for")
        chain = f"{forwarded}, {client}" if forwarded else client
        via = headers.get("via")
        return [
            (b"fly-client-ip", client.encode()),
            (b"fly-forwarded-port", port),
            (b"fly-region", self.region.encode()),
            (b"fly-request-id", self.request_id),
            (b"x-forwarded-for", chain.encode("latin-1")),
            (b"x-forwarded-port", port),
            (b"x-forwarded-proto", b"https" if self.is_tls else b"http"),
            (b"x-forwarded-ssl", b"on" if self.is_tls else b"off"),
            (b"via", f"{via}, 1.1 fly.io".encode("latin-1") if via else _VIA),
        ]

    def for_client(self) -> Headers:
        """What is added to an answer."""
        return [(b"fly-request-id", self.request_id), (b"server", _SERVER), (b"via", _VIA)]


def answer_headers(headers: Headers, arrival: Arrival, port: Port) -> Headers:
    """An answer's headers, as the port's options want them.

    Args:
        headers: the Machine's, without those that concern one connection only.
        arrival: how the request came in.
        port: where it came in.
    """
    options = port.http_options.response if port.http_options else None
    if options is None:
        return with_replaced(headers, arrival.for_client())
    result = headers if options.pristine else with_replaced(headers, arrival.for_client())
    for name, value in (options.headers or {}).items():
        values = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        own = [(name.lower().encode("latin-1"), each.encode("latin-1")) for each in values]
        gone = name.lower().encode("latin-1")
        result = [*(pair for pair in result if pair[0] != gone), *own]
    return result
