"""Each act inside Machines, as tests and experiments inject it: undone, proven, nothing left."""

import msgspec
import psutil
import pytest

from pytest_sre.chaos.actions import (
    BadSecret,
    CpuPressure,
    DegradeNetwork,
    DependencyOutage,
    DeployRelease,
    DiskFull,
    DnsFailure,
    MemoryPressure,
    Partition,
    PlatformFault,
    Which,
)
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.guardian.standing import dismiss_guardians
from pytest_sre.chaos.injecting import Injector
from pytest_sre.undo.files import Journal
from tests.patience import until

WEB = Which(group="web", count=2)
ACTIONS = [
    DegradeNetwork(which=WEB, latency_s=0.1),
    Partition(which=WEB, to="outside"),
    DependencyOutage(which=WEB, to="app:none"),
    DnsFailure(which=WEB, hosts=("none.internal",)),
    PlatformFault(fault="check-flap", which=WEB),
    PlatformFault(fault="api-slow", told={"delay_s": 0.01}),
    BadSecret(name="TOKEN", restore_from="RIGHT_TOKEN"),
    DeployRelease(image="registry.local/shop:2"),
]
ON_LINUX = [
    DiskFull(which=WEB),
    CpuPressure(which=WEB),
    MemoryPressure(which=WEB, megabytes=16),
]


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """One for all tests, so that one guardian stands by."""
    folder = tmp_path_factory.mktemp("undo")
    yield Journal(folder)
    dismiss_guardians()
    assert not [*folder.glob("*")]


@pytest.fixture
def injector(shop, journal, monkeypatch):
    monkeypatch.setenv("RIGHT_TOKEN", "right")
    shop.fly.set_secrets("shop", {"TOKEN": "right"})
    (first, *_) = shop.hands.local.images()
    shop.hands.local.register_image(msgspec.structs.replace(first, ref="registry.local/shop:2"))
    return Injector(shop.hands, journal, run="run-1", target="local")


def state(shop):
    """All that an action may change."""
    machines = [(m.id, m.settings.image, sorted(m.settings.metadata)) for m in shop.machines]
    secrets = [(each.name, each.digest) for each in shop.fly.secrets("shop")]
    return machines, secrets, shop.hands.local.faults()


@pytest.mark.parametrize(
    "action",
    [*ACTIONS, *(ON_LINUX if psutil.LINUX else [])],
    ids=lambda a: getattr(a, "fault", a.__struct_config__.tag),
)
def test_it_is_made_and_undone_and_nothing_is_left(shop, injector, action):
    until(shop.is_well)
    before = state(shop)
    injection = injector.inject(action, shop.plan(action))
    assert not all(change.is_undone(shop.hands) for change in injection.changes)
    undone = injection.undo()
    assert (undone.clean, undone.left) == (True, ())
    until(shop.is_well)
    machines, secrets, faults = state(shop)
    assert secrets == before[1]
    assert faults == []
    assert [each[:2] for each in machines] == [each[:2] for each in before[0]]
    assert not any("sre-undo" in key for _, _, keys in machines for key in keys)


def test_what_cannot_be_made_everywhere_is_undone_everywhere(shop, injector):
    """One of the two Machines has it already; afterwards neither has."""
    action = Partition(which=WEB, to="app:elsewhere")
    _, second = shop.plan(action)
    second.make(shop.hands)
    with pytest.raises(NotInjected):
        injector.inject(action, shop.plan(action))
    assert shop.hands.local.faults() == []
