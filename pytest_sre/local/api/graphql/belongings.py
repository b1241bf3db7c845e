"""What GraphQL answers about what belongs to an app: addresses, certificates, secrets, images."""

from pytest_sre.local.api.graphql.connections import Fields
from pytest_sre.local.api.graphql.errors import FieldError
from pytest_sre.local.api.graphql.places import organization_fields
from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.images import Image, split_ref
from pytest_sre.local.naming import rfc3339
from pytest_sre.local.resources.addresses import Address

_EPOCH = rfc3339(0)


def shared_ip(app: App) -> str | None:
    """The address that an app shares with others; None when it gave it up."""
    return next((each.ip for each in app.addresses if each.kind == "shared_v4"), None)


def ingress_addresses(app: App, fleet: Fleet) -> list[Fields]:
    """The addresses of an app's own by which it is reached."""
    own = (each for each in app.addresses if each.kind in ("v4", "v6", "private_v6"))
    return [address_fields(each, fleet) for each in own]


def address_fields(address: Address, fleet: Fleet) -> Fields:
    """All fields of an address."""
    network = {
        "id": address.network,
        "name": address.network,
        "organization": organization_fields(address.organization, fleet),
    }
    return {
        "id": f"ip_{address.ip}",
        "address": address.ip,
        "type": address.kind,
        "region": address.region,
        "createdAt": rfc3339(address.created_at),
        "serviceName": address.service_name,
        "network": network if address.network else None,
    }


def egress_addresses(app: App) -> list[Fields]:
    """The addresses that an app's requests to the outside come from."""
    return [
        {
            "id": f"ip_{each.ip}",
            "ip": each.ip,
            "version": 4 if each.kind == "egress_v4" else 6,
            "region": each.region,
            "updatedAt": rfc3339(each.created_at),
        }
        for each in app.addresses
        if each.kind.startswith("egress")
    ]


def certificates(app: App) -> list[Fields]:
    """The hostnames of an app, as the older call lists them."""
    return [
        {
            "id": each.name,
            "hostname": each.name,
            "clientStatus": "Ready" if each.configured else "Awaiting certificates",
            "createdAt": rfc3339(each.created_at),
        }
        for each in app.hostnames.values()
    ]


def secrets(app: App) -> list[Fields]:
    """The secrets of an app, by name and digest."""
    return [
        {
            "id": name,
            "name": name,
            "digest": secret.digest,
            "createdAt": rfc3339(secret.created_at),
        }
        for name, secret in sorted(app.secrets.items())
    ]


def find_image(fleet: Fleet, _: object, ref: str) -> Fields:
    """The image of that name; what is not there is an error, as on Fly."""
    image = fleet.find_image(ref)
    if image is None:
        raise FieldError(f'Could not find image "{ref}"', "UNPROCESSABLE")
    registry, repository, tag = split_ref(image.ref)
    return {
        "id": f"img_{image.digest.removeprefix('sha256:')[:16]}",
        "digest": image.digest,
        "ref": image.ref,
        "absoluteRef": f"{registry}/{repository}@{image.digest}",
        "label": tag,
        "registry": registry,
        "repository": repository,
        "tag": tag,
        # An image here is a directory: it has no layers, so no size and no manifest of its own.
        "compressedSize": 0,
        "compressedSizeFull": "0",
        "config": {},
        "manifest": {"annotations": {}},
        "createdAt": _EPOCH,
    }


def current_image(app: App) -> Fields | None:
    """The image of an app's oldest Machine; None when it has no Machine."""
    image = next((record.blueprint.image for record in app.present()), None)
    return None if image is None else _version(image)


def _version(image: Image) -> Fields:
    registry, repository, tag = split_ref(image.ref)
    return {
        "registry": registry,
        "repository": repository,
        "tag": tag,
        "digest": image.digest,
        "version": None,
    }
