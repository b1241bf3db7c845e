"""Loads in the HTML report: what is shown is what the load's result says."""

import contextlib
from collections import Counter

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.load.frames import Answered, Frame, Tally
from pytest_sre.load.plan import Closed, LoadPlan, Open, Stage
from pytest_sre.load.recorded import recorded_loads, run_of, seconds_of
from pytest_sre.load.result import LoadResult
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import LoadRun, LoadSecond
from pytest_sre.report.html.buckets import MOST_SLICES, told_latency
from pytest_sre.verdict import Inconclusive

AT = 1_769_860_800.0
MOST_BYTES = 5_000_000
SECONDS = 90
PLAN = LoadPlan(
    workload=Open(stages=(Stage(duration_s=float(SECONDS), from_rate=20.0, to_rate=40.0),)),
    mix={"checkout": 2, "browse": 1},
    warm_up_s=10.0,
)
USERS = LoadPlan(workload=Closed(users=5, duration_s=float(SECONDS)), locustfile="locustfile.py")

buckets = st.dictionaries(st.integers(0, 20_000), st.integers(1, 9), max_size=3)
tallies = st.builds(
    Tally,
    second=st.integers(0, SECONDS - 1),
    journey=st.sampled_from(["checkout", "browse"]),
    request=st.sampled_from(["", "", "GET /", "POST /orders"]),
    planned=st.integers(0, 9),
    dropped=st.integers(0, 2),
    started=st.integers(0, 9),
    late=st.integers(0, 2),
    done=st.integers(5, 9),
    failed=st.integers(0, 3),
    own_faults=st.integers(0, 2),
    errors=st.dictionaries(st.sampled_from(["503", "timeout", "own dns"]), st.integers(1, 3)),
    intended=buckets,
    failed_after=buckets,
)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def rows_of(plan: LoadPlan, made: list[Tally], name: str = "checkout"):
    """The rows of a load."""
    result = LoadResult(
        plan=plan,
        base_url="http://shop.test",
        started_at=AT,
        ended_at=AT + SECONDS,
        reason="complete",
        tallies=tuple(made),
        answered=(Answered(machine="m1", region="ams", count=7),),
    )
    yield from seconds_of(Frame(elapsed_s=0.0, tallies=made), "id-1", AT)
    yield run_of(result, "id-1", name=name, test="suites/load::test_it", fleet={})


def percentiles(part) -> list[str]:
    with contextlib.suppress(Inconclusive, ValueError):
        return [told_latency(part.percentile_s(each)) for each in (50.0, 95.0, 99.0)]
    return ["not known"] * 3


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(tallies, max_size=15), st.sampled_from([PLAN, USERS]))
def test_every_figure_of_a_load_is_that_of_its_result(tmp_path, recorded, page_of, made, plan):
    path = recorded(tmp_path / "run.sqlite", rows_of(plan, made))
    with Recording(path) as recording:
        [(_, result)] = recorded_loads(recording)

    _, page = page_of(path)

    judged = page.tables["What was judged of checkout"]
    for journey, request, *cells in judged:
        is_run = request == "as a whole"
        part = result.runs(journey) if is_run else result.requests(request, journey=journey)
        counts = (part.planned, part.dropped, part.started, part.late, part.done, part.failed)
        assert tuple(map(number, cells[:6])) == counts
        assert number(cells[7]) == part.own_faults
        assert cells[8:] == percentiles(part) or not part.latencies
    kept = {(one.journey, one.request) for one in made if plan.is_judged(one.second)}
    assert len(judged) == len(kept)

    has_runs = any(not one.request for one in made)
    [rates] = [table for name, table in page.tables.items() if name.startswith("Rate of checkout")]
    series = [one for one in made if has_runs != bool(one.request)]
    wide_s = 2.0
    achieved = sum(float(row[1].replace(",", "")) for row in rates) * wide_s
    assert len(rates) == SECONDS / wide_s <= MOST_SLICES
    assert achieved == sum(one.started for one in series)
    heat = page.tables["Latencies of checkout over time"]
    spread = [bands.values() for one in series for bands in (one.intended, one.failed_after)]
    assert sum(number(cell) for row in heat for cell in row[1:]) == sum(map(sum, spread))
    wrong: Counter[str] = Counter()
    for one in series:
        if plan.is_judged(one.second):
            wrong.update(one.errors)
    shown = page.tables.get("Errors of checkout, by kind", [])
    assert {kind: number(count) for kind, count in shown} == wrong


def test_a_load_says_what_was_to_be_made_and_why_it_is_in_doubt(tmp_path, recorded, page_of):
    made = [Tally(second=20, journey="checkout", started=1, done=1, intended={1000: 1})]

    _, page = page_of(recorded(tmp_path / "run.sqlite", rows_of(PLAN, made)))

    assert (
        "arrivals a second, whether or not answers come: 90 s at 20 to 40 (even); "
        "checkout 2, browse 1; the first 10 s are not judged" in page.text
    )
    assert "in doubt: the planned rate was not reached" in page.text
    assert "made by suites/load::test_it" in page.text
    assert page.tables["Machines that answered checkout"] == [["m1", "ams", "7"]]


@pytest.mark.parametrize("damage", ["plan", "errors", "bucket", "count"])
def test_a_load_that_cannot_be_read_hides_nothing_else(tmp_path, recorded, page_of, damage):
    second, run = rows_of(PLAN, [Tally(second=20, journey="checkout", started=1)])
    assert isinstance(run, LoadRun)
    assert isinstance(second, LoadSecond)
    bad_run = msgspec.structs.replace(run, load="id-2", name="other", plan="{")
    damaged = {
        "plan": bad_run,
        "errors": msgspec.structs.replace(second, errors="{"),
        "bucket": msgspec.structs.replace(second, intended=msgspec.msgpack.encode({10**9: 1})),
        "count": msgspec.structs.replace(
            second, sent=b"", intended=msgspec.msgpack.encode({1: -1})
        ),
    }
    left_over = LoadSecond(at=AT, load="id-3", second=3, journey="checkout")
    rows = [second, run, damaged[damage], left_over]

    _, page = page_of(recorded(tmp_path / "run.sqlite", rows))

    assert number(page.tables["What was judged of checkout"][0][4]) == 1
    of_plan = "the load other is not shown: its plan cannot be read"
    of_row = "in doubt: rows that cannot be read, and are in no figure: 1"
    assert (of_plan if damage == "plan" else of_row) in page.text
    assert "loads that did not come to an end, and are not shown: 1" in page.text


def test_foreign_names_in_loads_do_not_act_and_many_loads_stay_small(tmp_path, recorded, page_of):
    hostile = "<img src=x onerror=alert(1)>" * 30
    made = [
        Tally(
            second=second,
            journey=f"{second % 40}{hostile}",
            started=1,
            errors={f"{second}{hostile}": 1},
            intended={200 * second + band: 9 for band in range(0, 20_000, 500)},
        )
        for second in range(SECONDS)
    ]
    rows = list(rows_of(PLAN, made, name=hostile))
    copies = [msgspec.structs.replace(row, load=f"{n}") for n in range(12) for row in rows]

    text, page = page_of(recorded(tmp_path / "run.sqlite", copies))

    assert len(text.encode()) < MOST_BYTES * 0.2
    assert not [element for element in page.elements if element.tag == "img"]
    assert "and 4 more loads" in page.text
