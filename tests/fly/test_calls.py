"""Each try of a call is told to whoever wants to know, with what came of it."""

import httpx
import pytest

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.tokens import Token
from pytest_sre.fly.transport import Transport

BASE = "http://127.0.0.1:9"


@pytest.fixture
def told():
    """Make a transport of scripted answers, and what it told."""

    def make(*statuses):
        answers = iter(statuses)

        def respond(_request):
            status = next(answers)
            if status is None:
                raise httpx.ReadError("cut")
            return httpx.Response(status, json={})

        client = httpx.Client(transport=httpx.MockTransport(respond))
        transport = Transport(BASE, Token("x", "a test"), client=client, sleep=lambda _s: None)
        rows = []
        transport.record = rows.append
        return transport, rows

    return make


def test_tries_are_told_one_by_one(told):
    transport, rows = told(503, None, 200)
    transport.answer("GET", "/v1/apps/shop/machines")
    assert [(row.api, row.method, row.status) for row in rows] == [
        ("Machines API", "GET", 503),
        ("Machines API", "GET", 0),
        ("Machines API", "GET", 200),
    ]
    assert "cut" in rows[1].error


def test_call_that_fails_for_good_is_told_too(told):
    transport, rows = told(500)
    with pytest.raises(FlyError):
        transport.answer("POST", "/api/v1/releases")
    assert [(row.api, row.status) for row in rows] == [("releases API", 500)]
