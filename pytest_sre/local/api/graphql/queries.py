"""What can be asked first: the fields of the query, and the one mutation."""

import datetime as dt
from functools import partial

from pytest_sre.local.api.graphql.app_fields import app_fields, machine_fields
from pytest_sre.local.api.graphql.connections import Fields, connection
from pytest_sre.local.api.graphql.errors import FieldError, not_found
from pytest_sre.local.api.graphql.places import (
    organization_fields,
    organizations,
    region_fields,
    user_fields,
)
from pytest_sre.local.fleet import DEFAULT_REGION, PERSONAL_ORGANIZATION, App, Fleet
from pytest_sre.local.naming import ulid
from pytest_sre.local.organizations import find_organization
from pytest_sre.local.regions import REGIONS
from pytest_sre.targets.durations import parse_duration_s


def root_fields(fleet: Fleet, authorization: str) -> Fields:
    """The fields of a query and a mutation.

    Args:
        fleet: what there is.
        authorization: by which the caller was let in.
    """
    return {
        "app": partial(_app, fleet),
        "apps": partial(_apps, fleet),
        "canPerformBluegreenDeployment": partial(_can_perform_bluegreen, fleet),
        "currentUser": lambda _: user_fields(fleet),
        "viewer": lambda _: user_fields(fleet),
        "latestImageDetails": _latest_image,
        "machine": partial(_machine, fleet),
        "nearestRegion": lambda _, **__: region_fields(DEFAULT_REGION),
        "organization": partial(_organization, fleet),
        "organizations": partial(_organizations, fleet),
        "personalOrganization": lambda _: organization_fields(PERSONAL_ORGANIZATION, fleet),
        "platform": lambda _: {
            "requestRegion": DEFAULT_REGION,
            "regions": [region_fields(code) for code in REGIONS],
        },
        "createLimitedAccessToken": partial(_create_token, fleet, authorization),
    }


def _find(fleet: Fleet, name: str) -> App:
    app = fleet.apps.get(name)
    if app is None:
        raise not_found("App", name)
    return app


def _app(fleet: Fleet, _: object, **named: str) -> Fields:
    wanted = named.get("name") or named.get("id")
    number = named.get("internalId")
    if number:
        every = fleet.apps.values()
        wanted = next((app.name for app in every if str(app.numeric_id) == number), number)
    return app_fields(_find(fleet, wanted or ""), fleet)


def _apps(
    fleet: Fleet,
    info: object,
    organizationId: str | None = None,  # noqa: N803 - the argument's name in the schema
    role: str | None = None,
    **page: object,
) -> Fields:
    owner = find_organization(fleet, organizationId) if organizationId else None
    # An app of a role is one that Fly itself runs, such as a Postgres or a builder.
    apps = [
        app
        for app in fleet.apps.values()
        if not role and (not organizationId or app.organization == owner)
    ]
    return connection(lambda: (app_fields(app, fleet) for app in apps))(info, **page)


def _can_perform_bluegreen(fleet: Fleet, _: object, name: str) -> bool:
    _find(fleet, name)
    return True


def _latest_image(_: object, image: str, **__: object) -> Fields:
    # Fly knows newer versions only of images of its own, such as its Postgres; none run here.
    raise FieldError(f"Unknown repository {image!r}", "UNPROCESSABLE")


def _machine(fleet: Fleet, _: object, **named: str) -> Fields:
    wanted = named["machineId"]
    for app in fleet.apps.values():
        if wanted in app.machines:
            return machine_fields(app.machines[wanted].record, app, fleet)
    raise not_found("Machine", wanted)


def _organization(fleet: Fleet, _: object, **named: str) -> Fields:
    wanted = named.get("slug") or named.get("id") or named.get("name") or ""
    slug = find_organization(fleet, wanted)
    if slug is None:
        raise not_found("Organization")
    return organization_fields(slug, fleet)


def _organizations(
    fleet: Fleet,
    info: object,
    type: str | None = None,  # noqa: A002 - the argument's name in the schema
    **page: object,
) -> Fields:
    return connection(lambda: organizations(fleet, type))(info, **page)


def _create_token(fleet: Fleet, authorization: str, _: object, **given: Fields) -> Fields:
    """Answer with the caller's own token: there is one, and it may do everything."""
    wanted = given["input"]
    slug = find_organization(fleet, wanted["organizationId"])
    if slug is None:
        raise not_found("Organization")
    now = dt.datetime.now(dt.UTC)
    lasts_s = parse_duration_s(wanted.get("expiry") or "175200h")
    token = {
        "id": ulid(),
        "name": wanted["name"],
        "profile": wanted["profile"],
        "organization": organization_fields(slug, fleet),
        "tokenHeader": authorization,
        "createdAt": now.isoformat(),
        "expiresAt": (now + dt.timedelta(seconds=lasts_s)).isoformat(),
    }
    return {"clientMutationId": wanted.get("clientMutationId"), "limitedAccessToken": token}
