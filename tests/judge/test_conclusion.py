"""The laws of the verdict: healthy only when everything was asked, answered, and well."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.judge.conclusion import Tally, conclude
from pytest_sre.verdict import Verdict

few = st.integers(0, 3)
tallies = st.builds(
    Tally,
    healthy=few,
    unhealthy=few,
    inconclusive=few,
    skipped=few,
    not_asked=few,
    interrupted=few,
)
suites = st.dictionaries(st.sampled_from(["release", "health", "bake"]), tallies)
gaps = st.lists(st.sampled_from(["the run was stopped", "the recording is not whole"]), max_size=2)


@given(suites, gaps)
def test_healthy_means_something_was_judged_all_of_it_well_and_nothing_is_missing(found, missing):
    conclusion = conclude(found, [], gaps=missing)

    is_healthy = conclusion.verdict is Verdict.HEALTHY
    judged = sum(tally.judged for tally in found.values())
    well = sum(tally.healthy for tally in found.values())
    silent = [t for t in found.values() if not t.judged and t.skipped]
    cut = [t for t in found.values() if t.interrupted]
    assert is_healthy == bool(judged and judged == well and not (missing or silent or cut))
    assert not (is_healthy and conclusion.gaps)


@given(suites, gaps)
def test_one_unhealthy_test_makes_the_run_unhealthy_whatever_else_is_unsure(found, missing):
    conclusion = conclude(found, [], gaps=missing)

    broken = any(tally.unhealthy for tally in found.values())
    assert (conclusion.verdict is Verdict.UNHEALTHY) == broken


def test_a_run_in_which_nothing_was_tested_is_inconclusive_and_says_so():
    for found in ({}, {"edge": Tally(not_asked=3)}, {"edge": Tally()}):
        conclusion = conclude(found, [])

        assert conclusion.verdict is Verdict.INCONCLUSIVE
        assert conclusion.gaps == ("no test came to a verdict",)


def test_a_suite_that_was_skipped_wholly_is_a_gap_that_names_it():
    conclusion = conclude({"health": Tally(healthy=9), "edge": Tally(skipped=2)}, [])

    assert conclusion.verdict is Verdict.INCONCLUSIVE
    assert conclusion.gaps == ("nothing was tested in edge: 2 skipped",)


def test_a_suite_that_was_interrupted_is_a_gap_that_says_so():
    cut = Tally(interrupted=2)

    assert conclude({"edge": cut}, []).gaps == ("nothing was tested in edge: 2 interrupted",)
    assert conclude({"edge": replace(cut, healthy=1)}, []).gaps == ("2 interrupted in edge",)
    assert conclude({"edge": replace(cut, skipped=1)}, []).gaps == (
        "nothing was tested in edge: 1 skipped, 2 interrupted",
    )


def test_a_suite_that_does_not_apply_to_the_target_is_no_gap():
    conclusion = conclude({"health": Tally(healthy=9, skipped=1), "edge": Tally(not_asked=2)}, [])

    assert conclusion.verdict is Verdict.HEALTHY
    assert conclusion.gaps == ()


def test_a_gap_keeps_a_run_without_failures_from_being_healthy():
    conclusion = conclude({"health": Tally(healthy=9)}, [], gaps=["the recording is not whole"])

    assert conclusion.verdict is Verdict.INCONCLUSIVE
    assert conclusion.gaps == ("the recording is not whole",)
