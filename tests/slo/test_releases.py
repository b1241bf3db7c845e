"""Two releases that serve side by side: whose requests were whose, and which is worse."""

import math

import pytest

from pytest_sre.recording.rows import MachineSeen
from pytest_sre.slo.comparing import Relation
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.facade import Slo
from pytest_sre.slo.releases import ReleaseSamples, by_release
from pytest_sre.verdict import Inconclusive
from tests.measuring.test_events import NOW, asked


def seen(machine, version, at):
    return MachineSeen(
        at=at,
        app="shop",
        machine=machine,
        name=machine,
        region="iad",
        group="web",
        state="started",
        instance_id="i",
        image="img",
        release_version=version,
    )


SEEN = [seen("m1", 1, NOW), seen("m2", 1, NOW), seen("m1", 2, NOW + 10)]


class Traffic:
    def __init__(self, exchanges):
        self.exchanges = exchanges


def nobody(_objective):
    raise AssertionError("is not asked")


@pytest.fixture
def slo():
    return Slo([], nobody, nobody, seen=lambda: SEEN)


def test_a_machine_belongs_to_the_release_that_it_had_then():
    rows = [
        asked(NOW + 5, machine="m1"),
        asked(NOW + 10, machine="m1", ok=False),
        asked(NOW + 20, machine="m2"),
    ]

    found = by_release(rows, SEEN[::-1])

    assert {version: each.counts for version, each in found.items()} == {
        1: Counts(0, 2),
        2: Counts(1, 1),
    }


def test_what_cannot_be_told_belongs_to_none():
    rows = [asked(machine=""), asked(machine="m9"), asked(NOW - 1), asked(machine="m3")]

    assert by_release(rows, [*SEEN, seen("m3", 0, NOW - 5)]) == {}


def test_faults_of_our_own_and_times_that_are_none_are_no_samples():
    rows = [asked(own_fault=True, ok=False), asked(total_s=math.nan), asked(ok=False)]

    samples = ReleaseSamples.of(rows)

    assert samples.counts == Counts(1, 2)
    assert samples.times_s == ()


def test_a_release_that_is_as_good_is_no_worse(slo):
    rows = [
        asked(NOW + 20 + n / 100, machine=f"m{1 + n % 2}", total_s=0.1 + (n // 2 % 50) / 1000)
        for n in range(2000)
    ]
    old, new = slo.releases(Traffic(rows)).values()

    compared = slo.compare(new, old)

    assert compared.relation is Relation.NO_WORSE
    compared.check()


@pytest.mark.parametrize("change", [{"ok": False}, {"total_s": 0.5}], ids=["fails", "is slow"])
def test_a_release_that_is_worse_is_found_by_either(slo, change):
    old = [asked(total_s=0.1 + n / 10_000) for n in range(400)]
    new = [asked(**({"total_s": 0.1 + n / 10_000} | (change if n % 2 else {}))) for n in range(400)]

    with pytest.raises(AssertionError, match="the new release is worse"):
        slo.compare(Traffic(new), Traffic(old)).check()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_samples_cannot_tell(slo, count):
    with pytest.raises(Inconclusive, match="can't tell yet"):
        slo.compare(Traffic([asked()] * count), Traffic([asked()] * 400)).check()


@pytest.mark.parametrize(("slower_s", "relation"), [(0.0, "no worse"), (0.1, "worse")])
def test_a_comparison_may_be_looked_at_at_any_time(slo, slower_s, relation):
    old = [asked(total_s=0.1 + n % 50 / 1000) for n in range(6000)]
    new = [asked(total_s=0.1 + slower_s + (n * 7 + 3) % 50 / 1000) for n in range(6000)]

    compared = slo.compare(Traffic(new), Traffic(old), anytime=True)

    assert compared.relation.value == relation
    few = slo.compare(Traffic(new[:5]), Traffic(old[:5]), anytime=True)
    assert few.relation is Relation.CANNOT_TELL


def test_kayenta_s_answer_is_to_be_had_on_the_same_answers(slo):
    old = Traffic([asked(total_s=0.1 + n / 10_000) for n in range(60)])
    new = Traffic([asked(total_s=0.3 + n / 10_000) for n in range(60)])

    assert slo.kayenta(new, old).label == "High"
    assert slo.kayenta(old, new).label == "Pass"
