"""Calls about apps, and what belongs to them beside Machines."""

import time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    app_of,
    flag,
    fleet_of,
    read_body,
    route,
)
from pytest_sre.local.fleet import DEFAULT_REGION, App, StoredSecret
from pytest_sre.local.naming import rfc3339
from pytest_sre.local.regions import REGIONS


class _NewApp(msgspec.Struct):
    name: str = ""
    app_name: str = ""
    org_slug: str = "personal"


class _NewVolume(msgspec.Struct):
    name: str = ""
    region: str = DEFAULT_REGION
    size_gb: int = 1


class _SecretValues(msgspec.Struct):
    values: dict[str, str | None] = {}


class _SecretValue(msgspec.Struct):
    value: str


def app_routes() -> list[BaseRoute]:
    """The routes of this file."""
    app = "/v1/apps/{app}"
    return [
        route("/v1/apps", get=_list_apps, post=_create_app),
        route(app, get=_get_app, delete=_delete_app),
        route(f"{app}/volumes", get=_list_volumes, post=_create_volume),
        route(f"{app}/volumes/{{volume}}", get=_get_volume, delete=_delete_volume),
        route(f"{app}/secrets", get=_list_secrets, post=_set_secrets),
        route(f"{app}/secrets/{{name}}", get=_get_secret, post=_set_secret, delete=_del_secret),
        route(f"{app}/certificates", get=_list_certificates),
        route(f"{app}/ip_assignments", get=_list_ips),
        route("/v1/platform/regions", get=_regions),
    ]


async def _list_apps(request: Request) -> Response:
    slug = request.query_params.get("org_slug")
    apps = [
        app.view()
        for app in fleet_of(request).apps.values()
        if not slug or app.organization == slug
    ]
    return answer({"apps": apps, "total_apps": len(apps), "next_cursor": ""})


async def _create_app(request: Request) -> Response:
    wanted = await read_body(request, _NewApp)
    name = wanted.name or wanted.app_name
    if not name:
        raise ApiError(400, "invalid_argument: name is required")
    fleet = fleet_of(request)
    if name in fleet.apps:
        raise ApiError(422, "Validation failed: Name has already been taken", "name_taken")
    app = fleet.create_app(name, wanted.org_slug)
    await request.app.state.open_app(app)
    return answer(app.view(), 201)


async def _get_app(request: Request) -> Response:
    return answer(app_of(request).view())


async def _delete_app(request: Request) -> Response:
    app = app_of(request)
    if app.present() and not flag(request, "force"):
        raise ApiError(412, f"app '{app.name}' still has Machines: destroy them, or use force")
    await request.app.state.close_app(app)
    del fleet_of(request).apps[app.name]
    return Response(status_code=202)


async def _list_volumes(request: Request) -> Response:
    app = app_of(request)
    return answer([app.attached_volume(volume) for volume in app.volumes.values()])


async def _create_volume(request: Request) -> Response:
    app = app_of(request)
    wanted = await read_body(request, _NewVolume)
    if not wanted.name:
        raise ApiError(400, "invalid_argument: name is required")
    return answer(app.create_volume(wanted.name, wanted.region, wanted.size_gb))


def _volume_of(request: Request) -> tuple[App, dict[str, Any]]:
    app = app_of(request)
    volume = app.volumes.get(request.path_params["volume"])
    if volume is None:
        raise ApiError(404, "volume not found")
    return app, app.attached_volume(volume)


async def _get_volume(request: Request) -> Response:
    return answer(_volume_of(request)[1])


async def _delete_volume(request: Request) -> Response:
    app, volume = _volume_of(request)
    if volume["attached_machine_id"]:
        raise ApiError(412, f"volume is attached to Machine {volume['attached_machine_id']}")
    fleet_of(request).delete_volume(app, volume["id"])
    return answer({**volume, "state": "pending_destroy"})


async def _list_secrets(request: Request) -> Response:
    secrets = app_of(request).secrets.items()
    return answer({"secrets": [secret.view(name) for name, secret in sorted(secrets)]})


async def _set_secrets(request: Request) -> Response:
    app = app_of(request)
    wanted = await read_body(request, _SecretValues)
    for name, value in wanted.values.items():
        _keep_secret(app, name, value)
    shown = [app.secrets[name].view(name) for name in wanted.values if name in app.secrets]
    return answer({"secrets": shown, **_secrets_version(app)})


async def _get_secret(request: Request) -> Response:
    app, name = app_of(request), request.path_params["name"]
    if name not in app.secrets:
        raise ApiError(404, "secret not found")
    return answer(app.secrets[name].view(name))


async def _set_secret(request: Request) -> Response:
    app, name = app_of(request), request.path_params["name"]
    _keep_secret(app, name, (await read_body(request, _SecretValue)).value)
    return answer({**app.secrets[name].view(name), **_secrets_version(app)}, 201)


async def _del_secret(request: Request) -> Response:
    app, name = app_of(request), request.path_params["name"]
    if name not in app.secrets:
        raise ApiError(404, "secret not found")
    _keep_secret(app, name, None)
    return answer(_secrets_version(app))


def _keep_secret(app: App, name: str, value: str | None) -> None:
    """Set a secret for Machines created or updated from now on; None removes it."""
    app.secrets_version += 1
    if value is None:
        app.secrets.pop(name, None)
        return
    now = time.time()
    before = app.secrets.get(name)
    app.secrets[name] = StoredSecret(value, before.created_at if before else now, now)


def _secrets_version(app: App) -> dict[str, int]:
    return {"version": app.secrets_version, "Version": app.secrets_version}


async def _list_certificates(request: Request) -> Response:
    app_of(request)
    return answer({"certificates": [], "next_cursor": "", "total_count": 0})


async def _list_ips(request: Request) -> Response:
    app = app_of(request)
    address = {
        "ip": "127.0.0.1",
        "type": "shared_v4",
        "region": "global",
        "shared": True,
        "created_at": rfc3339(app.created_at),
    }
    return answer({"ips": [address]})


async def _regions(request: Request) -> Response:  # noqa: ARG001
    known = [{"code": code, "name": name} for code, name in REGIONS.items()]
    return answer({"nearest": DEFAULT_REGION, "regions": known})
