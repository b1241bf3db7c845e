"""All changes there are: how each action is planned, and how a change is read from its text."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pytest_sre.chaos import actions
from pytest_sre.chaos.changes import (
    clock,
    disk,
    dns,
    links,
    local_faults,
    machines,
    notices,
    pressure,
    releases,
    secrets,
)
from pytest_sre.chaos.changes.change import Change, ChangeStruct, NotInjected
from pytest_sre.chaos.changes.scene import Scene

_KnownChange = (
    machines.StopMachine
    | machines.KillMachine
    | machines.RestartMachine
    | machines.SuspendMachine
    | machines.CordonMachine
    | machines.CloneMachine
    | notices.LeftNotice
    | local_faults.LocalFault
    | links.SlowedPackets
    | links.CutOff
    | dns.UnresolvedNames
    | pressure.BurntProcessors
    | pressure.HeldMemory
    | disk.FilledDisk
    | clock.SkewedClock
    | clock.RestartedWithSkew
    | secrets.WrongSecret
    | releases.DeployedImage
)
_PLANNERS: Final[Mapping[type[actions.Acting], Callable[[Any, Scene], tuple[Change, ...]]]] = {
    actions.StopMachines: machines.plan_stop,
    actions.KillMachines: machines.plan_kill,
    actions.RestartMachines: machines.plan_restart,
    actions.RestartLoop: machines.plan_restart_loop,
    actions.SuspendMachines: machines.plan_suspend,
    actions.CordonMachines: machines.plan_cordon,
    actions.LoseRegion: machines.plan_lose_region,
    actions.Scale: machines.plan_scale,
    actions.DegradeNetwork: links.plan_degrade,
    actions.Partition: links.plan_partition,
    actions.DependencyOutage: links.plan_outage,
    actions.DnsFailure: dns.plan_dns_failure,
    actions.CpuPressure: pressure.plan_cpu_pressure,
    actions.MemoryPressure: pressure.plan_memory_pressure,
    actions.DiskFull: disk.plan_disk_full,
    actions.SkewClock: clock.plan_skew,
    actions.BadSecret: secrets.plan_bad_secret,
    actions.DeployRelease: releases.plan_deploy,
    actions.PlatformFault: local_faults.plan_platform_fault,
}


# Made once, and here: two threads that did so at once would crash.
_CHANGES: Final = msgspec.json.Decoder(_KnownChange)


class UnknownChangeError(Exception):
    """A text holds no change that this version can undo."""


def plan(action: actions.Action, scene: Scene) -> tuple[Change, ...]:
    """Say which changes an action is, in the order in which they are begun.

    Raises:
        NotInjected: it cannot be done there.
    """
    planner = _PLANNERS.get(type(action))
    if planner is None:
        raise NotInjected(f"expected an action that can be done, found {actions.kind_of(action)}")
    return planner(action, scene)


def write_change(change: Change) -> str:
    """Give a change as text.

    Raises:
        TypeError: it is none of those known here, so that nobody could undo it.
    """
    if not isinstance(change, _KnownChange):
        raise TypeError(f"expected a change that is known, found {type(change).__name__}")
    return msgspec.json.encode(change).decode()


def read_change(text: str | bytes) -> Change:
    """Read a change from its text.

    Raises:
        UnknownChangeError: it is none.
    """
    try:
        change: ChangeStruct = _CHANGES.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnknownChangeError(
            f"expected a change that this version can undo, found {len(text)} characters: {error}"
        ) from None
    assert isinstance(change, Change)
    return change
