"""Actions on Machines: on their state, and on how many there are."""

# ruff: noqa: D417 - what all take is documented once

from pytest_sre.chaos.actions import (
    CordonMachines,
    KillMachines,
    LoseRegion,
    RestartLoop,
    RestartMachines,
    Scale,
    StopMachines,
    SuspendMachines,
)
from pytest_sre.chaos.fly.documenting import among_machines
from pytest_sre.chaos.fly.standing import perform, which


@among_machines
def stop_machines(
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Stop Machines in order, as a deploy or an operator would."""
    told: dict[str, object] = {"lasts_s": lasts_s}
    return perform(StopMachines, told | which(app, group, region, ids, count, share))


@among_machines
def kill_machines(
    signal: str = "SIGKILL",
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Send the main process of Machines a signal; their restart policy decides what then happens.

    Args:
        signal: its name.
    """
    told: dict[str, object] = {"signal": signal, "lasts_s": lasts_s}
    return perform(KillMachines, told | which(app, group, region, ids, count, share))


@among_machines
def restart_machines(
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Restart Machines, once."""
    told: dict[str, object] = {"lasts_s": lasts_s}
    return perform(RestartMachines, told | which(app, group, region, ids, count, share))


@among_machines
def restart_loop(
    every_s: float = 2.0,
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Kill Machines again and again.

    Args:
        every_s: how often, seconds.
    """
    told: dict[str, object] = {"every_s": every_s, "lasts_s": lasts_s}
    return perform(RestartLoop, told | which(app, group, region, ids, count, share))


@among_machines
def suspend_machines(
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Freeze Machines with their memory."""
    told: dict[str, object] = {"lasts_s": lasts_s}
    return perform(SuspendMachines, told | which(app, group, region, ids, count, share))


@among_machines
def cordon_machines(
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Take Machines out of the proxy's routing; they go on running."""
    told: dict[str, object] = {"lasts_s": lasts_s}
    return perform(CordonMachines, told | which(app, group, region, ids, count, share))


def lose_region(region: str, app: str = "", lasts_s: float = 60.0) -> str:
    """Stop and cordon all Machines of a region at once.

    Args:
        region: the region, such as ams.
        app: the app's name; the target's first when empty.
        lasts_s: when it ends by itself at the latest, seconds.
    """
    return perform(LoseRegion, {"region": region, "app": app, "lasts_s": lasts_s})


def scale(group: str, count: int, app: str = "", lasts_s: float = 60.0) -> str:
    """Have so many Machines of a process group: others are stopped, or cloned and later removed.

    Args:
        group: the process group.
        count: how many of its Machines are to run.
        app: the app's name; the target's first when empty.
        lasts_s: when it ends by itself at the latest, seconds.
    """
    return perform(Scale, {"group": group, "count": count, "app": app, "lasts_s": lasts_s})
