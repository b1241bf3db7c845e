"""Acts inside Machines and between them, on the local platform: what they do, and that they end."""

import time

import psutil
import pytest

from pytest_sre.chaos.actions import (
    CpuPressure,
    DegradeNetwork,
    DependencyOutage,
    DiskFull,
    DnsFailure,
    MemoryPressure,
    Partition,
    PlatformFault,
    SkewClock,
    Which,
)
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.changes.known import read_change, write_change
from pytest_sre.chaos.changes.scripts import REFUSED, Deed, making
from pytest_sre.chaos.planning import changes_of
from pytest_sre.local.platform import LocalPlatformError
from tests.patience import until

linux = pytest.mark.skipif(not psutil.LINUX, reason="what is done inside Machines needs Linux")
OWN = "shop.internal:8080/"


@pytest.fixture
def web(shop):
    """The first web Machine."""
    return shop.machines[0].id


@pytest.fixture
def made(shop):
    """Make an action's changes; they are undone, as read from their texts, and again."""
    open_changes = []

    def make(action):
        changes = shop.plan(action)
        for change in changes:
            open_changes.append(change)
            assert change.is_undone(shop.hands)
            change.make(shop.hands)
            assert not change.is_undone(shop.hands)
        return changes

    def undo():
        while open_changes:
            read = read_change(write_change(open_changes.pop()))
            for _ in range(2):
                read.undo(shop.hands)
                assert read.is_undone(shop.hands)

    make.undo = undo
    yield make
    undo()


def one(machine):
    return Which(ids=(machine,))


def test_a_slow_way_is_slow_until_it_is_undone(shop, web, made):
    made(DegradeNetwork(which=one(web), to="client", latency_s=1.0))
    began = time.monotonic()
    assert shop.get("/", web) == "here"
    assert time.monotonic() - began >= 1.0
    made.undo()
    assert all(fault["kind"] != "link" for fault in shop.hands.local.faults())


def test_nothing_passes_between_those_who_are_parted(shop, web, made):
    assert shop.get(f"/call/{OWN}", web) == "200"
    made(Partition(which=one(web), to="app:shop"))
    assert "502" in shop.get(f"/call/{OWN}", web)
    assert shop.get("/", web) == "here"
    made.undo()
    assert shop.get(f"/call/{OWN}", web) == "200"


@pytest.mark.parametrize("to", ["group:shop/web", "host:web.process.shop.internal", "app:shop"])
def test_a_dependency_refuses(shop, web, made, to):
    made(DependencyOutage(which=one(web), to=to))
    assert "refused the connection" in shop.get(f"/call/{OWN}", web)
    made.undo()
    assert shop.get(f"/call/{OWN}", web) == "200"


def test_a_dependency_outside_refuses(shop, web, made):
    made(DependencyOutage(which=one(web), to="host:payments.test"))
    assert "refused the connection" in shop.get("/call/payments.test:9/", web)


def test_names_have_no_address(shop, web, made):
    made(DnsFailure(which=one(web), hosts=("shop.internal",)))
    assert "no such host" in shop.get(f"/call/{OWN}", web)
    assert "no such host" not in shop.get("/call/web.process.shop.internal:8080/", web)
    made.undo()
    assert shop.get(f"/call/{OWN}", web) == "200"


@pytest.mark.skipif(
    not hasattr(psutil.Process, "rlimit"), reason="only Linux limits what is written"
)
def test_a_disk_is_full(shop, web, made):
    made(DiskFull(which=one(web)))
    assert shop.get("/write", web).startswith("refused")
    made.undo()
    assert shop.get("/write", web) == "written"


@linux
def test_memory_is_held_and_given_back(web, made):
    (change,) = made(MemoryPressure(which=one(web), megabytes=48))
    (leader, *_) = _bearing(change.mark)
    until(lambda: sum(map(_resident, leader.children(recursive=True))) >= 48 * 2**20)
    made.undo()
    assert not _bearing(change.mark)


@linux
def test_processors_are_burnt_for_a_while_only(shop, web, made):
    (change,) = made(CpuPressure(which=one(web), lasts_s=1))
    until(lambda: change.is_undone(shop.hands))


def test_a_fault_of_the_platform_is_on_for_a_while_only(shop, web, made):
    (change,) = made(DegradeNetwork(which=one(web), to="client", latency_s=0.1, lasts_s=1))
    until(lambda: change.is_undone(shop.hands))


@linux
def test_pressure_is_over_when_its_machine_is_off(shop, made):
    worker = next(each for each in shop.machines if each.group == "worker")
    (change,) = made(CpuPressure(which=one(worker.id)))
    shop.fly.stop("shop", worker.id)
    shop.fly.wait("shop", worker.id, "stopped")
    assert change.is_undone(shop.hands)
    until(lambda: not _bearing(change.mark))
    shop.fly.start("shop", worker.id)
    shop.fly.wait("shop", worker.id, "started")


@linux
def test_what_is_on_is_not_made_again(shop, web, made):
    (change,) = made(CpuPressure(which=one(web)))
    with pytest.raises(NotInjected, match="it is on already"):
        change.make(shop.hands)
    (fault,) = made(Partition(which=one(web), to="outside"))
    with pytest.raises(LocalPlatformError, match="expected a new name"):
        fault.make(shop.hands)


def test_this_computer_is_spared(shop, web):
    with pytest.raises(NotInjected, match="at most 2 processors to burn"):
        shop.plan(CpuPressure(which=one(web), processors=3))
    with pytest.raises(NotInjected, match="at most the 256 MB that Machine"):
        shop.plan(MemoryPressure(which=one(web), megabytes=257))


@linux
def test_what_would_change_this_computer_is_refused_however_it_is_reached(shop, web):
    """The local platform may be taken for Fly.io, by the variables that name another host."""
    mark = f"sre-{web}-0123abcd"
    result = shop.fly.exec("shop", web, making(Deed(make="echo done >&2"), mark, 1))
    assert result.exit_code == REFUSED
    assert "no network, disk and clock of its own" in result.stdout
    assert "done" not in result.stderr
    inside = changes_of(CpuPressure(which=one(web)), shop.machines, app="shop", seed=1, local=False)
    assert not inside[0].deed.needs_root
    for action in (
        Partition(which=one(web)),
        DegradeNetwork(which=one(web), latency_s=1),
        DnsFailure(which=one(web)),
        DiskFull(which=one(web)),
        SkewClock(which=one(web)),
    ):
        (change,) = changes_of(action, shop.machines, app="shop", seed=1, local=False)
        assert change.deed.needs_root


def test_a_fault_of_the_platform_concerns_who_is_meant(shop, web, made):
    made(PlatformFault(fault="check-flap", which=one(web), told={"every_s": 0.2}))
    made(PlatformFault(fault="api-slow", told={"delay_s": 0.01}))
    flap, slow = shop.hands.local.faults()
    assert (flap["machine"], flap["every_s"], slow["app"]) == (web, 0.2, "shop")
    assert "machine" not in slow
    until(lambda: shop.machines[0].checks[0].status == "critical")
    assert shop.machines[1].checks[0].status == "passing"
    made.undo()
    until(shop.is_well)


def test_a_fault_that_is_none_is_refused_with_those_there_are(shop):
    with pytest.raises(
        NotInjected, match="expected a fault, found 'check-flop'\nthere are: api-429"
    ):
        shop.plan(PlatformFault(fault="check-flop"))


def test_a_machine_that_is_gone_has_nothing_left(shop, web):
    (burnt,) = shop.plan(CpuPressure(which=one(web)))
    gone = type(burnt)(app="shop", machine="1481f1f1f1f1f1", mark=burnt.mark, lasts_s=1)
    gone.undo(shop.hands)
    assert gone.is_undone(shop.hands)


def _bearing(mark):
    return [
        each
        for each in psutil.process_iter(["cmdline", "status"])
        if f"{mark}-hold" in (each.info["cmdline"] or ())
    ]


def _resident(process):
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
