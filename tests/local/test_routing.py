import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.proxy.routing import (
    Candidate,
    Decision,
    Wish,
    choose,
    idle_machine,
    wish_from_headers,
)

REGIONS = ("iad", "ams", "syd")
STATES = ("created", "starting", "started", "stopping", "stopped", "suspended", "destroying")
IDS = ("a", "b", "c", "d", "e")

candidates = st.lists(
    st.builds(
        Candidate,
        machine_id=st.sampled_from(IDS),
        region=st.sampled_from(REGIONS),
        state=st.sampled_from(STATES),
        cordoned=st.booleans(),
        healthy=st.booleans(),
        load=st.integers(0, 4),
        soft_limit=st.none() | st.integers(0, 3),
        hard_limit=st.none() | st.integers(0, 4),
        autostart=st.booleans(),
        turn=st.integers(0, 5),
    ),
    unique_by=lambda each: each.machine_id,
)
regions = st.lists(st.sampled_from((*REGIONS, "any")), max_size=2).map(tuple)
machine = st.none() | st.sampled_from(IDS)
wishes = st.builds(
    Wish,
    force_machine=machine,
    prefer_machine=machine,
    force_regions=regions,
    prefer_regions=regions,
)


@given(candidates, wishes.filter(lambda wish: not wish.force_machine))
def test_without_force_only_started_uncordoned_healthy_machines_are_chosen(found, wish):
    decision = choose(found, wish, "iad")
    by_id = {each.machine_id: each for each in found}
    serving = [
        each
        for each in found
        if each.state == "started"
        and not each.cordoned
        and each.healthy
        and (each.hard_limit is None or each.load < each.hard_limit)
        and (
            not wish.force_regions
            or "any" in wish.force_regions
            or each.region in wish.force_regions
        )
    ]
    assert (decision.machine_id is not None) == bool(serving)
    if decision.machine_id:
        assert by_id[decision.machine_id] in serving


@given(candidates, wishes)
def test_only_uncordoned_stopped_machines_with_autostart_are_woken(found, wish):
    decision = choose(found, wish, "iad")
    if decision.wake:
        woken = next(each for each in found if each.machine_id == decision.wake)
        assert woken.autostart
        assert not woken.cordoned
        assert woken.state in ("stopped", "suspended")


@given(candidates, wishes.filter(lambda wish: wish.force_machine))
def test_a_forced_machine_is_chosen_or_none(found, wish):
    decision = choose(found, wish, "iad")
    assert decision.machine_id in (None, wish.force_machine)
    assert decision.wake in (None, wish.force_machine)
    forced = [each for each in found if each.machine_id == wish.force_machine]
    assert decision.unknown == (not forced)
    if decision.machine_id:
        assert forced[0].state == "started"
        assert not forced[0].cordoned


@given(candidates, wishes)
def test_the_choice_does_not_depend_on_the_order_of_the_machines(found, wish):
    assert choose(found, wish, "iad") == choose(found[::-1], wish, "iad")


@given(candidates)
def test_a_machine_below_its_soft_limit_is_preferred_then_the_nearest_then_the_idlest(found):
    decision = choose(found, Wish(), "iad")
    if decision.machine_id is None:
        return
    rank = {
        each.machine_id: (each.is_busy, each.region != "iad", each.load)
        for each in found
        if each.is_started and each.healthy and not each.is_full
    }
    assert rank[decision.machine_id] == min(rank.values())


def test_one_is_woken_when_all_others_are_at_their_soft_limit():
    busy = Candidate("a", "iad", "started", load=3, soft_limit=3)
    asleep = Candidate("b", "iad", "stopped", autostart=True)
    assert choose([busy, asleep], Wish(), "iad") == Decision("a", wake="b")
    idle = dataclasses.replace(busy, load=2)
    assert choose([idle, asleep], Wish(), "iad") == Decision("a")


def test_headers_become_wishes():
    wish = wish_from_headers(
        {
            "fly-force-instance-id": "a",
            "fly-prefer-instance-id": "",
            "fly-force-region": " IAD ,ams,",
            "x-else": "1",
        }
    )
    assert wish == Wish(force_machine="a", force_regions=("iad", "ams"))
    assert wish_from_headers({}) == Wish()


@given(candidates, st.booleans(), st.integers(0, 3))
def test_autostop_takes_only_idle_machines_and_keeps_what_it_should(found, quiet, keep):
    chosen = idle_machine(found, quiet=quiet, keep=keep)
    running = [each for each in found if each.is_started]
    if chosen is None:
        return
    assert len(running) > keep
    taken = next(each for each in found if each.machine_id == chosen)
    assert taken.is_started
    assert taken.load == 0
    assert quiet or len(running) > 1


def test_autostop_leaves_the_last_machine_while_it_has_traffic():
    only = Candidate("a", "iad", "started")
    assert idle_machine([only], quiet=False, keep=0) is None
    assert idle_machine([only], quiet=True, keep=0) == "a"
    assert idle_machine([only], quiet=True, keep=1) is None
