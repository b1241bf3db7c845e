"""What the fixtures give to a test, against real Machines. All of it in one run."""

import pytest

from pytest_sre.recording.rows import Exchange, Flake, JourneyRun, TestRun

SUITE = """
import pytest
from pytest_sre import NotAsked

def test_bake(bake):
    assert bake.window_s >= 0.5
    assert len(bake.endpoints.exchanges) > 5
    assert len(bake.journey_runs) > 0
    assert bake.error_ratio == 0.0

def test_logs(fly_app, logs):
    assert logs.since_deploy(fly_app).errors == []
    assert "listening" in [line.message for line in logs.since_deploy(fly_app).lines]

def test_app(fly_app):
    assert fly_app.name == "tiny"
    assert fly_app.release.images == {"registry.local/tiny:local"}
    assert [machine.group for machine in fly_app.machines] == ["web", "web", "worker"]
    assert fly_app.missing_machines() == []

def test_machine(fly_machine):
    assert fly_machine.state == "started"
    assert len(fly_machine.settled_checks()) == fly_machine.expected_checks

def test_machine_and_its_app(fly_machine, fly_app):
    assert fly_machine.app is fly_app
    assert fly_machine in fly_app.machines

def test_probe_asks_the_machine_that_is_meant(fly_machine, probe):
    if not fly_machine.serves:
        raise NotAsked("not reached from outside")
    seen = probe.http(fly_machine, "/healthz")
    assert seen.ok and seen.status == 200
    assert seen.value("machine") == fly_machine.id
    assert seen.region == fly_machine.region

def test_probe_asks_every_machine(fly_app, probe):
    seen = probe.every(fly_app, "/healthz")
    assert seen.ok
    assert {one.value("machine") for one in seen} == {m.id for m in fly_app.serving}

def test_probe_asks_for_several_paths(fly_app, probe):
    assert [one.status for one in probe.each(fly_app, ["/", "/broken"])] == [200, 500]

def test_probe_of_one_that_fails_is_a_table(fly_app, probe):
    assert [one for one in probe.every(fly_app, "/broken") if not one.ok] == []

def test_late_pass(fly_machine, probe, eventually):
    if fly_machine.region != "ams":
        raise NotAsked("one Machine will do")

    def works():
        seen = probe.http(fly_machine, "/flaky?RUN")
        assert seen.ok, "not yet"
        return True

    assert eventually(works, within="60s", every="50ms")

def test_never(fly_app, probe, eventually):
    eventually(lambda: probe.http(fly_app, '/broken').ok, within="1s", every="1h")

def test_journey(journey):
    journey.run("home")

def test_journey_by_name(journey, journey_name):
    journey.run(journey_name)

def test_unknown_journey(journey):
    journey.run("hoome")

def test_run_is_one(sre_run, fly_app):
    assert sre_run.apps == {"tiny": fly_app}
"""


@pytest.fixture(scope="module")
def ran(shared):
    return shared.verify(shared.suite("fixtures", SUITE), "-v", "--sre-bake=1s")


def test_what_fails_is_what_was_meant_to(ran):
    wrong = {name: v for name, v in ran.verdicts.items() if v not in ("HEALTHY", "SKIPPED")}
    assert wrong == {
        "test_probe_of_one_that_fails_is_a_table": "UNHEALTHY",
        "test_never": "UNHEALTHY",
        "test_unknown_journey": "INCONCLUSIVE",
    }, ran.text


def test_one_test_is_made_for_each_machine(ran):
    names = [name for name in ran.verdicts if name.startswith("test_machine[")]
    assert [name[: len("test_machine[web-ams-")] for name in names] == [
        "test_machine[web-ams-",
        "test_machine[web-iad-",
        "test_machine[worker-i",
    ]
    assert "test_journey_by_name[home]" in ran.verdicts


def test_tests_of_the_bake_and_the_log_run_last(ran):
    with ran.recording() as recording:
        order = [row.test.rpartition("::")[2] for row in recording.rows(TestRun)]
    assert order[-2:] == ["test_bake", "test_logs"]


def test_late_pass_is_a_flake_that_is_shown(ran):
    (flaky,) = ran.lines_of("flaky")
    assert "works passed at try 2, at first: not yet" in flaky
    with ran.recording() as recording:
        (flake,) = recording.rows(Flake)
    assert "test_late_pass[web-ams-" in flake.test


def test_check_that_never_passes_says_how_it_failed_last(ran):
    ran.stdout.fnmatch_lines(
        [
            ">       eventually(lambda: probe.http(fly_app, '/broken').ok, *",
            "E *expected to pass within 1.0 s, failed * tries in *",
            "E *returned False",
        ]
    )
    assert "pytest_sre/" not in ran.text


def test_unknown_journey_names_those_there_are(ran):
    assert "there is no journey 'hoome'; registered: home  [1 test]" in ran.lines_of("unsure")


def test_answers_that_fail_are_a_table(ran):
    ran.stdout.fnmatch_lines(
        [
            "E *expected no answer that fails, found 2",
            "E * Machine * region * request * answer * what came",
            "E * web-ams-* ams * GET /broken * 500 *",
            "E * web-iad-* iad * GET /broken * 500 *",
        ]
    )


def test_what_a_test_asked_is_recorded_under_its_name(ran):
    with ran.recording() as recording:
        asked = {row.test.rpartition("::")[2] for row in recording.rows(Exchange, source="probe")}
        walked = {
            row.test.rpartition("::")[2] for row in recording.rows(JourneyRun, source="journey")
        }
    assert "test_probe_asks_every_machine" in asked
    assert walked == {"test_journey", "test_journey_by_name[home]"}


SECOND_APP = """
app = "second"
primary_region = "ams"
kill_timeout = 2

[processes]
app = "python -S -E web.py"

[http_service]
internal_port = 8080
auto_stop_machines = "off"
"""

SEVERAL = """
import pytest

def test_app(fly_app, record_property):
    assert {machine.app.name for machine in fly_app.machines} == {fly_app.name}

def test_machine(fly_machine, fly_app, probe):
    assert fly_machine.app is fly_app
    if fly_machine.serves:
        assert probe.http(fly_machine).value("machine") == fly_machine.id
"""


def test_several_apps(project):
    project.write(
        **{
            "second.toml": SECOND_APP,
            "sre.toml": """
[targets.local]
apps = ["fly.toml", "second.toml"]

[targets.local.machines]
"tiny/web" = { iad = 1 }
"second/app" = { ams = 1 }
""",
        }
    )
    ran = project.verify(project.suite("several", SEVERAL))
    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text
    names = sorted(name.partition("-")[0] for name in ran.verdicts)
    assert names == [
        "test_app[second]",
        "test_app[tiny]",
        "test_machine[app",
        "test_machine[web",
        "test_machine[worker",
    ]
    assert "second v1" in ran.block[0] + ran.block[1]
    assert "tiny v1" in ran.block[0] + ran.block[1]
