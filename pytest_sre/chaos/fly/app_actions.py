"""Actions on an app as a whole: its secrets, its release."""

from pytest_sre.chaos.actions import BadSecret, DeployRelease
from pytest_sre.chaos.fly.standing import perform


def bad_secret(name: str, restore_from: str, app: str = "", lasts_s: float = 60.0) -> str:
    """Give an app a wrong value for a secret, and restart its Machines.

    Args:
        name: the secret's.
        restore_from: the environment variable here that holds the right value; it is not written
            down.
        app: the app's name; the target's first when empty.
        lasts_s: when it is undone at the latest, seconds.
    """
    told = {"name": name, "restore_from": restore_from, "app": app, "lasts_s": lasts_s}
    return perform(BadSecret, told)


def deploy_release(release: str = "", image: str = "", app: str = "", lasts_s: float = 60.0) -> str:
    """Deploy a release that is broken on purpose; the former one comes back.

    Args:
        release: locally, NAME of releases/NAME.toml.
        image: or an image.
        app: the app's name; the target's first when empty.
        lasts_s: when it is undone at the latest, seconds.
    """
    told = {"release": release, "image": image, "app": app, "lasts_s": lasts_s}
    return perform(DeployRelease, told)
