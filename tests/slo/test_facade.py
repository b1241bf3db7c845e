"""``slo.availability(0.999).check(bake)``: what a test states, and what it is told."""

import pytest

from pytest_sre.bake.window import Bake
from pytest_sre.slo.budget import Budget
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.facade import Slo
from pytest_sre.slo.judging import check_objective
from pytest_sre.slo.measuring import Measured, Part
from pytest_sre.targets import BakeSettings
from pytest_sre.targets.errors import ConfigError
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict
from tests.measuring.conftest import objective
from tests.measuring.test_events import NOW, asked, walked

CHECKOUT = objective(name="checkout")


def bake(exchanges, runs=()):
    return Bake.of(BakeSettings(10.0), NOW - 10, NOW, exchanges, runs)


def measured(bad, total, **more):
    told = {"from_at": NOW - 10, "until_at": NOW, "told_by": "requests of this run"}
    return Measured(counts=Counts(bad, total), **{**told, **more})


@pytest.fixture
def slo():
    def budget(wanted):
        return Budget(
            objective=wanted.name,
            allowed_ratio=wanted.allowed_ratio,
            counts=Counts(5, 1000),
            window_s=wanted.window_s,
        )

    return Slo([CHECKOUT], lambda _: measured(0, 1000), budget, {"m1": "web-iad-m1"})


def test_a_bake_that_shows_it_meets_an_objective(slo):
    judgement = slo.availability(0.99).check(bake([asked()] * 400))

    assert judgement.verdict is ObjectiveVerdict.MET


def test_a_breach_says_what_was_seen_and_where(slo):
    rows = [asked(ok=n % 2 == 0, machine=f"m{n % 2}") for n in range(400)]

    with pytest.raises(AssertionError) as raised:
        slo.availability(0.99).check(bake([*rows, asked(ok=False, own_fault=True)]))

    first, origin, machines = str(raised.value).splitlines()
    assert first.startswith("availability: BREACHED: 200 of 400 bad")
    assert origin == (
        "told by requests of this run, 2025-06-15 15:06:30 to 15:06:40 UTC; "
        "1 more failed on our side"
    )
    assert machines == "bad by Machine: web-iad-m1 200 of 200"


def test_too_few_requests_decide_nothing_and_it_is_said_how_many_would(slo):
    with pytest.raises(Inconclusive, match="2,895 more good ones would settle it") as raised:
        slo.availability(0.999).check(bake([asked()] * 100))

    *_, beforehand = str(raised.value).splitlines()
    assert beforehand.startswith("a run observes at most 100 events, and 99.9 % can be shown with")


def test_latency_is_the_share_of_answers_in_time(slo):
    fast, slow = [asked(total_s=0.1)] * 400, [asked(total_s=0.3)] * 40

    slo.latency(p=99, below="250ms").check(bake(fast))
    with pytest.raises(AssertionError, match="latency-p99: BREACHED: 40 of 440"):
        slo.latency(p=99, below=0.25).check(bake([*fast, *slow]))


def test_traffic_is_checked_as_a_bake_is(slo):
    slo.availability(0.99).check(bake([asked()] * 400).traffic)


def test_journeys_are_correct(slo):
    with pytest.raises(AssertionError, match="correctness: BREACHED"):
        slo.correctness(0.9).check(bake([], [walked(ok=False)] * 5))


def test_an_objective_of_the_target_is_measured_by_its_own_source(slo):
    assert slo.objective("checkout").check().verdict is ObjectiveVerdict.MET
    assert slo.objective("checkout").judge(bake([asked()])).total == 1
    assert slo.budget("checkout").remaining == pytest.approx(0.5)


def test_a_name_that_is_none_is_answered_with_the_nearest(slo):
    with pytest.raises(ConfigError, match="checkout"):
        slo.objective("chekout")


@pytest.mark.parametrize("good_ratio", [0.0, 1.0, 99.9, -0.1, float("nan")])
def test_an_objective_that_no_sample_can_show_is_refused(slo, good_ratio):
    """G14: a goal of 100 % has no budget that could burn."""
    with pytest.raises(ValueError, match="expected an objective between 0 and 1"):
        slo.availability(good_ratio)


@pytest.mark.parametrize(("p", "below"), [(100, "1s"), (0, "1s"), (99, "0s"), (99, "fast")])
def test_a_percentile_that_is_none_is_refused(slo, p, below):
    with pytest.raises(ValueError, match="expected"):
        slo.latency(p=p, below=below)


def test_nothing_measured_is_not_100_percent():
    """G17."""
    with pytest.raises(Inconclusive, match="nothing was measured, which is not taken for good"):
        check_objective(CHECKOUT, measured(0, 0))


def test_faults_of_our_own_are_no_events():
    with pytest.raises(Inconclusive, match="all 7 events failed on our side") as raised:
        check_objective(CHECKOUT, measured(0, 0, own_faults=7))
    assert raised.value.cause == "own network"


def test_missing_days_keep_an_objective_from_being_met_but_not_from_being_breached():
    """G15: a gap in the SLI is no good day."""
    gap = {"missing_days": ("2026-03-01", "2026-03-02")}

    with pytest.raises(Inconclusive, match="of 2 days, 2026-03-01 the first, nothing is known"):
        check_objective(CHECKOUT, measured(0, 10**6, **gap))
    with pytest.raises(AssertionError, match="BREACHED"):
        check_objective(CHECKOUT, measured(10**5, 10**6, **gap))


def test_a_message_has_four_lines_at_most():
    parts = tuple(Part(f"m{n}", "iad", Counts(9, 10)) for n in range(50))
    notes = tuple(f"note {n}" for n in range(5))

    with pytest.raises(AssertionError) as raised:
        check_objective(CHECKOUT, measured(450, 500, parts=parts, notes=notes))

    assert len(str(raised.value).splitlines()) == 4
