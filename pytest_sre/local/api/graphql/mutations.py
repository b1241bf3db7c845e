"""What GraphQL can change: addresses, and tokens as far as there are any."""

import time
from functools import partial

from pytest_sre.local.api.graphql.app_fields import app_fields, find_app
from pytest_sre.local.api.graphql.belongings import address_fields
from pytest_sre.local.api.graphql.connections import Fields
from pytest_sre.local.api.graphql.errors import not_found
from pytest_sre.local.api.graphql.places import organization_fields
from pytest_sre.local.fleet import Fleet
from pytest_sre.local.naming import rfc3339, ulid
from pytest_sre.local.organizations import find_organization
from pytest_sre.local.resources.addresses import assign
from pytest_sre.targets.durations import parse_duration_s

_LONGEST = "175200h"


def mutation_fields(fleet: Fleet, token: str) -> Fields:
    """The fields of a mutation.

    Args:
        fleet: what there is.
        token: the platform's, by which the caller was let in.
    """
    return {
        "allocateIpAddress": partial(_allocate_ip, fleet),
        "releaseIpAddress": partial(_release_ip, fleet),
        "validateWireGuardPeers": _validate_peers,
        "createLimitedAccessToken": partial(_create_token, fleet, token),
    }


def _allocate_ip(fleet: Fleet, _: object, **given: Fields) -> Fields:
    wanted = given["input"]
    app = find_app(fleet, wanted["appId"])
    organization = wanted.get("organizationId")
    address = assign(
        app.addresses,
        wanted["type"],
        region=wanted.get("region") or "",
        service_name=wanted.get("serviceName") or "",
        network=wanted.get("network") or app.network,
        organization=(organization and find_organization(fleet, organization)) or app.organization,
    )
    shown = None if address.kind == "shared_v4" else address_fields(address, fleet)
    return {**_echo(wanted), "ipAddress": shown, "app": app_fields(app, fleet)}


def _release_ip(fleet: Fleet, _: object, **given: Fields) -> Fields:
    wanted = given["input"]
    app = find_app(fleet, wanted.get("appId") or "")
    left = [each for each in app.addresses if each.ip != wanted.get("ip")]
    if len(left) == len(app.addresses):
        raise not_found("IPAddress")
    app.addresses = left
    return {**_echo(wanted), "app": app_fields(app, fleet)}


def _validate_peers(_: object, **given: Fields) -> Fields:
    """Nobody is a peer: there is no WireGuard here."""
    wanted = given["input"]
    return {**_echo(wanted), "validPeerIps": [], "invalidPeerIps": wanted["peerIps"]}


def _create_token(fleet: Fleet, token: str, _: object, **given: Fields) -> Fields:
    """Answer with the platform's token: there is one, and it may do everything."""
    wanted = given["input"]
    slug = find_organization(fleet, wanted["organizationId"])
    if slug is None:
        raise not_found("Organization")
    now = time.time()
    limited = {
        "id": ulid(),
        "name": wanted["name"],
        "profile": wanted["profile"],
        "organization": organization_fields(slug, fleet),
        "tokenHeader": f"FlyV1 {token}",
        "createdAt": rfc3339(now),
        "expiresAt": rfc3339(now + parse_duration_s(wanted.get("expiry") or _LONGEST)),
    }
    return {**_echo(wanted), "limitedAccessToken": limited}


def _echo(wanted: Fields) -> Fields:
    return {"clientMutationId": wanted.get("clientMutationId")}
