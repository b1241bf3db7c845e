from fractions import Fraction
from math import comb

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_sre.logs.rates import FALSE_ALARMS, beyond_chance, rise_p_value

COUNTS = st.integers(0, 120)
TIMES = st.integers(1, 1000)


def exact(before: int, now: int, before_s: int, now_s: int) -> Fraction:
    """P(X >= now) for X ~ Binomial(before + now, share of now's time), in exact arithmetic."""
    total, share = before + now, Fraction(now_s, before_s + now_s)
    return sum(
        (comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(now, total + 1)),
        start=Fraction(0),
    )


@given(COUNTS, COUNTS, TIMES, TIMES)
@example(0, 3, 86_400, 600)
@example(120, 0, 1, 1000)
def test_the_probability_is_the_exact_sum(before: int, now: int, before_s: int, now_s: int) -> None:
    found = rise_p_value(before, now, before_s=before_s, now_s=now_s)

    assert found == pytest.approx(float(exact(before, now, before_s, now_s)), rel=1e-8, abs=1e-12)
    assert 0.0 <= found <= 1.0


@given(COUNTS, COUNTS, TIMES, TIMES)
def test_more_lines_in_the_same_time_are_less_probable(
    before: int, now: int, before_s: int, now_s: int
) -> None:
    fewer = rise_p_value(before, now, before_s=before_s, now_s=now_s)
    more = rise_p_value(before, now + 1, before_s=before_s, now_s=now_s)

    assert more <= fewer + 1e-12


def test_large_counts_are_no_trouble() -> None:
    assert rise_p_value(10**7, 10**7, before_s=1, now_s=1) == pytest.approx(0.5, abs=1e-3)
    assert rise_p_value(10**6, 10**5, before_s=1, now_s=1) == pytest.approx(1.0)
    assert rise_p_value(10**5, 10**6, before_s=1, now_s=1) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("before", "now", "before_s", "now_s"),
    [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)],
)
def test_what_cannot_be_a_count_or_a_time_is_refused(
    before: int, now: int, before_s: float, now_s: float
) -> None:
    with pytest.raises(ValueError, match="expected counts and times"):
        rise_p_value(before, now, before_s=before_s, now_s=now_s)


def test_many_comparisons_need_smaller_probabilities() -> None:
    assert beyond_chance([0.009]) == [True]
    assert beyond_chance([0.009, 0.9]) == [False, False]
    assert beyond_chance([0.9, 0.004, 0.009, 1e-9]) == [False, False, False, True]
    assert beyond_chance([0.006, 0.004]) == [True, True]
    assert beyond_chance([]) == []


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_names_at_least_what_bonferroni_names_and_nothing_above_the_bound(
    p_values: list[float],
) -> None:
    named = beyond_chance(p_values)

    for p_value, is_named in zip(p_values, named, strict=True):
        assert is_named or p_value > FALSE_ALARMS / len(p_values)
        assert p_value <= FALSE_ALARMS or not is_named


def test_rates_that_did_not_rise_are_named_no_more_often_than_stated() -> None:
    """The exact probability of an alarm over all outcomes of two counts with one rate."""
    total, share = 60, Fraction(1, 5)
    alarms = Fraction(0)
    for now in range(total + 1):
        if rise_p_value(total - now, now, before_s=4, now_s=1) <= FALSE_ALARMS:
            alarms += comb(total, now) * share**now * (1 - share) ** (total - now)

    assert 0 < alarms <= Fraction(1, 100)
