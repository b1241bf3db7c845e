"""A Machine that plays a script is treated, and behaves, like one that runs a process."""

import threading

import httpx
import psutil
import pytest

from pytest_sre.local import Image, Reply, Script, ScriptedEnd, ScriptedLine
from tests.patience import until


def test_it_starts_is_healthy_and_answers_without_any_process(simulation):
    machine = simulation.create(
        Script(
            replies=(
                Reply(body="hello", headers={"X-Own": "1"}, log="served"),
                Reply("/broken", status=500, body="no"),
            )
        )
    )
    assert simulation.check(machine) == ("passing", "HTTP 200 OK Output: hello")
    answer = simulation.proxy.get("/anything?x=1")
    assert (answer.status_code, answer.text, answer.headers["x-own"]) == (200, "hello", "1")
    assert answer.headers["fly-request-id"]
    assert simulation.proxy.get("/broken").status_code == 500
    assert simulation.proxy.head("/").content == b""
    assert simulation.messages() == ["served", "served"]
    assert simulation.call("GET", f"/{machine}/ps").json() == []
    names = [each.name() for each in psutil.Process(simulation.platform.pid).children()]
    assert set(names) <= {"prometheus"}
    kinds = [event["type"] for event in simulation.get(machine)["events"]]
    assert kinds == ["start", "launch"]


def test_a_command_in_it_is_refused_and_so_is_a_signal_that_halts(simulation):
    machine = simulation.create(Script())
    refused = simulation.call("POST", f"/{machine}/exec", json={"command": ["true"]})
    assert refused.status_code == 412
    assert "is simulated: no command can be executed in it" in refused.json()["error"]
    halted = simulation.call("POST", f"/{machine}/signal", json={"signal": "SIGSTOP"})
    assert halted.status_code == 400


def test_a_deadly_signal_ends_it_and_its_restart_policy_brings_it_back(simulation):
    machine = simulation.create(Script())
    assert simulation.call("POST", f"/{machine}/signal", json={"signal": 9}).status_code == 200
    until(lambda: simulation.exits(machine))
    (ended,) = simulation.exits(machine)
    assert (ended["exit_code"], ended["guest_signal"], ended["restarting"]) == (137, 9, True)
    simulation.wait(machine, "started")


def test_it_ends_by_itself_as_its_script_says(simulation):
    script = Script(lines=(ScriptedLine("bye"),), end=ScriptedEnd(0, exit_code=3))
    machine = simulation.create(script, wait="stopped", restart={"policy": "no"})
    (ended,) = simulation.exits(machine)
    assert (ended["exit_code"], ended["requested_stop"], ended["oom_killed"]) == (3, False, False)
    assert simulation.messages() == ["bye"]
    assert "Main child exited normally with code: 3" in simulation.messages("init")


def test_it_can_run_out_of_memory(simulation):
    script = Script(end=ScriptedEnd(0, oom_killed=True))
    machine = simulation.create(script, wait="stopped", restart={"policy": "no"})
    (ended,) = simulation.exits(machine)
    assert (ended["exit_code"], ended["oom_killed"]) == (137, True)


def test_a_crash_loop_spends_its_retries(simulation):
    machine = simulation.create(
        Script(end=ScriptedEnd()), wait="", restart={"policy": "on-failure", "max_retries": 2}
    )
    until(lambda: len(simulation.exits(machine)) == 3)
    simulation.wait(machine, "stopped")
    assert [each["restarting"] for each in simulation.exits(machine)] == [False, True, True]


def test_checks_follow_the_script_through_time(simulation):
    machine = simulation.create(
        Script(replies=(Reply(), Reply(status=503, from_s=0.4)), listens_from_s=0.2)
    )
    until(lambda: simulation.check(machine)[0] == "critical")
    assert simulation.check(machine)[1] == "HTTP 503 Service Unavailable"
    passed, failed = simulation.messages("health")
    assert passed.endswith(" is now passing.")
    assert " has failed." in failed


def test_before_it_listens_it_refuses_connections(simulation):
    machine = simulation.create(Script(listens_from_s=3600), services=[_unchecked()])
    answer = simulation.proxy.get("/", headers={"fly-force-instance-id": machine})
    assert answer.status_code == 502
    assert any("[PC01]" in line for line in simulation.messages("proxy"))


def test_an_open_request_finishes_while_it_stops(simulation):
    machine = simulation.create(Script(replies=(Reply(body="slow", latency_s=0.5, log="taken"),)))
    answers = _get_in_thread(simulation)
    assert simulation.call("POST", f"/{machine}/stop").status_code == 200
    assert [answer.text for answer in answers()] == ["slow"]
    simulation.wait(machine, "stopped")
    (ended,) = simulation.exits(machine)
    assert (ended["exit_code"], ended["requested_stop"]) == (0, True)


def test_an_open_request_breaks_off_when_it_is_killed(simulation):
    machine = simulation.create(
        Script(replies=(Reply(latency_s=60, log="taken"),)), services=[_unchecked()]
    )
    answers = _get_in_thread(simulation)
    simulation.call("DELETE", f"/{machine}", params={"force": "true"})
    assert [answer.status_code for answer in answers()] == [502]


@pytest.mark.parametrize(("stop_s", "code"), [(0.0, 0), (60.0, 137)])
def test_it_is_killed_when_it_takes_too_long_to_stop(simulation, stop_s, code):
    machine = simulation.create(Script(stop_s=stop_s), stop_config={"timeout": "100ms"})
    simulation.call("POST", f"/{machine}/stop")
    simulation.wait(machine, "stopped")
    assert simulation.exits(machine)[0]["exit_code"] == code


def test_the_clock_of_its_script_stands_still_while_it_is_suspended(simulation):
    script = Script(lines=(ScriptedLine("early"), ScriptedLine("late", 0.6)))

    def suspended_early() -> str:
        """A Machine that was suspended before its last line; on a busy one not the first."""
        machine = simulation.create(script)
        until(lambda: simulation.messages(machine=machine))
        assert simulation.call("POST", f"/{machine}/suspend").status_code == 200
        return machine if simulation.messages(machine=machine) == ["early"] else ""

    machine = until(suspended_early)
    assert simulation.get(machine)["state"] == "suspended"
    other = simulation.create(script)
    until(lambda: simulation.messages(machine=other) == ["early", "late"])
    assert simulation.messages(machine=machine) == ["early"]
    simulation.call("POST", f"/{machine}/start")
    until(lambda: simulation.messages(machine=machine) == ["early", "late"])
    assert simulation.exits(machine) == []


def test_an_update_can_turn_a_script_into_a_process_and_back(simulation, tmp_path):
    simulation.platform.register_image(Image("registry.local/real:1", str(tmp_path)))
    machine = simulation.create(Script())
    scripted = simulation.get(machine)["config"]
    real = {"image": "registry.local/real:1", "init": {"exec": ["sleep", "1000"]}}
    simulation.call("POST", f"/{machine}", json={"config": real})
    until(lambda: simulation.call("GET", f"/{machine}/ps").json())
    simulation.call("POST", f"/{machine}", json={"config": scripted})
    simulation.wait(machine, "started")
    assert simulation.proxy.get("/").status_code == 200
    assert simulation.call("GET", f"/{machine}/ps").json() == []


def test_other_machines_reach_it_by_its_private_name(simulation, tmp_path):
    machine = simulation.create(Script(replies=(Reply(body="from inside"),)))
    image = Image("registry.local/caller:1", str(tmp_path))
    simulation.platform.register_image(image)
    program = (
        "import urllib.request as r\n"
        f"print(r.urlopen('http://{machine}.vm.{simulation.app}.internal:8080/').read().decode())"
    )
    config = {"image": image.ref, "init": {"exec": ["python", "-S", "-c", program]}}
    made = simulation.call("POST", "", json={"config": {**config, "restart": {"policy": "no"}}})
    simulation.wait(made.json()["id"], "stopped")
    assert simulation.messages() == ["from inside"]


def test_a_script_that_cannot_be_is_refused(simulation):
    answer = simulation.api.put(
        "/_local/images", json={"ref": "registry.local/x:1", "simulated": {"stop_s": -1}}
    )
    assert answer.status_code == 400
    assert "simulated.stop_s" in answer.json()["error"]


def _unchecked():
    return {"internal_port": 8080, "ports": [{"port": 80, "handlers": ["http"]}]}


def _get_in_thread(simulation):
    """Send a request and return when it is under way; what is returned waits for the answers."""
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(simulation.proxy.get("/")))
    thread.start()
    until(lambda: "taken" in simulation.messages())

    def finished() -> list[httpx.Response]:
        thread.join(60)
        return answers

    return finished


def test_faults_of_the_platform_concern_it_too(simulation):
    def begin(kind: str, **more: object) -> str:
        fault = {"kind": kind, "app": simulation.app, **more}
        answer = simulation.api.post("/_local/faults", json=fault)
        assert answer.status_code < 300, answer.text
        return str(answer.json()["id"])

    hung = begin("check-hang")
    slow = begin("slow-boot", delay_s=3600)
    machine = simulation.create(Script())
    assert simulation.check(machine)[0] == "warning"
    simulation.api.delete(f"/_local/faults/{hung}")
    simulation.api.delete(f"/_local/faults/{slow}")
    simulation.call("POST", f"/{machine}/restart")
    until(lambda: simulation.check(machine)[0] == "passing")
    begin("crash-loop", exit_code=9)
    until(lambda: simulation.exits(machine)[0]["exit_code"] == 9)
