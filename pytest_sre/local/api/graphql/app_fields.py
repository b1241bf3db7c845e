"""What GraphQL answers about an app, and about what belongs to it."""

from collections.abc import Iterable
from functools import partial

from pytest_sre.local.api.graphql.belongings import (
    certificates,
    current_image,
    egress_addresses,
    find_image,
    ingress_addresses,
    secrets,
    shared_ip,
)
from pytest_sre.local.api.graphql.connections import EMPTY, Fields, connection
from pytest_sre.local.api.graphql.errors import not_found
from pytest_sre.local.api.graphql.places import organization_fields, region_fields
from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.naming import rfc3339


def find_app(fleet: Fleet, name: str) -> App:
    """The app of that name.

    Raises:
        FieldError: there is none.
    """
    app = fleet.apps.get(name)
    if app is None:
        raise not_found("App", name)
    return app


def app_fields(app: App, fleet: Fleet) -> Fields:
    """All fields of an app. Its id is its name, as on Fly."""
    current = app.releases[0].graph() if app.releases else None
    return {
        **_identity(app),
        "organization": partial(_organization, app, fleet),
        "config": {"definition": (app.releases[0].definition if app.releases else None) or {}},
        "currentRelease": current,
        "currentReleaseUnprocessed": current,
        "releases": connection(lambda: (each.graph() for each in app.releases)),
        "releasesUnprocessed": partial(_releases, app),
        "image": partial(find_image, fleet),
        "imageDetails": lambda _: current_image(app),
        "latestImageDetails": None,
        "machines": connection(lambda: (machine_fields(m, app, fleet) for m in app.present())),
        "regions": lambda _: _regions(app),
        "role": {"__typename": "FlyctlAppRole", "name": app.role} if app.role else None,
        "services": lambda _: _services(app.present()),
        "secrets": lambda _: secrets(app),
        "ipAddresses": connection(lambda: ingress_addresses(app, fleet)),
        "sharedIpAddress": shared_ip(app),
        "egressIpAddresses": connection(lambda: egress_addresses(app)),
        "certificates": connection(lambda: certificates(app)),
        "hostIssues": EMPTY,
    }


def _identity(app: App) -> Fields:
    deployed = bool(app.present())
    hostname = f"{app.name}.fly.dev"
    return {
        "id": app.name,
        "internalId": str(app.numeric_id),
        "internalNumericId": app.numeric_id,
        "name": app.name,
        "hostname": hostname,
        "appUrl": app.url,
        "cnameTarget": app.view()["cname_target"],
        "createdAt": rfc3339(app.created_at),
        "deployed": deployed,
        "state": "DEPLOYED" if deployed else "PENDING",
        "status": "deployed" if deployed else "pending",
        "version": app.releases[0].version if app.releases else 0,
        "network": app.network,
        "platformVersion": "machines",
    }


def _organization(app: App, fleet: Fleet, _: object) -> Fields:
    return organization_fields(app.organization, fleet)


def _regions(app: App) -> list[Fields]:
    return [region_fields(code) for code in sorted({each.region for each in app.present()})]


def _releases(app: App, info: object, status: str | None = None, **page: object) -> Fields:
    wanted = [each for each in app.releases if status in (None, each.status)]
    return connection(lambda: (each.graph() for each in wanted))(info, **page)


def machine_fields(record: MachineRecord, app: App, fleet: Fleet) -> Fields:
    """All fields of a Machine."""
    address = {
        "id": f"{record.id}-private",
        "family": "v6",
        "kind": "privatenet",
        "ip": record.private_ip,
        "maskSize": 112,
    }
    return {
        "id": record.id,
        "name": record.name,
        "state": record.state,
        "region": record.region,
        "instanceId": record.instance_id,
        "config": record.blueprint.config,
        "createdAt": rfc3339(record.created_at),
        "updatedAt": rfc3339(record.updated_at),
        "app": lambda _: app_fields(app, fleet),
        "host": {"id": "local"},
        "ips": connection(lambda: [address]),
        "egressIpAddresses": EMPTY,
    }


def _services(records: Iterable[MachineRecord]) -> list[Fields]:
    """The services that the Machines have, each once."""
    found: dict[tuple[str, int], Fields] = {}
    for record in records:
        for service in record.blueprint.config.get("services") or []:
            key = (service.get("protocol", "tcp"), service.get("internal_port", 0))
            found[key] = {
                "description": f"{key[0].upper()} {key[1]}",
                "protocol": key[0],
                "internalPort": key[1],
                "ports": [
                    {"port": port["port"], "handlers": port.get("handlers") or []}
                    for port in service.get("ports") or []
                    if "port" in port
                ],
            }
    return list(found.values())
