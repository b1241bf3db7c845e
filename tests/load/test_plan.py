"""Plans of load: arrivals come as planned, whoever makes them, and nonsense is refused."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.load.plan import (
    Caps,
    Closed,
    LoadPlan,
    Open,
    Stage,
    arrival_times,
    arrivals,
    constant,
    shortened,
)

rates = st.floats(0, 40)
stages = st.lists(
    st.builds(Stage, duration_s=st.floats(0.1, 3), from_rate=rates, to_rate=st.none() | rates),
    min_size=1,
    max_size=3,
).map(tuple)


def plan(workload=None, **changes) -> LoadPlan:
    return LoadPlan(**{"workload": workload or constant(10, 10), "mix": {"buy": 1.0}} | changes)


@given(stages)
def test_even_arrivals_are_as_many_as_planned_and_in_order(stages):
    workload = Open(stages=stages)

    times = [*arrival_times(workload, seed=1)]

    assert len(times) == pytest.approx(workload.expected_by(workload.duration_s), abs=1)
    assert times == sorted(times)
    assert all(0 <= at_s <= workload.duration_s for at_s in times)


@given(stages, st.floats(0, 1))
def test_even_arrivals_keep_to_the_planned_rate_at_all_times(stages, share):
    workload = Open(stages=stages)
    until_s = workload.duration_s * share

    begun = sum(at_s < until_s for at_s in arrival_times(workload, seed=1))

    assert begun == pytest.approx(workload.expected_by(until_s), abs=1.001)


@given(rates.filter(lambda rate: rate > 0.5))
def test_a_constant_rate_is_spaced_evenly(rate):
    times = [*arrival_times(constant(rate, 4), seed=1)]

    assert times[0] == 0
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == pytest.approx([1 / rate] * len(gaps), rel=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.7, 1 / 3, 200], ids=str)
def test_rounding_neither_adds_nor_loses_an_arrival(rate):
    assert len([*arrival_times(constant(rate, 30), seed=1)]) == math.ceil(rate * 30 - 1e-6)


def test_poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process():
    ramp = Stage(duration_s=50, from_rate=0, to_rate=400)
    workload = Open(stages=(ramp, Stage(duration_s=50, from_rate=400)), spacing="poisson")

    times = [*arrival_times(workload, seed=7)]

    gaps = [later - earlier for earlier, later in itertools.pairwise(times) if earlier > 50]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    # Five deviations of the counts, which are Poisson themselves.
    assert sum(at_s < 50 for at_s in times) == pytest.approx(10_000, abs=500)
    assert len(gaps) == pytest.approx(20_000, abs=710)
    assert deviation / mean == pytest.approx(1, abs=0.04)


@given(stages=stages, share=st.floats(0.01, 1.0))
def test_a_shortened_plan_is_the_same_until_then(stages, share):
    whole = Open(stages=stages)
    until_s = share * whole.duration_s

    made = shortened(plan(whole), until_s).workload

    assert made.duration_s == pytest.approx(until_s)
    for part in (0.3, 0.7, 1.0):
        expected = whole.expected_by(part * until_s)
        assert made.expected_by(part * until_s) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_the_same_seed_makes_the_same_load_and_another_another():
    def made(seed):
        workload = constant(50, 2, spacing="poisson")
        return [*arrivals(plan(workload, mix={"buy": 2.0, "look": 8.0}, seed=seed))]

    assert made(1) == made(1)
    assert made(1) != made(2)


@given(st.integers(1, 7), st.sampled_from(["even", "poisson"]))
def test_several_workers_make_the_load_of_one(workers, spacing):
    whole = plan(constant(20, 5, spacing=spacing), mix={"buy": 1.0, "look": 3.0})

    parts = [arrivals(whole, worker=one, workers=workers) for one in range(workers)]

    assert sorted(itertools.chain(*parts), key=lambda one: one.at_s) == [*arrivals(whole)]


def test_journeys_are_mixed_by_weight():
    mixed = [*arrivals(plan(constant(1000, 10), mix={"browse": 8.0, "checkout": 2.0}))]

    share = sum(one.journey == "browse" for one in mixed) / len(mixed)
    assert share == pytest.approx(0.8, abs=0.02)


def test_warm_up_ramps_and_what_comes_after_the_end_are_not_judged():
    ramp = Stage(duration_s=2, from_rate=0, to_rate=10, is_judged=False)
    workload = Open(stages=(ramp, Stage(duration_s=4, from_rate=10)))

    steady = plan(workload, warm_up_s=3)

    assert [*filter(steady.is_judged, range(10))] == [3, 4, 5]
    assert steady.judged_arrivals == pytest.approx(30)
    closed = plan(Closed(users=5, duration_s=6, ramp_s=2))
    assert [*filter(closed.is_judged, range(10))] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Open(stages=()), "at least one stage"),
        (lambda: constant(-1, 10), "rate as a number of at least 0, found -1"),
        (lambda: constant(math.nan, 10), "found nan"),
        (lambda: constant(1, 0), "duration as a number above 0, found 0"),
        (lambda: Closed(users=0, duration_s=1), "users as a number above 0"),
        (lambda: Closed(users=1, duration_s=1, ramp_s=1), "ramp shorter than the load"),
        (lambda: plan(mix={}), "journeys or a locustfile"),
        (lambda: plan(locustfile="x.py"), "found both or neither"),
        (lambda: plan(mix={}, locustfile="x.py"), "users for a locustfile"),
        (lambda: plan(mix={"buy": 0.0}), "weight of 'buy'"),
        (lambda: plan(warm_up_s=10.0), "nothing would be judged"),
        (lambda: plan(timeout_s=0.0), "request timeout"),
        (lambda: plan(caps=Caps(rate_per_s=5)), "at most 5 arrivals a second, found 10"),
        (lambda: plan(caps=Caps(duration_s=5)), "a load of at most 5 s, found 10 s"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()
