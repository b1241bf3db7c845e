"""Whose the apps of a target are."""

from typing import TYPE_CHECKING, Final

from pytest_sre.targets import Target

if TYPE_CHECKING:  # who only wants the name needs no client
    from pytest_sre.fly.client import Fly

PERSONAL: Final = "personal"
"""The slug of the organization that apps belong to unless another is named."""


def organization_of(fly: "Fly", target: Target) -> str:
    """Give the slug of the organization that a target's apps belong to.

    Raises:
        FlyError: the target does not name it, and the platform does not say.
    """
    if target.platform == "local":
        return PERSONAL
    return target.organization or fly.app(target.apps[0].name).organization.slug
