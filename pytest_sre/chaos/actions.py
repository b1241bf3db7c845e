"""What can be asked for, as values: what is done to which Machines, and for how long.

Each is read from and written to plain data by its tag, such as ``{"kind": "stop-machines"}``.
Times are seconds.
"""

from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Which(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which Machines are meant.

    Attributes:
        app: the app's name; the target's first when empty.
        group: only those of a process group.
        region: only those in a region.
        ids: only these; the beginning of an id is enough.
        count: so many of them, chosen by the run's seed.
        share: this share of them, rounded up.

    All that fit are meant when ``ids`` or ``region`` is given without ``count`` or ``share``; one
    of them when nothing says how many.
    """

    app: str = ""
    group: str = ""
    region: str = ""
    ids: tuple[str, ...] = ()
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    share: Share | None = None


class Acting(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """One action.

    Attributes:
        lasts_s: when it ends by itself at the latest, where the platform can end it; it is undone
            then by whoever made it in any case.
    """

    lasts_s: Seconds = 60.0


class StopMachines(Acting, frozen=True, tag="stop-machines"):
    """Stop Machines in order, as a deploy or an operator would."""

    which: Which = Which()


class KillMachines(Acting, frozen=True, tag="kill-machines"):
    """Send their main process a signal; their restart policy decides what then happens."""

    which: Which = Which()
    signal: str = "SIGKILL"


class RestartMachines(Acting, frozen=True, tag="restart-machines"):
    """Restart Machines, once."""

    which: Which = Which()


class RestartLoop(Acting, frozen=True, tag="restart-loop"):
    """Kill Machines again and again, every ``every_s``."""

    which: Which = Which()
    every_s: Seconds = 2.0


class SuspendMachines(Acting, frozen=True, tag="suspend-machines"):
    """Freeze Machines with their memory."""

    which: Which = Which()


class CordonMachines(Acting, frozen=True, tag="cordon-machines"):
    """Take Machines out of the proxy's routing; they go on running."""

    which: Which = Which()


class LoseRegion(Acting, frozen=True, tag="lose-region"):
    """Stop and cordon all Machines of a region at once."""

    region: str
    app: str = ""


class Scale(Acting, frozen=True, tag="scale"):
    """Have so many Machines of a process group: others are stopped, or cloned and later removed."""

    group: str
    count: Annotated[int, msgspec.Meta(ge=0)]
    app: str = ""


class DegradeNetwork(Acting, frozen=True, tag="degrade-network"):
    """Make the way between Machines and something worse.

    ``to`` is what they reach worse, or not: ``anywhere``, ``client``, ``outside``, ``app:NAME``,
    ``group:APP/GROUP`` or ``machine:ID``; on Fly also ``host:NAME``.
    """

    which: Which = Which()
    to: str = "anywhere"
    latency_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0
    jitter_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0
    loss_ratio: Ratio = 0.0
    bandwidth_bytes_s: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Partition(Acting, frozen=True, tag="partition"):
    """Nothing passes between Machines and ``to``, as in `DegradeNetwork`, and nobody is told."""

    which: Which = Which()
    to: str = "anywhere"


class DnsFailure(Acting, frozen=True, tag="dns-failure"):
    """Names are not resolved in Machines: those in ``hosts``, or none when it is empty."""

    which: Which = Which()
    hosts: tuple[str, ...] = ()


class CpuPressure(Acting, frozen=True, tag="cpu-pressure"):
    """Burn so many processors inside Machines."""

    which: Which = Which()
    processors: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1


class MemoryPressure(Acting, frozen=True, tag="memory-pressure"):
    """Hold so much memory inside Machines."""

    which: Which = Which()
    megabytes: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 64


class DiskFull(Acting, frozen=True, tag="disk-full"):
    """Leave no room on the Machines' disk at ``path``; the root when empty."""

    which: Which = Which()
    path: str = ""


class DependencyOutage(Acting, frozen=True, tag="dependency-outage"):
    """What Machines depend on refuses them: ``group:APP/GROUP``, ``app:NAME`` or ``host:NAME``."""

    to: str
    which: Which = Which()


class BadSecret(Acting, frozen=True, tag="bad-secret"):
    """Give an app a wrong value for a secret, and restart its Machines.

    The platform never shows the right value, so ``restore_from`` names the environment variable
    that holds it; it is not written down.
    """

    name: str
    restore_from: str
    app: str = ""


class SkewClock(Acting, frozen=True, tag="skew-clock"):
    """Set the Machines' clock off by ``by_s``; behind when negative."""

    which: Which = Which()
    by_s: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)] = 3600.0


class DeployRelease(Acting, frozen=True, tag="deploy-release"):
    """Deploy an image, or locally ``releases/NAME.toml``; the former release comes back."""

    app: str = ""
    image: str = ""
    release: str = ""


class PlatformFault(Acting, frozen=True, tag="platform-fault"):
    """A fault of the local platform, as ``pytest-sre local fault`` knows them; only there."""

    fault: str
    which: Which = Which()
    told: dict[str, str | int | float] = {}


Action = (
    StopMachines
    | KillMachines
    | RestartMachines
    | RestartLoop
    | SuspendMachines
    | CordonMachines
    | LoseRegion
    | Scale
    | DegradeNetwork
    | Partition
    | DnsFailure
    | CpuPressure
    | MemoryPressure
    | DiskFull
    | DependencyOutage
    | BadSecret
    | SkewClock
    | DeployRelease
    | PlatformFault
)
ACTIONS: tuple[type[Action], ...] = Action.__args__


def kind_of(action: Action | type[Action]) -> str:
    """Give the name by which people know an action, such as ``stop-machines``."""
    return str(action.__struct_config__.tag)
