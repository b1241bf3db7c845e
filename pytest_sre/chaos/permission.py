"""Whether an app of a target may be perturbed at all. Pure.

A target on Fly.io is taken for production. There it takes four things, so that nobody perturbs it
by accident: the permission, the app on the list of those that may be, the target's name typed
again for this very run, and an end within the target's longest time (`chaos.radius`).
"""

from typing import Final

from pytest_sre.targets import Target
from pytest_sre.verdict import NotAsked

TYPED_OPTION: Final = "--sre-chaos-on"
TYPED_VARIABLE: Final = "PYTEST_SRE_CHAOS_ON"
"""Where the target's name is typed: for pytest, and for commands that have no such option."""


def require_allowed(target: Target, app: str) -> None:
    """Pass when an app may be perturbed.

    Raises:
        NotAsked: it may not; says what would allow it.
    """
    require_allowed_at_all(target)
    apps = sorted(target.chaos.apps)
    if app not in apps:
        stated = ", ".join(f'"{each}"' for each in (*apps, app))
        raise NotAsked(
            f"chaos is not allowed on the app {app} of {target.name}; to allow it, "
            f"put chaos-apps = [{stated}] into [targets.{target.name}.limits]"
        )


def require_allowed_at_all(target: Target) -> None:
    """Pass when a target may be perturbed, whichever of its apps may be.

    Raises:
        NotAsked: it may not; says what would allow it.
    """
    if "chaos" in target.deny:
        raise NotAsked(f'[targets.{target.name}] denies chaos: deny = ["chaos"]')
    if "chaos" not in target.allow:
        allowed = ", ".join(f'"{each}"' for each in (*sorted(target.allow), "chaos"))
        raise NotAsked(
            f"chaos is not allowed on {target.name}; to allow it, "
            f"put allow = [{allowed}] into [targets.{target.name}], or give --sre-allow=chaos"
        )
    if target.platform == "fly" and target.chaos_on != target.name:
        raise NotAsked(
            f"chaos on {target.name} needs its name typed again for this run\n"
            f"if it is meant, give pytest {TYPED_OPTION}={target.name} on the command line, "
            f"or chaos run {TYPED_VARIABLE}={target.name}"
        )
