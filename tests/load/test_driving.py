"""Load is made as planned, and whatever befalls it is told clearly; nothing is left behind."""

import signal
import socket
from pathlib import Path

import psutil
import pytest

from pytest_sre.load import driving
from pytest_sre.load.plan import Caps, Closed, LoadPlan, Open, Stage, constant
from pytest_sre.verdict import Inconclusive

JOURNEYS = Path(__file__).parent / "journeys.py"


def load_processes() -> list[psutil.Process]:
    """The processes of ours that make load."""
    return [
        child
        for child in psutil.Process().children()
        if "pytest_sre.load.runner" in " ".join(child.cmdline())
    ]


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    assert load_processes() == []


def test_load_is_made_as_planned_by_several_processes_and_counted_as_it_was(app, loaded):
    before = app.asked.total()
    frames = []

    result = loaded("well", rate=20, duration_s=2, processes=2, watch=frames.append)

    assert result.reason == "complete"
    assert result.troubles == ()
    assert (result.runs().planned, result.runs().done) == (40, 40)
    assert result.runs().errors == {}
    assert result.request_names == ("GET /items/{id}", "POST /carts")
    assert result.requests("POST /carts").done == 40
    assert app.asked.total() - before == 80
    assert [(one.machine, one.region, one.count) for one in result.answered] == [("m1", "iad", 80)]
    assert sum(part.planned for part in result.series) == 40
    assert len(result.series) == 2
    assert len(frames) >= 2
    assert 0 < result.runs().sent_percentile_s(50) <= result.runs().percentile_s(100)


def test_a_journey_finds_the_client_that_it_finds_as_a_test(loaded):
    headers = {"x-sre-run": "r-1", "user-agent": "load-test"}

    # More than one user of the same client, one after the other.
    result = loaded("faithful", rate=4, duration_s=1, headers=headers)

    assert [sample.text for sample in result.samples] == []
    assert result.runs().done == 4
    assert result.runs().errors == {}


@pytest.fixture(scope="module")
def troubled(app):
    """A load of journeys of which each meets a trouble of its own."""
    plan = LoadPlan(
        workload=constant(50, 1),
        mix=dict.fromkeys(("unavailable", "limited", "cut", "silent", "wrong", "crash"), 1.0),
    )
    return driving.drive(plan, app.url, journey_files=[JOURNEYS])


@pytest.mark.parametrize(
    ("journey", "kind", "told"),
    [
        ("unavailable", "http-503", "answered 503, retry-after 7: no store"),
        ("limited", "http-429", "answered 429, retry-after 1: "),
        ("cut", "reset", "connection cut"),
        ("silent", "timeout", "no answer in time"),
    ],
)
def test_what_the_app_does_wrong_is_counted_by_kind_with_samples(troubled, journey, kind, told):
    requests = troubled.requests(journey=journey)

    assert requests.started > 0
    assert requests.errors == {kind: requests.started}
    assert (requests.failed, requests.own_faults) == (requests.started, 0)
    assert requests.error_ratio == 1
    sample = next(one for one in troubled.samples if one.request and one.journey == journey)
    assert sample.text == told
    assert not sample.is_own


def test_an_answer_that_never_comes_counts_with_the_time_it_was_awaited(troubled):
    assert troubled.requests(journey="silent").percentile_s(1) >= 0.99


def test_a_journey_that_finds_something_wrong_fails_with_its_own_words(troubled):
    runs = troubled.runs("wrong")

    assert runs.errors == {"journey": runs.started}
    assert runs.failed == runs.started
    assert troubled.requests(journey="wrong").errors == {}
    sample = next(one for one in troubled.samples if one.journey == "wrong")
    assert sample.text.startswith("the item was not made")


def test_a_journey_that_crashes_says_nothing_of_the_app(troubled):
    runs = troubled.runs("crash")

    assert (runs.failed, runs.own_faults) == (0, runs.started)
    sample = next(one for one in troubled.samples if one.journey == "crash")
    assert sample.text == "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
    with pytest.raises(Inconclusive, match=r"all .* by faults on our side"):
        assert runs.error_ratio
    with pytest.raises(Inconclusive, match="ended by faults on our side"):
        troubled.require_conclusive()


def test_an_app_that_refuses_connections_fails(loaded):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = loaded("well", rate=5, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert result.requests().errors == {"refused": 5}
    assert result.runs().failed == 5


def test_an_app_that_speaks_no_tls_fails(app, loaded):
    result = loaded("well", rate=3, base_url=app.url.replace("http:", "https:"))

    assert result.requests().errors == {"tls": 3}
    assert result.requests().failed == 3


def test_a_name_that_nobody_knows_is_told(loaded):
    result = loaded("well", rate=3, base_url="http://shop.invalid")

    assert sum(result.requests().errors.values()) == 3
    assert set(result.requests().errors) <= {"dns", "dns-nxdomain"}


def test_the_cap_on_requests_is_never_exceeded(app, loaded):
    before = app.asked.total()

    result = loaded("well", rate=50, duration_s=20, processes=2, caps=Caps(requests=15))

    assert app.asked.total() - before <= 15
    assert result.reason == "cap"
    with pytest.raises(Inconclusive, match=r"cap \(15 requests were sent\)"):
        result.require_conclusive()


def test_arrivals_beyond_those_in_flight_are_dropped_and_counted(loaded):
    few = Open(stages=(Stage(duration_s=1, from_rate=20),), in_flight=4)

    result = loaded("silent", workload=few)

    whole = result.runs()
    assert (whole.planned, whole.started + whole.dropped) == (20, 20)
    assert whole.dropped >= 8
    with pytest.raises(Inconclusive, match="4 were in flight already"):
        result.require_conclusive()


def test_users_walk_journeys_one_after_the_other(loaded):
    walked = []

    def enough(frame) -> str | None:
        walked.extend(tally.done for tally in frame.tallies if not tally.request)
        return "enough" if sum(walked) >= 6 else None

    result = loaded("well", workload=Closed(users=3, duration_s=300, pause_s=0.1), watch=enough)

    assert result.reason == "aborted"
    assert result.runs().planned == 0
    assert result.runs().done >= 6
    assert result.runs().errors == {}


def test_a_locustfile_is_run_as_it_is(app):
    before = app.marks["r-7"]
    users, seen = 4, set()
    plan = LoadPlan(
        workload=Closed(users=users, duration_s=300),
        locustfile=str(Path(__file__).parent / "locustfile.py"),
        headers={"x-sre-run": "r-7"},
    )
    awaited = {
        "GET /items/{id}",
        "an item",
        "POST /carts",
        "GET /unavailable",
        "GET /session",
    }

    def all_seen(frame) -> str | None:
        seen.update(tally.request for tally in frame.tallies)
        return "all seen" if seen >= awaited else None

    result = driving.drive(plan, app.url, watch=all_seen)

    assert (result.reason, result.detail) == ("aborted", "all seen")
    assert set(result.request_names) == awaited
    assert result.requests("GET /unavailable").error_ratio == 1
    assert result.requests("an item").error_ratio == 1
    assert result.requests("POST /carts").errors == {}
    # What users were doing when they were stopped was sent, and is not counted as done.
    done, sent = result.requests().done, app.marks["r-7"] - before
    assert done <= sent <= done + users
    assert [(one.machine, one.region) for one in result.answered] == [("m1", "iad")]


def test_a_locustfile_ends_with_its_time(app):
    plan = LoadPlan(
        workload=Closed(users=1, duration_s=1),
        locustfile=str(Path(__file__).parent / "locustfile.py"),
    )

    assert driving.drive(plan, app.url).reason == "complete"


def has_some(frame) -> bool:
    """Whether anything ended."""
    return any(tally.done for tally in frame.tallies)


def test_a_load_that_is_told_to_ends_early_and_keeps_what_is_known(loaded):
    def over(frame) -> str | None:
        return "p99 is over its limit" if has_some(frame) else None

    result = loaded("well", duration_s=300, watch=over)

    assert (result.reason, result.detail) == ("aborted", "p99 is over its limit")
    assert result.runs().done > 0
    assert result.ended_at - result.started_at < 100
    with pytest.raises(Inconclusive, match="aborted"):
        result.require_conclusive()


@pytest.mark.parametrize(
    ("strike", "told"),
    [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGSTOP, "said nothing for 3 s")],
    ids=["killed", "hangs"],
)
def test_a_process_that_dies_or_hangs_is_told_and_the_rest_is_kept(
    loaded, monkeypatch, strike, told
):
    def once(frame) -> None:
        if has_some(frame):
            monkeypatch.setattr(driving, "SILENCE_S", 3.0)
            for process in load_processes():
                process.send_signal(strike)

    result = loaded("well", duration_s=300, watch=once)

    assert result.reason == "failed"
    assert told in result.troubles[0]
    assert result.runs().done > 0
    with pytest.raises(Inconclusive, match=told):
        result.require_conclusive()


def test_a_load_that_has_lasted_long_enough_is_whole_without_what_never_became_due(loaded):
    frames = []

    result = loaded(
        "well",
        rate=20,
        duration_s=600,
        processes=2,
        watch=frames.append,
        enough=lambda: len(frames) >= 4,
    )

    assert result.reason == "complete"
    assert 0 < result.plan.duration_s < 600
    whole = result.runs()
    assert whole.started == whole.done >= result.plan.duration_s * 20 - 2
    assert result.doubts == () or "could not keep up" in result.doubts[0]


def test_what_is_under_way_when_a_load_has_lasted_long_enough_is_awaited(loaded):
    frames = []

    result = loaded(
        "silent",
        rate=10,
        duration_s=600,
        timeout_s=3,
        watch=frames.append,
        enough=lambda: bool(frames),
    )

    assert result.runs().unfinished == 0
    assert result.runs().failed == result.runs().done > 0


def test_a_process_that_prints_a_lot_is_not_held_up(loaded):
    result = loaded("talkative", rate=10)

    assert (result.reason, result.runs().done) == ("complete", 10)


def test_a_process_that_writes_what_is_no_frame_is_ended(loaded):
    result = loaded("noise", duration_s=300)

    assert "said what is no frame" in result.troubles[0]


def test_what_cannot_be_begun_is_told_before_anything_is_asked(app, tmp_path):
    before = app.asked.total()
    plan = LoadPlan(workload=Closed(users=1, duration_s=1), mix={"wll": 1.0})
    with pytest.raises(Inconclusive, match=r"no journey 'wll'; registered: astray, busy, crash"):
        driving.drive(plan, app.url, journey_files=[JOURNEYS])

    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_library\n")
    with pytest.raises(Inconclusive, match=r"broken\.py, line 1: ModuleNotFoundError"):
        driving.drive(plan, app.url, journey_files=[broken])
    assert app.asked.total() == before
