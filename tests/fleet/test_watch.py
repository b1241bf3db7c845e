"""The watch asks seldom, and records what changed once."""

import msgspec
import pytest

from pytest_sre.fly.errors import Unreachable
from pytest_sre.fly.models import Check, Event, EventRequest, ExitEvent
from pytest_sre.fly.watch import FleetWatch
from pytest_sre.recording.rows import CheckSeen, EventSeen, MachineSeen


def test_what_does_not_change_is_recorded_once(fly, watch, rows, machine):
    checks = [Check("ready", "passing", "ok"), Check("alive", "critical", "refused")]
    events = [Event(id="e1", type="start", status="started", timestamp=5_000)]
    fly.listed = [machine(checks=checks, events=events)]

    for _ in range(3):
        watch.machines("shop")

    assert fly.asked == 3
    kinds = [type(row) for row in rows]
    assert kinds == [MachineSeen, CheckSeen, CheckSeen, EventSeen]
    assert rows[0].image == "shop:v2"
    assert rows[0].release_version == 2
    assert rows[3].at == 5.0


def test_each_change_is_one_row_more(fly, watch, rows, machine):
    def seen(**given):
        rows.clear()
        fly.listed = [machine(**given)]
        watch.machines("shop")
        return [(type(row).__name__, getattr(row, "status", "")) for row in rows]

    ready, failing = [Check("ready", "passing")], [Check("ready", "critical")]
    assert seen(checks=ready) == [("MachineSeen", ""), ("CheckSeen", "passing")]
    assert seen(checks=failing) == [("CheckSeen", "critical")]
    assert seen(checks=ready) == [("CheckSeen", "passing")]
    assert seen(checks=ready, state="stopped") == [("MachineSeen", "")]
    assert seen(checks=ready, state="stopped", cordoned=True) == [("MachineSeen", "")]
    assert seen(checks=ready, state="stopped", cordoned=True) == []


def test_how_a_process_ended_is_recorded(fly, watch, rows, machine):
    ending = EventRequest(ExitEvent(exit_code=137, oom_killed=True), restart_count=2)
    fly.listed = [machine(events=[Event("e1", "exit", "stopped", "flyd", 1_500, ending)])]

    watch.machines("shop")

    (ended,) = [row for row in rows if isinstance(row, EventSeen)]
    assert (ended.exit_code, ended.oom_killed, ended.requested_stop) == (137, True, False)
    assert (ended.at, ended.restart_count, ended.source) == (1.5, 2, "flyd")


def test_an_answer_that_is_fresh_is_used_again(fly, rows, machine):
    fly.listed = [machine()]
    patient = FleetWatch(fly, rows.append, fresh_s=3600.0)

    assert patient.machines("shop") == patient.machines("shop")
    assert fly.asked == 1


def test_a_platform_that_does_not_answer_is_not_answered_for(fly, watch, machine):
    fly.listed = [machine()]
    watch.machines("shop")
    fly.error = Unreachable("an answer", "none", "GET /v1/apps/shop/machines")

    with pytest.raises(Unreachable):
        watch.machines("shop")


def test_machines_come_in_one_order_and_without_those_that_only_pass(fly, watch, machine):
    passing = machine("r1", "fly_app_release_command")
    fly.listed = [machine("w2"), passing, machine("x1", "worker"), machine("w1", region="ams")]

    assert [found.id for found in watch.machines("shop")] == ["w1", "w2", "x1"]


def test_machines_of_a_moment_or_on_a_schedule_are_not_the_apps(fly, watch, machine):
    scheduled = msgspec.structs.replace(machine().settings, schedule="daily")
    fly.listed = [
        machine("m1"),
        machine("m2", config=scheduled),
        machine("m3", "fly_app_release_command"),
    ]
    assert [found.id for found in watch.machines("shop")] == ["m1"]


def test_what_failed_a_moment_ago_is_not_asked_for_again(fly, rows, machine):
    fly.listed = [machine()]
    fly.error = Unreachable("an answer", "none", "GET /v1/apps/shop/machines")
    patient = FleetWatch(fly, rows.append, fresh_s=3600.0)
    for _ in range(3):
        with pytest.raises(Unreachable):
            patient.machines("shop")
    assert fly.asked == 1


def test_host_that_is_lost_is_recorded_as_a_change(fly, watch, rows, machine):
    fly.listed = [machine()]
    watch.machines("shop")
    fly.listed = [machine(host_status="unreachable")]
    watch.machines("shop")
    assert [row.host_status for row in rows if isinstance(row, MachineSeen)] == [
        "ok",
        "unreachable",
    ]
    assert [found.host_status for found in watch.known("shop")] == ["unreachable"]
    assert watch.known("another") == ()
