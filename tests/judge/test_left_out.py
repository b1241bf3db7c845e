"""A Machine that is well and that the proxy refuses is told from one that is not well."""

import pytest

from pytest_sre.judge.left_out import left_out
from pytest_sre.recording.rows import CheckSeen, Exchange, LogLine, MachineSeen


def machine(**given):
    known = {"at": 1.0, "app": "shop", "machine": "m1", "name": "m1", "region": "iad"}
    now = {"group": "web", "state": "started", "instance_id": "i", "image": "shop:v1"}
    return MachineSeen(**{**known, **now, **given})


def check(status="passing", name="http"):
    return CheckSeen(at=1.0, app="shop", machine="m1", check=name, status=status)


def asked(status, at=10.0):
    about = {"source": "bake", "app": "shop", "method": "GET", "url": "http://shop/"}
    return Exchange(at=at, machine="m1", status=status, ok=status < 400, **about)


def said(message, at=10.0, provider="proxy"):
    about = {"app": "shop", "machine": "", "region": "", "level": "error"}
    return LogLine(at=at, message=message, provider=provider, **about)


REFUSED = [asked(503), asked(503), asked(503)]
SAID = [said("[PR04] could not find a good candidate within 40 attempts at load balancing")]
WELL = {"machines": [machine()], "checks": [check()], "exchanges": REFUSED, "lines": SAID}


def test_a_well_machine_that_the_proxy_refuses_is_left_out():
    assert left_out({"m1"}, **WELL) == {"m1"}
    began_well = {**WELL, "exchanges": [asked(200), *REFUSED]}
    assert left_out({"m1"}, **began_well) == {"m1"}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"checks": [check("critical")]}, id="a check fails"),
        pytest.param({"checks": [check(), check("warning", "tcp")]}, id="one has no result"),
        pytest.param({"checks": []}, id="it has no check"),
        pytest.param({"checks": [check(), check("critical")]}, id="it failed since"),
        pytest.param({"machines": [machine(cordoned=True)]}, id="it is cordoned"),
        pytest.param({"machines": [machine(state="stopped")]}, id="it is stopped"),
        pytest.param({"machines": [machine(host_status="unreachable")]}, id="its host is lost"),
        pytest.param({"exchanges": []}, id="it was not asked"),
        pytest.param({"exchanges": [*REFUSED, asked(200)]}, id="it answers again"),
        pytest.param({"exchanges": [asked(500)] * 3}, id="the app itself answers"),
        pytest.param({"lines": []}, id="the proxy says nothing"),
        pytest.param({"lines": [said("[PC01] instance refused connection")]}, id="it was tried"),
        pytest.param({"lines": [said("[PR03] … last error: [PC01]")]}, id="all were tried"),
        pytest.param({"lines": [said(SAID[0].message, at=1.0)]}, id="it was said long before"),
        pytest.param({"lines": [said(SAID[0].message, provider="app")]}, id="the app says so"),
    ],
)
def test_one_that_may_be_to_blame_is_not(given):
    assert left_out({"m1"}, **{**WELL, **given}) == frozenset()


def test_one_without_a_public_service_is_not():
    assert left_out(set(), **WELL) == frozenset()
