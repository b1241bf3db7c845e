"""What tests ask of an app and its Machines."""

import datetime as dt
import threading
import time

import pytest

from pytest_sre.fly.fleet import Spread
from pytest_sre.fly.models import Check, Event, EventRequest, ExitEvent, Release
from pytest_sre.verdict import Inconclusive


def test_a_spread_is_the_set_of_what_machines_show():
    spread = Spread([("web-1", "v2"), ("web-2", "v2"), ("web-3", "v1")])

    assert spread == {"v1", "v2"}
    assert spread != {"v2"}
    assert (len(spread), set(spread)) == (2, {"v1", "v2"})
    assert "v2" in spread
    assert "v3" not in spread
    assert spread - {"v2"} == {"v1"}
    assert spread & {"v2", "v3"} == {"v2"}
    assert spread <= {"v1", "v2", "v3"}
    assert repr(spread) == "{'v1', 'v2'}"
    assert Spread([]) == set()


def test_two_machines_of_one_label_both_count():
    assert Spread([("web-iad-148e21", "v1"), ("web-iad-148e21", "v2")]) == {"v1", "v2"}


def test_the_fleet_is_held_against_the_numbers_that_the_target_states(fly, app_of, machine):
    fly.listed = [
        machine("w1"),
        machine("w2", region="ams"),
        machine("w3", region="ams"),
        machine("w4", region="syd"),
    ]
    app = app_of('"shop/web" = { iad = 2, ams = 2 }')

    assert app.missing_machines() == [
        "web in iad: expected 2, found 1",
        "web in syd: expected 0, found 1",
        "worker: expected at least 1 Machine, found none",
    ]


def test_a_fleet_that_is_whole_lacks_nothing(fly, app_of, machine):
    fly.listed = [machine("w1"), machine("w2", region="ams"), machine("x1", "worker")]

    assert app_of('"shop/web" = { iad = 1, ams = 1 }').missing_machines() == []
    assert app_of().missing_machines() == []


def test_a_release_is_what_the_newest_one_says_and_the_machines_show_theirs(fly, app_of, machine):
    fly.listed = [machine("m1"), machine("m2", image="shop:v1")]
    made = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    fly.released = [
        Release(version=1, image_ref="shop:v1", status="complete"),
        Release(version=2, image_ref="shop:v2", status="failed", created_at=made),
    ]

    app = app_of()

    assert (app.release.version, app.release.image) == (2, "shop:v2")
    assert not app.release.is_complete
    assert app.release.images == {"shop:v1", "shop:v2"}
    assert app.since_at == made.timestamp()
    assert app_of(since_at=17.0).since_at == 17.0


@pytest.mark.parametrize(
    ("released", "reason"),
    [([], "knows no release of shop"), ([Release(version=1)], "does not say when shop was rel")],
)
def test_without_a_release_or_its_time_nothing_is_judged(fly, app_of, released, reason):
    fly.released = released

    with pytest.raises(Inconclusive, match=reason):
        _ = app_of().since_at


def test_a_machine_that_is_gone_is_not_judged_by_what_it_once_was(fly, app_of, machine):
    fly.listed = [machine("m1")]
    (one,) = app_of().machines
    fly.listed = []

    with pytest.raises(Inconclusive, match="web-iad-m1 was there when the run began"):
        _ = one.state


def test_checks_that_have_no_result_yet_are_waited_for(fly, app_of, machine):
    fly.listed = [machine(checks=[])]
    (one,) = app_of().machines
    assert one.expected_checks == 2
    both = [Check("alive", "passing"), Check("ready", "passing")]

    def arrive() -> None:
        while fly.asked < 5:
            time.sleep(0.001)
        fly.listed = [machine(checks=both)]

    arriving = threading.Thread(target=arrive)
    arriving.start()
    assert one.settled_checks(within_s=60) == both
    arriving.join()


def test_checks_that_never_come_are_given_as_few_as_there_are(fly, app_of, machine):
    fly.listed = [machine(checks=[Check("alive", "passing")])]
    (one,) = app_of().machines

    assert one.settled_checks(within_s=0.0) == [Check("alive", "passing")]


def test_only_exits_that_nobody_asked_for_and_since_then_count(fly, app_of, machine):
    def ended(at_s: int, **given) -> Event:
        return Event(
            str(at_s), "exit", timestamp=at_s * 1000, request=EventRequest(ExitEvent(**given))
        )

    crash, later = ended(20, exit_code=1), ended(30, exit_code=2)
    asked, before = ended(25, requested_stop=True), ended(5, exit_code=1)
    start = Event("s", "start", timestamp=26_000)
    fly.listed = [machine(events=[later, start, asked, crash, before])]
    (one,) = app_of().machines

    assert one.exits(since_at=10) == [crash, later]


def test_machines_with_a_check_that_fails_are_unwell_and_their_group_down(fly, app_of, machine):
    fly.listed = [
        machine("w1", checks=[Check("ready", "passing")]),
        machine("w2", checks=[Check("ready", "passing"), Check("alive", "critical")]),
        machine("x1", "worker", state="stopped"),
    ]
    app = app_of()

    assert app.unwell() == ["web-iad-w2", "worker-iad-x1"]
    assert (app.is_up("web"), app.is_up("worker"), app.is_up("nothing")) == (True, False, False)
    assert [found.id for found in app.serving] == ["w1", "w2"]
