"""The usual faults of a search, by the process groups they hit; any other `Action` will do, too.

How long each lasts is drawn by the search, whatever its ``lasts_s`` says.
"""

from pytest_sre.chaos.actions import (
    CordonMachines,
    DegradeNetwork,
    KillMachines,
    Partition,
    RestartMachines,
    StopMachines,
    SuspendMachines,
    Which,
)


def suspend(group: str, *, app: str = "") -> SuspendMachines:
    """Freeze a Machine of a process group."""
    return SuspendMachines(which=Which(app=app, group=group))


def stop(group: str, *, app: str = "") -> StopMachines:
    """Stop a Machine of a process group in order."""
    return StopMachines(which=Which(app=app, group=group))


def kill(group: str, *, app: str = "") -> KillMachines:
    """Kill a Machine of a process group; its restart policy starts it again."""
    return KillMachines(which=Which(app=app, group=group))


def restart(group: str, *, app: str = "") -> RestartMachines:
    """Restart a Machine of a process group."""
    return RestartMachines(which=Which(app=app, group=group))


def cordon(group: str, *, app: str = "") -> CordonMachines:
    """Take a Machine of a process group out of the proxy's routing."""
    return CordonMachines(which=Which(app=app, group=group))


def partition(group: str, to: str = "anywhere", *, app: str = "") -> Partition:
    """Let nothing pass between a Machine of a process group and ``to``.

    Args:
        group: the process group.
        to: as `Partition` names it, such as ``group:shop/store``.
        app: the app's name; the target's first when empty.
    """
    return Partition(which=Which(app=app, group=group), to=to)


def slow(group: str, latency_s: float, to: str = "anywhere", *, app: str = "") -> DegradeNetwork:
    """Make each round trip between a Machine of a process group and ``to`` take longer.

    Args:
        group: the process group.
        latency_s: by how much, seconds.
        to: as `DegradeNetwork` names it.
        app: the app's name; the target's first when empty.
    """
    return DegradeNetwork(which=Which(app=app, group=group), to=to, latency_s=latency_s)
