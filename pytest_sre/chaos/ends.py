"""Whether the ends are there to which an action names the ways."""

from collections.abc import Iterator
from typing import Final

from pytest_sre.chaos.actions import Action, PlatformFault
from pytest_sre.chaos.changes.addresses import Other, require_end
from pytest_sre.chaos.hands import Hands

_OF_LINKS: Final = frozenset({"app", "group", "machine"})


def require_ends(action: Action, hands: Hands) -> None:
    """Pass when there is something at each end that an action names.

    The local platform would make a way to nowhere worse without a word. On Fly.io the Machine
    itself looks the end up when the action begins, and refuses one that has no address.

    Raises:
        NotInjected: there is nothing; names what there is.
        FlyError: the platform does not list its Machines.
        LocalPlatformError: it does not list its apps.
    """
    ends = tuple(_ends(action))
    if not ends or hands.local is None:
        return
    apps = {
        app: [each for each in hands.fly.machines(app) if each.state != "destroyed"]
        for app in hands.local.apps()
    }
    for end in ends:
        require_end(end, apps)


def _ends(action: Action) -> Iterator[Other]:
    if isinstance(action, PlatformFault):
        # A link of the local platform has other forms, too: ``edge`` and ``region``.
        for told in ("from", "to"):
            kind, _, name = str(action.told.get(told, "")).partition(":")
            if kind in _OF_LINKS:
                yield Other(kind, name)
    elif to := getattr(action, "to", ""):
        yield Other.parse(to)
