"""What an objective cannot do is said beforehand; the numbers are those of the SRE Workbook."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.slo.feasibility import Traffic, asked_buckets, findings
from pytest_sre.targets.objectives import (
    BurnAlert,
    Edge,
    Logged,
    Objective,
    Observed,
    RatioQuery,
    Slices,
    ThresholdQuery,
)

DAY_S = 86_400.0
HOUR_S = 3_600.0
BUSY = Traffic(events_per_s=100.0)


def objective(percent: float, source=None, **more) -> Objective:
    defaults = {"kind": "availability", "window_s": 28 * DAY_S, "where": "sre.toml: slo[0]"}
    ratio = round(percent / 100, 12)
    return Objective(name="x", source=source or Edge(), good_ratio=ratio, **(defaults | more))


def checks(one: Objective, traffic=BUSY) -> list[tuple[str, str]]:
    return [(found.check, found.severity) for found in findings(one, traffic)]


def test_a_usual_objective_with_much_traffic_can_do_all(subtests):
    for percent in (95, 99, 99.5, 99.9, 99.99):
        with subtests.test(percent=percent):
            assert findings(objective(percent), BUSY) == ()


def test_what_is_unknown_is_not_checked():
    assert findings(objective(99.999)) == ()


@pytest.mark.parametrize(
    ("percent", "factors"),
    [(94, []), (93, ["14.4"]), (84, ["14.4"]), (83, ["14.4", "6"]), (60, ["14.4", "6", "3"])],
)
def test_an_alert_that_cannot_fire_is_named(percent, factors):
    found = findings(objective(percent), BUSY)

    assert [one.check for one in found] == ["alert-cannot-fire"] * len(factors)
    for one, factor in zip(found, factors, strict=True):
        assert f"burn rate {factor} over" in one.sentence
        assert "the generated rules leave it out" in one.advice
        assert not one.has_weight


def test_an_alert_somebody_asked_for_that_cannot_fire_has_weight():
    alert = BurnAlert(name="fast", factor=14.4, window_s=HOUR_S, severity="page")
    (found,) = findings(objective(90, burn_alerts=(alert,)), BUSY)

    assert found.has_weight
    assert found.where == "sre.toml: slo[0]"
    assert str(found) == (
        "the alert fast at burn rate 14.4 over 1h can't fire: when all is bad, the burn rate is 10;"
        " it needs an objective above 93.0556 % or a lower factor"
    )


@given(st.floats(0.02, 0.999), st.floats(1.01, 100))
def test_an_alert_can_fire_if_all_events_being_bad_is_fast_enough(ratio, factor):
    alert = BurnAlert(name="fast", factor=factor, window_s=HOUR_S, severity="page")
    one = objective(100 * ratio, burn_alerts=(alert,))
    when_all_is_bad = 1 / (1 - one.good_ratio)

    can_fire = not checks(one, Traffic())

    is_borderline = when_all_is_bad == pytest.approx(factor)
    assert is_borderline or can_fire == (when_all_is_bad > factor)


def test_an_alert_that_fires_when_all_is_well_is_named():
    alert = BurnAlert(name="odd", factor=2, window_s=HOUR_S, severity="page", fires_above=False)

    assert checks(objective(99, burn_alerts=(alert,))) == [("alert-fires-when-well", "high")]


@pytest.mark.parametrize(("an_hour", "pages"), [(69, True), (70, False)])
def test_one_failure_of_69_requests_pages_at_three_nines(an_hour, pages):
    found = findings(objective(99.9), Traffic(events_per_s=an_hour / HOUR_S))

    paging = [one for one in found if one.check == "alert-on-one-failure" and one.has_weight]
    assert len(paging) == pages
    for one in paging:
        assert one.sentence.endswith("over 1h fires on a single bad one: 1h has 69 events")
        assert one.advice.startswith("it takes 70 of them there")


@given(st.integers(1, 5_000), st.floats(0.5, 0.9999))
def test_one_failure_fires_exactly_where_its_share_is_beyond_the_limit(count, ratio):
    alert = BurnAlert(name="one", factor=2, window_s=HOUR_S, severity="page")
    one = objective(100 * ratio, burn_alerts=(alert,))
    limit = 2 * (1 - one.good_ratio)

    named = "alert-on-one-failure" in dict(checks(one, Traffic(events_per_s=count / HOUR_S)))

    is_borderline = 1 / count == pytest.approx(limit)
    assert is_borderline or named == (limit < 1 and 1 / count > limit)


@pytest.mark.parametrize(("events", "shows"), [(2_994, False), (2_995, True)])
def test_three_nines_take_2995_good_events(events, shows):
    traffic = Traffic(events_per_s=events / (28 * DAY_S) * (1 + 1e-9))
    found = findings(objective(99.9, alerts=False), traffic)

    assert (not found) == shows
    for one in found:
        assert (one.check, one.has_weight) == ("window-too-short", True)
        assert one.sentence == (
            "28d has 2,994 events, and 99.9 % can be shown with 2,995 good ones at the least"
        )
        assert one.advice.startswith("choose a window of 29d")


def test_no_events_can_show_nothing():
    (found,) = findings(objective(99, alerts=False), Traffic(events_per_s=0.0))

    assert found.sentence.startswith("28d has 0 events")
    assert found.advice == "choose more of them, or a lower objective"


def test_slices_come_by_the_clock_whatever_the_traffic():
    sliced = objective(99.9, slices=Slices(slice_s=HOUR_S, good_ratio=0.95), alerts=False)
    valued = objective(
        99.99, ThresholdQuery(value="x", below=1, slice_s=HOUR_S), kind="saturation", alerts=False
    )

    assert [findings(one)[0].check for one in (sliced, valued)] == ["window-too-short"] * 2
    assert findings(sliced)[0].sentence.startswith("28d has 672 slices of 1h, and 99.9 %")
    assert findings(objective(99, slices=Slices(slice_s=60, good_ratio=0.9))) == ()


@pytest.mark.parametrize(("seen", "found"), [(298, ["run-too-short"]), (299, [])])
def test_a_run_has_to_observe_enough_to_tell(seen, found):
    one = objective(99, Observed(journey="buy"))

    assert [check for check, _ in checks(one, Traffic(run_events=seen))] == found


@pytest.mark.parametrize("source", [Observed(), Logged()], ids=["runs", "logs"])
def test_what_no_prometheus_counts_has_no_alerts_to_check(source):
    assert findings(objective(60, source), Traffic(events_per_s=1.0)) == ()


BOUNDS = Traffic(bounds=(0.1, 0.25, 0.5, 1.0, float("inf")))


def test_a_latency_between_two_buckets_is_counted_by_none():
    (found,) = findings(objective(99, kind="latency", threshold_s=0.3), BOUNDS)

    assert (found.check, found.has_weight) == ("threshold-between-buckets", True)
    assert found.sentence.startswith(
        "0.3 is no bound of a bucket of fly_edge_http_response_time_seconds_bucket"
    )
    assert found.advice == "choose 0.25 or 0.5"


def test_a_latency_at_a_bucket_is_counted():
    assert findings(objective(99, kind="latency", threshold_s=0.25), BOUNDS) == ()


@pytest.mark.parametrize(("bound", "found"), [("0.25", 0), ("0.250", 0), ("0.3", 1), ("+Inf", 0)])
def test_the_buckets_of_an_own_query_are_looked_at_too(bound, found):
    good = f'sum(increase(took_bucket{{app="x",le="{bound}"}}[$window]))'
    source = RatioQuery(good=good, total="increase(took_count[$window])")

    assert len(findings(objective(99, source), BOUNDS)) == found


def test_a_query_without_buckets_asks_for_none():
    source = RatioQuery(good='x{le="1"}[$window]', total="y[$window]")

    assert asked_buckets(objective(99, source)) is None
    assert asked_buckets(objective(99)) is None


def test_what_has_weight_comes_first():
    found = findings(objective(60, alerts=True), Traffic(events_per_s=0.0))

    assert [one.has_weight for one in found] == [True, False, False, False]
