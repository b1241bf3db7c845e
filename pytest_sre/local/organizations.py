"""Organizations of the platform: each is as good as any, and belongs to the one user."""

from typing import Any

from pytest_sre.fly.organization import PERSONAL
from pytest_sre.local.fleet import Fleet
from pytest_sre.local.naming import numeric_id


def find_organization(fleet: Fleet, slug_or_id: str) -> str | None:
    """The slug of an organization; None when there is none of that slug or id."""
    known = fleet.organizations()
    return next((slug for slug in known if slug_or_id in (slug, organization_id(slug))), None)


def organization_id(slug: str) -> str:
    """The opaque id of an organization."""
    return f"org-{numeric_id(slug):08x}"


def organization_view(slug: str) -> dict[str, Any]:
    """As the REST API beside the Machines API shows it."""
    return {
        "id": organization_id(slug),
        "internal_numeric_id": numeric_id(slug),
        "slug": slug,
        "raw_slug": slug,
        "name": slug,
        "personal": slug == PERSONAL,
        "paid_plan": True,
        "billable": True,
        "billing_status": "CURRENT",
        "provisions_beta_extensions": False,
        "remote_builder_image": "",
    }
