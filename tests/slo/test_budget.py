"""The error budget: what is left, what a release spent, and when it ends."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.slo.budget import Budget
from pytest_sre.slo.counts import Counts, added
from pytest_sre.verdict import Inconclusive

DAY_S = 86_400.0


def budget(counts, *, allowed=0.001, window_s=30 * DAY_S, **more):
    return Budget(
        objective="checkout", allowed_ratio=allowed, counts=counts, window_s=window_s, **more
    )


def test_what_is_left_is_of_what_may_be_bad():
    assert budget(Counts(250, 1_000_000)).remaining == pytest.approx(0.75)
    assert budget(Counts(0, 1_000_000)).remaining == 1
    assert budget(Counts(1500, 1_000_000)).remaining == pytest.approx(-0.5)


def test_no_events_are_no_full_budget():
    """G17: what nobody measured is not 100 %."""
    empty = budget(Counts())

    with pytest.raises(Inconclusive, match="no event of its window is known"):
        _ = empty.remaining
    with pytest.raises(Inconclusive):
        _ = empty.exhausted_in_s


def test_a_release_is_charged_with_its_own_share():
    spent = budget(Counts(500, 1_000_000), release=Counts(200, 10_000)).spent_in_release

    assert spent == pytest.approx(0.2)
    assert budget(Counts(5, 10)).spent_in_release is None


def test_the_workbooks_rate_exhausts_a_budget_of_30_days_in_50_hours():
    """A burn rate of 14.4 spends 2 % of the budget in an hour, so all of it in 50 hours."""
    burning = budget(Counts(0, 1_000_000), recent=Counts(144, 10_000))

    assert burning.burn_rate == pytest.approx(14.4)
    assert burning.exhausted_in_s == pytest.approx(50 * 3600)


@pytest.mark.parametrize(
    ("counts", "recent", "expected"),
    [
        (Counts(10, 1000), Counts(0, 10), 0.0),
        (Counts(0, 1000), Counts(0, 10), math.inf),
        (Counts(0, 1000), Counts(), None),
        (Counts(0, 1000), None, None),
    ],
    ids=["spent", "calm", "no recent events", "not known"],
)
def test_the_edges_of_a_projection(counts, recent, expected):
    assert budget(counts, recent=recent).exhausted_in_s == expected


@pytest.mark.parametrize("allowed", [0.0, 1.0])
def test_an_objective_of_100_or_0_percent_has_no_budget(allowed):
    with pytest.raises(ValueError, match="expected an allowed ratio between 0 and 1"):
        budget(Counts(5, 10), allowed=allowed)


def test_slices_are_weighted_by_their_events():
    """G15: the mean of slices' ratios would be ten times too rosy here."""
    busy = [Counts(10, 1000)] * 100
    quiet = [Counts(0, 1)] * 900

    assert added([*busy, *quiet]).bad_ratio == pytest.approx(0.0099, abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9))))
def test_counts_add_up_and_come_apart_again(pairs):
    parts = [Counts(bad, bad + good) for bad, good in pairs]
    whole = added(parts)

    assert whole.total == sum(bad + good for bad, good in pairs)
    if parts:
        assert whole.without(parts[0]) == added(parts[1:])


@pytest.mark.parametrize(("bad", "total"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(bad, total):
    with pytest.raises(ValueError, match="expected 0 <= bad <= total, found"):
        Counts(bad, total)
