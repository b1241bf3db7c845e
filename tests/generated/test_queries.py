"""What is asked of a Prometheus, answered by a real one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.slo.queries import (
    at_window,
    duration,
    event_queries,
    is_asked,
    quoted,
    slice_query,
    slices_recorded,
)
from pytest_sre.targets.durations import parse_duration_s
from pytest_sre.targets.objectives import (
    Edge,
    Logged,
    Objective,
    Observed,
    RatioQuery,
    Slices,
    ThresholdQuery,
)

ANSWERS = "fly_edge_http_responses_count"
TIMES = "fly_edge_http_response_time_seconds"


def objective(source, kind="availability", **more):
    values = {"name": "x", "good_ratio": 0.99, "window_s": 28 * 86_400.0, **more}
    return Objective(kind=kind, source=source, **values)


def asked(of, window_s=600, **more):
    return event_queries(of, "shop", **more).over(window_s)


def test_the_edge_counts_failed_answers_of_the_app_alone(ask):
    queries = asked(objective(Edge()))
    series = {
        f'{ANSWERS}{{app="shop",region="iad",status="200"}}': "0+70x20",
        f'{ANSWERS}{{app="shop",region="ams",status="200"}}': "0+20x20",
        f'{ANSWERS}{{app="shop",region="ams",status="404"}}': "0+5x20",
        f'{ANSWERS}{{app="shop",region="ams",status="503"}}': "0+5x20",
        f'{ANSWERS}{{app="other",region="ams",status="503"}}': "0+99x20",
    }

    ask(series, 20, {queries.total: 1000, queries.bad: 50, queries.error_ratio: 0.05})


def test_the_edge_is_counted_by_region(ask):
    queries = asked(objective(Edge()), by=("region",))
    series = {
        f'{ANSWERS}{{app="shop",region="iad",status="200"}}': "0+70x20",
        f'{ANSWERS}{{app="shop",region="iad",status="500"}}': "0+7x20",
    }

    ask(series, 20, {queries.total: 770, queries.bad: 70}, '{region="iad"}')


def test_no_failure_ever_is_no_bad_event(ask):
    queries = asked(objective(Edge()))

    ask(
        {f'{ANSWERS}{{app="shop",status="200"}}': "0+10x20"},
        20,
        {queries.bad: 0, queries.error_ratio: 0},
    )


def test_counts_that_do_not_exist_are_no_answer(ask):
    queries = asked(objective(Edge()))

    ask(
        {f'{ANSWERS}{{app="other",status="200"}}': "0+10x20"},
        20,
        {queries.total: None, queries.bad: None, queries.error_ratio: None},
    )


def test_no_traffic_is_no_error_ratio(ask):
    queries = asked(objective(Edge()))

    ask(
        {f'{ANSWERS}{{app="shop",status="200"}}': "5+0x20"},
        20,
        {queries.total: 0, queries.error_ratio: None},
    )


def test_a_restarted_counter_loses_nothing(ask):
    queries = asked(objective(Edge()))
    series = {f'{ANSWERS}{{app="shop",status="500"}}': "0+10x14 0+10x6"}

    # Each read after a reset counts from 0: one step of 10 is lost at the reset itself.
    ask(series, 20, {f"{queries.bad} > bool 80": 1})


@pytest.mark.parametrize("bound", ["1", "1.0"])
def test_the_edge_counts_slow_and_failed_answers(ask, bound):
    queries = asked(objective(Edge(), "latency", threshold_s=1.0))
    series = {
        f'{TIMES}_bucket{{app="shop",status="200",le="{bound}"}}': "0+80x20",
        f'{TIMES}_bucket{{app="shop",status="200",le="10"}}': "0+90x20",
        f'{TIMES}_bucket{{app="shop",status="503",le="{bound}"}}': "0+10x20",
        f'{TIMES}_count{{app="shop",status="200"}}': "0+90x20",
        f'{TIMES}_count{{app="shop",status="503"}}': "0+10x20",
    }

    ask(series, 20, {queries.total: 1000, queries.bad: 200})


def test_failures_alone_are_not_fast(ask):
    queries = asked(objective(Edge(), "latency", threshold_s=0.3))
    series = {
        f'{TIMES}_bucket{{app="shop",status="503",le="0.3"}}': "0+10x20",
        f'{TIMES}_count{{app="shop",status="503"}}': "0+10x20",
    }

    ask(series, 20, {queries.error_ratio: 1})


def test_a_threshold_that_is_no_bucket_is_no_answer(ask):
    queries = asked(objective(Edge(), "latency", threshold_s=0.29))
    series = {
        f'{TIMES}_bucket{{app="shop",status="200",le="0.3"}}': "0+10x20",
        f'{TIMES}_count{{app="shop",status="200"}}': "0+10x20",
    }

    ask(series, 20, {queries.bad: None, queries.error_ratio: None})


def test_own_counts_are_summed_over_their_series(ask):
    source = RatioQuery(
        total="increase(jobs_total[$window])  # all of them",
        good='increase(jobs_total{result="done"}[$window])',
    )
    queries = asked(objective(source, "correctness"))
    series = {
        'jobs_total{result="done",worker="a"}': "0+30x20",
        'jobs_total{result="done",worker="b"}': "0+60x20",
        'jobs_total{result="lost",worker="b"}': "0+10x20",
    }

    ask(series, 20, {queries.total: 1000, queries.bad: 100})


def test_good_ones_that_were_never_counted_are_no_answer(ask):
    source = RatioQuery(total="increase(jobs[$window])", good="increase(jobs_wel[$window])")
    queries = asked(objective(source, "correctness"))

    ask({"jobs": "0+10x20"}, 20, {queries.bad: None})


@pytest.mark.parametrize(
    ("limit", "bad"), [({"below": 5.0}, 3), ({"above": 2.0}, 2)], ids=["below", "above"]
)
def test_a_value_is_good_while_the_worst_of_its_series_is(ask, limit, bad):
    source = ThresholdQuery(value="queue_age", slice_s=60, **limit)
    queries = asked(objective(source, "freshness"), 601)
    series = {'queue_age{q="a"}': "3x20", 'queue_age{q="b"}': "3x12 9 9 9 1 1 3 3 3"}

    ask(series, 20, {queries.total: 11, queries.bad: bad})


def test_a_value_that_is_no_number_was_not_measured(ask):
    source = ThresholdQuery(value="queue_age / items", below=5, slice_s=60)
    queries = asked(objective(source, "freshness"), 301)

    ask(
        {"queue_age": "0x20", "items": "1x16 0 0 0 0"},
        20,
        {queries.total: 2, queries.bad: 0},
    )


def test_slices_of_events_count_alike_however_much_went_on(ask):
    source = RatioQuery(total="increase(jobs[$window])", bad="increase(lost[$window])")
    of = objective(source, slices=Slices(slice_s=120, good_ratio=0.9))
    queries = asked(of, 1201)
    # In the slices without jobs, at minutes 0, 12 and 14, nothing was measured.
    series = {"jobs": "0+10x10 100x3 100+1000x6", "lost": "0x14 0+500x6"}

    ask(series, 20, {queries.total: 8, queries.bad: 3})


def test_recorded_slices_are_counted_like_asked_ones(ask):
    queries = slices_recorded('bad_slice{slo="x"}').over(301)

    ask(
        {'bad_slice{slo="x"}': "0x15 0 1 1 0 _"},
        20,
        {queries.total: 5, queries.bad: 2},
        '{slo="x"}',
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Observed(), False),
        (Logged(), False),
        (Edge(), True),
        (RatioQuery(total="a", good="b"), True),
        (ThresholdQuery(value="a", below=1), True),
    ],
)
def test_only_some_objectives_are_asked_of_a_prometheus(source, expected):
    assert is_asked(objective(source)) is expected


@pytest.mark.parametrize(
    ("source", "kind"),
    [(Observed(), "availability"), (Edge(), "latency"), (Edge(), "freshness")],
)
def test_what_cannot_be_asked_is_said(source, kind):
    with pytest.raises(ValueError, match=r"objective x: expected .* found"):
        event_queries(objective(source, kind), "shop")


def test_events_are_no_slices():
    assert slice_query(objective(Edge()), "shop") is None


def test_quoted_text_stays_one_label(ask):
    name = 'a"b\\c\nd}\té'

    ask({f"x{{app={quoted(name)}}}": "1x5"}, 2, {f"sum(x{{app={quoted(name)}}})": 1})


@given(st.text())
def test_whatever_is_quoted_is_one_string(text):
    written = quoted(text)

    assert json.loads(written) == text
    assert "\n" not in written


@given(st.integers(min_value=1, max_value=400 * 86_400_000))
def test_ranges_of_time_are_exact(milliseconds):
    assert round(parse_duration_s(duration(milliseconds / 1000)) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(300, "5m"), (3600, "1h"), (28 * 86_400, "28d"), (5, "5s"), (0.25, "250ms"), (5400, "1h30m")],
)
def test_ranges_of_time_read_well(seconds, text):
    assert duration(seconds) == text


def test_no_range_of_time_is_refused():
    with pytest.raises(ValueError, match="at least 1 ms"):
        at_window("increase(x[$window])", 0)
