"""What a worker did not tell of its share is counted, exactly."""

import pytest

from pytest_sre.load.frames import Frame, Tally
from pytest_sre.load.plan import LoadPlan, arrivals, constant
from pytest_sre.load.sharing import Share

PLAN = LoadPlan(workload=constant(10, 3), mix={"browse": 3.0, "pay": 1.0})


def counted(frame: Frame) -> dict[tuple[int, str], tuple[int, int]]:
    return {(one.second, one.journey): (one.planned, one.unsent) for one in frame.tallies}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_shares_of_workers_that_told_nothing_are_the_whole_plan(workers):
    unsent = [Share(PLAN, one, workers).unsent(3.0) for one in range(workers)]

    assert sum(one.unsent for frame in unsent for one in frame.tallies) == 30
    assert sum(one.planned for frame in unsent for one in frame.tallies) == 30


def test_what_a_worker_told_of_is_not_counted_again():
    share = Share(PLAN, 0, 2)
    own = [*arrivals(PLAN, worker=0, workers=2)]
    of_second = [one.journey for one in own if one.at_s < 1]
    told = [Tally(second=0, journey=name, planned=1, started=1) for name in of_second]

    share.heard(
        Frame(elapsed_s=1.0, tallies=[*told, Tally(second=1, journey="x", request="GET /")])
    )

    assert sum(one.unsent for one in share.unsent(3.0).tallies) == len(own) - len(of_second)
    assert {second for second, _ in counted(share.unsent(3.0))} == {1, 2}


def test_only_what_was_due_before_the_load_ended_was_not_sent():
    unsent = Share(PLAN, 0, 1).unsent(1.5)

    assert sum(one.unsent for one in unsent.tallies) == 15


@pytest.mark.parametrize(("late", "told"), [(5, ""), (6, "6 of its 100")])
def test_a_worker_that_cannot_keep_up_says_so(late, told):
    share = Share(PLAN, 0, 2)

    share.heard(
        Frame(elapsed_s=1, tallies=[Tally(second=0, journey="pay", started=100, late=late)])
    )

    assert share.too_late == told
