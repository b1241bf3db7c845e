"""A time in any notation is the time that was meant."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs.times import stated_at

TIMES = st.integers(1_000_100_000 * 10**6, 4_102_000_000 * 10**6).map(
    lambda us: dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=us)
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ZONES = st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))])


@given(TIMES)
def test_a_number_is_seconds_or_a_smaller_unit_by_its_size(time):
    at = time.timestamp()

    for units in (1, 10**3, 10**6, 10**9):
        found = stated_at(round(at * units), 0.0)
        assert found == pytest.approx(at, abs=0.51 / units + 1e-5)
        assert stated_at(str(round(at * units)), 0.0) == found
    assert stated_at(at, 0.0) == at


@given(TIMES, ZONES)
def test_iso_times_are_read_with_any_separator_and_zone(time, zone):
    at = time.timestamp()
    local = time.astimezone(zone)

    for text in (
        local.isoformat(),
        local.isoformat(" "),
        local.strftime("%Y/%m/%d %H:%M:%S.%f%z"),
        time.strftime("%Y-%m-%d %H:%M:%S,%f"),
        time.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
        time.strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
    ):
        assert stated_at(text, 0.0) == pytest.approx(at, abs=1e-5), text


@given(TIMES, st.floats(-40_000, 40_000))
def test_a_time_of_day_is_of_the_nearest_day(time, arrived_after_s):
    at = time.replace(microsecond=0).timestamp()

    assert stated_at(time.strftime("%H:%M:%S"), at + arrived_after_s) == at
    assert stated_at(time.strftime("%m%d %H:%M:%S"), at + arrived_after_s) == at


@given(TIMES)
def test_the_time_of_an_access_log_does_not_depend_on_the_locale(time):
    at = time.replace(microsecond=0)
    month = MONTHS[at.month - 1]

    assert stated_at(at.strftime(f"%d/{month}/%Y:%H:%M:%S +0000"), 0.0) == at.timestamp()


NO_TIMES = (
    *(None, True, 7, -1e9, float("nan"), float("inf"), 10**400, [], {}, {"seconds": "x"}),
    *("", "soon", "2026-13-01 10:00:00", "2026-11-23", "25:00:00", "0230 1:2:3"),
    "99/Foo/2026:10:00:00 +0000",
)


@pytest.mark.parametrize("value", NO_TIMES)
def test_what_is_no_time_is_none(value):
    assert stated_at(value, 1e9) is None


@given(st.text() | st.integers() | st.floats() | st.dictionaries(st.text(), st.integers()))
def test_nothing_fails(value):
    assert isinstance(stated_at(value, 1e9), float | None)
