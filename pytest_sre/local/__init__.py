"""The embedded stand-in of Fly.io: its APIs, its proxy, and Machines that are real processes.

One server process on loopback (``server.py``) speaks the platform's HTTP APIs; sessions and
the command line start, find and stop it through ``LocalPlatform``. ``machines/`` runs Machines,
``proxy/`` sends requests to them, ``api/`` takes the calls. Deciding is in ``machines.state``,
``machines.restarts``, ``machines.check_plans``, ``machines.environment``, ``proxy.routing``,
``machines.scripted_checks``, ``proxy.internal_names``, ``images`` and ``scripts``; the rest
talks.

Where Fly's documentation is silent, and where a laptop differs, this is our choice:

- A Machine listens on an ephemeral port of its own for each internal port it declares. It is
  told the first as ``PORT`` and each as ``PORT_<internal port>``.
- A volume is a directory, named to its Machine by ``FLY_VOLUME_<NAME>``; nothing is mounted.
- What ``[[files]]`` puts into a Machine is below the directory that ``FLY_FILES_DIR`` names.
- ``<group>.process.<app>.internal`` and its like are resolved by the proxy that Machines are
  given as ``http_proxy``; there is no DNS.
- ``fly-force-instance-id`` reaches a started, uncordoned Machine even when its checks fail,
  so that a probe can see what an unhealthy Machine answers.
- The proxy's edge is in the region of the app's oldest Machine.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_sre.local.images import Image, image_from_release, release_names
    from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
    from pytest_sre.local.scripts import Reply, Script, ScriptedEnd, ScriptedLine

_HOMES = {
    "Image": "pytest_sre.local.images",
    "LocalPlatform": "pytest_sre.local.platform",
    "LocalPlatformError": "pytest_sre.local.platform",
    "Reply": "pytest_sre.local.scripts",
    "Script": "pytest_sre.local.scripts",
    "ScriptedEnd": "pytest_sre.local.scripts",
    "ScriptedLine": "pytest_sre.local.scripts",
    "image_from_release": "pytest_sre.local.images",
    "release_names": "pytest_sre.local.images",
}

__all__ = [
    "Image",
    "LocalPlatform",
    "LocalPlatformError",
    "Reply",
    "Script",
    "ScriptedEnd",
    "ScriptedLine",
    "image_from_release",
    "release_names",
]


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'pytest_sre.local' has no attribute {name!r}") from None
    return getattr(import_module(home), name)
