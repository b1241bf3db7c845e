"""What a test reads of a bake: no claim beyond what was seen, no blame for our own faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.bake.progress import Progress
from pytest_sre.bake.window import Bake, Traffic
from pytest_sre.recording.rows import JourneyRun
from pytest_sre.targets import BakeSettings
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

BAD = {"ok": False, "status": 500}
OWN = {"ok": False, "status": 0, "own_fault": True, "error_kind": "dns"}


def bake_of(exchanges, runs=(), window_s=30.0) -> Bake:
    return Bake.of(BakeSettings(window_s), 1000.0, 1000.0 + window_s, exchanges, runs)


def test_traffic_through_the_whole_window_is_steady(exchange):
    bake_of([exchange(1000 + n / 2) for n in range(60)]).check_steady()


@pytest.mark.parametrize(
    ("first_s", "last_s"), [(0, 15), (15, 30)], ids=["stops-half-way", "begins-late"]
)
def test_traffic_in_half_the_window_does_not_vouch_for_the_other(exchange, first_s, last_s):
    good = [exchange(1000 + s / 4) for s in range(first_s * 4, last_s * 4)]

    with pytest.raises(Inconclusive, match=r"for 15\.\d of 30\.0 s of the bake no request"):
        bake_of(good).check_steady()


def test_requests_that_failed_on_our_side_are_not_traffic(exchange):
    good = [exchange(1000 + n / 2) for n in range(20)]
    lost = [exchange(1010 + n / 2, **OWN) for n in range(40)]

    with pytest.raises(Inconclusive, match="no request was made"):
        bake_of([*good, *lost]).check_steady()
    assert bake_of([*good, *lost]).error_ratio == 0


def test_a_short_pause_in_a_short_window_is_no_gap(exchange):
    bake_of([exchange(1000.0), exchange(1001.9)], window_s=2.0).check_steady()


def test_no_traffic_is_never_healthy():
    bake = bake_of([])

    for ask in (
        bake.check_steady,
        lambda: bake.error_ratio,
        lambda: bake.traffic.percentile_s(95),
        lambda: bake.traffic.check_not_worse(error_ratio=0.5, latency_p95_s=9),
        bake.check_journeys,
        lambda: bake.traffic.judge_errors(0.5).check("requests that failed"),
        lambda: bake.traffic.judge_latency(95, 9).check("slow requests"),
    ):
        with pytest.raises(Inconclusive):
            ask()


def test_when_everything_failed_on_our_side_the_cause_is_our_network(exchange):
    bake = bake_of([exchange(1000 + n, **OWN) for n in range(30)])

    with pytest.raises(Inconclusive, match="all 30 requests") as caught:
        bake.check_steady()
    assert caught.value.cause == "own network"
    assert bake.traffic.own_faults == 30


def test_percentiles_are_by_nearest_rank(exchange):
    # The example by which the method is usually shown: five values, ranks ceil(p/100 * 5).
    times = [15, 20, 35, 40, 50]
    traffic = bake_of([exchange(1000, total_s=t) for t in reversed(times)]).traffic

    found = [traffic.percentile_s(p) for p in (5, 30, 40, 50, 100)]
    assert found == [15, 20, 20, 35, 50]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50), st.floats(0.1, 100))
def test_a_percentile_is_a_value_that_was_seen_and_covers_its_share(exchange, times, percent):
    traffic = bake_of([exchange(1000, total_s=t) for t in times]).traffic
    found = traffic.percentile_s(percent)

    assert found in times
    covered = sum(t <= found for t in times)
    assert covered >= len(times) * percent / 100 - 1e-6


def test_errors_are_judged_by_what_the_sample_can_carry(exchange):
    def verdict(good: int, bad: int) -> ObjectiveVerdict:
        seen = [exchange(1000)] * good + [exchange(1000, **BAD)] * bad
        return bake_of(seen).traffic.judge_errors(0.01).verdict

    assert verdict(good=299, bad=0) is ObjectiveVerdict.MET
    assert verdict(good=298, bad=0) is ObjectiveVerdict.INCONCLUSIVE
    assert verdict(good=90, bad=10) is ObjectiveVerdict.BREACHED


def test_slow_answers_break_the_latency_objective_and_a_few_do_not(exchange):
    slow, fast = exchange(1000, total_s=1.2), exchange(1000)

    def judged(slow_ones: int) -> ObjectiveVerdict:
        seen = [slow] * slow_ones + [fast] * (200 - slow_ones)
        return bake_of(seen).traffic.judge_latency(95, 1.0).verdict

    assert judged(0) is ObjectiveVerdict.MET
    assert judged(10) is ObjectiveVerdict.INCONCLUSIVE
    assert judged(40) is ObjectiveVerdict.BREACHED


def test_own_faults_weigh_on_neither_errors_nor_latency(exchange):
    seen = [exchange(1000)] * 300 + [exchange(1000, **OWN, total_s=60.0)] * 300
    traffic: Traffic = bake_of(seen).traffic

    assert traffic.judge_errors(0.01).verdict is ObjectiveVerdict.MET
    assert traffic.judge_latency(95, 1.0).verdict is ObjectiveVerdict.MET


def test_few_samples_break_no_objective_but_a_clear_failure_does(exchange):
    limits = {"error_ratio": 0.01, "latency_p95_s": 1.0}

    bake_of([exchange(1000)] * 3).traffic.check_not_worse(**limits)
    with pytest.raises(AssertionError, match="requests that failed: BREACHED: 20 of 20"):
        bake_of([exchange(1000, **BAD)] * 20).traffic.check_not_worse(**limits)
    with pytest.raises(AssertionError, match="requests slower than 1 s: BREACHED: 20 of 20"):
        bake_of([exchange(1000, total_s=2.0)] * 20).traffic.check_not_worse(**limits)


def walked(ok: bool, **given) -> JourneyRun:
    return JourneyRun(at=1000, source="bake", app="shop", journey="buy", ok=ok, **given)


def test_journeys_whose_assertions_fail_are_failures_though_every_answer_was_well(exchange):
    seen = [exchange(1000, journey="buy", status=404)] * 20
    runs = [walked(ok=False, error="AssertionError: no order")] * 20

    with pytest.raises(AssertionError, match=r"journeys that failed: BREACHED: 20 .*buy:.*order"):
        bake_of(seen, runs).check_journeys()


def test_journeys_that_failed_on_our_side_are_not_held_against_the_app(exchange):
    runs = [walked(ok=True), *[walked(ok=False, own_fault=True)] * 50]

    bake_of([exchange(1000, journey="buy")], runs).check_journeys()


def test_health_checks_and_journeys_are_told_apart(exchange):
    bake = bake_of([exchange(1000), exchange(1001, journey="buy"), exchange(1002)])

    sizes = [len(part.exchanges) for part in (bake.traffic, bake.endpoints, bake.journeys)]
    assert sizes == [3, 2, 1]


def test_the_progress_line_says_how_far_how_many_how_fast(exchange):
    progress = Progress(window_s=30, started_at=1000)
    for n in range(100):
        progress.add(exchange(1000, total_s=n / 1000, ok=n != 0))

    assert progress.line(1012) == "bake 12 of 30 s, 100 requests, 1 failed, p95 94 ms"
    assert progress.line(1099).startswith("bake 30 of 30 s")
    assert Progress(window_s=30).line(0) == "bake 0 of 30 s, 0 requests, 0 failed, p95 0 ms"
