"""Of what a run saw, an incident's log gets what is not as it was, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.incidents.changes import find_changes
from pytest_sre.incidents.memory import KnownCause
from pytest_sre.issues.events import Sign

AT = 1_800_000_000.0
NAMES = "abcd"
REGIONS = ["ams", "iad", "nrt"]


def sign(name, *regions):
    return Sign(name * 16, f"cause {name}", "critical", (f"test_{name}",), ("shop",), regions)


def cause(name, *regions, is_failing=True):
    return KnownCause(name * 16, f"cause {name}", (f"test_{name}",), regions, is_failing)


@pytest.mark.parametrize(
    ("known", "signs", "passed", "said"),
    [
        (cause("a", "ams", "iad"), sign("a", "iad"), "", "recovered in ams, still failing in iad"),
        (cause("a", "ams"), sign("a", "ams", "iad"), "", "still failing in ams, now also failing in iad"),  # noqa: E501
        (cause("a", "ams"), sign("a", "iad"), "", "recovered in ams, now also failing in iad"),
        (cause("a", "ams"), None, "a", "recovered in ams"),
        (cause("a"), None, "a", "recovered"),
        (cause("a", is_failing=False), sign("a", "nrt"), "", "failing again in nrt"),
        (cause("a", "ams"), sign("a", "ams"), "", None),
        (cause("a", "ams"), None, "", None),
        (cause("a", is_failing=False), None, "a", None),
    ],
    ids=[
        "well in one region",
        "worse in another",
        "elsewhere",
        "well in its region",
        "well everywhere",
        "back",
        "as it was",
        "not tested",
        "well as before",
    ],
)  # fmt: skip
def test_what_changed_is_said(known, signs, passed, said):
    found = find_changes(
        [known], [signs] if signs else [], [], frozenset(f"test_{n}" for n in passed), AT
    )

    assert found.said == ((f"{said}: cause a",) if said else ())


def test_a_cause_that_joins_is_named_with_its_place():
    new = sign("b", "ams")

    found = find_changes([cause("a", "ams")], [sign("a", "ams"), new], [new], frozenset(), AT)

    assert found.said == ("also failing: cause b in ams",)
    assert [each.fingerprint[0] for each in found.causes] == ["a", "b"]


def test_foreign_words_in_a_title_do_nothing():
    new = Sign("e" * 16, "@eve fixes #3 <!-- x -->", "critical", (), (), ())

    (said,) = find_changes([], [new], [new], frozenset(), AT).said

    assert "@eve" not in said
    assert "#3" not in said
    assert "<!--" not in said


regions = st.lists(st.sampled_from(REGIONS), unique=True)
runs = st.tuples(
    st.dictionaries(st.sampled_from(NAMES), regions),
    st.frozensets(st.sampled_from(NAMES)),
)


@given(sequence=st.lists(runs, max_size=6))
def test_the_log_tells_all_and_nothing_twice(sequence):
    known: tuple[KnownCause, ...] = ()
    for failing, tested in sequence:
        signs = [sign(name, *where) for name, where in failing.items()]
        names = {each.fingerprint for each in known}
        joined = [each for each in signs if each.fingerprint not in names]
        passed = frozenset(f"test_{name}" for name in tested if name not in failing)

        found = find_changes(known, signs, joined, passed, AT)
        again = find_changes(found.causes, signs, [], passed, AT)

        assert again.said == ()
        assert again.causes == found.causes
        assert bool(found.said) == (found.causes != known)
        assert {each.fingerprint for each in found.causes} >= names
        for each in found.causes:
            name = each.fingerprint[0]
            if name in failing:
                assert (each.is_failing, set(each.regions)) == (True, set(failing[name]))
            elif f"test_{name}" in passed:
                assert (each.is_failing, each.regions) == (False, ())
        known = found.causes


def test_what_a_run_saw_earlier_does_not_change_what_is_known():
    (known,) = find_changes([], [sign("a")], [sign("a")], frozenset(), AT).causes

    late = find_changes([known], [], [], frozenset({"test_a"}), AT - 1)

    assert late.said == ()
    assert late.causes == (known,)
