"""Calls about log lines, as Fly serves them beside the Machines API."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    app_of,
    route,
)
from pytest_sre.local.logbook import Line
from pytest_sre.local.naming import rfc3339_ns


def log_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/api/v1/apps/{app}/logs", get=_logs),
    ]


async def _logs(request: Request) -> Response:
    query = request.query_params
    token = query.get("next_token", "")
    if token and not token.isdecimal():
        raise ApiError(400, f"invalid next_token: {token!r}")
    lines, next_ns = app_of(request).logbook.page(
        int(token) if token else None,
        machine_id=query.get("instance", ""),
        region=query.get("region", ""),
    )
    return answer(
        {"data": [_line_view(line) for line in lines], "meta": {"next_token": str(next_ns)}}
    )


def _line_view(line: Line) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "instance": line.machine_id,
        "region": line.region,
        "event": {"provider": line.provider},
    }
    if line.error_code is not None:
        meta["error"] = {"code": line.error_code, "message": line.message}
    return {
        "id": str(line.at_ns),
        "type": "log",
        "attributes": {
            "timestamp": rfc3339_ns(line.at_ns),
            "message": line.message,
            "level": line.level,
            "instance": line.machine_id,
            "region": line.region,
            "meta": meta,
        },
    }
