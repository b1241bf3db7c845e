"""Which acts inside Machines an action becomes, and the text that is executed there: pure."""

import os
import shlex
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.chaos.actions import (
    CpuPressure,
    DegradeNetwork,
    DependencyOutage,
    DiskFull,
    DnsFailure,
    MemoryPressure,
    Partition,
    PlatformFault,
    Which,
)
from pytest_sre.chaos.changes import packets
from pytest_sre.chaos.changes.addresses import Other, require_end
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.changes.disk import filled
from pytest_sre.chaos.changes.known import read_change, write_change
from pytest_sre.chaos.changes.scripts import REFUSED, Deed, making, reading, seconds, undoing
from pytest_sre.chaos.planning import changes_of
from pytest_sre.fly.models import Machine

MARK = "sre-148e21-0123abcd"
FLEET = msgspec.convert(
    [
        {
            "id": f"148e2{n}",
            "state": "started",
            "region": "ams",
            "config": {
                "metadata": {"fly_process_group": "web"},
                "mounts": [{"name": "data", "path": "/data", "volume": "vol_1"}],
            },
        }
        for n in range(3)
    ],
    list[Machine],
)
ALL = Which(count=3)
INSIDE = [
    DegradeNetwork(which=ALL, latency_s=0.1),
    Partition(which=ALL, to="app:store"),
    DependencyOutage(which=ALL, to="host:payments.example"),
    DnsFailure(which=ALL, hosts=("store.internal",)),
    CpuPressure(which=ALL),
    MemoryPressure(which=ALL),
    DiskFull(which=ALL, path="/data/sub"),
]


def plan(action, *, local=False):
    return changes_of(action, FLEET, app="shop", seed=1, local=local)


@pytest.mark.parametrize("action", INSIDE, ids=lambda action: action.__struct_config__.tag)
def test_each_machine_has_its_own_change_that_is_read_as_it_was_written(action):
    changes = plan(action)
    assert [change.machine for change in changes] == ["148e20", "148e21", "148e22"]
    assert len({change.mark for change in changes}) == 3
    assert plan(action) == changes
    for change in changes:
        assert read_change(write_change(change)) == change
        assert change.machine in change.described
        (command,) = change.by_hand
        words = shlex.split(command)
        assert words[:4] == ["fly", "machine", "exec", change.machine]
        assert shlex.split(words[4])[:2] == ["sh", "-c"]
        assert change.mark[1:] in words[4]


@pytest.mark.parametrize("action", INSIDE, ids=lambda action: action.__struct_config__.tag)
def test_the_texts_are_a_shells(action):
    for change in plan(action):
        for command in (
            making(change.deed, change.mark, change.lasts_s),
            undoing(change.deed, change.mark),
            reading(change.deed, change.mark),
        ):
            subprocess.run(["sh", "-n", "-c", command[2]], check=True, timeout=60)


def test_what_is_on_a_volume_outlives_a_stop():
    assert all(change.outlives_a_stop for change in plan(DiskFull(path="/data/sub")))
    assert not any(change.outlives_a_stop for change in plan(DiskFull()))
    assert not any(change.outlives_a_stop for change in plan(CpuPressure()))


def test_the_platforms_own_faults_are_for_the_local_one():
    with pytest.raises(NotInjected, match="expected the local platform for platform-fault"):
        plan(PlatformFault(fault="slow-boot"))
    for local in plan(Partition(which=ALL), local=True):
        assert read_change(write_change(local)) == local
        assert local.by_hand == (f"pytest-sre local fault clear {local.name}",)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (DegradeNetwork(), "expected a latency, jitter, loss or bandwidth"),
        (DegradeNetwork(latency_s=1, to="somewhere"), "expected anywhere, client, outside, app:"),
        (Partition(to="group:shop"), "found 'group:shop'"),
        (Partition(to="app:a b"), "found 'app:a b'"),
        (Partition(to="client"), "cannot be told apart inside a Machine on Fly.io"),
        (DnsFailure(hosts=("a..b",)), "expected names of at most 20 hosts, found 'a..b'"),
        (DnsFailure(hosts=("a",) * 21), "found 21 of them"),
        (DiskFull(path="data"), "expected an absolute path, found 'data'"),
        (DiskFull(path="/data/../etc"), "expected an absolute path"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_touched(action, why):
    with pytest.raises(NotInjected, match=why):
        plan(action)


@pytest.mark.parametrize(
    ("told", "point", "host"),
    [
        ("anywhere", "anywhere", ""),
        ("app:store", "app:store", "store.internal"),
        ("group:shop/store", "group:shop/store", "store.process.shop.internal"),
        ("machine:148e21", "machine:148e21", "148e21.vm.shop.internal"),
        ("host:pay.example", "host:pay.example", "pay.example"),
        ("host:fd00::1", "host:fd00::1", "fd00::1"),
        ("host:store.process.shop.internal", "group:shop/store", "store.process.shop.internal"),
        ("host:148e21.vm.shop.internal", "machine:148e21", "148e21.vm.shop.internal"),
        ("host:shop.internal", "app:shop", "shop.internal"),
    ],
)
def test_the_other_end_is_named_as_each_platform_does(told, point, host):
    other = Other.parse(told)
    assert (other.point(), other.host("shop")) == (point, host)


STORE = msgspec.convert(
    [{"id": "39a0b2", "config": {"metadata": {"fly_process_group": "store"}}}], list[Machine]
)
APPS = {"shop": FLEET, "pantry": STORE, "empty": []}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("app:pantri", 'app "pantri"; there are: pantry, shop\ndid you mean "pantry"?'),
        ("app:empty", 'app "empty"; there are: pantry, shop'),
        ("group:shop/wob", 'group "shop/wob"; there are: pantry/store, shop/web\ndid you mean'),
        ("group:shp/store", 'group "shp/store"; there are: pantry/store, shop/web'),
        ("machine:000", 'machine "000"; there are: 148e20, 148e21, 148e22, 39a0b2'),
        ("machine:148e", 'machine "148e"; '),
        ("host:pantri.internal", 'app "pantri"; '),
        ("host:wob.process.shop.internal", 'group "shop/wob"; '),
        ("host:000.vm.shop.internal", 'machine "000"; '),
        ("host:pantri.flycast", 'app "pantri"; '),
    ],
)
def test_a_place_that_is_not_there_is_told_from_those_that_are(told, said):
    with pytest.raises(NotInjected) as refused:
        require_end(Other.parse(told), APPS)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    "told",
    [
        "anywhere",
        "client",
        "outside",
        "app:pantry",
        "group:pantry/store",
        "machine:39a0b2",
        "host:store.process.pantry.internal",
        "host:pay.example",
        "host:fd00::1",
    ],
)
def test_a_place_that_is_there_is_one_and_so_is_what_is_outside_of_the_platform(told):
    require_end(Other.parse(told), APPS)


def test_of_many_places_only_some_are_named():
    many = {f"app{number:03}": FLEET for number in range(500)}

    with pytest.raises(NotInjected, match=r"app011 and 488 more\n"):
        require_end(Other.parse("app:app999"), many)


DEADLY = ("$(kill -9 $$)", "`kill -9 $$`", ";kill -9 $$;", "\nkill -9 $$\n", "&kill -9 $$&")
TOOLS = [
    "tc",
    "iptables",
    "ip6tables",
    "getent",
    "sort",
    "df",
    "tail",
    "fallocate",
    "dd",
    "rm",
    "grep",
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from([*DEADLY, "'", '"', "\\", " ", "$", "x", "#", "*"]), max_size=6))
def test_no_name_and_no_path_is_executed(parts):
    """Whatever is in a value, the shell that reads the script takes it for a word."""
    text = "".join(["x", *parts])
    told = {"latency_s": 1, "jitter_s": 0, "loss_ratio": 0, "bandwidth_bytes_s": None}
    deeds = (
        filled(f"/no-such-folder/{text}", MARK),
        packets.cut_off(digest="0123abcd", host=text, device=text),
        packets.slowed(digest="0123abcd", host=text, device=text, **told),
    )
    steps = [step for deed in deeds for step in (deed.first, deed.make, deed.undo, deed.left)]
    script = "; ".join(
        [f"{tool}() {{ echo 1 2 3 4; }}" for tool in (*TOOLS, "refuse")]
        + [f"( {step} )" for step in steps if step]
    )
    done = subprocess.run(
        ["/bin/sh", "-c", f"{script}; exit 7"],
        env={"PATH": "/no-such-folder"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 7, done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Machines on Fly run Linux")
def test_what_takes_longer_than_it_is_to_last_is_not_there_afterwards(tmp_path):
    """A host may be so busy that the watchdog has ended before anything is made."""
    file, mark = shlex.quote(str(tmp_path / "file")), f"sre-{os.urandom(6).hex()}-0123abcd"
    deed = Deed(make=f"sleep 4; touch {file}", undo=f"rm -f {file}", needs_root=False)
    done = subprocess.run(making(deed, mark, 1), capture_output=True, check=False, timeout=120)
    assert done.returncode == REFUSED
    assert done.stdout == b"its time was over before it was made\n"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("mark", ["sre-1; reboot", "x", "sre-", "sre-A", "sre-$(id)-01234567"])
def test_a_mark_that_is_none_is_executed_nowhere(mark):
    for command in (making, undoing, reading):
        more = (1.0,) if command is making else ()
        with pytest.raises(ValueError, match="expected a mark of a change"):
            command(Deed(make="true"), mark, *more)


def test_a_change_that_was_tampered_with_is_executed_nowhere():
    (change,) = plan(Partition(which=Which(ids=("148e21",))))
    bad = msgspec.structs.replace(change, mark="sre-148e21-$(reboot)")
    with pytest.raises(ValueError, match="expected a mark"):
        _ = bad.by_hand


def test_times_are_whole_seconds():
    assert [seconds(each) for each in (0.1, 1, 1.5, 3600)] == [1, 1, 2, 3600]
