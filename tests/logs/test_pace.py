"""How often an app writes lines for its requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs.pace import bursts, bursts_a_request


@pytest.mark.parametrize(
    ("lines_at", "count"),
    [([], 0), ([1.0], 1), ([1.0, 1.05, 1.1], 1), ([1.0, 1.2, 1.25], 2), ([3.0, 1.0, 2.0], 3)],
)
def test_lines_that_come_together_are_one_burst(lines_at, count):
    assert bursts(lines_at) == count


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_there_are_never_more_bursts_than_lines(lines_at):
    assert 1 <= bursts(lines_at) <= len(lines_at)


def test_lines_outside_of_the_requests_do_not_count():
    asked = [10.0 + n for n in range(20)]
    assert bursts_a_request([1.0, 2.0, 12.0, 13.0, 99.0], asked) == pytest.approx(2 / 20)


def test_few_requests_show_nothing():
    assert bursts_a_request([1.0], [1.0] * 19) is None
