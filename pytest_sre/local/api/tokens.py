"""Calls about tokens: giving one for an app, and telling what one is good for."""

import time
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    app_of,
    body_duration_s,
    find_app,
    fleet_of,
    read_body,
    route,
)
from pytest_sre.local.tokens import Token, Tokens, describe

_DEFAULT_EXPIRY: Final = "175200h"


class _Wanted(msgspec.Struct):
    expiry: str | None = None


class _Header(msgspec.Struct):
    header: str


class _Access(msgspec.Struct):
    action: int = 0
    app_name: str = ""
    org_slug: str = ""


class _Question(msgspec.Struct):
    header: str
    access: _Access


def token_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/v1/apps/{app}/deploy_token", post=_give),
        route("/v1/tokens/current", get=_current),
        route("/v1/tokens/authenticate", post=_authenticate),
        route("/v1/tokens/authorize", post=_authorize),
    ]


async def _give(request: Request) -> Response:
    wanted = await read_body(request, _Wanted)
    lasting_s = body_duration_s(wanted.expiry or _DEFAULT_EXPIRY)
    token = _tokens(request).give(app_of(request).name, time.time() + lasting_s)
    return answer({"token": f"FlyV1 {token.text}"})


async def _current(request: Request) -> Response:
    fleet, token = fleet_of(request), _own(request)
    if not token.app:
        return answer({"tokens": describe(token, fleet.organizations())})
    return answer({"tokens": describe(token, [find_app(request, token.app).organization])})


async def _authenticate(request: Request) -> Response:
    token = _verified(request, (await read_body(request, _Header)).header)
    return answer([_view(token)])


async def _authorize(request: Request) -> Response:
    question = await read_body(request, _Question)
    token = _verified(request, question.header)
    if token.app and question.access.app_name != token.app:
        raise ApiError(403, "unauthorized")
    access = {"action": question.access.action}
    return answer({"access": access, "verified_token": _view(token)})


def _verified(request: Request, header: str) -> Token:
    token = _tokens(request).find(header, time.time())
    if token is None:
        raise ApiError(401, "Authenticate: token validation error")
    return token


def _view(token: Token) -> dict[str, Any]:
    return {"header": f"FlyV1 {token.text}", "caveats": {"caveats": []}}


def _own(request: Request) -> Token:
    """The one that the call came with."""
    token: Token = request.state.token
    return token


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens
