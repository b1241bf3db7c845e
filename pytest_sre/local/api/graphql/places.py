"""What GraphQL answers about organizations, the person who asks, and regions."""

from pytest_sre.fly.organization import PERSONAL
from pytest_sre.local.api.graphql.connections import EMPTY, Fields, connection
from pytest_sre.local.fleet import Fleet
from pytest_sre.local.organizations import organization_view
from pytest_sre.local.regions import REGIONS
from pytest_sre.local.releases import USER


def organization_fields(slug: str, fleet: Fleet) -> Fields:
    """All fields of an organization."""
    shown = organization_view(slug)
    return {
        "id": shown["id"],
        "internalNumericId": str(shown["internal_numeric_id"]),
        "slug": slug,
        "rawSlug": slug,
        "name": slug,
        "type": "PERSONAL" if shown["personal"] else "SHARED",
        "viewerRole": "admin",
        "paidPlan": shown["paid_plan"],
        "billable": shown["billable"],
        "billingStatus": shown["billing_status"],
        "provisionsBetaExtensions": shown["provisions_beta_extensions"],
        "addOnSsoLink": None,
        "addOns": EMPTY,
        "remoteBuilderApp": None,
        "remoteBuilderImage": shown["remote_builder_image"],
        "members": lambda _, **__: _members(fleet),
    }


def organizations(fleet: Fleet, kind: str | None = None) -> list[Fields]:
    """All organizations; of one kind, PERSONAL or SHARED, when it is given."""
    every = (organization_fields(slug, fleet) for slug in fleet.organizations())
    return [each for each in every if kind in (None, each["type"])]


def user_fields(fleet: Fleet) -> Fields:
    """The one person that there is."""
    return {
        "__typename": "User",
        **USER,
        "enablePaidHobby": True,
        "agreedToProviderTos": True,
        "organizations": connection(lambda: organizations(fleet)),
        "personalOrganization": lambda _: organization_fields(PERSONAL, fleet),
    }


def region_fields(code: str) -> Fields:
    """A region; one that is not in the table is named by its code."""
    return {
        "code": code,
        "name": REGIONS.get(code, code),
        "latitude": None,
        "longitude": None,
        "gatewayAvailable": False,
        "requiresPaidPlan": False,
        "deprecated": False,
    }


def _members(fleet: Fleet) -> Fields:
    member = user_fields(fleet)
    edge = {"cursor": "1", "role": "ADMIN", "joinedAt": "1970-01-01T00:00:00Z", "node": member}
    return {"edges": [edge], "nodes": [member]}
