"""The API as one ASGI application: its routes, behind authorization."""

import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytest_sre.local.api.actions import action_routes
from pytest_sre.local.api.addresses import address_routes
from pytest_sre.local.api.alerting import alerting_routes
from pytest_sre.local.api.apps import app_routes
from pytest_sre.local.api.beginnings import beginning_routes
from pytest_sre.local.api.certificates import certificate_routes
from pytest_sre.local.api.exchange import answer
from pytest_sre.local.api.faults import SufferingApi, fault_routes
from pytest_sre.local.api.graphql import graphql_routes
from pytest_sre.local.api.leases import lease_routes
from pytest_sre.local.api.limits import LimitedApi, limit_routes
from pytest_sre.local.api.logs import log_routes
from pytest_sre.local.api.machines import machine_routes
from pytest_sre.local.api.memory import memory_routes
from pytest_sre.local.api.metadata import metadata_routes
from pytest_sre.local.api.metrics import metric_routes
from pytest_sre.local.api.organizations import organization_routes
from pytest_sre.local.api.overviews import overview_routes
from pytest_sre.local.api.own import own_routes
from pytest_sre.local.api.processes import process_routes
from pytest_sre.local.api.regions import region_routes
from pytest_sre.local.api.releases import release_routes
from pytest_sre.local.api.secrets import secret_routes
from pytest_sre.local.api.tokens import token_routes
from pytest_sre.local.api.volumes import volume_routes
from pytest_sre.local.api.waiting import waiting_routes
from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.metrics.alerting import Alerting
from pytest_sre.local.metrics.exposition import Exposition
from pytest_sre.local.naming import ulid
from pytest_sre.local.tokens import Tokens


def api_routes() -> list[BaseRoute]:
    """Every route that is served."""
    return [
        *own_routes(),
        *fault_routes(),
        *limit_routes(),
        *app_routes(),
        *address_routes(),
        *alerting_routes(),
        *beginning_routes(),
        *certificate_routes(),
        *region_routes(),
        *secret_routes(),
        *volume_routes(),
        *machine_routes(),
        *memory_routes(),
        *metadata_routes(),
        *process_routes(),
        *waiting_routes(),
        *action_routes(),
        *lease_routes(),
        *graphql_routes(),
        *log_routes(),
        *metric_routes(),
        *organization_routes(),
        *overview_routes(),
        *token_routes(),
        *release_routes(),
    ]


def build_api(
    fleet: Fleet,
    token: str,
    *,
    alerting: Alerting,
    open_app: Callable[[App], Awaitable[None]],
    close_app: Callable[[App], Awaitable[None]],
    open_ports: Callable[[App], Awaitable[dict[int, str]]],
    shut_down: Callable[[], None],
) -> ASGIApp:
    """The API of a platform.

    Args:
        fleet: its state.
        token: the one that is good for everything.
        alerting: answers queries of metrics, and evaluates rules.
        open_app: gives a new app its proxy.
        close_app: ends an app's Machines and proxy.
        open_ports: opens the app's public ports; their URLs.
        shut_down: ends the server, after the answer.
    """
    api = Starlette(
        routes=api_routes(), exception_handlers={404: _no_such_page, 405: _no_such_page}
    )
    tokens = Tokens(token)
    api.state.fleet = fleet
    api.state.tokens = tokens
    api.state.token = token
    api.state.exposition = Exposition(fleet)
    api.state.prometheus = alerting.prometheus
    api.state.alerting = alerting
    api.state.open_app = open_app
    api.state.close_app = close_app
    api.state.open_ports = open_ports
    api.state.shut_down = shut_down
    return _Guarded(LimitedApi(SufferingApi(api, fleet), fleet.limits), tokens)


class _Guarded:
    """Asks for the token, and puts Fly's headers on each answer."""

    def __init__(self, api: ASGIApp, tokens: Tokens) -> None:
        self._api = api
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                request_id = f"{ulid()}-local".encode()
                own = [(b"fly-request-id", request_id), (b"via", b"1.1 fly.io")]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        token = self._tokens.find(given, time.time())
        if token is None:
            answered: ASGIApp = answer({"error": "Authenticate: token validation error"}, 401)
        elif not token.allows(scope["path"]):
            answered = answer({"error": "unauthorized"}, 403)
        else:
            scope.setdefault("state", {})["token"] = token
            answered = self._api
        await answered(scope, receive, send_with_id)


async def _no_such_page(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return answer({"error": f"{request.method} {request.url.path} is not served here"}, status)
