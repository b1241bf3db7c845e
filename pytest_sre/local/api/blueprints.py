"""From the body of a call that creates or updates a Machine to what it is made from."""

import re
from typing import Any, Final

import msgspec

from pytest_sre.fly.config import MachineConfig, MachineInit
from pytest_sre.local.api.exchange import ApiError
from pytest_sre.local.api.secrets import check_secrets_version
from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.machines.guests import check_guest, completed_guest
from pytest_sre.local.machines.records import Blueprint, MachineRecord
from pytest_sre.local.resources.volumes import Volume

_REGION: Final = re.compile(r"[a-z]{3}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class WantedMachine(msgspec.Struct):
    """The body of a call that creates or updates a Machine."""

    config: dict[str, Any]
    name: str | None = None
    region: str | None = None
    skip_launch: bool | None = None
    skip_service_registration: bool | None = None
    skip_secrets: bool | None = None
    lease_ttl: int | None = None
    min_secrets_version: int | None = None
    current_version: str | None = None

    def __post_init__(self) -> None:
        if self.name and not _NAME.fullmatch(self.name):
            raise ValueError(
                f"invalid name {self.name[:80]!r}: expected letters, digits and dashes"
            )
        if (self.lease_ttl or 0) < 0:
            raise ValueError(f"invalid lease_ttl {self.lease_ttl}: expected seconds")
        if self.region and not _REGION.fullmatch(self.region):
            raise ValueError(f"invalid region {self.region[:20]!r}: expected a code such as iad")


def blueprint_of(
    wanted: WantedMachine, app: App, fleet: Fleet, *, region: str, before: MachineRecord | None
) -> Blueprint:
    """What a Machine is to be made from.

    Args:
        wanted: the body.
        app: whose Machine it is.
        fleet: knows the images.
        region: where the Machine is.
        before: the Machine when it exists already.

    Raises:
        ApiError: an image, a volume or a version of the secrets that is not there.
        ValueError: the configuration is none.
    """
    check_secrets_version(app.secrets, wanted.min_secrets_version or 0)
    ref = wanted.config.get("image", "")
    image = fleet.find_image(ref) if isinstance(ref, str) else None
    if image is None:
        raise ApiError(400, f'Could not find image "{ref}"')
    config = {**wanted.config, "guest": _guest(wanted.config.get("guest"))}
    # Read once before the volumes are looked for, so that what they are named in is what it
    # should be, and once more with them.
    secrets = {} if wanted.skip_secrets else app.secrets.environment()
    read = Blueprint.read(config, image, secrets)
    _check_texts(read.settings)
    if not read.settings.mounts:
        return read
    held = {
        volume: machine
        for volume, machine in app.volume_holders().items()
        if before is None or machine != before.id
    }
    mounts = [_with_volume(mount, app, held, region) for mount in config["mounts"]]
    return Blueprint.read({**config, "mounts": mounts}, image, secrets)


def _check_texts(settings: MachineConfig) -> None:
    """Refuse what no process can be started with."""
    for name in settings.env:
        if not name or "=" in name:
            raise ValueError(f"invalid config.env: no variable can have the name {name[:40]!r}")
    init = settings.init or MachineInit()
    words = [*(init.exec or ()), *(init.entrypoint or ()), *(init.cmd or ())]
    if any("\0" in text for text in (*settings.env, *settings.env.values(), *words)):
        raise ValueError("invalid config: env and init have no NUL characters")


def _guest(given: object) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise ValueError("invalid config.guest: expected an object")
    guest = completed_guest(given)
    check_guest(guest)
    return guest


def _with_volume(
    mount: dict[str, Any], app: App, held: dict[str, str], region: str
) -> dict[str, Any]:
    """A mount with its volume's id and name; one that names only the latter gets a free volume.

    Args:
        mount: as it was sent.
        app: whose volumes there are.
        held: the volumes that other Machines mount, and which; what is taken is added.
        region: where the Machine is.
    """
    named = mount.get("volume")
    volume = app.volumes.get(named) if named else _free(mount.get("name"), app, held, region)
    if volume is None:
        raise ApiError(
            400, f"invalid config.mounts: no free volume {named or mount.get('name')!r} in {region}"
        )
    if volume.region != region:
        raise ApiError(
            400, f"invalid config.mounts: volume {volume.id} is in {volume.region}, not in {region}"
        )
    if volume.id in held:
        raise ApiError(
            412, f"failed_precondition: volume {volume.id} is attached to {held[volume.id]}"
        )
    held[volume.id] = "another mount"
    return {**mount, "volume": volume.id, "name": mount.get("name") or volume.name}


def _free(name: str | None, app: App, held: dict[str, str], region: str) -> Volume | None:
    here = (
        volume
        for volume in app.volumes.values()
        if volume.name == name and volume.region == region and volume.id not in held
    )
    return next(here, None)
