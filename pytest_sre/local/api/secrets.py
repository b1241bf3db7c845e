"""Calls about an app's secrets. Values are written and never shown."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, app_of, read_body, route
from pytest_sre.local.resources.secrets import SecretBook


class _Values(msgspec.Struct):
    values: dict[str, str | None] = {}


class _Value(msgspec.Struct):
    value: str


def secret_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/secrets"
    return [
        route(path, get=_list, post=_change),
        route(f"{path}/{{name}}", get=_get, post=_set, delete=_delete),
    ]


def check_secrets_version(secrets: SecretBook, least: int) -> None:
    """Refuse a call that counts on a change which was not made.

    Raises:
        ApiError: 412, the secrets were not changed that often.
    """
    if least > secrets.version:
        raise ApiError(
            412,
            f"failed_precondition: secrets are at version {secrets.version}, not yet at {least}",
        )


async def _list(request: Request) -> Response:
    return answer({"secrets": _secrets_of(request).views()})


async def _change(request: Request) -> Response:
    secrets = app_of(request).secrets
    values = (await read_body(request, _Values)).values
    secrets.change(values)
    shown = [secrets[name].view(name) for name in values if name in secrets]
    return answer({"secrets": shown, **_version(secrets)})


async def _get(request: Request) -> Response:
    secrets, name = _secrets_of(request), request.path_params["name"]
    _check_known(secrets, name)
    return answer(secrets[name].view(name))


async def _set(request: Request) -> Response:
    secrets, name = app_of(request).secrets, request.path_params["name"]
    secrets.change({name: (await read_body(request, _Value)).value})
    return answer({**secrets[name].view(name), **_version(secrets)}, 201)


async def _delete(request: Request) -> Response:
    secrets, name = app_of(request).secrets, request.path_params["name"]
    _check_known(secrets, name)
    secrets.change({name: None})
    return answer(_version(secrets))


def _secrets_of(request: Request) -> SecretBook:
    """The app's secrets, at the version that the query asks for or a later one."""
    secrets, query = app_of(request).secrets, request.query_params
    least = query.get("min_version") or query.get("version") or "0"
    if not (least.isascii() and least.isdecimal() and len(least) <= len(str(2**64))):
        raise ValueError(f"invalid min_version {least[:20]!r}: expected a number")
    check_secrets_version(secrets, int(least))
    return secrets


def _check_known(secrets: SecretBook, name: str) -> None:
    if name not in secrets:
        raise ApiError(404, "secret not found")


def _version(secrets: SecretBook) -> dict[str, int]:
    return {"version": secrets.version, "Version": secrets.version}
