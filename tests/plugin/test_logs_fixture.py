"""The ``logs`` fixture against real Machines: what is written while a test runs is seen by it."""

import pytest

SUITE = """
def test_waits_for_a_line(fly_machine, probe, logs):
    if fly_machine.serves:
        path = f"/broken?by={fly_machine.id}"
        probe.http(fly_machine, path)
        event = logs.expect(f"no answer for {path}", within="60s")
        assert (event.machine, event.group) == (fly_machine.id, "web")
        assert event.release == fly_machine.app.release.version
        said = logs.during()
        assert [one.count for one in said.matching("no answer for")] == [1]

def test_does_not_see_what_others_caused(logs):
    assert logs.during().matching("no answer for") == []

def test_waits_in_vain(fly_app, probe, logs):
    probe.http(fly_app, "/broken")
    logs.expect("order paid", within="1s")

def test_fails_without_a_machine(fly_app, logs):
    assert logs.structured(fly_app).share >= 0.99
"""


@pytest.fixture(scope="module")
def ran(shared):
    return shared.verify(shared.suite("logs", SUITE))


def test_a_test_sees_the_lines_that_it_causes_and_no_others(ran):
    verdicts = ran.verdicts

    waiting = {name: verdict for name, verdict in verdicts.items() if "waits_for" in name}
    assert set(waiting.values()) == {"HEALTHY"}, ran.text
    assert verdicts["test_does_not_see_what_others_caused"] == "HEALTHY", ran.text


def test_a_line_that_does_not_come_fails_the_test(ran):
    assert ran.verdicts["test_waits_in_vain"] == "UNHEALTHY", ran.text
    wanted = "expected a log line with 'order paid' within 1 s, found * others"
    ran.stdout.fnmatch_lines([f"E *{wanted}"])


def test_an_unstructured_log_is_told_with_what_offends(ran):
    ran.stdout.fnmatch_lines(["E * where 0.0 = <structured: 0 of * lines, * like *"])
