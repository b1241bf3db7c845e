"""What Hypothesis makes of it: found, shrunk, remembered, and never played twice."""

import itertools

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from pytest_sre.chaos import explore
from pytest_sre.chaos.explore import searching
from pytest_sre.chaos.explore.invariants import HOLDS, Judgement
from pytest_sre.chaos.explore.searching import Broken, Search, machine_of
from pytest_sre.chaos.explore.shortening import LASTS_S, shorter, size
from pytest_sre.chaos.explore.steps import Begin, Heal, Inject, Schedule, Wait

FAULTS = [explore.kill("web"), explore.suspend("store"), explore.stop("store")]
BROKEN = Judgement(holds=False, text="1 order lost")


def loses_orders(schedule: Schedule) -> Judgement:
    """An app that loses what is in flight when its store is suspended for more than a second."""
    for first, second in zip(schedule.steps, schedule.steps[1:], strict=False):
        is_long = isinstance(second, Inject) and second.fault.lasts_s > 1
        if isinstance(first, Begin) and is_long and second.fault.__class__ is type(FAULTS[1]):
            return BROKEN
    return HOLDS


def searched(search, number=0, **settings):
    machine = machine_of(
        "FaultSchedule of a test", faults=FAULTS, operations=["buy"], require=search.require
    )
    different = len(FAULTS) * len(LASTS_S)
    searching.searched(seed(number)(machine), search.examples, different, **settings)


@pytest.mark.parametrize("number", range(5))
def test_a_bug_is_found_and_shrunk_to_the_two_steps_that_it_takes(number):
    search = Search(loses_orders, within_s=60, examples=200)

    with pytest.raises(Broken):
        searched(search, number, database=None)

    assert search.broken()[0].described == "suspend store 1.2 s while one buy is in flight"
    assert len(search.broken()[0].steps) == 2
    assert 1 <= search.first <= 200
    assert len(search.judgements) - search.first < 30


def test_a_good_app_is_searched_to_the_end_and_no_schedule_is_played_twice():
    played: list[Schedule] = []

    def play(schedule: Schedule) -> Judgement:
        played.append(schedule)
        return HOLDS

    search = Search(play, within_s=60, examples=60)
    searched(search, database=None)

    assert search.first == 0
    assert len(played) == len(set(played)) == len(search.judgements)
    assert len(played) == 60
    assert {type(step) for each in played for step in each.steps} == {Begin, Inject, Wait, Heal}


def test_what_broke_something_is_tried_first_the_next_time():
    database = InMemoryExampleDatabase()
    with pytest.raises(Broken):
        searched(Search(loses_orders, within_s=60, examples=200), database=database)

    again = Search(loses_orders, within_s=60, examples=200)
    with pytest.raises(Broken):
        searched(again, 1, database=database)

    assert again.first == 1


def test_when_the_time_is_over_none_is_played_any_more():
    now = itertools.count()
    search = Search(lambda _: HOLDS, within_s=10, examples=200, clock=lambda: float(next(now)))

    searched(search, database=None)

    assert search.is_over
    assert len(search.judgements) < 12


NEEDED = st.lists(
    st.sampled_from([Begin("buy"), Inject(FAULTS[0]), Wait(0.3), Heal()]), min_size=1, max_size=3
)


@given(NEEDED, st.lists(NEEDED, max_size=3), st.randoms(use_true_random=False))
def test_what_is_left_breaks_something_and_nothing_shorter_made_of_it_does(needed, more, random):
    """Of an app that breaks whenever these steps are among a schedule's, in this order."""

    def play(schedule: Schedule) -> Judgement:
        steps = iter(schedule.steps)
        return BROKEN if all(step in steps for step in needed) else HOLDS

    steps = [*needed, *itertools.chain.from_iterable(more)]
    found = Schedule(tuple(steps if random.random() < 0.5 else steps[::-1])).tidied()
    search = Search(play, within_s=60, examples=200)
    if play(found).holds is False:
        with pytest.raises(Broken):
            search.require(found)

        best = search.broken()[0]
        assert size(best) <= size(found)
        assert all(play(each).holds is not False for each in shorter(best))


def test_users_who_do_nothing_say_nothing():
    search = Search(loses_orders, within_s=60, examples=200, needs_users=True)

    search.require(Schedule((Inject(FAULTS[0]),)))
    search.require(Schedule())

    assert search.judgements == {}
