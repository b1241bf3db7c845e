"""What an expression can and cannot give, whatever is measured."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_sre.alerts.bounds import bounds
from pytest_sre.alerts.expressions import Selector
from pytest_sre.alerts.firing import outcome
from pytest_sre.alerts.promql import NotPromQL, parse

ERRORS = 'sum(rate(http_requests_total{app="a",code=~"5.."}[5m]))'
ALL = 'sum(rate(http_requests_total{app="a"}[5m]))'


@pytest.mark.parametrize(
    "expression",
    [
        # G16: at an objective of 90 %, a burn rate of 14.4 is more than all there is.
        f"{ERRORS} / {ALL} > 14.4 * (1 - 0.9)",
        f"{ERRORS} / ({ALL} > 0) > (14.4 * 0.1)",
        f"({ERRORS} or {ALL} * 0) / ({ALL} > 0) > 1",
        f"1 - {ERRORS} / {ALL} > 1",
        f"({ALL} - {ERRORS}) / {ALL} < 0",
        'sum(rate(t_bucket{le="0.3"}[5m])) / sum(rate(t_count[5m])) > 1.2',
        "up > 1",
        "up == 2",
        "up < 0",
        "fly_volume_used_pct > 100",
        "avg_over_time(up[5m]) > 1",
        "rate(x[5m]) < 0",
        "sum(increase(errors_total[5m])) < 0",
        "count(up == 0) < 1",
        f"{ERRORS} > 0 and up > 1",
        f"up > 1 or {ERRORS} < 0",
        "clamp_max(x, 5) > 5",
        "max_over_time((up > 1)[1h:1m]) > 0",
    ],
)
def test_an_alert_on_this_can_never_fire(expression):
    assert outcome(parse(expression)) == "never"


@pytest.mark.parametrize(
    "expression",
    [
        # bool gives 0 or 1, and an alert fires on a 0 too.
        "up == bool 0",
        "sum(rate(http_requests_total[5m]))",
        "http_errors",
        f"{ERRORS} >= 0",
        f"{ERRORS} / {ALL} <= 1",
        "up <= 1",
        "vector(1)",
        "up == 0 or vector(1)",
        f"{ERRORS} >= 0 and up >= 0",
    ],
)
def test_an_alert_on_this_fires_whatever_is_measured(expression):
    assert outcome(parse(expression)) == "always"


@pytest.mark.parametrize(
    "expression",
    [
        f"{ERRORS} / {ALL} > 14.4 * (1 - 0.99)",
        f"{ERRORS} / {ALL} > 0.999",
        # Not a share: another metric, another range, other labels, another clause.
        f"{ERRORS} / sum(rate(other_total[5m])) > 1",
        'sum(rate(h_total{code="500"}[5m])) / sum(rate(h_total{app="a"}[5m])) > 1',
        "sum(rate(h_total[5m])) / sum(rate(h_total[1h])) > 1",
        'sum by (app) (rate(h_total{c="5"}[5m])) / sum(rate(h_total[5m])) > 1',
        "up == 0",
        "absent(up)",
        "absent(up) == 1",
        "x > 5",
        "count(up == 0) > 2",
        "predict_linear(fly_volume_used_pct[6h], 4 * 3600) > 100",
        "probe_ssl_earliest_cert_expiry - time() < 14 * 86400",
        'ALERTS{alertname="A"}',
        "x unless y",
        "delta(temperature[5m]) < 0",
        "-x > 5",
        "x > NaN",
    ],
)
def test_an_alert_on_this_may_fire(expression):
    assert outcome(parse(expression)) == "sometimes"


numbers = st.floats(-1e6, 1e6).map(lambda number: f"({number:g})")
arithmetic = st.recursive(
    numbers,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=8,
)


@given(arithmetic)
def test_what_is_stated_in_numbers_has_exactly_its_own_bounds(expression):
    found = bounds(parse(expression))

    assert found.low == found.high
    assert math.isclose(found.low, eval(expression), rel_tol=1e-9, abs_tol=1e-9)


@given(st.floats(0.5, 0.9999), st.floats(1, 20))
@example(0.9, 14.4)
@example(0.95, 14.4)
def test_a_burn_rate_is_out_of_reach_exactly_below_1_minus_1_by_factor(objective, factor):
    expression = parse(f"{ERRORS} / {ALL} > ({factor!r} * {1 - objective!r})")

    assert (outcome(expression) == "never") == (factor * (1 - objective) >= 1)


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(text):
    try:
        found = outcome(parse(text))
    except NotPromQL:
        return
    assert found in {"never", "sometimes", "always"}


@pytest.mark.parametrize(
    "text", ["1+" * 30_000 + "1", "(" * 3_000 + "x" + ")" * 3_000, "-" * 9_000]
)
def test_what_no_person_can_judge_is_refused_and_does_not_end_the_process(text):
    with pytest.raises(NotPromQL, match="more than"):
        parse(text)


def test_a_selector_has_its_name_however_it_is_written():
    names = ['x{a="b"}', '{__name__="x",a="b"}', '{"x",a="b"}']

    assert {parse(name) for name in names} == {parse('x{a="b"}')}
    assert parse('{a="b"}') != Selector("")
