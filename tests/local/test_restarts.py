import signal

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.config import Restart
from pytest_sre.local.machines.restarts import Exit, pause_s, should_restart
from tests.patience import until

EXITS = st.integers(0, 255) | st.sampled_from([-9, -11, -15])


@given(EXITS, st.integers(0, 50))
def test_policy_no_never_restarts_and_always_always_does(code, restarts):
    ended = Exit(code, oom_killed=False, at=0)
    assert not should_restart(Restart("no"), ended, restarts)
    assert should_restart(Restart("always"), ended, restarts)


@given(EXITS, st.integers(0, 50), st.integers(0, 20))
def test_on_failure_restarts_failures_up_to_its_limit(code, restarts, limit):
    ended = Exit(code, oom_killed=False, at=0)
    expected = code != 0 and restarts < limit
    assert should_restart(Restart("on-failure", limit), ended, restarts) is expected


def test_pauses_double_up_to_five_seconds():
    assert [pause_s(n) for n in range(6)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert pause_s(10_000) == 5.0


def test_a_process_that_ends_well_stays_ended(client):
    machine = client.create(["true"], wait="")
    client.wait(machine, "stopped")
    (exit_event,) = client.exits(machine)
    assert (exit_event["exit_code"], exit_event["restarting"]) == (0, False)
    assert "Main child exited normally with code: 0" in client.messages(machine)


def test_a_failing_process_is_restarted_until_its_retries_are_spent(client):
    machine = client.create(
        ["sh", "-c", "exit 7"], wait="", restart={"policy": "on-failure", "max_retries": 2}
    )
    until(lambda: len(client.exits(machine)) == 3)
    client.wait(machine, "stopped")
    exits = client.exits(machine)
    assert [each["restarting"] for each in exits] == [False, True, True]
    assert {each["exit_code"] for each in exits} == {7}
    counts = [
        event["request"]["restart_count"]
        for event in client.get(machine)["events"]
        if event["type"] == "exit"
    ]
    assert counts == [2, 1, 0]
    assert "machine has reached its max restart count of 2" in client.messages(machine)


def test_a_killed_process_comes_back_with_the_same_version(client):
    machine = client.create(["sleep", "1000"])
    before, pid = client.get(machine)["instance_id"], client.pid(machine)
    psutil.Process(pid).kill()
    until(lambda: client.exits(machine))
    client.wait(machine, "started")
    assert client.pid(machine) != pid
    assert client.exits(machine)[0]["guest_signal"] == signal.SIGKILL
    assert client.exits(machine)[0]["oom_killed"] is False
    assert client.get(machine)["instance_id"] == before


def test_a_crashing_machine_can_be_stopped(client):
    machine = client.create(["false"], wait="", restart={"policy": "always"})
    until(lambda: len(client.exits(machine)) >= 2)
    assert client.call("POST", f"/{machine}/stop").status_code == 200
    client.wait(machine, "stopped")


def test_auto_destroy_ends_a_machine_whose_work_is_done(client):
    machine = client.create(["true"], wait="", auto_destroy=True, restart={"policy": "no"})
    client.wait(machine, "destroyed")
    assert client.exits(machine)[0]["exit_code"] == 0


def test_a_command_that_does_not_exist_is_named_in_the_log(client):
    machine = client.create(["no-such-program"], wait="", restart={"policy": "no"})
    client.wait(machine, "stopped")
    assert client.exits(machine)[0]["exit_code"] == 127
    assert any("failed to spawn command: no-such-program" in m for m in client.messages(machine))


def test_a_machine_without_any_command_fails_and_says_why(client):
    machine = client.create(None, wait="")
    client.wait(machine, "failed")
    assert any("no command for process group 'app'" in m for m in client.messages(machine))


@pytest.mark.parametrize("where", ["itself", "child"])
def test_a_machine_that_uses_more_memory_than_it_has_is_killed(client, where):
    program = "x = bytearray(300_000_000); print(len(x), flush=True); import time; time.sleep(1000)"
    if where == "child":
        program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])"
    machine = client.python(
        program,
        wait="",
        guest={"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
        restart={"policy": "no"},
    )
    client.wait(machine, "stopped")
    (exit_event,) = client.exits(machine)
    assert exit_event["oom_killed"] is True
    assert exit_event["exit_code"] == 137
    lines = client.messages(machine)
    assert any(line.startswith("Out of memory: Killed process") for line in lines)
