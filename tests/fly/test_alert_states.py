"""Alerts as Prometheus and its like tell of them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.alert_states import read_rules
from pytest_sre.fly.answers import Answer, Call
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.tokens import NO_TOKEN

FIRING = {
    "name": "Burns",
    "query": "slo:error_ratio:1m > 0.1",
    "duration": 60,
    "state": "firing",
    "labels": {"severity": "page"},
    "annotations": {},
    "health": "ok",
    "lastEvaluation": "2026-01-02T03:04:06.123456789Z",
    "type": "alerting",
    "alerts": [
        {
            "labels": {"alertname": "Burns"},
            "annotations": {},
            "state": "firing",
            "activeAt": "2026-01-02T03:04:05Z",
            "value": "2.5e-01",
        },
        {"labels": {}, "state": "inactive", "activeAt": None, "value": "0"},
    ],
}


def read(body, status=200):
    call = Call("GET", "http://127.0.0.1/api/v1/rules", "/api/v1/rules")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_rules(Answer(call, status, {}, content), NO_TOKEN)


def success(*rules):
    return {"status": "success", "data": {"groups": [{"name": "a", "rules": [*rules]}]}}


def test_a_rule_is_read_with_its_alerts():
    recording = {"name": "slo:x", "query": "1", "type": "recording", "health": "ok"}

    [rule] = read(success(FIRING, recording))

    assert (rule.name, rule.state, rule.hold_s, rule.error) == ("Burns", "firing", 60, "")
    assert rule.evaluated_at == pytest.approx(1767323046.123456)
    [alert] = rule.active
    assert (alert.state, alert.active_at, alert.value) == ("firing", 1767323045.0, 0.25)


def test_one_that_was_never_evaluated_says_so():
    never = {**FIRING, "lastEvaluation": "0001-01-01T00:00:00Z", "alerts": None}

    [rule] = read(success(never))

    assert rule.evaluated_at is None
    assert rule.active == ()


def test_one_that_cannot_be_evaluated_has_its_error():
    [rule] = read(success({**FIRING, "health": "err", "lastError": "many-to-many"}))

    assert rule.error == "many-to-many"


def test_values_that_are_no_numbers_are_nan():
    odd = {**FIRING, "alerts": [{"state": "pending", "value": "?"}]}

    [rule] = read(success(odd))

    assert math.isnan(rule.active[0].value)
    assert rule.active[0].active_at is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "error", "errorType": "unavailable", "error": "gone"}, 503),
        ({"status": "success", "data": {"groups": 5}}, 200),
        (b"<html>", 200),
        (b"", 404),
    ],
)
def test_what_is_no_answer_is_an_error(body, status):
    with pytest.raises(FlyError):
        read(body, status)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body):
    with pytest.raises(FlyError):
        read(body)
