"""Bad ways: slow and lossy ones, partitions, and dependencies that refuse.

The local platform's network makes them itself; on Fly.io tc and iptables do, in the Machine.
"""

from pytest_sre.chaos.actions import DegradeNetwork, DependencyOutage, Partition
from pytest_sre.chaos.changes import packets
from pytest_sre.chaos.changes.addresses import Other
from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.changes.inside import InsideChange, inside_fields
from pytest_sre.chaos.changes.local_faults import Told, label_of, local_fault
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.changes.scripts import Deed
from pytest_sre.local.faults.links import LINK


class SlowedPackets(InsideChange, frozen=True, tag="slowed-packets"):
    """Delay, lose or thin out what a Machine sends to a host; to everybody when it is empty."""

    host: str = ""
    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss_ratio: float = 0.0
    bandwidth_bytes_s: float | None = None

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        how = _conditions(self.latency_s, self.jitter_s, self.loss_ratio, self.bandwidth_bytes_s)
        return f"{how} from {self.label} to {self.host or 'anywhere'}"

    @property
    def deed(self) -> Deed:
        """What is executed."""
        return packets.slowed(
            digest=self.digest,
            host=self.host,
            latency_s=self.latency_s,
            jitter_s=self.jitter_s,
            loss_ratio=self.loss_ratio,
            bandwidth_bytes_s=self.bandwidth_bytes_s,
        )


class CutOff(InsideChange, frozen=True, tag="cut-off"):
    """Drop what passes between a Machine and a host, or refuse its connections there."""

    host: str = ""
    refused: bool = False

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"{_cut(refused=self.refused)} {self.label} and {self.host or 'everything'}"

    @property
    def deed(self) -> Deed:
        """What is executed."""
        return packets.cut_off(digest=self.digest, host=self.host, refused=self.refused)


def plan_degrade(action: DegradeNetwork, scene: Scene) -> tuple[Change, ...]:
    """Make the way between the Machines that are meant and something worse.

    Raises:
        NotInjected: there is no such end, or nothing to be worse.
    """
    other = Other.parse(action.to)
    values = (action.latency_s, action.jitter_s, action.loss_ratio, action.bandwidth_bytes_s)
    if not any(values):
        raise NotInjected(
            "expected a latency, jitter, loss or bandwidth for the network to be degraded by"
        )
    chosen = scene.choose_running(action.which)
    if not scene.local:
        host = other.host(scene.app)
        return tuple(
            SlowedPackets(
                **inside_fields(action, each, scene),
                host=host,
                latency_s=action.latency_s,
                jitter_s=action.jitter_s,
                loss_ratio=action.loss_ratio,
                bandwidth_bytes_s=action.bandwidth_bytes_s,
            )
            for each in chosen
        )
    names = ("latency_s", "jitter_s", "loss_ratio", "bandwidth_bytes_s")
    told: Told = {name: value for name, value in zip(names, values, strict=True) if value}
    return tuple(
        local_fault(
            action,
            _link(each.id, other, told),
            f"{_conditions(*values)} between {label_of(each)} and {action.to}",
            each.id,
        )
        for each in chosen
    )


def plan_partition(action: Partition, scene: Scene) -> tuple[Change, ...]:
    """Let nothing pass between the Machines that are meant and something.

    Raises:
        NotInjected: there is no such end.
    """
    return _plan_cut(action, scene)


def plan_outage(action: DependencyOutage, scene: Scene) -> tuple[Change, ...]:
    """Have something refuse the Machines that are meant.

    Raises:
        NotInjected: there is no such end.
    """
    return _plan_cut(action, scene)


def _plan_cut(action: Partition | DependencyOutage, scene: Scene) -> tuple[Change, ...]:
    other, refused = Other.parse(action.to), isinstance(action, DependencyOutage)
    chosen = scene.choose_running(action.which)
    if not scene.local:
        host = other.host(scene.app)
        return tuple(
            CutOff(**inside_fields(action, each, scene), host=host, refused=refused)
            for each in chosen
        )
    told: Told = {"refused" if refused else "blackhole": True}
    return tuple(
        local_fault(
            action,
            _link(each.id, other, told),
            f"{_cut(refused=refused)} {label_of(each)} and {action.to}",
            each.id,
        )
        for each in chosen
    )


def _link(machine: str, other: Other, told: Told) -> Told:
    return {"kind": LINK, "from": f"machine:{machine}", "to": other.point(), **told}


def _conditions(
    latency_s: float, jitter_s: float, loss_ratio: float, bandwidth_bytes_s: float | None
) -> str:
    stated = (
        f"latency {latency_s:g} s" if latency_s else "",
        f"jitter {jitter_s:g} s" if jitter_s else "",
        f"loss {loss_ratio:.3g}" if loss_ratio else "",
        f"bandwidth {bandwidth_bytes_s:g} B/s" if bandwidth_bytes_s else "",
    )
    return ", ".join(filter(None, stated))


def _cut(*, refused: bool) -> str:
    return "refused connections between" if refused else "partition between"
