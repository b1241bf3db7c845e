"""The one path of the GraphQL API."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, fleet_of, read_body, route
from pytest_sre.local.api.graphql.mutations import mutation_fields
from pytest_sre.local.api.graphql.queries import query_fields

_Execute = Callable[[str, dict[str, Any], str | None, dict[str, Any]], dict[str, Any]]


class _Query(msgspec.Struct):
    query: str = ""
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(default=None, name="operationName")


def graphql_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [route("/graphql", post=_ask)]


async def _ask(request: Request) -> Response:
    asked = await read_body(request, _Query)
    if not asked.query:
        raise ApiError(400, "invalid_argument: query is required")
    # Loading takes long, the first time; requests through the proxies do not wait for it.
    execute = await asyncio.to_thread(_load)
    fleet = fleet_of(request)
    root = {**query_fields(fleet), **mutation_fields(fleet, request.app.state.token)}
    return answer(execute(asked.query, asked.variables or {}, asked.operation_name, root))


def _load() -> _Execute:
    """Load the library, which is not needed to start, and which most runs never ask."""
    from pytest_sre.local.api.graphql.execution import execute, schema

    schema()
    return execute
