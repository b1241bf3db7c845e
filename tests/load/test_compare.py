"""``load.compare``: with a load that somebody chose to compare with, if the two are alike."""

import dataclasses

import msgspec
import pytest

from pytest_sre.load.baselines import (
    baseline_of,
    baseline_path,
    compare_loads,
    read_baseline,
    write_baseline,
)
from pytest_sre.load.plan import Caps, LoadPlan, constant
from pytest_sre.slo.comparing import Relation
from pytest_sre.slo.histogram import index_of
from pytest_sre.verdict import Inconclusive
from tests.load.test_result import FAST, RATE, SECONDS, requested, result, second

FLEET = {"web iad shared-1x 256 MB": 2}
MARGINS = {"percent": 99, "worse_by": 0.2, "more_errors": 0.01}


def answering(time_s, **changes):
    took = {index_of(time_s): RATE}
    rows = [second(number, intended=took, sent=took, **changes) for number in range(SECONDS)]
    return result(requested(rows))


@pytest.fixture
def kept(tmp_path):
    path = baseline_path(tmp_path, "prod", "buy")
    made = baseline_of(answering(0.038), name="buy", target="prod", fleet=FLEET)
    write_baseline(path, made)
    return read_baseline(path)


def test_a_load_that_is_slower_than_allowed_is_told_with_its_interval(kept):
    comparison = compare_loads(answering(0.061), kept, FLEET, **MARGINS)

    assert comparison.relation is Relation.WORSE
    with pytest.raises(AssertionError) as raised:
        comparison.check()
    first = str(raised.value).splitlines()[0]
    assert first.startswith("p99 38.02 ms -> 61.02 ms, worse than the allowed 20 %, 95 % interval")


def test_a_load_within_what_is_allowed_passes(kept):
    compare_loads(answering(0.040), kept, FLEET, **MARGINS).check()


def test_a_load_that_fails_more_is_worse_however_fast(kept):
    failing = answering(0.001, failed=RATE // 10)

    assert compare_loads(failing, kept, FLEET, **MARGINS).relation is Relation.WORSE


def test_few_samples_cannot_tell():
    few = {"planned": 1, "started": 1, "done": 1, "intended": {FAST: 1}}
    plan = LoadPlan(workload=constant(1, SECONDS), mix={"buy": 1.0}, warm_up_s=2.0)
    small = dataclasses.replace(
        result(requested([second(number, **few) for number in range(SECONDS)])), plan=plan
    )
    baseline = baseline_of(small, name="buy", target="prod", fleet=FLEET)

    comparison = compare_loads(small, baseline, FLEET, **MARGINS)

    assert comparison.relation is Relation.CANNOT_TELL
    with pytest.raises(Inconclusive, match="not shown to be within"):
        comparison.check()


def test_loads_that_are_not_alike_are_not_compared(kept):
    other = answering(0.038)
    plan = msgspec.structs.replace(other.plan, timeout_s=3.0)

    with pytest.raises(Inconclusive) as raised:
        compare_loads(dataclasses.replace(other, plan=plan), kept, FLEET, **MARGINS)
    assert "plan timeout_s: 30.0 then, 3.0 now" in raised.value.reason
    with pytest.raises(Inconclusive, match=r"Machines web iad shared-1x 256 MB: 2 then, 3 now"):
        compare_loads(other, kept, {"web iad shared-1x 256 MB": 3}, **MARGINS)
    with pytest.raises(Inconclusive, match="none then, 1 now"):
        compare_loads(other, kept, {**FLEET, "web ams shared-1x 512 MB": 1}, **MARGINS)


def test_what_says_nothing_of_the_load_makes_no_difference(kept):
    other = answering(0.038)
    plan = msgspec.structs.replace(
        other.plan, caps=Caps(requests=10**6), headers={"x-sre-run": "another"}
    )

    compare_loads(dataclasses.replace(other, plan=plan), kept, FLEET, **MARGINS).check()


def test_a_load_in_doubt_is_no_baseline_and_is_not_compared(kept):
    doubtful = dataclasses.replace(answering(0.038), reason="stopped")

    with pytest.raises(Inconclusive, match="stopped"):
        baseline_of(doubtful, name="buy", target="prod", fleet=FLEET)
    with pytest.raises(Inconclusive, match="stopped"):
        compare_loads(doubtful, kept, FLEET, **MARGINS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "found none at"),
        ("{}", "cannot be read"),
        ("no JSON", "cannot be read"),
        ('{"latencies": "AAAA"}', "cannot be read"),
    ],
)
def test_without_a_baseline_nothing_passes(tmp_path, text, told):
    path = tmp_path / "buy.json"
    if text is not None:
        path.write_text(text, "utf-8")

    with pytest.raises(Inconclusive, match=told) as raised:
        read_baseline(path)
    assert "--sre-load-baseline=update" in raised.value.reason


def test_names_make_no_paths_elsewhere(tmp_path):
    path = baseline_path(tmp_path, "../prod", "../../etc/passwd")

    assert path.resolve().is_relative_to(tmp_path / "load-baselines")
