"""The stand-in's own few calls: what it is, which images it knows, and its end."""

import dataclasses
import os
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre import __version__
from pytest_sre.local.api.exchange import ApiError, answer, fleet_of, read_body, route
from pytest_sre.local.images import Image


def own_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/_local", get=_about),
        route("/_local/images", get=_images, put=_put_image),
        route("/_local/network", get=_network, put=_set_network),
        route("/_local/shutdown", post=_shut_down),
    ]


class _NetworkState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    distances: bool


async def _network(request: Request) -> Response:
    network = fleet_of(request).network
    links = [
        {
            "id": view.id,
            "between": [str(view.link.one), str(view.link.other)],
            "conditions": dataclasses.asdict(view.link.conditions),
            "until_at": view.until_at,
        }
        for view in network.views()
    ]
    return answer({"distances": network.distances, "links": links})


async def _set_network(request: Request) -> Response:
    wanted = await read_body(request, _NetworkState)
    fleet_of(request).network.distances = wanted.distances
    return await _network(request)


async def _about(request: Request) -> Response:
    apps = {}
    for app in list(fleet_of(request).apps.values()):
        ports = await request.app.state.open_ports(app)
        apps[app.name] = {"url": app.url, "ports": {str(port): ports[port] for port in ports}}
    return answer({"version": __version__, "pid": os.getpid(), "apps": apps})


async def _images(request: Request) -> Response:
    images = fleet_of(request).images.values()
    return answer({"images": [msgspec.to_builtins(image) for image in images]})


async def _put_image(request: Request) -> Response:
    image = await read_body(request, Image)
    if image.simulated is None and not Path(image.root).is_absolute():
        raise ApiError(400, f"invalid_argument: root is not an absolute path: {image.root!r}")
    fleet_of(request).images[image.ref] = image
    return answer({"ok": True})


async def _shut_down(request: Request) -> Response:
    request.app.state.shut_down()
    return answer({"ok": True})
