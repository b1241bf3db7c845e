"""``load.run(...)`` as a test makes it: judged by objectives, ended early by them, recorded."""

import contextlib
import dataclasses
import time
from types import SimpleNamespace

import pytest

from pytest_sre.load.aborting import Abort
from pytest_sre.load.facade import Load
from pytest_sre.load.frames import Frame, Tally
from pytest_sre.load.gathering import Gathering
from pytest_sre.load.ground import Ground
from pytest_sre.load.naming import host_of
from pytest_sre.load.plan import LoadPlan, Open, constant
from pytest_sre.load.recorded import Writing, recorded_loads, requests_sent
from pytest_sre.load.sharing import Share
from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import LoadError, LoadRun, LoadSecond, LogLine
from pytest_sre.report.loads import load_table
from pytest_sre.run.loads import _sent
from pytest_sre.slo.comparing import Relation
from pytest_sre.slo.facade import Slo
from pytest_sre.slo.histogram import index_of
from pytest_sre.targets import Target
from pytest_sre.targets.objectives import Slices
from pytest_sre.targets.settings import LoadLimits, LoadSettings
from pytest_sre.verdict import Inconclusive, NotAsked, ObjectiveVerdict
from tests.load.conftest import JOURNEYS

NO_LOAD = LoadSettings()
LIMITS = LoadLimits(rate_per_s=100, requests=1_000_000)
slo = Slo([], lambda _: pytest.fail("nothing else is to be measured"), lambda _: None)


class Made:
    """A `Load` on the server of these tests, and what it told."""

    def __init__(
        self,
        app,
        path,
        *,
        allow=("observe", "load"),
        limits=LIMITS,
        keeps=False,
        asked=NO_LOAD,
        root=JOURNEYS.parent,
    ) -> None:
        self.recorder = Recorder(path)
        self.lines, self.results, self.leases = [], [], []
        target = Target("prod", "fly", (), None, None, frozenset(allow), frozenset(), load=limits)
        ground = Ground(
            target=target,
            app="shop",
            base_url=app.url,
            hosts=[host_of(app.url)],
            journeys={"well", "unavailable", "silent", "astray"},
            journey_files=[JOURNEYS],
            root=root,
            run="run-7",
            turn=self.lease,
            fleet=lambda: {"web iad shared-1x 256 MB": 2},
            sent=self.sent,
            tell=self.lines.append,
            asked=asked,
            keeps_baselines=keeps,
        )
        self.load = Load(
            ground, write=self.recorder.write, keep=self.results.append, test="test_it"
        )

    @contextlib.contextmanager
    def lease(self, lasts_s):
        self.leases.append(lasts_s)
        yield

    def sent(self) -> int:
        with self.recording() as recording:
            return requests_sent(recording)

    def recording(self) -> Recording:
        self.recorder.flush()
        return Recording(self.recorder.path)


@pytest.fixture
def make(app, tmp_path):
    with contextlib.ExitStack() as stack:

        def make(**options) -> Made:
            made = Made(app, tmp_path / "run.sqlite", **options)
            stack.callback(made.recorder.close)
            return made

        yield make


@pytest.fixture(scope="module", autouse=True)
def late_arrivals_are_no_trouble():
    """Tests share the processors; how late arrivals may begin is asked of results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_sre.load.result.LATE_RATIO", 1.0)
        yield


@pytest.fixture(scope="module")
def well(app, tmp_path_factory):
    """A load of which all is well, and its result."""
    made = Made(app, tmp_path_factory.mktemp("well") / "run.sqlite")
    before = app.marks["run-7"]
    result = made.load.run("well", rate=40, duration="3s", warm_up="1s")
    made.asked = app.marks["run-7"] - before
    yield made, result
    made.recorder.close()


def test_objectives_judge_the_steady_part_of_a_load(well):
    _, result = well

    assert slo.availability(0.97).check(result).verdict is ObjectiveVerdict.MET
    assert slo.latency(p=95, below="20s").check(result).total == 160
    assert slo.correctness(0.95).check(result).total == 80
    with pytest.raises(AssertionError, match="latency-p50: BREACHED: 160 of 160 bad"):
        slo.latency(p=50, below="1us").check(result)


def test_every_request_is_marked_with_its_run(well):
    made, result = well

    assert made.asked == sum(one.started for one in result.tallies if one.request)
    agent = result.plan.headers["user-agent"]
    assert agent.startswith("pytest-sre/")
    assert agent.endswith(" (load)")


def test_a_load_is_recorded_and_read_back_as_it_was(well):
    made, result = well

    with made.recording() as recording:
        [(row, again)] = recorded_loads(recording)
        assert recording.count(LoadSecond, load=row.load, journey="well") > 0

    assert (row.name, row.test, row.reason, row.doubts) == ("well", "test_it", "complete", "")
    assert row.fleet == '{"web iad shared-1x 256 MB": 2}'
    assert made.sent() == row.requests == made.asked
    assert again.plan == result.plan
    assert again.tallies == result.tallies
    assert (again.answered, again.health) == (result.answered, result.health)
    assert slo.availability(0.97).check(again) == slo.availability(0.97).check(result)


def test_a_line_tells_how_it_goes_and_goes_away(well):
    made, _ = well

    assert made.lines[-1] == ""
    told = made.lines[-2]
    assert told.startswith("load 3 of 3 s  target 40.0/s, reached ")
    assert "p50 " in told
    assert told.endswith(" ms  errors 0.0 %")
    assert made.leases[0] > 3


def test_a_load_is_shown_as_a_table(well):
    _, result = well

    lines = load_table(result).splitlines()

    assert lines[0] == "load of well: 40 arrivals a second for 3 s, complete"
    assert lines[1].split()[-5:] == ["p50", "p95", "p99", "failed", "errors"]
    assert lines[2].split()[:3] == ["well", "80", "40.0"]
    assert lines[-1].startswith("answered by m1 (iad) ")


def test_an_objective_that_is_certainly_broken_ends_the_load(make):
    made = make()
    began = time.monotonic()

    with pytest.raises(AssertionError) as raised:
        made.load.run("unavailable", rate=50, duration="20m", abort_when=slo.availability(0.99))

    first, second = str(raised.value).splitlines()
    assert first.startswith("availability: BREACHED: ")
    assert "of 1200 s, as abort_when asks" in second
    assert time.monotonic() - began < 300
    [result] = made.results
    assert result.reason == "aborted"
    with made.recording() as recording:
        [row] = recording.rows(LoadRun)
        failed = recording.rows(LoadError, load=row.load, test="test_it")
    assert (row.reason, row.detail) == ("aborted", first)
    assert {(one.status, one.machine) for one in failed} == {(503, "m1")}


@pytest.mark.parametrize(("second", "late", "ends"), [(1, 0, False), (2, 0, True), (2, 100, False)])
def test_what_warms_up_ends_nothing_nor_does_our_own_delay(second, late, ends):
    plan = LoadPlan(workload=constant(1000, 9), mix={"well": 1.0}, warm_up_s=2.0)
    abort = Abort([slo.latency(p=99, below="1s").objective], plan)
    slow = {"done": 1000, "started": 1000, "intended": {index_of(2.0): 1000}}
    whole = Tally(second=second, journey="well", late=late, **slow)
    request = Tally(second=second, journey="well", request="GET /", **slow)

    reason = abort(Frame(elapsed_s=second, tallies=[whole, request]))

    assert bool(reason) is ends


def test_slices_of_time_are_not_watched():
    sliced = dataclasses.replace(
        slo.availability(0.9).objective, slices=Slices(slice_s=1, good_ratio=0.9)
    )
    plan = LoadPlan(workload=constant(1, 9), mix={"well": 1.0})

    with pytest.raises(ValueError, match="counts slices of 1 s"):
        Abort([sliced], plan)


def test_more_than_the_target_may_bear_is_refused_before_anything_is_sent(app, make):
    made = make()
    before = app.asked.total()

    for ask in ({"rate": 101, "duration": "1s"}, {"stages": [("1s", 10), ("1s", (10, 200))]}):
        with pytest.raises(Inconclusive, match="at most 100 arrivals a second on prod"):
            made.load.run("well", **ask)
    with pytest.raises(NotAsked, match="load is not allowed on prod"):
        make(allow=["observe"]).load.run("well", rate=1, duration="1s")
    with pytest.raises(Inconclusive, match="no journey 'wll'; registered: astray"):
        made.load.run("wll", rate=1, duration="1s")
    assert app.asked.total() == before
    assert made.leases == []


def test_requests_of_all_loads_of_a_run_count_together(make):
    made = make(limits=LoadLimits(rate_per_s=100, requests=30))
    first = made.load.run("well", rate=10, duration="1s")

    with pytest.raises(Inconclusive, match="of which 20 are sent"):
        made.load.run("well", rate=11, duration="1s")

    assert first.reason == "complete"


def test_users_beyond_the_rate_are_ended(make):
    made = make(limits=LoadLimits(rate_per_s=5, requests=100_000))

    result = made.load.run("well", users=8, duration="10m")

    assert result.reason == "aborted"
    assert "more than the 5 of [targets.prod.limits] load-rate" in result.detail
    with pytest.raises(Inconclusive):
        result.require_conclusive()


def test_a_journey_that_goes_astray_ends_the_load_and_asks_nobody(make, listener):
    made = make()

    result = made.load.run("astray", rate=10, duration="10m")

    assert result.reason == "failed"
    assert "was to be asked, which is no host of the target" in result.troubles[0]
    assert listener.connections == 0


@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
def test_a_locustfile_asks_the_target_whatever_it_says(app, make, tmp_path, listener, kind):
    made, before = make(), app.asked["/items/1"]
    own = tmp_path / "locustfile.py"
    own.write_text(LOCUSTFILE.format(kind=kind, host=listener.url, other="/items/1"), "utf-8")

    result = made.load.locustfile(own, users=2, duration="2s")

    assert result.requests("GET /items/{id}").done > 0
    assert app.asked["/items/1"] > before
    own.write_text(LOCUSTFILE.format(kind=kind, host=app.url, other=listener.url), "utf-8")
    result = made.load.locustfile(own, users=2, duration="10m")
    assert "was to be asked, which is no host of the target" in result.troubles[0]
    assert listener.connections == 0


LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, constant, task

class Buyer({kind}):
    host = "{host}"
    wait_time = constant(0.2)

    @task
    def ask(self):
        self.client.get("{other}")
"""


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        ({"duration": "1s"}, "expected one of rate=, stages= and users=, found none"),
        ({"rate": 1, "users": 1, "duration": "1s"}, "found several"),
        ({"rate": 1}, "how long the load lasts"),
        ({"stages": [("1s", 1)], "duration": "1s"}, "each stage has its own"),
        ({"rate": 1, "duration": "1s", "mix": {"well": 1}}, "found both"),
        ({"rate": 1, "duration": "5s", "warm_up": "5s"}, "nothing would be judged"),
    ],
)
def test_what_is_not_one_load_is_told(make, ask, told):
    with pytest.raises(ValueError, match=told):
        make().load.run("well", **ask)


def test_the_limit_of_an_app_is_found(make):
    made = make(limits=LoadLimits(rate_per_s=80, requests=1_000_000))

    held = made.load.find_limit(
        "well", until=slo.availability(0.9), first=40, step="1s", precision=0.5
    )

    assert (held.held_per_s, held.gave_way) == (80, "")
    assert [step.rate_per_s for step in held.steps] == [40, 80]
    # Steps of a search are not what its test is judged by.
    assert made.results == []


def test_a_baseline_is_kept_on_purpose_only(make, tmp_path, well):
    _, result = well
    path = tmp_path / "load-baselines" / "prod" / "well.json"

    with pytest.raises(Inconclusive, match="found none at"):
        make(root=tmp_path).load.compare(result)
    assert not path.exists()
    with pytest.raises(NotAsked, match="to be committed"):
        make(root=tmp_path, keeps=True).load.compare(result)
    comparison = make(root=tmp_path).load.compare(result, p=50, worse_by=0.9, more_errors=0.2)
    assert comparison.relation is not Relation.WORSE
    assert comparison.new_s == comparison.old_s


def test_the_load_that_a_project_asks_for_is_made_and_no_other(make):
    with pytest.raises(NotAsked, match="no load is asked for"):
        make().load.as_asked("well")

    result = make(asked=LoadSettings(rate_per_s=5, duration_s=1.0)).load.as_asked("well")

    assert result.runs().done == 5


def test_a_spike_is_judged_with_what_is_around_it(make):
    made = make()

    result = made.load.spike("well", rate=5, to=20, lasts="1s", around="1s")

    assert [part.planned for part in result.series] == [5, 20, 5]
    assert result.runs().planned == 30


def test_a_soak_comes_as_users_do_and_warms_up(make):
    result = make().load.soak("well", rate=20, duration="2s")

    assert isinstance(result.plan.workload, Open)
    assert result.plan.workload.spacing == "poisson"
    assert result.plan.warm_up_s == pytest.approx(0.2)
    assert result.runs().done > 0


def test_a_full_disk_loses_the_recording_and_not_the_result(make):
    made = make()
    disk = made.recorder._connection
    [(pages,)] = disk.execute("PRAGMA page_count")
    disk.execute(f"PRAGMA max_page_count = {pages}")
    line = LogLine(at=1.0, app="shop", machine="m1", region="iad", level="info", message="x" * 9999)
    made.recorder.write(line)

    result = made.load.run("well", rate=20, duration="2s")

    assert (result.reason, result.runs().started) == ("complete", 40)
    made.recorder.flush()
    assert "database or disk is full" in str(made.recorder.error)
    assert made.recorder.dropped > 1
    with pytest.raises(Inconclusive, match="no load without a recording of it"):
        _sent(SimpleNamespace(recorder=made.recorder))


def test_what_a_lost_worker_did_not_send_is_recorded(make):
    made, plan = make(), LoadPlan(workload=constant(10, 2), mix={"well": 1.0})
    heard = Frame(elapsed_s=1, tallies=[Tally(second=0, journey="well", planned=5, started=5)])
    lost = Share(plan, 1, 2).unsent(until_s=2)
    gathering = Gathering(plan, "http://shop.example", 100.0)
    for frame in (heard, lost):
        gathering.add(frame)
    result = gathering.result(102.0, "failed", "", ("worker 2 was lost",))
    Writing("load-1", made.recorder.write, lambda: 101.0)(heard)

    made.load._maker._record(result, "load-1")

    with made.recording() as recording:
        [(_, again)] = recorded_loads(recording)
    assert (again.runs().planned, again.runs().unsent) == (15, 10)
    assert again.tallies == result.tallies
    assert again.doubts == result.doubts
