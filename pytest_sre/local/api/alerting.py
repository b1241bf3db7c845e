"""Loading alert rules, and what the platform's Alertmanager received."""

import re
from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, read_body, route
from pytest_sre.local.metrics.alerting import Alerting
from pytest_sre.local.metrics.child import Question
from pytest_sre.local.metrics.prometheus import RulesRefused

_ROOT: Final = "/_local/alertmanager"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LARGEST_BYTES: Final = 4_000_000


class _Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: Annotated[dict[str, str], msgspec.Meta(max_length=100)]


def alerting_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/_local/alerting", put=_load, delete=_unload),
        route(f"{_ROOT}/api/v2/alerts", get=_ask),
    ]


async def _load(request: Request) -> Response:
    if len(await request.body()) > _LARGEST_BYTES:
        raise ApiError(413, f"invalid_argument: rules of more than {_LARGEST_BYTES} bytes")
    rules = (await read_body(request, _Rules)).rules
    for name in rules:
        if not _NAME.fullmatch(name):
            raise ApiError(400, f"invalid_argument: not a plain file name: {name!r}")
    return await _loaded(request, rules)


async def _unload(request: Request) -> Response:
    return await _loaded(request, {})


async def _loaded(request: Request, rules: dict[str, str]) -> Response:
    alerting: Alerting = request.app.state.alerting
    try:
        failure, missing = await alerting.load(rules)
    except RulesRefused as refusal:
        raise ApiError(400, f"Prometheus refuses the rules: {refusal}") from None
    if failure:
        raise ApiError(503, failure)
    return answer({"files": sorted(rules), "alertmanager": missing or "running"})


async def _ask(request: Request) -> Response:
    alerting: Alerting = request.app.state.alerting
    path = request.url.path.removeprefix(_ROOT)
    reply = await alerting.alertmanager.ask(Question("GET", path, request.url.query))
    return Response(reply.body, reply.status, media_type=reply.content_type or None)
