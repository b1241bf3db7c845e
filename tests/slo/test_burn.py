"""Burn rates against the Workbook's table, and what must never look calm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.slo.burn import WORKBOOK, burn_rate, burn_windows, burning
from pytest_sre.slo.counts import Counts

HOUR_S, DAY_S = 3600.0, 86_400.0
# The Site Reliability Workbook, table 5-8, with 99.9 % over 30 days.
TABLE = [
    (14.4, 1 * HOUR_S, 5 * 60.0, 0.02, "page"),
    (6.0, 6 * HOUR_S, 30 * 60.0, 0.05, "page"),
    (3.0, 1 * DAY_S, 2 * HOUR_S, 0.10, "ticket"),
    (1.0, 3 * DAY_S, 6 * HOUR_S, 0.10, "ticket"),
]


def test_the_table_is_the_workbooks():
    rows = [(row.factor, row.long_s, row.short_s, row.urgency) for row in burn_windows(30 * DAY_S)]

    assert rows == [(factor, long_s, short_s, who) for factor, long_s, short_s, _, who in TABLE]


@pytest.mark.parametrize("days", [1, 7, 28, 30, 31, 90])
def test_a_row_stands_for_the_same_share_of_the_budget_whatever_the_window(days):
    shares = [row.factor * row.long_s / (days * DAY_S) for row in burn_windows(days * DAY_S)]

    assert shares == pytest.approx([share for *_, share, _ in TABLE], rel=0.1)


def test_a_month_of_four_weeks_keeps_round_windows():
    assert burn_windows(28 * DAY_S) == WORKBOOK


@pytest.mark.parametrize("window_s", [0.0, -1.0, float("nan")])
def test_a_window_without_length_is_refused(window_s):
    with pytest.raises(ValueError, match="expected a window longer than 0 s, found"):
        burn_windows(window_s)


def test_a_constant_error_ratio_at_the_factor_fires_each_row_and_just_below_none():
    def rates(bad):
        return burning(WORKBOOK, 0.001, lambda _: Counts(bad, 100_000))

    assert [row.is_too_fast for row in rates(1441)] == [True, True, True, True]
    assert [row.is_too_fast for row in rates(1439)] == [False, True, True, True]
    assert [row.is_too_fast for row in rates(99)] == [False, False, False, False]


def test_what_has_ended_no_longer_burns():
    def over(length_s):
        return Counts(0, 100) if length_s == 300.0 else Counts(1000, 10_000)

    quick = burning(WORKBOOK, 0.001, over)[0]

    assert quick.long_rate == pytest.approx(100)
    assert quick.short_rate == 0
    assert not quick.is_too_fast


def test_without_events_nothing_is_known_of_the_rate():
    quick = burning(WORKBOOK, 0.001, lambda _: Counts())[0]

    assert quick.long_rate is None
    assert not quick.is_too_fast


def test_rows_that_no_failure_can_fire_are_told():
    assert [row.can_fire(0.1) for row in WORKBOOK] == [False, True, True, True]
    assert [row.can_fire(0.001) for row in WORKBOOK] == [True] * 4


@pytest.mark.parametrize("allowed_ratio", [0.0, 1.0, -0.1, float("nan")])
def test_an_objective_without_a_budget_has_no_burn_rate_of_zero(allowed_ratio):
    """G14: with a goal of 100 % a burn rate of 0 would look calm whatever happens."""
    with pytest.raises(ValueError, match="expected an allowed ratio between 0 and 1"):
        burn_rate(Counts(5, 10), allowed_ratio)


@given(st.integers(1, 10**12), st.floats(1e-6, 0.999), st.data())
def test_the_whole_budget_is_a_rate_of_one(total, allowed, data):
    bad = data.draw(st.integers(0, total))

    rate = burn_rate(Counts(bad, total), allowed)

    assert rate is not None
    assert rate * allowed * total == pytest.approx(bad, rel=1e-9)
