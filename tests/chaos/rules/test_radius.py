"""The blast radius: never more at once than may be, whatever is asked for together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_sre.chaos.actions import DiskFull, Partition, PlatformFault, Which
from pytest_sre.chaos.changes.change import ChangeStruct
from pytest_sre.chaos.changes.machines import CloneMachine, StopMachine
from pytest_sre.chaos.planning import changes_of
from pytest_sre.chaos.radius import Radius, Reach, reach_of, require_within
from pytest_sre.fly.config import CheckConfig
from pytest_sre.fly.models import Check
from pytest_sre.targets import Target
from pytest_sre.targets.settings import ChaosLimits
from pytest_sre.verdict import Inconclusive
from tests.chaos.rules.conftest import machine

WEB = [machine(name, "web", region) for name, region in (("w1", "ams"), ("w2", "fra"))]
WORKERS = [machine(f"k{number}", "worker") for number in range(4)]
FLEET = [*WEB, *WORKERS]


def reach(*machines, fleet=FLEET, lasts_s=10.0, **more):
    return Reach(app="shop", fleet=fleet, machines=machines, lasts_s=lasts_s, **more)


@pytest.fixture
def prod(read_target):
    def read(*lines):
        return read_target("\n".join(["[targets.prod.limits]", *lines]))

    return read


@pytest.mark.parametrize("perturbed", [WEB[0], WORKERS[0]])
def test_one_machine_of_several_may_be_perturbed(prod, perturbed):
    require_within(prod(), reach(perturbed))


@pytest.mark.parametrize(
    ("lines", "asked", "says"),
    [
        (
            [],
            reach(*WORKERS[:2]),
            "at most 1 Machine perturbed at once on prod, found 2: worker-ams-k0, worker-ams-k1\n",
        ),
        ([], reach(*WORKERS[:2]), "put chaos-machines = 2 into [targets.prod.limits]"),
        ([], reach(WEB[0], made=1), "found 2: web-ams-w1, 1 new"),
        ([], reach(made=2), "found 2: 2 new"),
        ([], reach(WEB[0], lasts_s=60.5), "at most 60 s on prod, found 60.5 s"),
        ([], reach(WEB[0], lasts_s=60.5), "chaos-seconds = 61"),
        (["chaos-machines = 9"], reach(*WEB), "at most 1 of the regions on prod, found ams, fra"),
        (["chaos-machines = 9"], reach(*WORKERS[:3]), "at most 50 % of the group worker"),
        (["chaos-machines = 9"], reach(*WORKERS[:3]), "found 3 of 4 Machines"),
        (["chaos-share = 0.3"], reach(WEB[0]), "found 1 of 2 Machines"),
        (["chaos-share = 1"], reach(WEB[0], fleet=WEB[:1]), "put chaos-last-machine = true"),
        ([], reach(WEB[0], fleet=WEB[:1]), "found 1 of 1 Machine\n"),
    ],
)
def test_more_than_may_be_is_refused_with_the_line_that_would_allow_it(prod, lines, asked, says):
    with pytest.raises(Inconclusive) as refused:
        require_within(prod(*lines), asked)

    assert says in refused.value.reason
    assert refused.value.cause == "chaos limits"


def unwell(**more):
    return [WEB[0], machine("w2", "web", "fra", **more)]


@pytest.mark.parametrize(
    "other",
    [
        {"state": "stopped"},
        {"cordoned": True},
        {"host_status": "unreachable"},
        {"state": "starting"},
    ],
)
def test_the_last_healthy_machine_that_serves_is_spared(prod, other):
    fleet = unwell(**other)

    with pytest.raises(Inconclusive, match="expected a healthy Machine of the group web to be le"):
        require_within(prod("chaos-share = 1"), reach(fleet[0], fleet=fleet))
    require_within(
        prod("chaos-share = 1", "chaos-last-machine = true"), reach(fleet[0], fleet=fleet)
    )


def test_a_machine_whose_checks_fail_does_not_count_as_healthy(prod):
    sick = machine("w2", "web", "fra", checks=[Check(name="up", status="critical")])
    config = replace(sick.settings, checks={"up": CheckConfig(type="tcp", port=80)})
    fleet = [WEB[0], replace(sick, config=config)]

    with pytest.raises(Inconclusive, match="to be left"):
        require_within(prod(), reach(fleet[0], fleet=fleet))


def test_the_last_machine_of_a_group_that_nobody_reaches_is_no_special_one(prod):
    require_within(prod("chaos-share = 1"), reach(WORKERS[0], fleet=[*WEB, WORKERS[0]]))


def test_what_sleeps_does_not_bear_what_is_taken_away(prod):
    fleet = [machine("k0", "worker"), machine("k1", "worker", state="stopped")]

    with pytest.raises(Inconclusive, match="found 1 of 1 Machine"):
        require_within(prod(), reach(fleet[0], fleet=fleet))


def test_what_is_perturbed_together_is_counted_together(prod):
    radius, target = Radius(), prod("chaos-machines = 2")

    with radius.taking(target, reach(WORKERS[0])), radius.taking(target, reach(WORKERS[1])):
        with (
            pytest.raises(Inconclusive, match="at most 2 Machines"),
            radius.taking(target, reach(WORKERS[2])),
        ):
            pytest.fail("a third one was taken")
        with radius.taking(target, reach(WORKERS[1])):
            pass
    with radius.taking(target, reach(WORKERS[2])):
        pass


@given(
    st.lists(st.sampled_from(FLEET), min_size=1, unique_by=lambda each: each.id),
    st.integers(1, 6),
    st.integers(1, 100),
    st.integers(1, 3),
)
def test_whatever_passes_is_within_every_limit(perturbed, most, percent, regions):
    limits = ChaosLimits(
        apps=frozenset({"shop"}),
        machines=most,
        share=percent / 100,
        regions=regions,
        lasts_s=60,
        last_machine=True,
        min_budget_ratio=0,
    )
    target = Target("prod", "fly", (), None, None, frozenset(), frozenset(), chaos=limits)
    try:
        require_within(target, reach(*perturbed))
    except Inconclusive:
        is_more = len(perturbed) > most or len({each.region for each in perturbed}) > regions
        assert is_more or any(share(perturbed, group) > percent / 100 for group in GROUPS)
        return

    assert len(perturbed) <= most
    assert len({each.region for each in perturbed}) <= regions
    assert all(share(perturbed, group) <= percent / 100 for group in GROUPS)


GROUPS = {"web": 2, "worker": 4}


def share(perturbed, group):
    return sum(each.group == group for each in perturbed) / GROUPS[group]


class Elsewhere(ChangeStruct, frozen=True, tag="elsewhere"):
    """A change that is of no Machine."""


def test_a_change_reaches_its_machine_and_another_the_whole_app():
    stop = StopMachine(app="shop", machine="w1")
    clone = CloneMachine(app="shop", machine="w2", name="sre-clone-1")

    def found(*changes):
        return reach_of(changes, FLEET, app="shop", lasts_s=10)

    assert found(stop, clone).machines == (WEB[0],)
    assert found(stop, clone).made == 1
    assert found(clone).machines == ()
    assert found(stop, Elsewhere()).machines == tuple(FLEET)


@pytest.mark.parametrize(
    ("action", "perturbed"),
    [
        (DiskFull(which=Which(ids=("w2",))), ["w2"]),
        (Partition(which=Which(ids=("w1",)), to="client"), ["w1"]),
        (PlatformFault(fault="api-5xx"), ["w1", "w2", "k0", "k1", "k2", "k3"]),
    ],
)
def test_a_fault_of_the_local_platform_reaches_whom_it_concerns(action, perturbed):
    changes = changes_of(action, FLEET, app="shop", seed=1, local=True)

    found = reach_of(changes, FLEET, app="shop", lasts_s=10)
    assert [each.id for each in found.machines] == perturbed
