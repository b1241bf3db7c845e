"""Results: only the steady phase is judged, and what cannot carry a verdict says so itself."""

import dataclasses

import msgspec
import pytest

from pytest_sre.load.frames import Health, Tally
from pytest_sre.load.plan import Closed, LoadPlan, constant
from pytest_sre.load.result import LoadResult
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.facade import Slo
from pytest_sre.slo.histogram import index_of
from pytest_sre.targets.objectives import Objective, Observed
from pytest_sre.verdict import Inconclusive

RATE, SECONDS, WARM_UP = 100, 10, 2
FAST, SLOW = index_of(0.010), index_of(0.500)


def second(number: int, **changes) -> Tally:
    """A second in which all is well."""
    row = {"planned": RATE, "started": RATE, "done": RATE, "intended": {FAST: RATE}}
    return Tally(second=number, journey="buy", **row | {"sent": {FAST: RATE}} | changes)


def requested(rows: list[Tally]) -> list[Tally]:
    """Journeys of one request each, and these requests."""
    return [*rows, *(msgspec.structs.replace(row, request="GET /", planned=0) for row in rows)]


def result(rows=None, **changes) -> LoadResult:
    plan = LoadPlan(workload=constant(RATE, SECONDS), mix={"buy": 1.0}, warm_up_s=float(WARM_UP))
    rows = requested([second(n) for n in range(SECONDS)]) if rows is None else rows
    made = LoadResult(
        plan=plan,
        base_url="http://127.0.0.1:1",
        started_at=0.0,
        ended_at=10.0,
        reason="complete",
        tallies=tuple(rows),
    )
    return dataclasses.replace(made, **changes)


def test_a_load_as_planned_is_beyond_doubt():
    made = result()

    made.require_conclusive()
    assert made.runs().rate_per_s == RATE
    assert made.runs().percentile_s(99) == pytest.approx(0.010, rel=0.001)


def test_the_warm_up_is_shown_and_not_judged():
    cold = [second(number, intended={SLOW: RATE}) for number in range(WARM_UP)]
    made = result([*cold, *(second(number) for number in range(WARM_UP, SECONDS))])

    assert made.runs().started == RATE * (SECONDS - WARM_UP)
    assert made.runs().percentile_s(100) < 0.011
    assert made.series[0].percentile_s(50) == pytest.approx(0.5, rel=0.001)
    assert len(made.series) == SECONDS


def test_failures_count_with_the_time_they_took_and_faults_of_ours_do_not():
    failing = [
        second(number, failed=30, own_faults=20, intended={FAST: 50}, failed_after={SLOW: 30})
        for number in range(SECONDS)
    ]

    whole = result(failing).runs()

    assert whole.judged == 8 * 80
    assert whole.error_ratio == pytest.approx(30 / 80)
    assert whole.percentile_s(99) == pytest.approx(0.5, rel=0.001)
    assert whole.sent_percentile_s(99) == pytest.approx(0.01, rel=0.001)


def test_requests_are_told_apart_by_name_and_journey():
    rows = [
        Tally(second=3, journey=journey, request=request, started=1, done=1, intended={FAST: 1})
        for journey in ("buy", "look")
        for request in ("GET /", "POST /carts")
    ]
    made = result([*rows, second(3)])

    assert made.request_names == ("GET /", "POST /carts")
    assert made.requests().done == 4
    assert made.requests("GET /").done == 2
    assert made.requests("GET /", journey="look").done == 1
    assert made.runs().done == RATE


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (result([]), "no samples"),
        (result([second(n, done=0, intended={}) for n in range(SECONDS)]), "no samples"),
        (
            result([second(n, started=90, done=90, planned=100) for n in range(SECONDS)]),
            "planned rate was not reached: 720 of 800",
        ),
        (
            result([second(n, started=99, done=99, dropped=1) for n in range(SECONDS)]),
            "8 of 800 arrivals were dropped: 1000 were in flight already",
        ),
        (
            result(
                [second(n, late=10) for n in range(SECONDS)],
                health=(Health(lag_s=0.25, cpu_ratio=0.99),),
            ),
            r"could not keep up: 80 of 800 .* late; it was held up for 250 ms, and used 99% of a",
        ),
        (
            result([second(n, late=10) for n in range(SECONDS)], laggards=("worker 2 (9 of 9)",)),
            r"80 of 800 arrivals began late, those of worker 2 \(9 of 9\); it was held up",
        ),
        (result([second(n, own_faults=2) for n in range(SECONDS)]), "faults on our side"),
        (result(troubles=("worker 1 died",)), "worker 1 died"),
        (
            result([second(n) for n in range(4)], reason="stopped", detail="told to"),
            r"ended after 4 of 10 s: stopped \(told to\)",
        ),
    ],
    ids=["nothing", "no end", "slow", "dropped", "late", "laggard", "own", "died", "stopped"],
)
def test_what_the_load_cannot_show_never_passes(made, told):
    with pytest.raises(Inconclusive, match=told) as caught:
        made.require_conclusive()
    assert caught.value.cause == "load generator"


def test_few_late_arrivals_and_few_faults_of_ours_are_borne():
    result([second(n, late=4, own_faults=1) for n in range(SECONDS)]).require_conclusive()


def test_a_load_of_users_has_no_rate_to_reach():
    plan = LoadPlan(workload=Closed(users=5, duration_s=10), locustfile="locustfile.py")
    rows = [Tally(second=n, journey="Shopper", request="GET /", started=1, done=1) for n in (1, 2)]

    result(rows, plan=plan).require_conclusive()
    with pytest.raises(Inconclusive, match="no samples"):
        result([], plan=plan).require_conclusive()


def test_reading_a_part_that_has_no_samples_is_inconclusive():
    lost = [second(3, done=5, own_faults=5)]

    with pytest.raises(Inconclusive, match="no samples"):
        result([]).runs().percentile_s(99)
    with pytest.raises(Inconclusive, match=r"all 5 .* on our side"):
        assert result(lost).runs().error_ratio
    with pytest.raises(Inconclusive, match="no good answer"):
        result([]).runs().sent_percentile_s(99)


def slo() -> Slo:
    return Slo([], None, None)


def test_an_objective_is_met_by_a_load_as_planned():
    made = result()

    assert slo().availability(0.99).check(made).total == 800
    assert slo().latency(p=99, below="250ms").check(made).bad == 0


def test_latency_counts_from_when_a_request_was_due_and_a_fast_failure_is_not_good():
    late = [second(n, intended={SLOW: RATE}, sent={FAST: RATE}) for n in range(SECONDS)]
    broken = [second(n, failed=RATE, intended={}, failed_after={FAST: RATE}) for n in range(10)]

    for rows in (late, broken):
        with pytest.raises(AssertionError, match="BREACHED: 800 of 800"):
            slo().latency(p=99, below="250ms").check(result(requested(rows)))


def test_what_a_doubtful_load_saw_can_break_an_objective_and_never_meet_it():
    half = [second(n, started=50, dropped=50, done=50, intended={FAST: 50}) for n in range(10)]
    bad = [second(n, started=50, dropped=50, done=50, failed=50, intended={}) for n in range(10)]

    with pytest.raises(Inconclusive, match=r"400 of 800 arrivals were dropped[\s\S]*MET: 0 of 400"):
        slo().availability(0.99).check(result(requested(half)))
    with pytest.raises(AssertionError, match="BREACHED: 400 of 400"):
        slo().availability(0.99).check(result(requested(bad)))


def test_a_load_without_samples_meets_nothing():
    with pytest.raises(Inconclusive, match="nothing was measured"):
        slo().availability(0.5).check(result([]))


def test_latencies_in_the_bucket_of_the_threshold_decide_nothing():
    made = result(requested([second(n, intended={SLOW: RATE}) for n in range(SECONDS)]))

    with pytest.raises(Inconclusive, match="800 of 800 were too close to the threshold"):
        slo().latency(p=99, below=0.5001).check(made)


def test_an_objective_of_one_path_counts_the_requests_named_so():
    rows = [
        Tally(second=3, journey="buy", request=request, started=1, done=1, failed=failed)
        for request, failed in (("GET /orders/{id}", 1), ("GET /", 0))
    ]
    source = Observed(path="/orders/17")
    orders = Objective(
        name="orders", kind="availability", source=source, good_ratio=0.9, window_s=0
    )

    assert result(rows).measure(orders).counts == Counts(1, 1)


def test_what_a_load_cannot_tell_is_not_asked_of_it():
    fresh = Objective(name="fresh", kind="freshness", source=Observed(), good_ratio=0.9, window_s=0)

    with pytest.raises(Inconclusive, match="fresh: a load does not tell about freshness"):
        result().measure(fresh)


def test_slow_answers_to_a_late_generator_are_not_the_apps():
    rows = requested([second(n, late=RATE // 2, intended={SLOW: RATE}) for n in range(SECONDS)])

    with pytest.raises(Inconclusive, match="latency-p99: the load generator could not keep up"):
        Slo([], lambda _: None, lambda _: None).latency(p=99, below="100ms").check(result(rows))


def test_a_failed_assertion_on_a_load_stays_readable():
    """pytest shows values as they show themselves; a table of the load is shown beside."""
    made = result(requested([second(n, failed=5) for n in range(SECONDS)]))

    assert repr(made) == "<load of buy: complete>"
    assert repr(made.runs()) == "<800 begun, 40 of 800 failed>"
