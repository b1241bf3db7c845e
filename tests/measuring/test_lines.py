"""Requests that a structured log tells of, as events of objectives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.recording.rows import LogLine
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.measuring.lines import measure_lines
from pytest_sre.targets.objectives import BudgetAdjustment, Logged
from tests.measuring.conftest import objective

NOW = 1_750_000_000.0
LATENCY = {"kind": "latency", "threshold_s": 0.25}


def line(message, at=NOW, provider="app"):
    text = message if isinstance(message, str) else json.dumps(message)
    return LogLine(
        at=at,
        app="shop",
        machine="m1",
        region="iad",
        level="info",
        message=text,
        provider=provider,
    )


def measured(messages, source=None, adjustments=(), **changes):
    source = source or Logged()
    lines = [each if isinstance(each, LogLine) else line(each) for each in messages]
    wanted = objective(source=source, **changes)
    return measure_lines(wanted, source, lines, NOW - 10, NOW, adjustments=adjustments)


def test_answers_of_the_server_class_are_bad():
    statuses = [200, "204", 404, 500, "503", 599]

    assert measured([{"status": status} for status in statuses]).counts == Counts(3, 6)


def test_logfmt_tells_as_well_as_json():
    told = ["level=info status=200 duration=12", "level=error status=502 duration=1"]

    assert measured(told).counts == Counts(1, 2)


def test_durations_are_in_the_unit_that_was_said():
    told = [{"status": 200, "duration": 250}, {"status": 200, "duration": 251}]
    assert measured(told, **LATENCY).counts == Counts(1, 2)

    in_seconds = Logged(duration="took", duration_unit_s=1.0)
    told = [{"took": 0.25}, {"took": 0.3}, {"took": 0.1, "status": 500}]
    assert measured(told, in_seconds, **LATENCY).counts == Counts(2, 3)


def test_a_field_may_be_inside_another():
    source = Logged(status="http.status")
    told = [{"http": {"status": 500}}, {"http.status": 200}, {"http": "no"}]

    assert measured(told, source).counts == Counts(1, 2)


def test_what_is_about_something_else_is_no_event():
    proxy = line({"status": 500}, provider="proxy")

    assert measured(["starting", {"msg": "ready"}, proxy, "status=500 in prose"]).counts == Counts()


@pytest.mark.parametrize("status", [0, 42, 1000, "ok", None, True, "NaN", [500]])
def test_a_status_that_is_none_is_left_out_and_told(status):
    found = measured([{"status": status}, {"status": 200}])

    assert found.counts == Counts(0, 1)
    if status is not None:
        assert found.notes == ("1 lines with a status that is none are left out",)


@pytest.mark.parametrize("duration", [-1, "fast", "nan", "Infinity"])
def test_a_duration_that_is_none_is_left_out_and_told(duration):
    found = measured([{"duration": duration}, {"duration": 1}], **LATENCY)

    assert found.counts == Counts(0, 1)
    assert found.notes == ("1 lines with a duration that is none are left out",)


def test_data_that_is_too_old_is_bad():
    source = Logged(duration="age", duration_unit_s=1.0)
    told = [{"age": 30}, {"age": 61}]

    assert measured(told, source, kind="freshness", threshold_s=60).counts == Counts(1, 2)


def test_lines_from_times_that_cannot_be_are_left_out_and_told():
    lines = [line({"status": 500}, at=at) for at in (-5.0, 4e9)]

    found = measured([*lines, {"status": 200}])

    assert found.counts == Counts(0, 1)
    assert found.notes == ("2 lines with a time that cannot be are left out",)


def test_maintenance_does_not_count():
    move = BudgetAdjustment(objectives=(), start_at=NOW - 5, end_at=NOW, reason="a move")

    lines = [line({"status": 500}, at=NOW - 3), line({"status": 200})]
    found = measured(lines, adjustments=[move])

    assert found.counts == Counts(0, 1)
    assert "a move" in found.notes[0]


@given(st.none() | st.integers() | st.text(max_size=9) | st.floats() | st.lists(st.integers()))
def test_whatever_a_line_says_it_is_counted_or_not(value):
    assert measured([{"status": value, "duration": value}]).counts.total in (0, 1)
