"""The rate limits' switch, and what refuses the calls that are too many."""

import math
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_sre.local.api.exchange import answer, fleet_of, read_body, route
from pytest_sre.local.rate_limits import RateLimits


class _Switch(msgspec.Struct):
    enabled: bool


def limit_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [route("/_local/limits", get=_show, put=_switch, post=_switch)]


async def _show(request: Request) -> Response:
    return _shown(fleet_of(request).limits)


async def _switch(request: Request) -> Response:
    limits = fleet_of(request).limits
    limits.switch(enabled=(await read_body(request, _Switch)).enabled)
    return _shown(limits)


def _shown(limits: RateLimits) -> Response:
    return answer({"enabled": limits.enabled, "refused": limits.refused})


class LimitedApi:
    """Refuses calls that are more than the limits allow, with 429."""

    def __init__(self, api: ASGIApp, limits: RateLimits) -> None:
        self._api = api
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "http":
            wait_s = self._limits.wait_s(scope["method"], scope["path"], time.monotonic())
            if wait_s > 0:
                headers = {"retry-after": str(math.ceil(wait_s))}
                refusal = answer({"error": "rate limit exceeded"}, 429, headers)
                await refusal(scope, receive, send)
                return
        await self._api(scope, receive, send)
