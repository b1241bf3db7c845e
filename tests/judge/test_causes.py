"""Failures come out by their probable cause: one line a cause, none lost, none blamed wrongly."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.judge.causes import (
    SEVERITIES,
    Failure,
    Suspect,
    group_by_cause,
    merge_alike,
    merge_dependents,
)
from pytest_sre.verdict import Verdict, worst

BAD, UNSURE = Verdict.UNHEALTHY, Verdict.INCONCLUSIVE
MACHINES, GROUPS = ["m1", "m2", "m3"], ["web", "store", "app"]
OWN_CAUSES = ["own network", "own token", "platform api"]

words = st.sampled_from([*GROUPS, "answers 500", "no order", "took 2.5 s", "own network", ""])
texts = st.lists(words, min_size=1, max_size=4).map(" ".join)
machines = st.frozensets(st.sampled_from(MACHINES), max_size=2)
# Only what is inconclusive has a cause's key.
endings = st.one_of(
    st.just((BAD, "")), st.tuples(st.just(UNSURE), st.sampled_from(["no samples", *OWN_CAUSES]))
)
failures = st.builds(
    lambda ending, **given: Failure(verdict=ending[0], cause=ending[1], **given),
    endings,
    test=st.sampled_from(["test_a", "test_b", "test_a[m1]", "test_a[m2]"]),
    message=texts,
    severity=st.sampled_from([*SEVERITIES, "made up"]),
    machines=machines,
    symptom=st.booleans(),
)
suspects = st.one_of(
    st.builds(
        Suspect,
        title=texts,
        machines=machines,
        groups=st.frozensets(st.sampled_from(GROUPS), max_size=1),
        evidence=texts.map(lambda text: (text,)),
    ),
    st.builds(Suspect, title=texts, own=st.sampled_from(OWN_CAUSES)),
)
several = st.lists(failures, max_size=12, unique=True)


@given(several, st.lists(suspects, max_size=6))
def test_every_failure_goes_to_exactly_one_cause(failed, suspected):
    causes = group_by_cause(failed, suspected)

    placed = [failure for cause in causes for failure in cause.failures]
    assert len(placed) == len(failed)
    assert set(placed) == set(failed)
    assert all(cause.failures for cause in causes)


@given(several, st.lists(suspects, max_size=6), st.randoms(use_true_random=False))
def test_causes_do_not_depend_on_the_order_in_which_tests_failed(failed, suspected, random):
    shuffled = random.sample(failed, len(failed))

    def partition(order):
        return {frozenset(cause.failures) for cause in group_by_cause(order, suspected)}

    assert partition(shuffled) == partition(failed)


@given(several, st.lists(suspects, max_size=6))
def test_causes_keep_the_gravest_verdict_and_come_gravest_first(failed, suspected):
    causes = group_by_cause(failed, suspected)

    verdicts = [cause.verdict for cause in causes]
    assert worst(verdicts) == worst(failure.verdict for failure in failed)
    assert verdicts == sorted(verdicts, key=[BAD, UNSURE].index)


@given(several, st.lists(suspects, max_size=6))
def test_our_own_faults_explain_nothing_of_the_app_and_the_app_nothing_of_ours(failed, suspected):
    for cause in group_by_cause(failed, suspected):
        own = {failure.cause in OWN_CAUSES for failure in cause.failures}
        assert len(own) == 1
        if own == {True}:
            assert len({failure.cause for failure in cause.failures}) == 1


@given(st.lists(suspects, max_size=6))
def test_merging_suspects_loses_no_machine_and_adds_none(suspected):
    merged = merge_dependents(suspected)

    def concerned(some):
        return {machine for suspect in some for machine in suspect.machines}

    assert concerned(merged) == concerned(suspected)
    assert len(merged) <= len(suspected)


@given(several, st.lists(suspects, max_size=6))
def test_causes_that_are_alike_become_one_and_no_failure_is_lost(failed, suspected):
    causes = group_by_cause(failed, suspected)

    merged = merge_alike(causes)

    assert len({cause.identity for cause in merged}) == len(merged)
    placed = [failure for cause in merged for failure in cause.failures]
    assert sorted(map(hash, placed)) == sorted(map(hash, failed))


def test_a_cause_is_the_same_wherever_pytest_was_started():
    said = [
        group_by_cause([Failure(f"{folder}test_a.py::test_it[x/y]", BAD, "no order")], [])
        for folder in ("suites/mine/", "", "../../mine/")
    ]

    assert len({cause.identity for (cause,) in said}) == 1


def test_nine_failures_of_one_dead_machine_are_one_cause():
    dead = Suspect("web exits by itself on 1 of 3 web Machines", frozenset({"m1"}))
    of_machine = [
        Failure(f"test_{n}[web-iad-m1]", BAD, f"message {n}", machines=frozenset({"m1"}))
        for n in range(6)
    ]
    of_app = [
        Failure(f"test_{n}", BAD, "requests failed", symptom=True) for n in ("bake", "buy", "logs")
    ]

    (cause,) = group_by_cause([*of_machine, *of_app], [dead])

    assert cause.title == dead.title
    assert len(cause.failures) == 9


def test_a_machine_that_is_well_is_not_blamed_on_the_one_that_is_dead():
    dead = Suspect("web exits by itself", frozenset({"m1"}))
    other = Failure("test_header[m2]", BAD, "no HSTS header", machines=frozenset({"m2"}))
    app_wide = Failure("test_header", BAD, "no HSTS header")

    causes = group_by_cause([other, app_wide], [dead])

    assert {cause.title for cause in causes} == {"no HSTS header"}


def test_a_readiness_check_that_names_the_dead_store_is_not_a_second_cause():
    store = Suspect("store exits by itself", frozenset({"s1"}), groups=frozenset({"store"}))
    ready = Suspect(
        "check ready fails on 3 of 3 web Machines: store unreachable",
        frozenset({"w1", "w2", "w3"}),
        evidence=("store unreachable",),
    )
    failed = [
        Failure("test_starts[store]", BAD, "state failed", machines=frozenset({"s1"})),
        Failure("test_checks[w2]", BAD, "readyz critical", machines=frozenset({"w2"})),
    ]

    (cause,) = group_by_cause(failed, [store, ready])

    assert cause.title == "store exits by itself"


def test_a_name_inside_a_longer_word_is_not_a_mention():
    store = Suspect("store is stopped", frozenset({"s1"}), groups=frozenset({"store"}))

    assert not store.mentioned_in("the order was restored from storefront")
    assert store.mentioned_in("http://store.internal:8080 refused")


def test_a_machines_label_is_not_a_mention_of_its_group():
    web = Suspect("web is stopped", frozenset({"m1"}), groups=frozenset({"web"}))

    assert not web.mentioned_in("check disk fails on web-iad-148e21")
    assert web.mentioned_in("expected no web Machine to be missing")


def test_our_own_fault_is_not_merged_into_a_group_it_happens_to_name():
    down = Suspect("app is stopped", frozenset({"m1"}), groups=frozenset({"app"}))
    ours = Suspect("not the app's fault, platform api: 500", own="platform api")
    unsure = Failure("test_x", UNSURE, "the platform did not answer", cause="platform api")

    (cause,) = group_by_cause([unsure], [down, ours])

    assert cause.title == ours.title


def test_inconclusive_tests_with_one_cause_are_one_line_whatever_they_say():
    failed = [
        Failure(f"test_{n}", UNSURE, f"GET /{n} could not be sent", cause="own dns")
        for n in range(4)
    ]

    (cause,) = group_by_cause(failed, [])

    assert cause.verdict is UNSURE
    assert len(cause.failures) == 4


def test_failures_without_a_suspect_are_grouped_by_what_they_say_but_for_numbers():
    failed = [
        Failure("test_fast[w1]", BAD, "took 2.51 s, limit 1 s\nrequest 0xdeadbeef"),
        Failure("test_fast[w2]", BAD, "took 3.07 s, limit 1 s"),
        Failure("test_fast[w3]", BAD, "no answer"),
        Failure("test_other", BAD, "took 2.51 s, limit 1 s"),
        Failure("test_fast[w4]", UNSURE, "took 2.51 s, limit 1 s"),
    ]

    sizes = sorted(len(cause.failures) for cause in group_by_cause(failed, []))

    assert sizes == [1, 1, 1, 2]


def test_the_severest_failure_gives_the_cause_its_severity_and_its_place():
    low = Failure("test_low", BAD, "low", severity="low")
    none = Failure("test_none", BAD, "none")
    critical = Failure("test_critical", BAD, "critical", severity="critical")
    unsure = Failure("test_unsure", UNSURE, "unsure", severity="critical", cause="unsure")

    causes = group_by_cause([none, unsure, low, critical], [])

    assert [cause.title for cause in causes] == ["critical", "low", "none", "unsure"]
    assert [cause.severity for cause in causes] == ["critical", "low", "", "critical"]
