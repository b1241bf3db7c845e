"""What a test asks of the logs of a run, and when the answer is that nothing is known."""

import json
import random
import time
from dataclasses import dataclass

import pytest

from pytest_sre.logs.baselines import Baseline
from pytest_sre.logs.facade import Logs, Reading, Stretch
from pytest_sre.logs.recorded import read, unread
from pytest_sre.logs.silence import find_silences
from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import EventSeen, Exchange, LogLine, MachineSeen, OwnFault, Span
from pytest_sre.targets.errors import ConfigError
from pytest_sre.verdict import Inconclusive


@dataclass(frozen=True)
class App:
    name: str = "shop"
    since_at: float = 0.0


def line(message: str, at: float = 1.0, machine: str = "m1", level: str = "info") -> LogLine:
    return LogLine(at=at, app="shop", machine=machine, region="iad", level=level, message=message)


def answer(at: float) -> Exchange:
    return Exchange(at=at, source="bake", app="shop", method="GET", url="/", status=200, ok=True)


class Run:
    """A recording that is written while it is read."""

    def __init__(self, path):
        self.recorder = Recorder(path)
        self.recording = Recording(path)

    def write(self, *rows):
        for row in rows:
            self.recorder.write(row)
        self.recorder.flush()

    def logs(self, **reading) -> Logs:
        return Logs(self.recording, (), reading=Reading(apps=[App()], **reading))

    def close(self):
        self.recorder.close()
        self.recording.close()


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path / "run.sqlite")
    yield made
    made.close()


def test_during_gives_what_was_logged_while_the_test_ran(run):
    run.write(line("before", at=9.0), line("while it ran", at=11.0))
    logs = run.logs(began_at=10.0, read_on=lambda _app: run.write(line("just now", at=12.0)))

    assert [one.message for one in logs.during().lines] == ["while it ran", "just now"]
    assert [one.message for one in logs.during(Stretch(8.0, 10.0)).lines] == ["before"]


def test_a_line_that_two_processes_read_is_one(run):
    run.write(line("a"), line("b"), line("a"), line("a", machine="m2"))

    said = run.logs().since_deploy(App())
    assert [(one.message, one.machine) for one in said.lines] == [
        ("a", "m1"),
        ("b", "m1"),
        ("a", "m2"),
    ]


def test_a_line_that_is_expected_may_come_late(run):
    looks = iter([(), (line("order 7 Paid", at=12.0),)])
    logs = run.logs(began_at=10.0, read_on=lambda _app: run.write(*next(looks)))

    assert logs.expect("order 7 paid", within="5s").message == "order 7 Paid"


def test_a_line_that_does_not_come_is_a_failure_where_others_do(run):
    run.write(line("order 6 paid", at=9.0), line("order 7 refused", at=11.0))

    with pytest.raises(AssertionError, match=r"'paid' within 0.3 s, found 1 others\n.*7 refused"):
        run.logs(began_at=10.0).expect("paid", within=0.3)


def test_where_no_line_comes_at_all_nothing_is_known(run):
    run.write(line("order 6 paid", at=9.0))

    with pytest.raises(Inconclusive, match="no line of any kind"):
        run.logs(began_at=10.0).expect("paid", within=0.1)


def test_a_log_that_cannot_be_read_on_shows_nothing(run):
    def fail(_app):
        at = time.time()
        fault = OwnFault(at=at, cause="platform api", detail="found 500")
        run.write(Span(at=at, name=unread("shop"), ended_at=at), fault)

    run.write(Span(at=1.0, name=read("shop"), ended_at=2.0), line("other", at=11.0))
    with pytest.raises(Inconclusive, match="found 500"):
        run.logs(began_at=10.0, read_on=fail).expect("paid", within=0.1)


def test_a_test_may_ignore_more_and_look_for_less(run):
    run.write(
        line("ERROR: cannot resize image 7", level="error"),
        line("dial tcp 10.0.0.1:5432: connect: connection refused", level="error"),
    )
    logs = run.logs()

    assert len(logs.since_deploy(App()).errors) == 2
    assert len(logs.since_deploy(App(), ignore=["resize image"]).errors) == 1
    assert [one.rule.id for one in logs.since_deploy(App()).findings] == ["connection-refused"]
    assert logs.since_deploy(App(), without=["connection-refused"]).findings == []
    with pytest.raises(ConfigError, match="connection-refused"):
        _ = logs.since_deploy(App(), without=["conection-refused"]).findings


def test_findings_say_which_machine_and_when(run):
    refused = "connect: connection refused"
    run.write(line(refused, at=1.5), line("fine", at=2.0), line(refused, at=3.0, machine="m2"))
    (finding,) = run.logs().since_deploy(App()).findings

    assert (finding.count, finding.machines) == (2, 2)
    assert (finding.first.machine, finding.first.line, finding.last.line) == ("m1", 1, 3)
    assert finding.first.time.startswith("1970-01-01T00:00:01.5")


def test_the_share_of_structured_lines_is_told_by_machine_with_what_offends(run):
    good = json.dumps({"level": "info", "msg": "a", "trace_id": "t"})
    bad = json.dumps({"level": "info", "msg": "no trace id"})
    run.write(
        *(line(good, at=float(at)) for at in range(8)),
        line("print was here", at=9.0, machine="m2"),
        line(bad, at=9.5, machine="m2"),
        LogLine(
            at=9.9,
            app="shop",
            machine="m2",
            region="iad",
            level="info",
            message="Machine started",
            provider="runner",
        ),
    )
    logs = run.logs()

    assert logs.structured(App()).share == pytest.approx(0.9)
    found = logs.structured(App(), fields=["trace_id"])
    assert (found.share, found.share_of("m1"), found.share_of("m2")) == (0.8, 1.0, 0.0)
    assert found.missing == {"trace_id": 1}
    assert [one.samples[0] for one in found.offenders] == ["print was here", bad]
    assert repr(found).startswith("<structured: 8 of 10 lines, 1 lack 'trace_id', 1 like 'print")


def test_of_a_silent_app_no_share_is_known(run):
    said = LogLine(
        at=1.0, app="shop", machine="m", region="i", level="info", message="up", provider="runner"
    )
    run.write(said)

    with pytest.raises(Inconclusive, match="no line"):
        _ = run.logs().structured(App()).share


def steady(begin: float, end: float, every: float = 0.2) -> list[float]:
    return [begin + n * every for n in range(int((end - begin) / every))]


BAKE = Stretch(100.0, 130.0)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param([*steady(100, 110), *steady(118, 130)], id="a gap in the stream"),
        pytest.param(steady(100, 112), id="the app stopped logging"),
    ],
)
def test_a_log_that_falls_silent_while_the_app_answers_shows_nothing(run, written):
    run.write(*(line("served", at=at) for at in written), *map(answer, steady(100, 130)))

    with pytest.raises(Inconclusive, match="while the app answered"):
        run.logs(watched=BAKE).since_deploy(App())


def test_a_machine_alone_that_falls_silent_is_named(run):
    run.write(
        *(line("served", at=at, machine="m1") for at in steady(100, 130)),
        *(line("served", at=at, machine="m2") for at in steady(100, 112)),
        *map(answer, steady(100, 130)),
    )

    with pytest.raises(Inconclusive, match="of the Machine m2"):
        run.logs(watched=BAKE).since_deploy(App())


def test_a_machine_that_was_stopped_may_well_be_silent(run):
    ended = EventSeen(at=112.0, app="shop", machine="m2", id="e", type="exit", status="stopped")
    seen = MachineSeen(
        at=99.0,
        app="shop",
        machine="m1",
        name="n",
        region="iad",
        group="web",
        state="started",
        instance_id="i",
        image="shop:1",
    )
    run.write(
        seen,
        ended,
        *(line("served", at=at, machine="m1") for at in steady(100, 130)),
        *(line("served", at=at, machine="m2") for at in steady(100, 112)),
        *map(answer, steady(100, 130)),
    )

    assert run.logs(watched=BAKE).since_deploy(App()).errors == []


def test_an_app_that_is_not_asked_may_be_silent():
    assert find_silences({"m1": steady(100, 110)}, 130.0, steady(100, 110)) == []


def test_lines_that_come_by_chance_are_rarely_taken_for_a_silence():
    """Of Poisson arrivals fewer than one log in 1,000 is called silent."""
    rng = random.Random(4711)
    alarms = 0
    for _ in range(1_000):
        at, times = 0.0, []
        rate = rng.choice((1.0, 3.0, 20.0))
        while (at := at + rng.expovariate(rate)) < 60.0:
            times.append(at)
        alarms += bool(find_silences({"m": times}, 60.0, steady(0, 60, 0.1)))

    assert alarms <= 1


def judged(run, usual: float | None) -> None:
    """Ask for the log since the deploy, with a baseline whose requests left so many bursts each."""
    run.write(line("started", at=1.0), *(answer(10.0 + n / 10) for n in range(40)))
    baseline = Baseline((line("x"),), 60.0, "the healthy run", usual)
    reading = Reading(apps=[App()], watched=Stretch(10.0, 14.0))
    Logs(run.recording, (), lambda _app: baseline, reading=reading).since_deploy(App())


def test_a_bake_without_a_line_shows_nothing_when_such_bakes_leave_lines(run):
    with pytest.raises(Inconclusive, match="no line of shop came during the bake") as raised:
        judged(run, usual=0.5)
    assert raised.value.cause == "platform logs API"
    assert "at about 20 moments" in raised.value.reason


@pytest.mark.parametrize("usual", [None, 0.0, 0.1])
def test_an_app_that_seldom_writes_may_write_nothing_in_a_bake(run, usual):
    judged(run, usual)


def test_an_app_that_wrote_a_line_in_the_bake_is_not_mute(run):
    run.write(line("a request", at=12.0))
    judged(run, usual=0.5)
