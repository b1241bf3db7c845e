"""Objectives by PromQL, asked of a real Prometheus with days of samples."""

import time

import pytest

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.recording.ledger import DayCounts, Ledger, ledger_path
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.describing import told_burning
from pytest_sre.slo.measuring.days import DAY_S, day_at, definition_of
from pytest_sre.slo.measuring.metrics import MetricReader, known_days, measure_metrics
from pytest_sre.slo.measuring.windows import Windows
from pytest_sre.targets import load_settings
from pytest_sre.targets.objectives import (
    BudgetAdjustment,
    Edge,
    RatioQuery,
    ThresholdQuery,
)
from pytest_sre.verdict import Inconclusive
from tests.fly.conftest import Reply, ScriptedApi
from tests.measuring.conftest import EVERY_S, objective

REQUESTS = RatioQuery(
    total="increase(requests_total[$window])",
    bad='increase(requests_total{status=~"5.."}[$window])',
)
SPOTTY = RatioQuery(
    total="increase(spotty_total[$window])",
    good='increase(spotty_total{status!~"5.."}[$window])',
)
A_DAY = 100 * DAY_S / EVERY_S
KEPT_S = 3 * DAY_S


def reader(prometheus, source, **changes):
    return MetricReader(prometheus, objective(source=source, **changes), "shop")


def measured(prometheus, source, window_s, now, kept=(), adjustments=()):
    asks = reader(prometheus, source)
    return measure_metrics(asks, window_s, now, KEPT_S, kept, adjustments)


def test_counts_survive_the_resets_of_counters(prometheus, past_until):
    """Two restarts within the window lose what happened between two scrapes, no more."""
    found = measured(prometheus, REQUESTS, 2 * DAY_S, past_until)

    assert found.counts.total == pytest.approx(2 * A_DAY, rel=0.05)
    assert found.counts.bad_ratio == pytest.approx(0.01, rel=0.05)
    assert found.told_by == "metrics of the last 2d"


def test_a_window_longer_than_the_metrics_is_completed_day_by_day(prometheus, past_until):
    today = day_at(past_until)
    old = DayCounts("prod", "checkout", "d", "metrics", str(day_at(past_until - 6 * DAY_S)),
                    "", 1.0, 7, 70)  # fmt: skip

    found = measured(prometheus, REQUESTS, 7 * DAY_S, past_until, kept=[old])

    assert found.counts.total == pytest.approx(3 * A_DAY, rel=0.45)
    assert found.told_by == (
        f"metrics of {day_at(past_until - 3 * DAY_S)} to {today} and the ledger of {old.day}"
    )
    assert str(day_at(past_until - 5 * DAY_S)) in found.missing_days
    assert str(today) not in found.missing_days


def test_days_without_samples_are_missing(prometheus, past_until):
    days = known_days(reader(prometheus, SPOTTY), past_until, KEPT_S)

    assert day_at(past_until - 2 * DAY_S) not in days
    assert day_at(past_until) in days


def test_maintenance_is_left_out_of_metrics(prometheus, past_until):
    begin_at, end_at = past_until - 1.5 * DAY_S, past_until - DAY_S / 2
    # A moment that two adjustments name is left out once.
    moves = [
        BudgetAdjustment(objectives=(), start_at=begin_at, end_at=end_at, reason=reason)
        for reason in ("a move", "another")
    ]

    found = measured(prometheus, REQUESTS, 2 * DAY_S, past_until, adjustments=moves)

    assert found.counts.total == pytest.approx(A_DAY, rel=0.05)
    assert "a move" in found.notes[0]


def test_a_threshold_counts_slices(prometheus, past_until):
    source = ThresholdQuery(value="odd", above=0, slice_s=EVERY_S)

    # The last two hours are no numbers: they are neither good nor bad.
    counts = reader(prometheus, source).over(DAY_S, past_until)

    assert counts.bad == 0
    assert 40 <= counts.total <= 46


@pytest.mark.parametrize("missing", ["nothing_total", "reqests_total"])
def test_a_metric_that_returns_nothing_decides_nothing(prometheus, past_until, missing):
    """G17: no value is not 100 %; and what is misspelt is named."""
    source = RatioQuery(total=f"increase({missing}[$window])", bad=f"increase({missing}[$window])")

    with pytest.raises(Inconclusive, match="know nothing of the last 2d") as raised:
        measured(prometheus, source, 2 * DAY_S, past_until)
    assert f"there is no metric {missing}" in str(raised.value)


def test_a_misspelt_metric_of_bad_events_is_not_none_of_them(prometheus, past_until):
    source = RatioQuery(total=REQUESTS.total, bad="increase(reqests_failed_total[$window])")

    with pytest.raises(Inconclusive, match="neither is there any metric that "):
        measured(prometheus, source, 2 * DAY_S, past_until)


def test_failures_that_never_happened_are_none(prometheus, past_until):
    never = 'increase(requests_total{status="599"}[$window])'

    found = measured(prometheus, RatioQuery(total=REQUESTS.total, bad=never), 2 * DAY_S, past_until)

    assert found.counts.bad == 0
    assert found.counts.total > 0


def test_good_events_that_are_missing_are_not_bad_ones(prometheus, past_until):
    source = RatioQuery(total=REQUESTS.total, good="increase(reqests_good_total[$window])")

    with pytest.raises(Inconclusive, match="tell of events, but not which are bad"):
        measured(prometheus, source, 2 * DAY_S, past_until)


def test_a_metric_that_is_not_a_number_decides_nothing(prometheus, past_until):
    """G15: a NaN is said, and not taken for good."""
    source = RatioQuery(total="odd + 0 * sum_over_time(odd[$window])", bad=REQUESTS.bad)

    with pytest.raises(Inconclusive, match="expected a number of events, found nan"):
        measured(prometheus, source, 2 * DAY_S, past_until)


def test_negative_counts_decide_nothing(prometheus, past_until):
    source = RatioQuery(total="debt + 0 * sum_over_time(debt[$window])", bad=REQUESTS.bad)

    with pytest.raises(Inconclusive, match="expected a number of events, found -"):
        measured(prometheus, source, 2 * DAY_S, past_until)


def test_more_bad_events_than_events_decide_nothing(prometheus, past_until):
    source = RatioQuery(total='increase(requests_total{status="500"}[$window])', bad=REQUESTS.total)

    with pytest.raises(Inconclusive, match="bad events among"):
        measured(prometheus, source, 2 * DAY_S, past_until)


def test_an_error_in_promql_is_shown_with_its_place(prometheus, past_until):
    source = RatioQuery(total="increase(requests_total[$window]", bad="1")

    with pytest.raises(Inconclusive, match=r"1:\d+: parse error") as raised:
        measured(prometheus, source, 2 * DAY_S, past_until)

    assert "increase(requests_total[2d]" in str(raised.value)
    assert len(str(raised.value).splitlines()) <= 4


def test_what_the_edge_cannot_tell_is_said_before_anything_is_asked(prometheus):
    with pytest.raises(Inconclusive, match="found saturation"):
        reader(prometheus, Edge(), kind="saturation")


def test_whole_days_are_kept_before_they_are_forgotten(prometheus, past_until, tmp_path):
    (tmp_path / "fly.toml").write_text('app = "shop"\n', encoding="utf-8")
    windows = Windows(load_settings(tmp_path, "prod"), lambda: prometheus)
    wanted = objective(source=REQUESTS, window_s=28 * DAY_S)

    for _ in range(2):
        windows.keep(windows.snapshot(wanted))

    with Ledger(ledger_path(tmp_path)) as ledger:
        since = day_at(past_until - 28 * DAY_S)
        days = ledger.days("prod", "checkout", definition_of(wanted), since)
    yesterday = str(day_at(past_until - DAY_S))
    assert yesterday in {day.day for day in days}
    assert str(day_at(past_until)) not in {day.day for day in days}
    assert len({day.day for day in days}) == len(days)
    [kept] = [day for day in days if day.day == yesterday]
    assert kept.total == pytest.approx(A_DAY, rel=0.06)


def test_a_budget_that_burns_is_told_for_each_range(prometheus, past_until, tmp_path, monkeypatch):
    (tmp_path / "fly.toml").write_text('app = "shop"\n', encoding="utf-8")
    monkeypatch.setattr(time, "time", lambda: float(past_until))
    windows = Windows(load_settings(tmp_path, "prod"), lambda: prometheus)
    # One request in a hundred fails: five times what 99.8 % allow.
    wanted = objective(source=REQUESTS, good_ratio=0.998, window_s=30 * DAY_S)

    rows = windows.burning(wanted)

    assert rows[2].long_rate == pytest.approx(5, rel=0.1)
    assert [row.is_too_fast for row in rows] == [False, False, True, True]
    assert told_burning(rows[2]).startswith("burns too fast (ticket): 5")
    assert windows.burning(objective()) == ()


def answered(value, at):
    sample = {"metric": {}, "value": [at, value]}
    return Reply(body={"status": "success", "data": {"resultType": "vector", "result": [sample]}})


@pytest.fixture
def api():
    made = ScriptedApi()
    yield made
    made.close()


@pytest.mark.parametrize("at", [-5.0, 1.0, 9e9], ids=["negative", "long ago", "future"])
def test_an_answer_about_another_time_decides_nothing(api: ScriptedApi, at):
    api.reply(answered("5", at))
    with (
        Prometheus.at(api.url) as prometheus,
        pytest.raises(Inconclusive, match="the metrics answered about"),
    ):
        reader(prometheus, REQUESTS).over(60.0, 1e9)


def test_an_answer_in_part_decides_nothing(api: ScriptedApi):
    result = [{"metric": {}, "value": [1e9, "5"]}]
    data = {"resultType": "vector", "result": result}
    api.reply(Reply(body={"status": "success", "isPartial": True, "data": data}))
    with (
        Prometheus.at(api.url) as prometheus,
        pytest.raises(Inconclusive, match="some of their storage is missing"),
    ):
        reader(prometheus, REQUESTS).over(60.0, 1e9)


def test_a_prometheus_that_is_broken_is_no_verdict(api: ScriptedApi):
    api.reply(Reply(status=500, body={"status": "error", "error": "no space left"}))
    with Prometheus.at(api.url) as prometheus, pytest.raises(FlyError, match="no space left"):
        reader(prometheus, REQUESTS).over(60.0, 1e9)


def test_part_of_a_failure_is_a_failure(api: ScriptedApi):
    for value in ("1000.4", "0.2"):
        api.reply(answered(value, 1e9))
    with Prometheus.at(api.url) as prometheus:
        assert reader(prometheus, REQUESTS).over(60.0, 1e9) == Counts(1, 1000)
