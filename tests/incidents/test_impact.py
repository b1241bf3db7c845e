"""What an incident amounted to is counted from what runs recorded."""

from pytest_sre.incidents.impact import Minute, measure, minutes
from pytest_sre.incidents.log import Entry
from pytest_sre.incidents.recorded import RecordedRun, recorded_during
from pytest_sre.incidents.timeline import timeline, write_timeline
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import EventSeen, Exchange, MachineSeen, Span, TestRun
from pytest_sre.recording.store import new_run_path

AT = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


def exchange(at, ok=True, machine="148e21", **more):
    return Exchange(
        at=at,
        source="bake",
        app="shop",
        method="GET",
        url="http://x/",
        machine=machine,
        ok=ok,
        **more,
    )


def exited(at, machine="148e21", code=1, number=1):
    return EventSeen(
        at=at,
        app="shop",
        machine=machine,
        id=f"e{number}",
        type="exit",
        status="stopped",
        exit_code=code,
    )


def seen(at, version):
    return MachineSeen(
        at=at,
        app="shop",
        machine="148e21",
        name="x",
        region="ams",
        group="web",
        state="started",
        instance_id="i",
        image=f"shop:v{version}",
        release_version=version,
    )


def run(began_at=AT, verdict="UNHEALTHY", **rows):
    return RecordedRun("run", began_at, verdict, **rows)


def test_what_is_counted_is_what_was_observed():
    requests = [exchange(AT + n, ok=n % 10 != 0) for n in range(120)]
    first = run(
        exchanges=tuple(requests), events=(exited(AT - 5), exited(AT + 30, "d890aa", number=2))
    )
    second = run(AT + 600, exchanges=(exchange(AT + 600),), events=(exited(AT - 5),))

    found = measure([first, second], error_ratio=0.1)

    assert (found.runs, found.requests, found.failed) == (2, 121, 12)
    assert (found.minutes, found.failing_minutes, found.bad_minutes) == (3, 2, 0)
    assert measure([first, second], error_ratio=0.05).bad_minutes == 2
    assert found.machines == ("148e21", "d890aa")
    assert found.began_at == AT - 5


def test_nothing_recorded_is_not_zero_failures():
    found = measure([], error_ratio=None)

    assert (found.runs, found.began_at, found.bad_minutes) == (0, None, None)


def test_an_exit_that_was_asked_for_is_no_failure():
    asked = EventSeen(
        at=AT,
        app="shop",
        machine="m",
        id="1",
        type="exit",
        status="stopped",
        exit_code=143,
        requested_stop=True,
    )

    assert measure([run(events=(asked,))], None).machines == ()


def test_a_failed_test_is_a_failure_of_its_machines():
    failed = TestRun(at=AT + 5, test="t", verdict="UNHEALTHY", machines="148e21 d890aa")
    undecided = TestRun(at=AT, test="t", verdict="INCONCLUSIVE", machines="e2860b")

    found = measure([run(tests=(undecided, failed))], None)

    assert (found.machines, found.began_at) == (("148e21", "d890aa"), AT + 5)


def test_minutes_are_those_of_the_clock():
    requests = (exchange(AT + 59.9), exchange(AT + 60.0, ok=False))

    assert minutes([run(exchanges=requests)]) == (Minute(AT, 1, 0), Minute(AT + 60, 1, 1))


def test_a_timeline_merges_all_there_is_in_order():
    recorded = run(
        exchanges=tuple(exchange(AT + 60 * n, ok=n in (0, 3)) for n in range(5)),
        tests=(
            TestRun(at=AT + 400, test="suites/x.py::test_pay[1]", verdict="UNHEALTHY"),
            TestRun(at=AT + 400, test="suites/x.py::test_ok", verdict="HEALTHY"),
        ),
        events=(exited(AT + 10), exited(AT + 12, "d890aa", number=2)),
        machines=(seen(AT + 5, 41), seen(AT + 50, 42)),
        spans=(
            Span(at=AT + 1, name="bake", ended_at=AT + 300),
            Span(at=AT + 2, name="log of shop read", ended_at=AT + 300),
        ),
    )
    entries = [Entry(AT + 200, "rolled\nback <b> @\u2060eve:\n\n- one\n- two", is_ours=True)]

    lines = write_timeline(timeline(AT + 20, entries, [recorded], str)).splitlines()

    assert lines == [
        "- 2027-01-15 08:00:01 UTC · run · bake until 08:05:00",
        (
            "- 2027-01-15 08:00:10 UTC · Machine · exit \\(stopped, exit code 1\\) of shop:"
            " 148e21, d890aa"
        ),
        "- 2027-01-15 08:00:20 UTC · log · The incident was opened.",
        (
            "- 2027-01-15 08:00:50 UTC · deploy · shop is on v42 \\(shop:v42\\),"
            " was on v41 \\(shop:v41\\)"
        ),
        "- 2027-01-15 08:01:00 UTC · requests · 2 of 2 requests failed until 08:03",
        "- 2027-01-15 08:03:20 UTC · log · rolled back &lt;b> @\u2060eve: one; two",
        "- 2027-01-15 08:04:00 UTC · requests · 1 of 1 requests failed until 08:05",
        "- 2027-01-15 08:06:40 UTC · run · UNHEALTHY, 1 of 2 tests failed: test\\_pay",
    ]


def test_a_long_timeline_keeps_what_says_most():
    many = tuple(exited(AT + 60 * n, code=0, number=n) for n in range(400))
    entries = [Entry(AT + n, f"note {n}", is_ours=True) for n in range(50)]

    lines = write_timeline(timeline(AT, entries, [run(events=many)], str)).splitlines()

    assert len(lines) == 101
    assert sum("note" in line for line in lines) == 50
    assert lines[-1] == "- and 352 more that say less"


def record(root, at, verdict, target="prod", *rows):
    path = new_run_path(root, target, at)
    recorder = Recorder(path, {"target": target, "started_at": str(at)})
    for row in rows:
        recorder.write(row)
    recorder.note("verdict", verdict)
    recorder.close()


def test_runs_tell_of_an_incident_from_the_last_healthy_one_to_its_end(tmp_path):
    known = exited(AT - 900)
    record(tmp_path, AT - 900, "UNHEALTHY", "prod", exchange(AT - 900, ok=False))
    record(tmp_path, AT - 600, "HEALTHY")
    record(
        tmp_path,
        AT - 300,
        "UNHEALTHY",
        "prod",
        exchange(AT - 290, ok=False),
        known,
        exited(AT - 400, number=2),
    )
    record(tmp_path, AT - 200, "UNHEALTHY", "staging", exchange(AT - 200, ok=False))
    record(tmp_path, AT + 300, "HEALTHY", "prod", exchange(AT + 300, own_fault=True))
    record(tmp_path, AT + 900, "UNHEALTHY", "prod")

    runs = recorded_during(tmp_path, "prod", AT, AT + 600)

    assert [each.began_at for each in runs] == [AT - 300, AT + 300]
    assert [each.at for each in runs[0].events] == [AT - 400]
    assert runs[1].exchanges == ()


def test_a_recording_that_is_none_is_passed_over(tmp_path):
    record(tmp_path, AT, "UNHEALTHY")
    (tmp_path / ".sre" / "runs" / "20270115T080001Z-prod-abcdef.sqlite").write_bytes(
        b"no recording"
    )

    assert len(recorded_during(tmp_path, "prod", AT + 60, AT + 600)) == 1
