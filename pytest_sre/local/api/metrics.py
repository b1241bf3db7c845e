"""Fly's Prometheus as its clients ask it, and the pages that the platform's own one reads."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import answer, fleet_of, route
from pytest_sre.local.metrics.child import Question
from pytest_sre.local.metrics.configuration import PAGE_PATH, TARGETS_PATH
from pytest_sre.local.metrics.exposition import Exposition
from pytest_sre.local.metrics.page import CONTENT_TYPE
from pytest_sre.local.metrics.prometheus import Prometheus
from pytest_sre.local.metrics.targets import own_targets
from pytest_sre.local.organizations import find_organization

_ROOT: Final = "/prometheus/{org}"
_BY_FORM: Final = ("query", "query_range", "series", "labels")
_BY_ADDRESS: Final = ("label/{name}/values", "metadata", "status/tsdb", "rules", "alerts")
_PATIENCE: Final = "x-prometheus-scrape-timeout-seconds"
_DEFAULT_PATIENCE_S: Final = 10.0
_OWN_PART: Final = re.compile(r"^/prometheus/[^/]+")


def metric_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route(PAGE_PATH, get=_page),
        route(TARGETS_PATH, get=_targets),
        *(route(f"{_ROOT}/api/v1/{call}", get=_ask, post=_ask) for call in _BY_FORM),
        *(route(f"{_ROOT}/api/v1/{call}", get=_ask) for call in _BY_ADDRESS),
        route(f"{_ROOT}/federate", get=_ask),
    ]


async def _page(request: Request) -> Response:
    exposition: Exposition = request.app.state.exposition
    prometheus: Prometheus = request.app.state.prometheus
    prometheus.fit(len(fleet_of(request).lifecycles()))
    within_s = float(request.headers.get(_PATIENCE, _DEFAULT_PATIENCE_S))
    return Response(await exposition.page(within_s), media_type=CONTENT_TYPE)


async def _targets(request: Request) -> Response:
    return answer(own_targets(fleet_of(request)))


async def _ask(request: Request) -> Response:
    organization = request.path_params["org"]
    if find_organization(fleet_of(request), organization) is None:
        text = f"there is no organization {organization!r}"
        return answer({"status": "error", "errorType": "not_found", "error": text}, 404)
    prometheus: Prometheus = request.app.state.prometheus
    reply = await prometheus.ask(
        Question(
            request.method,
            _OWN_PART.sub("", request.scope["raw_path"].decode("latin-1"), count=1),
            request.url.query,
            request.headers.get("content-type", ""),
            await request.body(),
        )
    )
    return Response(reply.body, reply.status, media_type=reply.content_type or None)
