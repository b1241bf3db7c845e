import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.targets import format_duration, parse_duration_s

TEN_YEARS_NS = 10 * 365 * 86_400 * 10**9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("500ms", 0.5),
        ("10s", 10),
        ("1m30s", 90),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("2h", 7200),
        ("28d", 28 * 86_400),
        ("1h0m0.5s", 3600.5),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("3ns", 3e-9),
        (2, 2),
        (0.25, 0.25),
    ],
)
def test_durations_are_read_as_go_writes_them(text, seconds):
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10",
        "s",
        "-1s",
        "1m 30s",
        "10 s",
        "1x",
        "1sec",
        "1.2.3s",
        "١s",
        "9" * 99 + "h",
        "1e3s",
        "999999999h",
        -1,
        float("nan"),
        float("inf"),
        10**400,
        True,
    ],
)
def test_what_is_no_duration_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"^expected a (duration|unit) "):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.5, "500ms"),
        (0.00025, "250us"),
        (3e-9, "3ns"),
        (1.5, "1.5s"),
        (60, "1m"),
        (90, "1m30s"),
        (3600.5, "1h0.5s"),
        (28 * 86_400, "672h"),
    ],
)
def test_durations_are_written_for_people_and_for_go(seconds, text):
    assert format_duration(seconds) == text


@given(st.integers(0, TEN_YEARS_NS))
@settings(deadline=None)
def test_a_written_duration_reads_back_as_the_same(nanoseconds):
    seconds = nanoseconds / 1e9

    assert parse_duration_s(format_duration(seconds)) == pytest.approx(seconds, rel=1e-15, abs=0)


@given(st.text(max_size=80))
@settings(deadline=None)
def test_any_text_is_a_duration_or_a_value_error(text):
    try:
        seconds = parse_duration_s(text)
    except ValueError:
        return

    assert seconds >= 0
