"""Bad days of the platform: what a verify run says of a release that is well, or is not.

All drills are of one shop that is up; a fault is switched on, pytest is run as a user runs it, and
the fault is switched off.
"""

import pytest

from tests.patience import until


@pytest.fixture(scope="module")
def practised(live):
    """The live shop, verified once on a good day, so that later runs know its usual log."""
    outcome = live.drill()
    assert outcome.verdict == "HEALTHY", outcome.text
    return live


@pytest.fixture
def bad_day(practised):
    """Verify the shop while faults are on."""

    def verify(*faults):
        for fault in faults:
            practised.platform.add_fault({"for": "5m", **fault})
        return practised.drill()

    yield verify
    practised.platform.clear_faults()


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        pytest.param({"kind": "api-5xx"}, "fly's machines api answered 503 to", id="all APIs fail"),
        pytest.param(
            {"kind": "api-5xx", "endpoint": "logs", "status": 502},
            "fly's logs api answered 502 to",
            id="the logs API fails",
        ),
        pytest.param(
            {"kind": "api-5xx", "endpoint": "releases"},
            "fly's releases api answered 503 to",
            id="the release is not known",
        ),
        pytest.param(
            {"kind": "api-429", "endpoint": "machines"},
            "fly's machines api answered 429 to",
            id="too many requests",
        ),
        pytest.param({"kind": "log-gap"}, "fly's logs api: no line of shop", id="lines are lost"),
        pytest.param(
            {"kind": "log-delay", "delay_s": 60}, "fly's logs api: no", id="lines come late"
        ),
        pytest.param(
            {"kind": "host-unreachable", "region": "ams"},
            "fly's host does not answer: 1 of 3 web machines (ams",
            id="a host is lost",
        ),
    ],
)
def test_healthy_app_on_a_bad_day_is_inconclusive_and_the_platform_is_named(bad_day, fault, named):
    outcome = bad_day(fault)
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert outcome.code == 1
    assert outcome.lines("because") == [], outcome.text
    assert outcome.lines("unsure")[0].startswith(named), outcome.text


def test_well_machine_that_the_proxy_leaves_out_is_no_fault_of_the_release(bad_day, practised):
    """News that the Machine takes requests again do not reach the proxy."""
    (web,) = (machine for machine in practised.machines("web") if machine.region == "ams")
    practised.fly.cordon("shop", web.id)
    practised.platform.add_fault({"kind": "stale-proxy-view", "for": "5m"})
    practised.fly.uncordon("shop", web.id)
    assert practised.is_healthy(web)

    outcome = bad_day()

    practised.platform.clear_faults()
    # What the proxy said meanwhile stands in the log since the deploy.
    assert practised.deploy().status == "complete"
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert outcome.lines("because") == [], outcome.text
    first = outcome.lines("unsure")[0]
    assert first.startswith("fly's proxy leaves out 1 of 3 web machines (ams"), outcome.text


def test_trouble_that_kept_nothing_from_being_seen_is_mentioned_and_decides_nothing(bad_day):
    outcome = bad_day({"kind": "api-5xx", "endpoint": "machines", "status": 502, "count": 1})
    assert (outcome.verdict, outcome.code) == ("HEALTHY", 0), outcome.text
    (said,) = outcome.lines("flaky")
    assert said.startswith("fly's machines api answered 502 to 1 of ")


def test_faults_that_only_concern_changes_do_not_concern_what_runs(bad_day):
    kinds = ("capacity", "lease-conflict", "image-pull-failure", "silent-fallback", "check-hang")
    outcome = bad_day(*({"kind": kind} for kind in kinds), {"kind": "api-slow", "delay_s": 0.1})
    assert (outcome.verdict, outcome.code) == ("HEALTHY", 0), outcome.text


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        pytest.param(
            {"kind": "crash-loop", "exit_code": 0, "group": "worker"},
            "worker exits by itself on 1 of 1 worker machines",
            id="a process ends with code 0, again and again",
        ),
        pytest.param(
            {"kind": "oom", "region": "ams"},
            "web ran out of memory on 1 of 3 web machines (ams",
            id="a Machine runs out of memory",
        ),
    ],
)
def test_what_ends_processes_is_the_release_s_own(bad_day, practised, fault, named):
    outcome = bad_day(fault)
    practised.platform.clear_faults()
    until(lambda: all(map(practised.is_healthy, practised.fly.machines("shop"))))
    assert practised.deploy().status == "complete"
    assert (outcome.verdict, outcome.code) == ("UNHEALTHY", 1), outcome.text
    assert outcome.lines("because")[0].startswith(named), outcome.text


@pytest.fixture
def restarted(practised):
    """Verify the shop by some of its tests after a Machine was restarted while a fault is on."""

    def verify(fault, *arguments):
        (machine,) = (each for each in practised.machines("web") if each.region == "ams")
        practised.platform.add_fault({"for": "5m", "region": "ams", **fault})
        practised.fly.restart("shop", machine.id)
        outcome = practised.drill(*arguments)
        practised.platform.clear_faults()
        practised.fly.restart("shop", machine.id)
        until(lambda: practised.is_healthy(machine))
        return outcome

    return verify


def test_checks_that_were_never_carried_out_decide_nothing(restarted):
    outcome = restarted({"kind": "check-hang"}, "-k", "checks_pass")
    assert (outcome.verdict, outcome.code) == ("INCONCLUSIVE", 1), outcome.text
    assert outcome.lines("unsure")[0].startswith("fly has no result of check "), outcome.text


def test_machine_that_boots_too_slowly_is_unhealthy(restarted):
    outcome = restarted({"kind": "slow-boot", "delay_s": 60}, "-k", "health_endpoints")
    assert (outcome.verdict, outcome.code) == ("UNHEALTHY", 1), outcome.text
    assert "1 of 3 web machines (ams" in " ".join(outcome.lines("because")), outcome.text


def test_deploy_waits_for_machines_that_wait_for_another(changed):
    def slow_store(shop):
        shop.platform.add_fault({"kind": "slow-boot", "delay_s": 8, "group": "store"})

    with changed(slow_store) as shop:
        assert all(map(shop.is_healthy, shop.fly.machines("shop")))


def test_machine_that_fell_back_silently_is_unhealthy(bad_day, practised):
    practised.platform.add_fault({"kind": "silent-fallback", "region": "ams"})
    practised.deploy("good")
    outcome = bad_day()
    practised.platform.clear_faults()
    assert practised.deploy().status == "complete"
    assert (outcome.verdict, outcome.code) == ("UNHEALTHY", 1), outcome.text
    said = " ".join(outcome.lines("because"))
    assert "web runs another image than the release" in said, outcome.text
