"""What can be asked first: the fields of the query."""

from functools import partial

from pytest_sre.fly.organization import PERSONAL
from pytest_sre.local.api.graphql.app_fields import app_fields, find_app, machine_fields
from pytest_sre.local.api.graphql.connections import Fields, connection
from pytest_sre.local.api.graphql.errors import FieldError, not_found
from pytest_sre.local.api.graphql.places import (
    organization_fields,
    organizations,
    region_fields,
    user_fields,
)
from pytest_sre.local.fleet import DEFAULT_REGION, Fleet
from pytest_sre.local.organizations import find_organization
from pytest_sre.local.regions import REGIONS


def query_fields(fleet: Fleet) -> Fields:
    """The fields of a query."""
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
        "personalOrganization": lambda _: organization_fields(PERSONAL, fleet),
        "platform": lambda _: {
            "requestRegion": DEFAULT_REGION,
            "regions": [region_fields(code) for code in REGIONS],
        },
    }


def _app(fleet: Fleet, _: object, **named: str) -> Fields:
    wanted = named.get("name") or named.get("id")
    number = named.get("internalId")
    if number:
        every = fleet.apps.values()
        wanted = next((app.name for app in every if str(app.numeric_id) == number), number)
    return app_fields(find_app(fleet, wanted or ""), fleet)


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
    find_app(fleet, name)
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
