"""Results: only the steady phase is judged, and what cannot carry a verdict says so itself."""

import dataclasses

import pytest

from pytest_sre.load.frames import Health, Tally
from pytest_sre.load.latencies import slot_of
from pytest_sre.load.plan import Closed, LoadPlan, constant
from pytest_sre.load.result import LoadResult
from pytest_sre.verdict import Inconclusive

RATE, SECONDS, WARM_UP = 100, 10, 2
FAST, SLOW = slot_of(0.010), slot_of(0.500)


def second(number: int, **changes) -> Tally:
    """A second in which all is well."""
    row = {"planned": RATE, "started": RATE, "done": RATE, "intended": {FAST: RATE}}
    return Tally(second=number, journey="buy", **row | {"sent": {FAST: RATE}} | changes)


def result(rows=None, **changes) -> LoadResult:
    plan = LoadPlan(workload=constant(RATE, SECONDS), mix={"buy": 1.0}, warm_up_s=float(WARM_UP))
    rows = rows if rows is not None else [second(number) for number in range(SECONDS)]
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
        (result([second(n, own_faults=2) for n in range(SECONDS)]), "faults on our side"),
        (result(troubles=("worker 1 died",)), "worker 1 died"),
        (
            result([second(n) for n in range(4)], reason="stopped", detail="told to"),
            r"ended after 4 of 10 s: stopped \(told to\)",
        ),
    ],
    ids=["nothing", "no end", "slow", "dropped", "late", "own", "died", "stopped"],
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
