"""What runs observe, as events of objectives: whose they are, and which are bad."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.recording.rows import Exchange, JourneyRun
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.measuring.events import measure_rows
from pytest_sre.targets.objectives import BudgetAdjustment, Observed, Slices
from pytest_sre.verdict import Inconclusive
from tests.measuring.conftest import objective

NOW = 1_750_000_000.0


def asked(at=NOW, **changes):
    fields = {
        "source": "bake",
        "app": "shop",
        "method": "GET",
        "url": "http://shop/cart?id=1",
        "machine": "m1",
        "region": "iad",
        "ok": True,
        "status": 200,
        "total_s": 0.1,
    }
    return Exchange(at=at, **{**fields, **changes})


def walked(at=NOW, **changes):
    fields = {"source": "bake", "app": "shop", "journey": "checkout", "ok": True}
    return JourneyRun(at=at, **{**fields, **changes})


def measured(wanted, exchanges=(), runs=(), **more):
    return measure_rows(wanted, exchanges, runs, NOW - 10, NOW, **more)


def test_failed_requests_are_bad_and_those_lost_on_our_side_are_none():
    rows = [asked(), asked(ok=False, status=500), asked(ok=False, own_fault=True)]

    found = measured(objective(), rows)

    assert (found.counts, found.own_faults) == (Counts(1, 2), 1)
    assert found.failed == (rows[1],)


def test_an_answer_is_in_time_only_if_it_is_well():
    wanted = objective(kind="latency", threshold_s=0.25)
    fast, at_the_limit, slow = asked(), asked(total_s=0.25), asked(total_s=0.2501)
    failed_fast, nan = asked(ok=False), asked(total_s=math.nan)

    rows = [fast, at_the_limit, slow, failed_fast, nan]
    assert measured(wanted, rows).counts == Counts(3, 5)


def test_journeys_are_correct_or_not():
    wanted = objective(kind="correctness", source=Observed(journey="checkout"))
    runs = [walked(), walked(ok=False), walked(journey="other", ok=False)]

    assert measured(wanted, [asked(ok=False)], runs).counts == Counts(1, 2)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Observed(), 4),
        (Observed(journey="checkout"), 1),
        (Observed(path="/cart"), 3),
        (Observed(path="/"), 1),
        (Observed(path="/nowhere"), 0),
    ],
)
def test_only_the_requests_that_are_meant_count(source, expected):
    rows = [asked(), asked(journey="checkout"), asked(url="http://shop"), asked(app="blog")]

    assert measured(objective(source=source), rows).counts.total == expected


def test_an_app_is_judged_by_its_own_requests():
    rows = [asked(), asked(app="blog", ok=False)]

    assert measured(objective(), rows, app="shop").counts == Counts(0, 1)


def test_what_a_test_asks_for_its_own_ends_is_no_sample():
    rows = [asked(source="probe", ok=False), asked(source="journey", ok=False), asked()]

    assert measured(objective(), rows).counts == Counts(0, 1)


@pytest.mark.parametrize("at", [-1.0, math.nan, math.inf, 9e9])
def test_an_event_at_a_time_that_cannot_be_is_none(at):
    assert measured(objective(), [asked(at), asked()]).counts == Counts(0, 1)


def test_machines_are_counted_apart_the_worst_first():
    rows = [asked(), asked(machine="m2", ok=False), asked(machine="m2")]

    parts = measured(objective(), rows).parts

    assert [(part.machine, part.counts) for part in parts] == [
        ("m2", Counts(1, 2)),
        ("m1", Counts(0, 1)),
    ]


def test_time_slices_count_once_however_busy():
    rows = [asked(NOW - NOW % 60 - 60 * back, ok=back != 1) for back in (1, 1, 1, 2, 3)]
    slices = Slices(slice_s=60, good_ratio=0.9)

    assert measured(objective(slices=slices), rows).counts == Counts(1, 3)


def test_a_slice_exactly_at_its_limit_is_good():
    rows = [asked(NOW - NOW % 60 + n, ok=n != 0) for n in range(10)]
    slices = Slices(slice_s=60, good_ratio=0.9)

    assert measured(objective(slices=slices), rows).counts == Counts(0, 1)


def test_slices_that_are_averaged_are_as_bad_as_their_share():
    start_at = NOW - NOW % 60
    rows = [asked(start_at), asked(start_at + 1, ok=False), asked(start_at + 60, ok=False)]
    slices = Slices(slice_s=60, good_ratio=None)

    # One slice half bad and one all bad are one and a half: never rounded to what is nicer.
    assert measured(objective(slices=slices), rows).counts == Counts(2, 2)


def test_maintenance_does_not_count_and_is_told():
    move = BudgetAdjustment(
        objectives=("checkout",), start_at=NOW - 5, end_at=NOW - 2, reason="we move the database"
    )
    rows = [asked(NOW - 5, ok=False), asked(NOW - 3, ok=False), asked(NOW - 2), asked(NOW - 6)]

    found = measured(objective(), rows, adjustments=[move])

    assert found.counts == Counts(0, 2)
    assert found.notes == (
        "2 events from 2025-06-15 15:06 to 2025-06-15 15:06 UTC do not count: we move the database",
    )


def test_requests_do_not_tell_about_the_age_of_data():
    with pytest.raises(Inconclusive, match="requests do not tell about freshness"):
        measured(objective(kind="freshness", threshold_s=60), [asked()])


@given(st.lists(st.tuples(st.booleans(), st.booleans())))
def test_no_row_is_counted_twice_or_lost(rows):
    found = measured(objective(), [asked(ok=ok, own_fault=own) for ok, own in rows])

    assert found.counts.total + found.own_faults == len(rows)
    assert found.counts.bad == sum(not ok and not own for ok, own in rows)
