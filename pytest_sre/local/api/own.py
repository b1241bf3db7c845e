"""The stand-in's own few calls: what it is, which images it knows, and its end."""

import os
from pathlib import Path

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
        route("/_local/images", put=_put_image),
        route("/_local/shutdown", post=_shut_down),
    ]


async def _about(request: Request) -> Response:
    apps = {}
    for app in list(fleet_of(request).apps.values()):
        ports = await request.app.state.open_ports(app)
        apps[app.name] = {"url": app.url, "ports": {str(port): ports[port] for port in ports}}
    return answer({"version": __version__, "pid": os.getpid(), "apps": apps})


async def _put_image(request: Request) -> Response:
    image = await read_body(request, Image)
    if image.simulated is None and not Path(image.root).is_absolute():
        raise ApiError(400, f"invalid_argument: root is not an absolute path: {image.root!r}")
    fleet_of(request).images[image.ref] = image
    return answer({"ok": True})


async def _shut_down(request: Request) -> Response:
    request.app.state.shut_down()
    return answer({"ok": True})
