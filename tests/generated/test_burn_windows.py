"""The Workbook's numbers, which it gives for a window of 30 days."""

import pytest

from pytest_sre.slo.burn_windows import burn_windows

HOUR_S, DAY_S = 3600, 86_400
MONTH_S = 30 * DAY_S


def test_the_table_is_the_workbooks():
    found = [
        (each.factor, each.long_s, each.short_s, each.response, round(each.spent_ratio(MONTH_S), 9))
        for each in burn_windows(MONTH_S)
    ]

    assert found == [
        (14.4, HOUR_S, 5 * 60, "page", 0.02),
        (6, 6 * HOUR_S, 30 * 60, "page", 0.05),
        (3, DAY_S, 2 * HOUR_S, "ticket", 0.10),
        (1, 3 * DAY_S, 6 * HOUR_S, "ticket", 0.10),
    ]


@pytest.mark.parametrize("days", [28, 29, 31])
def test_every_month_has_the_same_windows(days):
    assert burn_windows(days * DAY_S) == burn_windows(MONTH_S)


@pytest.mark.parametrize("window_s", [DAY_S, 7 * DAY_S, 90 * DAY_S])
def test_in_any_window_the_same_share_of_the_budget_is_spent(window_s):
    spent = [each.spent_ratio(window_s) for each in burn_windows(window_s)]

    assert spent == pytest.approx([0.02, 0.05, 0.10, 0.10])
    assert all(each.long_s == pytest.approx(12 * each.short_s) for each in burn_windows(window_s))


@pytest.mark.parametrize(
    ("good_ratio", "firing"),
    [(0.999, 4), (0.931, 4), (0.93, 3), (0.8334, 3), (0.8333, 2), (0.67, 2), (0.66, 1), (0.01, 1)],
)
def test_an_objective_may_be_too_low_for_a_burn_rate(good_ratio, firing):
    assert sum(each.can_fire(1 - good_ratio) for each in burn_windows(MONTH_S)) == firing
