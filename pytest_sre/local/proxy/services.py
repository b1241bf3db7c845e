"""Which service of a Machine a port of its app's proxy stands for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_sre.fly.config import MachineConfig, Port, Service

_NO_PORT: Final = Port()


@dataclass(frozen=True)
class Entrance:
    """A way into an app.

    Args:
        port: the public port; None for the app's first one that takes plain HTTP.
        handlers: what is spoken there, from the outside in: ``tls``, ``http``; none for bytes.
    """

    port: int | None = None
    handlers: tuple[str, ...] = ("http",)

    @property
    def is_tls(self) -> bool:
        """Clients speak TLS."""
        return "tls" in self.handlers

    @property
    def is_http(self) -> bool:
        """Clients speak HTTP, inside of TLS or not."""
        return "http" in self.handlers


@dataclass(frozen=True)
class Route:
    """A Machine's service behind an entrance, with its place among the Machine's services."""

    place: int
    service: Service
    port: Port


MAIN: Final = Entrance()


def find_route(settings: MachineConfig, entrance: Entrance) -> Route | None:
    """The service of a Machine that an entrance leads to; None when it has none."""
    routes = list(_routes(settings))
    if entrance.port is not None:
        return next((each for each in routes if each.port.port == entrance.port), None)
    # By the best that there is: plain HTTP, HTTP by TLS, a public port, any service.
    for fits in (_is_plain_http, _is_http, _is_public):
        if found := next((each for each in routes if fits(each.port)), None):
            return found
    return next(iter(routes), None)


def public_service(settings: MachineConfig) -> tuple[int, Service] | None:
    """The service that the app's URL stands for, with its place."""
    route = find_route(settings, MAIN)
    return (route.place, route.service) if route else None


def entrances(settings: Iterable[MachineConfig]) -> dict[int, Entrance]:
    """The public ports of an app's Machines; of two that differ, the first counts."""
    found: dict[int, Entrance] = {}
    for route in (each for one in settings for each in _routes(one)):
        port = route.port.port
        if port is not None and route.service.protocol == "tcp":
            found.setdefault(port, Entrance(port, tuple(route.port.handlers or ())))
    return found


def _routes(settings: MachineConfig) -> Iterable[Route]:
    for place, service in enumerate(settings.services):
        for port in service.ports or [_NO_PORT]:
            yield Route(place, service, port)


def _is_plain_http(port: Port) -> bool:
    return _is_http(port) and "tls" not in (port.handlers or ())


def _is_http(port: Port) -> bool:
    return "http" in (port.handlers or ())


def _is_public(port: Port) -> bool:
    return port.port is not None
