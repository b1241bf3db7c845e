"""Which Machines a deploy makes: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_sre.targets import AppSpec

DEFAULT_REGION = "iad"


@dataclass(frozen=True)
class Place:
    """A Machine to be made: its process group and its region."""

    group: str
    region: str


def places(spec: AppSpec) -> tuple[Place, ...]:
    """List the Machines of an app, as its target states them.

    A group that the target does not state gets what ``fly launch`` gives it: two Machines when
    the proxy routes to it and it keeps no data on a volume, otherwise one, in the primary region.
    """
    return tuple(
        Place(group, region)
        for group in spec.toml.groups
        for region, count in _counts(spec, group).items()
        for _ in range(count)
    )


def _counts(spec: AppSpec, group: str) -> Mapping[str, int]:
    stated = spec.machines.get(group)
    if stated is not None:
        return stated
    is_spread = spec.toml.services(group) and not spec.toml.mounts(group)
    return {spec.toml.primary_region or DEFAULT_REGION: 2 if is_spread else 1}
