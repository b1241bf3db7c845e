"""Whether an app is being deployed, of which chaos keeps away. Pure."""

from collections.abc import Sequence
from typing import Final

from pytest_sre.chaos.choosing import labels_of
from pytest_sre.fly.models import Machine, Release

_UNDER_WAY: Final = frozenset({"pending", "running"})
# What a Machine is while its configuration is being replaced.
_CHANGING: Final = frozenset({"replacing", "updating"})


def deploy_under_way(app: str, releases: Sequence[Release], machines: Sequence[Machine]) -> str:
    """Say which deploy of an app is under way; empty when none is.

    Only the newest release counts: one before it that never ended was overtaken.

    Args:
        app: the app's name.
        releases: its newest releases, in any order.
        machines: its Machines, as they are listed now.
    """
    newest = max(releases, key=lambda each: each.version, default=None)
    if newest and (newest.in_progress or newest.status in _UNDER_WAY):
        return f"the release v{newest.version} of {app} is {newest.status or 'in progress'}"
    changing = [each for each in machines if each.state in _CHANGING]
    return f"Machines of {app} are being changed: {labels_of(changing)}" if changing else ""
