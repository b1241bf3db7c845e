"""Which Machines are meant: never one that does not fit, and the same ones for the same seed."""

import datetime as dt
import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_sre.chaos.actions import Which
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.choosing import choose, labels_of
from tests.chaos.rules.conftest import machine

GROUPS, REGIONS = ("web", "worker"), ("ams", "fra", "iad")


ids = st.text("0123456789abcdef", min_size=1, max_size=6)
times = st.none() | st.datetimes(timezones=st.just(dt.UTC)) | st.datetimes()
machines = st.builds(
    machine, ids, st.sampled_from(GROUPS), st.sampled_from(REGIONS), created_at=times
)
fleets = st.lists(machines, min_size=1, max_size=20, unique_by=lambda each: each.id)
hundredths = st.integers(1, 100).map(lambda number: number / 100)
how_many = st.one_of(
    st.just({}),
    st.integers(1, 20).map(lambda count: {"count": count}),
    hundredths.map(lambda share: {"share": share}),
)
seeds = st.integers()


@st.composite
def asked(draw, fleet):
    fixed = draw(how_many)
    group, region = draw(st.sampled_from(("", *GROUPS))), draw(st.sampled_from(("", *REGIONS)))
    named = draw(st.lists(st.sampled_from([each.id for each in fleet]), max_size=5))
    return Which(group=group, region=region, ids=tuple(named), **fixed)


@given(st.data(), fleets, seeds)
def test_only_machines_that_fit_are_chosen(data, fleet, seed):
    which = data.draw(asked(fleet))
    try:
        chosen = choose(which, fleet, seed)
    except NotInjected:
        return

    assert chosen
    assert len({each.id for each in chosen}) == len(chosen)
    for each in chosen:
        assert each in fleet
        assert which.group in {"", each.group}
        assert which.region in {"", each.region}
        assert not which.ids or each.id in which.ids


@given(st.data(), fleets, seeds)
def test_the_order_of_the_listing_does_not_matter(data, fleet, seed):
    which = data.draw(asked(fleet))
    shuffled = data.draw(st.permutations(fleet))

    assert outcome(which, fleet, seed) == outcome(which, shuffled, seed)


@given(fleets, hundredths, seeds)
def test_a_share_is_rounded_up_and_never_more_than_all(fleet, share, seed):
    chosen = choose(Which(share=share), fleet, seed)

    exact = Fraction(round(share * 100), 100) * len(fleet)
    assert len(chosen) == math.ceil(exact)
    assert 1 <= len(chosen) <= len(fleet)


def test_a_share_is_taken_as_it_is_written():
    fleet = [machine(f"{number:03}") for number in range(100)]

    # In binary fractions 0.07 * 100 is a little above 7.
    assert len(choose(Which(share=0.07), fleet, 1)) == 7


@given(fleets, seeds, st.integers(1, 20))
def test_a_count_is_met_exactly_or_refused(fleet, seed, count):
    if count <= len(fleet):
        assert len(choose(Which(count=count), fleet, seed)) == count
    else:
        with pytest.raises(NotInjected, match=f"expected {count} to choose of Machines, found"):
            choose(Which(count=count), fleet, seed)


@given(fleets, seeds)
def test_one_is_meant_when_nothing_says_how_many(fleet, seed):
    assert len(choose(Which(), fleet, seed)) == 1


@given(fleets, seeds, st.sampled_from(REGIONS))
def test_all_of_a_region_are_meant(fleet, seed, region):
    there = [each for each in fleet if each.region == region]
    assume(there)

    assert set(map(id_of, choose(Which(region=region), fleet, seed))) == set(map(id_of, there))


def test_every_machine_is_chosen_by_some_seed():
    fleet = [machine(name) for name in ("1a", "2b", "3c", "4d")]

    chosen = {id_of(choose(Which(), fleet, seed)[0]) for seed in range(100)}
    assert chosen == {"1a", "2b", "3c", "4d"}


def test_a_seed_chooses_alike_in_a_fleet_whose_ids_differ():
    def fleet(*names):
        at = [dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3)]
        return [machine(name, created_at=made) for name, made in zip(names, at, strict=True)]

    one, other = fleet("9a", "1b", "5c"), fleet("2x", "8y", "0z")

    for seed in range(20):
        [first], [second] = choose(Which(), one, seed), choose(Which(), other, seed)
        assert one.index(first) == other.index(second)


def test_the_beginning_of_an_id_is_enough():
    fleet = [machine("148e21"), machine("39a0b2")]

    assert choose(Which(ids=("148",)), fleet, 1) == (fleet[0],)
    assert choose(Which(ids=("148", "148e21")), fleet, 1) == (fleet[0],)


def test_a_whole_id_is_not_ambiguous():
    fleet = [machine("148e"), machine("148e21")]

    assert choose(Which(ids=("148e",)), fleet, 1) == (fleet[0],)


def test_another_whose_id_begins_alike_does_not_stand_for_one_elsewhere():
    fleet = [machine("148e", region="ams"), machine("148e21", region="fra")]

    with pytest.raises(NotInjected, match="expected the Machine '148e' among Machines in fra"):
        choose(Which(region="fra", ids=("148e",)), fleet, 1)


@pytest.mark.parametrize(
    ("which", "says"),
    [
        (Which(ids=("14",)), "whose id begins with '14', found 2: 148e21, 14ffff"),
        (Which(ids=("",)), "expected the Machine '' among Machines, found web-ams-148e21"),
        (Which(ids=("77",)), "expected the Machine '77' among Machines, found web-ams-148e21, "),
        (Which(ids=("39",), group="web"), "the Machine '39' among Machines of the group web,"),
        (Which(group="api"), "expected Machines of the group api, found web-ams-148e21, web-fra"),
        (Which(region="syd"), "expected Machines in syd, found web-ams-148e21"),
        (Which(count=2, group="worker"), "expected 2 to choose of Machines of the group worker, f"),
        (Which(count=1, share=0.5), "a count or a share of Machines, found both: 1 and 0.5"),
        (Which(count=0), "at least 1, found 0"),
        (Which(share=0.0), "above 0 and of at most 1, found 0"),
        (Which(share=1.5), "above 0 and of at most 1, found 1.5"),
        (Which(share=math.nan), "above 0 and of at most 1, found nan"),
    ],
)
def test_what_cannot_be_chosen_says_what_is_there(which, says):
    fleet = [machine("148e21"), machine("14ffff", region="fra"), machine("39a0b2", "worker")]

    with pytest.raises(NotInjected) as refused:
        choose(which, fleet, 1)

    assert says in str(refused.value)


def test_of_nothing_nothing_is_chosen():
    with pytest.raises(NotInjected, match="expected Machines, found none"):
        choose(Which(), [], 1)


def test_a_large_fleet_is_not_listed_in_full():
    assert labels_of(machine(f"{n:06}") for n in range(8)).endswith(" and 2 more")


def outcome(which, fleet, seed):
    try:
        return choose(which, fleet, seed)
    except NotInjected:
        return None


def id_of(each):
    return each.id
