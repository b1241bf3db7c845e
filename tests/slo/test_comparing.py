"""A release is called no worse, or worse, than another only when the samples show it."""

import itertools
import math
import random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_sre.slo import kayenta
from pytest_sre.slo.comparing import (
    PairSequence,
    Relation,
    _hoeffding,
    _t_quantile,
    compare_latencies,
    compare_percentiles,
    compare_ratios,
)
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.histogram import LatencyHistogram
from pytest_sre.slo.percentiles import Samples
from pytest_sre.slo.placements import place
from pytest_sre.verdict import Verdict

NO_WORSE, WORSE, CANNOT_TELL = Relation.NO_WORSE, Relation.WORSE, Relation.CANNOT_TELL


@st.composite
def counts(draw, largest=10**6):
    total = draw(st.integers(0, largest))
    return Counts(draw(st.integers(0, total)), total)


values = st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 0.9, 2.0]), min_size=2, max_size=40)


@given(counts(), counts(), st.floats(0, 0.5), st.booleans())
def test_an_effect_lies_within_its_bounds_and_decides_by_them(new, old, margin, anytime):
    found = compare_ratios(new, old, margin, anytime=anytime)

    assert found.lower - 1e-12 <= (found.effect or 0) <= found.upper + 1e-12
    if found.effect is None:
        assert found.relation is CANNOT_TELL
    else:
        assert (found.relation is NO_WORSE) == (found.upper <= margin)
        assert (found.relation is WORSE) == (found.lower > margin)


@given(counts(10**4).filter(lambda c: c.total), counts(10**4).filter(lambda c: c.total))
def test_bounds_are_mirrored_when_the_releases_change_places(new, old):
    there, back = compare_ratios(new, old, 0), compare_ratios(old, new, 0)

    assert (there.lower, there.upper) == pytest.approx((-back.upper, -back.lower))


def risk_of(relation: Relation, sizes: tuple[int, int], ratios: tuple[float, float]) -> float:
    """The exact probability of a relation, at a margin that is the true difference."""
    margin = ratios[0] - ratios[1]
    chances = [
        [stats.binom.pmf(k, n, p) for k in range(n + 1)] for n, p in zip(sizes, ratios, strict=True)
    ]
    return sum(
        chances[0][new] * chances[1][old]
        for new, old in itertools.product(range(sizes[0] + 1), range(sizes[1] + 1))
        if compare_ratios(Counts(new, sizes[0]), Counts(old, sizes[1]), margin).relation is relation
    )


@pytest.mark.parametrize("sizes", [(20, 20), (10, 40), (40, 10)])
@pytest.mark.parametrize("ratios", [(0.1, 0.1), (0.05, 0.01), (0.4, 0.2), (0.9, 0.85)])
@pytest.mark.parametrize("relation", [NO_WORSE, WORSE])
def test_at_the_margin_either_answer_is_as_rare_as_the_risk(sizes, ratios, relation):
    assert risk_of(relation, sizes, ratios) <= 0.05


def test_clean_small_samples_show_no_more_than_the_rule_of_three():
    assert compare_ratios(Counts(0, 100), Counts(0, 100), 0.01).relation is CANNOT_TELL
    assert compare_ratios(Counts(0, 300), Counts(0, 10), 0.01).relation is NO_WORSE
    assert compare_ratios(Counts(20, 100), Counts(1, 100), 0.01).relation is WORSE


def test_comparing_again_and_again_keeps_the_risk_only_with_bounds_for_all_times():
    rng, wrong = random.Random(11), {True: 0, False: 0}
    for _ in range(40):
        bad = {side: [rng.random() < 0.2 for _ in range(600)] for side in ("new", "old")}
        for anytime in wrong:
            wrong[anytime] += any(
                compare_ratios(
                    Counts(sum(bad["new"][:n]), n),
                    Counts(sum(bad["old"][:n]), n),
                    0,
                    anytime=anytime,
                ).relation
                is not CANNOT_TELL
                for n in range(60, 601, 60)
            )

    assert wrong[True] / 40 <= 0.1 < wrong[False] / 40


def test_bounds_for_all_times_decide_too():
    assert compare_ratios(Counts(80, 400), Counts(4, 400), 0.01, anytime=True).relation is WORSE
    big = Counts(100, 100_000)
    assert compare_ratios(big, big, 0.005, anytime=True).relation is NO_WORSE


@given(values, values)
def test_the_probability_to_be_slower_is_that_of_mann_and_whitney(new, old):
    theirs = stats.mannwhitneyu(new, old).statistic / (len(new) * len(old))
    placed = place(Samples.of(new), Samples.of(old))

    assert placed.slower == pytest.approx(theirs)
    assert compare_latencies(Samples.of(new), Samples.of(old), 0).effect == placed.slower


@given(values, values)
def test_its_variance_is_that_of_brunner_and_munzel(new, old):
    placed = place(Samples.of(new), Samples.of(old))

    if placed.variance > 1e-12:
        theirs = stats.brunnermunzel(old, new)
        ours = (placed.slower - 0.5) / math.sqrt(placed.variance)
        assert ours == pytest.approx(theirs.statistic, rel=1e-6, abs=1e-9)
        assert 2 * stats.t.sf(abs(ours), placed.freedom) == pytest.approx(theirs.pvalue, rel=1e-6)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.01])
@pytest.mark.parametrize("freedom", [9, 20, 1000.5])
def test_quantiles_of_student_are_those_of_scipy(alpha, freedom):
    assert _t_quantile(alpha, freedom) == pytest.approx(stats.t.isf(alpha, freedom), rel=2e-3)


def test_few_samples_that_do_not_overlap_still_have_an_interval():
    found = compare_latencies(Samples.of([5.0, 6.0, 7.0]), Samples.of([1.0, 2.0, 3.0]), 0)

    assert found.effect == 1.0
    # As three heads in a row: the coin may be as bad as the cube root of the risk.
    assert found.lower == pytest.approx(0.05 ** (1 / 3), rel=1e-6)
    assert found.relation is CANNOT_TELL if found.lower <= 0.5 else WORSE
    assert _hoeffding(place(Samples.of([1.0]), Samples.of([1.0])), 0.05)[0] < 0.1


def test_a_release_that_is_slower_is_found_and_an_equal_one_accepted():
    rng = random.Random(2)
    old = LatencyHistogram.of(rng.lognormvariate(-2, 0.5) for _ in range(4000))
    same = LatencyHistogram.of(rng.lognormvariate(-2, 0.5) for _ in range(4000))
    slow = LatencyHistogram.of(1.5 * rng.lognormvariate(-2, 0.5) for _ in range(4000))

    assert compare_latencies(same, old, 0.05).relation is NO_WORSE
    assert compare_latencies(slow, old, 0.05).relation is WORSE
    for anytime in (False, True):
        assert compare_percentiles(same, old, 50, 0.2, anytime=anytime).relation is NO_WORSE
        assert compare_percentiles(slow, old, 95, 0.1, anytime=anytime).relation is WORSE
    assert compare_percentiles(same, old, 99.99, 0.1).relation is CANNOT_TELL


def test_pairs_are_compared_after_each_of_them():
    rng = random.Random(4)
    pairs = [(1.3 * rng.lognormvariate(0, 0.3), rng.lognormvariate(0, 0.3)) for _ in range(600)]
    begun = PairSequence.begin(0.05)
    seen = begun.fold(pairs)

    assert begun.comparison.relation is CANNOT_TELL
    assert seen.comparison.relation is WORSE
    assert seen == begun.fold(pairs[:100]).fold(pairs[100:])
    truth = NormalDist(math.log(1.3), 0.3 * math.sqrt(2)).cdf(0)
    assert seen.comparison.lower <= 1 - truth <= seen.comparison.upper
    assert PairSequence.begin(0.05).fold([(1.0, 1.0)] * 2000).comparison.relation is NO_WORSE


def test_no_samples_on_a_side_never_tell():
    nothing, some = LatencyHistogram(), LatencyHistogram.of([0.1] * 5000)
    found = [
        compare_ratios(Counts(0, 0), Counts(0, 9), 0.1),
        compare_ratios(Counts(0, 9), Counts(0, 0), 0.1, anytime=True),
        *(f(*sides, 0.4) for f in (compare_latencies,) for sides in ((nothing, some),)),
        compare_latencies(some, nothing, 0.4),
        compare_percentiles(nothing, some, 50, 0.5),
        compare_percentiles(some, nothing, 50, 0.5),
        PairSequence.begin(0.1).comparison,
    ]

    assert {one.relation for one in found} == {CANNOT_TELL}
    assert str(found[0]) == (
        "can't tell yet: difference of bad ratios unknown, accepted up to 0.1; "
        "0 new and 9 old samples"
    )


def test_a_comparison_reads_as_one_sentence_and_bears_on_the_release():
    assert str(compare_ratios(Counts(0, 300), Counts(0, 300), 0.01)) == (
        "no worse: difference of bad ratios 0, at least -0.009936 and at most 0.009936 "
        "with 95 % confidence each, accepted up to 0.01; 300 new and 300 old samples"
    )
    meanings = [one.of_release for one in (NO_WORSE, WORSE, CANNOT_TELL)]
    assert meanings == [Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.INCONCLUSIVE]


@pytest.mark.parametrize("margin", [-0.1, 1, math.nan, math.inf])
def test_a_margin_that_is_none_is_refused(margin):
    one = Samples.of([1.0])
    for ask in (
        lambda: compare_ratios(Counts(0, 1), Counts(0, 1), margin),
        lambda: compare_latencies(one, one, margin),
        lambda: compare_percentiles(one, one, 50, margin),
        lambda: PairSequence.begin(margin),
    ):
        with pytest.raises(ValueError, match="expected a margin"):
            ask()


def test_a_time_that_is_none_is_refused():
    with pytest.raises(ValueError, match="expected two times, found nan and 1"):
        PairSequence.begin(0.1).fold([(math.nan, 1.0)])


# What Kayenta lets pass.


def test_seven_of_ten_a_hundredfold_worse_pass_kayenta_and_not_us():
    new, old = [1.0] * 3 + [100.0] * 7, [1.0] * 10

    theirs = kayenta.classify(new, old)
    assert (theirs.label, theirs.upper) == ("Pass", pytest.approx(99))
    assert theirs.lower == pytest.approx(0, abs=1e-3)
    assert kayenta.classify([1.0] * 2 + [100.0] * 8, old).label == "High"

    assert compare_latencies(Samples.of(new), Samples.of(old), 0.05).relation is WORSE


def test_a_series_that_is_empty_passes_kayenta_and_not_us():
    assert kayenta.classify([], [1.0, 2.0], nan_strategy="replace").label == "Pass"
    assert kayenta.classify([], [1.0, 2.0]).label == "Nodata"

    empty = compare_latencies(Samples.of([]), Samples.of([1.0, 2.0]), 0.05)
    assert empty.relation is CANNOT_TELL


def test_a_group_without_any_data_scores_a_hundred_in_kayenta_and_tells_us_nothing():
    labels = [kayenta.classify([math.nan], [1.0]).label for _ in range(3)]

    assert labels == ["Nodata"] * 3
    assert kayenta.group_score(labels) == 100
    assert kayenta.group_score(["Pass", "High", "Nodata", "Pass"]) == pytest.approx(200 / 3)
    assert compare_ratios(Counts(), Counts(), 0.1).relation is CANNOT_TELL
