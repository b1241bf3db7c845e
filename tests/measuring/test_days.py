"""Long windows from days: where each came from, and that missing days are never good."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.recording.ledger import DayCounts
from pytest_sre.slo.counts import Counts, added
from pytest_sre.slo.measuring.days import (
    DAY_S,
    completed,
    day_at,
    days_of,
    definition_of,
    of_runs,
    start_of,
)
from pytest_sre.targets.objectives import BudgetAdjustment, Edge
from tests.measuring.conftest import objective

TODAY = dt.date(2026, 3, 10)
NOW = start_of(TODAY) + 3600
WINDOW = days_of(9 * DAY_S, NOW)


def day(back):
    return TODAY - dt.timedelta(days=back)


def kept(back, bad=1, total=100, source="metrics", run="", at=NOW):
    return DayCounts("prod", "checkout", "d", source, str(day(back)), run, at, bad, total)


def pause(begin_at, end_at):
    return BudgetAdjustment(objectives=(), start_at=begin_at, end_at=end_at, reason="a move")


def test_a_window_is_its_whole_days_and_today():
    assert WINDOW[0] == day(9)
    assert WINDOW[-1] == TODAY == day_at(NOW)
    assert len(WINDOW) == 10


def test_the_ledger_completes_what_metrics_forgot_and_it_is_told():
    known = {day(back): Counts(2, 100) for back in range(5)}

    found = completed(WINDOW, known, [kept(back) for back in range(3, 10)], NOW)

    assert found.counts == Counts(2 * 5 + 1 * 5, 1000)
    assert found.told_by == (
        "metrics of 2026-03-06 to 2026-03-10 and the ledger of 2026-03-01 to 2026-03-05"
    )
    assert found.missing_days == ()


def test_a_missing_day_is_missing_and_not_good():
    known = {day(back): Counts(0, 100) for back in (0, 1, 2)}

    found = completed(WINDOW, known, [kept(back) for back in (5, 6)], NOW)

    assert found.missing_days == (str(day(4)), str(day(3)))
    assert found.counts == Counts(2, 500)
    assert found.notes == (f"nothing is known of the days before {day(6)}",)


def test_a_day_that_metrics_half_forgot_is_taken_from_the_ledger():
    known = {day(1): Counts(0, 30), day(0): Counts(0, 50)}

    assert completed(WINDOW, known, [kept(1)], NOW).counts == Counts(1, 150)


def test_days_of_runs_are_not_days_of_metrics():
    found = completed(WINDOW, {}, [kept(1, source="runs", run="r")], NOW)

    assert found.counts == Counts()
    assert found.told_by == "no day"


def test_a_day_of_maintenance_is_neither_counted_nor_missing():
    known = {day(back): Counts(50 if back == 2 else 0, 100) for back in range(5)}
    move = pause(start_of(day(2)), start_of(day(1)))

    found = completed(WINDOW, known, [], NOW, adjustments=[move])

    assert found.counts == Counts(0, 400)
    assert found.missing_days == ()
    assert "do not count: a move" in found.notes[0]


def test_a_part_of_a_day_is_left_out_where_metrics_know_it_and_told_where_they_do_not():
    move = pause(start_of(day(1)) + 60, start_of(day(1)) + 120)

    known = completed(
        WINDOW,
        {day(1): Counts(9, 100)},
        [],
        NOW,
        adjustments=[move],
        left_out={day(1): Counts(8, 10)},
    )
    of_ledger = completed(WINDOW, {}, [kept(1)], NOW, adjustments=[move])

    assert known.counts == Counts(1, 90)
    assert of_ledger.counts == Counts(1, 100)
    assert "the ledger knows only whole days" in of_ledger.notes[0]


def test_runs_are_added_up_and_those_in_maintenance_left_out():
    rows = [
        kept(0, source="runs", run="a", at=NOW),
        kept(1, source="runs", run="b", at=NOW - DAY_S),
        kept(2, bad=90, source="runs", run="c", at=NOW - 2 * DAY_S),
        kept(9, source="runs", run="d", at=NOW - 9 * DAY_S),
        kept(1, source="metrics"),
    ]
    move = pause(NOW - 2 * DAY_S - 5, NOW - 2 * DAY_S + 5)

    found = of_runs(rows, day(5), NOW, adjustments=[move])

    assert found.counts == Counts(2, 200)
    assert found.told_by == "2 runs"
    assert found.notes[0].startswith("1 runs from")


def test_counts_of_another_definition_are_others():
    base = objective()
    changed = [objective(source=Edge()), objective(app="shop"), objective(threshold_s=1.0)]

    assert len({definition_of(one) for one in [base, *changed]}) == 4
    assert definition_of(objective(good_ratio=0.5, window_s=60.0)) == definition_of(base)


@given(
    st.dictionaries(st.sampled_from(WINDOW), st.integers(0, 10**6)),
    st.dictionaries(st.sampled_from(WINDOW), st.integers(0, 10**6)),
)
def test_each_known_day_counts_once(of_metrics, of_ledger):
    known = {each: Counts(0, total) for each, total in of_metrics.items()}
    rows = [kept((TODAY - each).days, bad=0, total=n) for each, n in of_ledger.items()]

    found = completed(WINDOW, known, rows, NOW)

    best = {
        each: max(of_metrics.get(each, 0), of_ledger.get(each, 0))
        for each in {*of_metrics, *of_ledger}
    }
    assert found.counts == added(Counts(0, total) for total in best.values())
    inner = [each for each in WINDOW[:-1] if best and each > min(best)]
    assert found.missing_days == tuple(str(each) for each in inner if each not in best)


@pytest.mark.parametrize("at", [NOW, NOW - 1800, start_of(TODAY)])
def test_the_day_is_that_of_utc(at):
    assert day_at(at) == TODAY
