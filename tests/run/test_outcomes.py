"""What a test's end means, and what a run that began badly concludes."""

import pytest

from pytest_sre.bake.watch import SPAN
from pytest_sre.fly.errors import Forbidden, Unreachable
from pytest_sre.judge.conclusion import Tally
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import Exchange, Flake, JourneyRun, OwnFault, Span
from pytest_sre.run.concluding import conclude_run
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.handover import Handover
from pytest_sre.run.outcomes import why_inconclusive
from pytest_sre.run.platforms import Platform
from pytest_sre.run.run import Run
from pytest_sre.targets import load_settings
from pytest_sre.verdict import Inconclusive, Verdict

PARTS = ("an answer", "none", "GET /v1/apps/shop/machines")


def test_a_failed_assertion_is_a_verdict_on_the_app():
    assert why_inconclusive(AssertionError("no order")) is None


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Inconclusive("no samples", cause="own dns"), "own dns"),
        (Unreachable(*PARTS), "platform Machines API"),
        (Forbidden(*PARTS), "own token"),
        (KeyError("x"), "own test: KeyError"),
    ],
)
def test_what_ends_a_judge_decides_nothing_about_the_app(error, cause):
    found = why_inconclusive(error)

    assert found is not None
    assert found.cause == cause


def test_what_another_process_is_told_arrives_as_it_was_sent():
    machines = {"shop": [["m1", "web-1", "iad", "web"]]}
    told = Handover("/x/run.sqlite", "/x/state", machines, 17.5, ["403", "own token"])

    assert Handover.from_text(told.to_text()) == told


def test_evidence_is_kept_and_recorded():
    recorded = []
    evidence = Evidence("test_x", recorded.append)
    one = Exchange(at=1.0, source="probe", app="shop", method="GET", url="http://shop/")
    flake = Flake(at=2.0, what="probe", attempts=2, first_failure="503")

    evidence.write(one)
    evidence.write(flake)

    assert evidence.exchanges == [one]
    assert recorded == [one, flake]


class SilentFly:
    """A platform that answers nothing."""

    def machines(self, _app: str) -> None:
        raise Unreachable(*PARTS)

    def record_calls(self, _write: object) -> None:
        """Nothing is called, so nothing is told."""

    def releases(self, _app: str, **_: int) -> None:
        raise Unreachable(*PARTS)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "fly.toml").write_text('app = "shop"\n', encoding="utf-8")
    settings = load_settings(tmp_path, "prod")
    recorder = Recorder(tmp_path / "run.sqlite")
    platform = Platform(SilentFly(), {"shop": "http://shop"}, "", 0.0, lambda: None)
    run = Run.begin(settings, platform, recorder, None)
    yield run
    run.end()


def test_a_platform_that_does_not_answer_makes_the_run_inconclusive_and_names_it(run):
    conclusion, seen = conclude_run(
        run, [], {"health": Tally(healthy=5)}, was_cut=False, looked=True
    )

    assert conclusion.verdict is Verdict.INCONCLUSIVE
    (gap,) = conclusion.gaps
    assert "GET /v1/apps/shop/machines" in gap
    assert [fault.cause for fault in run.recording.rows(OwnFault)] == ["platform Machines API"]
    assert seen.releases == ("shop on prod, no Machine",)
    with pytest.raises(Inconclusive):
        run.machine(None)
    with pytest.raises(Inconclusive):
        run.app(None)


def test_a_run_that_was_cut_short_or_lost_part_of_its_recording_is_not_healthy(run):
    run.own_fault = None
    well = {"health": Tally(healthy=5)}

    whole, _ = conclude_run(run, [], well, was_cut=False, looked=True)
    cut, _ = conclude_run(run, [], well, was_cut=True, looked=True)
    run.recorder.error = OSError("disk full")
    torn, _ = conclude_run(run, [], well, was_cut=False, looked=True)

    assert whole.verdict is Verdict.HEALTHY
    assert (cut.verdict, torn.verdict) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    assert cut.gaps == ("the run was stopped before its end",)
    assert torn.gaps == ("the recording is not whole: disk full",)


def test_a_journey_that_failed_now_and_then_is_named(run):
    run.own_fault = None
    walks = {"browse": [True, False, True], "checkout": [True, True], "refund": [False]}
    for name, ends in walks.items():
        for ok in ends:
            row = JourneyRun(
                at=5.0, source="bake", app="shop", journey=name, ok=ok, error="" if ok else "500"
            )
            run.recorder.write(row)
    run.recorder.write(Span(at=0.0, name=SPAN, ended_at=10.0))
    _, seen = conclude_run(run, [], {}, was_cut=False, looked=True)

    assert seen.flakes == ("journey browse failed 1 of 3 times in the bake, first: 500",)
