"""What has become of a Machine that a deploy made or changed: pure."""

from dataclasses import dataclass
from itertools import takewhile

from pytest_sre.fly.images import same_image
from pytest_sre.fly.models import Machine

# A process that ended this often without being asked will not come up by waiting.
_HOPELESS_EXITS = 2
_ENDS = frozenset({"failed", "launch_failed", "destroyed"})


@dataclass(frozen=True)
class Wanted:
    """What a Machine has to be for its deploy to have ended well."""

    instance_id: str
    image: str
    is_to_run: bool = True


def is_healthy(machine: Machine) -> bool:
    """Whether a Machine runs and all the checks that it has pass."""
    wanted = len(machine.settings.checks) + sum(len(s.checks) for s in machine.settings.services)
    passing = [check for check in machine.checks if check.status == "passing"]
    return machine.state == "started" and len(passing) >= wanted


def is_hopeless(machine: Machine) -> bool:
    """Whether a Machine's process has ended by itself so often that it won't come up."""
    return _exits(machine) >= _HOPELESS_EXITS or machine.state in _ENDS


def fall_back(machine: Machine, wanted: Wanted) -> str:
    """Say in words what a Machine is in place of the version it was changed to; empty if it is it.

    The platform has put Machines back to the version before without a word, for instance when
    the new image could not be pulled.
    """
    if not machine.instance_id or not wanted.instance_id:
        return ""
    if machine.instance_id == wanted.instance_id:
        return ""
    if same_image(machine.settings.image, wanted.image):
        return f"was changed by somebody else: it is version {machine.instance_id} now"
    release = f"v{machine.release_version} " if machine.release_version else ""
    return (
        f"fell back to {release}{machine.settings.image}, version {machine.instance_id}, "
        f"though its change to {wanted.image} was accepted"
    )


def failure(machine: Machine, wanted: Wanted) -> str:
    """Say in words why a Machine will not be as wanted however long one waits; else empty."""
    if other := fall_back(machine, wanted):
        return other
    if wanted.is_to_run and is_hopeless(machine):
        ended = f"its process ended {_exits(machine)} times by itself"
        return f"does not come up: it is {machine.state}, {ended}"
    return ""


def is_as_wanted(machine: Machine, wanted: Wanted) -> bool:
    """Whether a Machine is the version it was changed to, and well if it is to run."""
    return not fall_back(machine, wanted) and (not wanted.is_to_run or is_healthy(machine))


def shortcoming(machine: Machine) -> str:
    """Say in words what a Machine that has run out of time still lacks."""
    wanted = len(machine.settings.checks) + sum(len(s.checks) for s in machine.settings.services)
    passing = sum(check.status == "passing" for check in machine.checks)
    return f"is not healthy in time: it is {machine.state}, {passing} of {wanted} checks pass"


def _exits(machine: Machine) -> int:
    """Count the ends of its process that nobody asked for, since it was last changed."""
    since = takewhile(lambda event: event.type not in {"update", "launch"}, machine.events)
    return sum(event.is_unasked_exit for event in since)
