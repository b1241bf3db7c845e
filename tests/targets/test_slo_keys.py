"""Objectives in sre.toml: what each form means, and how each mistake is answered."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.targets import ConfigError, load_settings
from pytest_sre.targets.objectives import (
    BudgetAdjustment,
    Edge,
    Logged,
    Objective,
    Observed,
    RatioQuery,
    Slices,
    ThresholdQuery,
)

DAY_S = 86_400.0
CHECKOUT = """
[[slo]]
name = "checkout-availability"
journey = "checkout"
objective = 99.9
window = "28d"
"""


@pytest.fixture
def objectives(write, web):
    """Read the objectives of a text in sre.toml."""

    def read(text: str, target: str = "prod") -> tuple[Objective, ...]:
        root = write({"fly.toml": web, "fly.staging.toml": 'app = "stage"', "sre.toml": text})
        return load_settings(root, target).objectives

    return read


@pytest.fixture
def objective(objectives):
    """Read the one objective that some keys state."""

    def read(keys: str, *, objective="objective = 99") -> Objective:
        (one,) = objectives(f'[[slo]]\nname = "x"\n{objective}\n{keys}')
        return one

    return read


def test_an_objective_needs_five_lines(objectives):
    assert objectives(CHECKOUT) == (
        Objective(
            name="checkout-availability",
            kind="availability",
            source=Observed(journey="checkout"),
            good_ratio=0.999,
            window_s=28 * DAY_S,
            where="sre.toml: slo[0]",
        ),
    )


def test_without_objectives_there_are_none(objectives):
    assert objectives("") == ()


SOURCES = {
    'source = "runs"': ("availability", Observed(), None),
    'path = "/cart"': ("availability", Observed(path="/cart"), None),
    'journey = "buy"\nbelow = "2s"': ("latency", Observed(journey="buy"), 2.0),
    'journey = "buy"\nkind = "correctness"': ("correctness", Observed(journey="buy"), None),
    'source = "edge"': ("availability", Edge(), None),
    'source = "edge"\nbelow = "250ms"': ("latency", Edge(), 0.25),
    'source = "logs"': ("availability", Logged(), None),
    'source = "logs"\nstatus = "code"\nduration = "took"\nduration-unit = "s"\nbelow = "1s"': (
        "latency",
        Logged(status="code", duration="took", duration_unit_s=1.0),
        1.0,
    ),
    'source = "logs"\nduration = "age"\nkind = "freshness"\nbelow = "5m"': (
        "freshness",
        Logged(duration="age"),
        300.0,
    ),
    'good = "increase(g[$window])"\ntotal = "increase(t[$window])"': (
        "availability",
        RatioQuery(good="increase(g[$window])", total="increase(t[$window])"),
        None,
    ),
    'bad = "increase(b[$window])"\ntotal = "increase(t[$window])"\nkind = "latency"': (
        "latency",
        RatioQuery(bad="increase(b[$window])", total="increase(t[$window])"),
        None,
    ),
    'value = "disk_used"\nbelow = 0.8': (
        "saturation",
        ThresholdQuery(value="disk_used", below=0.8),
        None,
    ),
    'value = "time() - last"\nbelow = 300\nkind = "freshness"\nevery = "5m"': (
        "freshness",
        ThresholdQuery(value="time() - last", below=300.0, slice_s=300.0),
        None,
    ),
    'value = "up"\nabove = 1\nkind = "availability"': (
        "availability",
        ThresholdQuery(value="up", above=1.0),
        None,
    ),
}


@pytest.mark.parametrize("keys", SOURCES)
def test_what_is_measured_follows_from_the_keys(objective, keys):
    found = objective(keys)

    assert (found.kind, found.source, found.threshold_s) == SOURCES[keys]


def test_a_percentile_is_an_objective_on_the_share_in_time(objective):
    found = objective('source = "edge"\npercentile = 99\nbelow = "300ms"', objective="")

    assert (found.kind, found.good_ratio, found.threshold_s) == ("latency", 0.99, 0.3)


@pytest.mark.parametrize(
    ("written", "ratio"), [("99.9", 0.999), ("99.99", 0.9999), ("95", 0.95), ("99.95", 0.9995)]
)
def test_a_percentage_is_the_ratio_that_people_would_write(objective, written, ratio):
    assert objective('source = "edge"', objective=f"objective = {written}").good_ratio == ratio


BUDGETINGS = {
    "": None,
    'budgeting = "occurrences"': None,
    'budgeting = "timeslices"\nslice = "1m"\nslice-objective = 95': Slices(
        slice_s=60.0, good_ratio=0.95
    ),
    'budgeting = "timeslices"\nslice = "1h"\nslice-objective = 100': Slices(
        slice_s=3600.0, good_ratio=1.0
    ),
    'budgeting = "ratio-timeslices"\nslice = "5m"': Slices(slice_s=300.0, good_ratio=None),
}


@pytest.mark.parametrize("keys", BUDGETINGS)
def test_the_budget_counts_events_or_slices(objective, keys):
    assert objective(f'source = "edge"\n{keys}').slices == BUDGETINGS[keys]


def test_all_that_else_can_be_said(objective):
    found = objective(
        'source = "edge"\napp = "shop"\nseverity = "critical"\nowner = "payments"\n'
        'runbook = "checkout.md"\nfreeze-below = 0.1\nalerts = false\ndescription = "Buying"'
    )

    assert (found.app, found.severity, found.owner) == ("shop", "critical", "payments")
    assert (found.runbook, found.freeze_below) == ("checkout.md", 0.1)
    assert (found.alerts, found.description) == (False, "Buying")


def test_an_objective_can_be_for_some_targets_only(objectives):
    text = CHECKOUT + 'targets = ["prod"]\napp = "shop"'

    assert [one.name for one in objectives(text, "prod")] == ["checkout-availability"]
    assert objectives(text, "staging") == ()


def test_an_adjustment_takes_a_time_out_with_its_reason(write, web):
    text = (
        CHECKOUT
        + '[[slo-adjustment]]\nreason = "database moves"\nslo = ["checkout-availability"]\n'
        "from = 2026-11-01T22:00:00Z\nto = 2026-11-02T00:00:00+01:00\n"
        '[[slo-adjustment]]\nreason = "all of it"\n'
        "from = 2026-11-03T00:00:00Z\nto = 2026-11-03T01:00:00Z"
    )
    root = write({"fly.toml": web, "sre.toml": text})

    first, second = load_settings(root, "prod").adjustments

    assert first == BudgetAdjustment(
        objectives=("checkout-availability",),
        start_at=dt.datetime(2026, 11, 1, 22, tzinfo=dt.UTC).timestamp(),
        end_at=dt.datetime(2026, 11, 1, 23, tzinfo=dt.UTC).timestamp(),
        reason="database moves",
        where="sre.toml: slo-adjustment[0]",
    )
    assert first.concerns("checkout-availability")
    assert not first.concerns("other")
    assert second.concerns("other")


EDGE = 'name = "x"\nobjective = 99\nsource = "edge"\n'
BARE = 'name = "x"\nobjective = 99\n'
MISTAKES = {
    "no name": ("objective = 99", '[slo[0]] has no key "name"'),
    "name with a space": ('name = "My SLO"\nobjective = 99', 'slo[0].name is "My SLO"'),
    "no objective": ('name = "x"\nsource = "edge"', 'slo[0]] has no key "objective"'),
    "nothing measured": (BARE, "does not say what is measured", "journey, path, source"),
    "objective of 100": (
        'name = "x"\nobjective = 100\nsource = "edge"',
        "slo[0].objective is 100, which leaves no error budget",
        "less than 100",
        "no number of good events",
    ),
    "objective of 0": ('name = "x"\nobjective = 0', "is 0, which everything meets"),
    "objective as a ratio": ('name = "x"\nobjective = 0.999', "is 0.999 %", "write 99.9 for"),
    "objective above 100": ('name = "x"\nobjective = 101', "objective is 101", "below 100"),
    "objective below 0": ('name = "x"\nobjective = -1', "objective is -1"),
    "objective is nan": ('name = "x"\nobjective = nan', "objective is nan"),
    "objective is a text": ('name = "x"\nobjective = "99.9%"', 'objective is "99.9%"'),
    "objective is true": ('name = "x"\nobjective = true', "objective is true"),
    "window without a unit": (EDGE + "window = 28", "window is 28", 'unit, from "1m" to "366d"'),
    "window as text without a unit": (EDGE + 'window = "28"', 'window is "28"', "with its unit"),
    "window of no time": (EDGE + 'window = "0s"', 'window is "0s"'),
    "window too short": (EDGE + 'window = "5s"', 'window is "5s"', '"1m"'),
    "window too long": (EDGE + 'window = "400d"', 'window is "400d"', '"366d"'),
    "unknown key": (EDGE + 'windows = "28d"', 'unknown key "windows"', 'mean "window"?'),
    "unknown kind": (EDGE + 'kind = "latncy"', 'slo[0].kind is "latncy"', 'mean "latency"?'),
    "unknown source": (BARE + 'source = "egde"', "slo[0].source", 'mean "edge"?'),
    "unknown severity": (EDGE + 'severity = "hihg"', "slo[0].severity", 'mean "high"?'),
    "two sources": (
        BARE + 'journey = "buy"\nsource = "edge"',
        'slo[0].journey does not go with source = "edge"',
    ),
    "journey beside a query": (
        BARE + 'journey = "buy"\nvalue = "up"\nabove = 1',
        'slo[0].journey does not go with "value"',
    ),
    "total and value": (
        BARE + 'value = "up"\nabove = 1\ntotal = "increase(x[$window])"',
        'slo[0].total does not go with "value"',
    ),
    "good and bad": (
        BARE + 'total = "t[$window]"\ngood = "g[$window]"\nbad = "b[$window]"',
        'has both "good" and "bad"',
    ),
    "neither good nor bad": (BARE + 'total = "t[$window]"', 'neither "good" nor "bad"'),
    "good without total": (BARE + 'good = "g[$window]"', 'no key "total"'),
    "query without a window": (
        BARE + 'total = "rate(t[5m])"\ngood = "g[$window]"',
        "slo[0].total is",
        "$window",
    ),
    "value without a limit": (BARE + 'value = "x"', 'neither of "below" and "above"'),
    "value with both limits": (BARE + 'value = "x"\nbelow = 1\nabove = 0', "both"),
    "value below a time": (BARE + 'value = "x"\nbelow = "1s"', 'below is "1s"', "a number"),
    "value below infinity": (BARE + 'value = "x"\nbelow = inf', "below is inf", "a number"),
    "latency without below": (EDGE + 'kind = "latency"', 'about latency and has no key "below"'),
    "below without a unit": (EDGE + "below = 300", "below is 300", 'such as "300ms"'),
    "below beside queries": (
        BARE + 'total = "t[$window]"\ngood = "g[$window]"\nbelow = "1s"',
        'slo[0].below does not go with "total"',
    ),
    "availability below": (
        EDGE + 'kind = "availability"\nbelow = "1s"',
        "slo[0].below means nothing for availability",
    ),
    "freshness of the edge": (
        EDGE + 'kind = "freshness"\nbelow = "1s"',
        "slo[0].below means nothing for freshness there",
    ),
    "saturation of a journey": (
        BARE + 'journey = "buy"\nkind = "saturation"',
        'slo[0].kind is "saturation", which this source cannot tell',
        "one of: total, value",
    ),
    "correctness of a path": (
        BARE + 'path = "/x"\nkind = "correctness"',
        "slo[0].path has no results",
    ),
    "path without a slash": (BARE + 'path = "cart"', 'path is "cart"', '"/checkout"'),
    "percentile and objective": (
        EDGE + 'percentile = 99\nbelow = "1s"',
        'slo[0].percentile stands beside "objective"',
    ),
    "percentile of nothing": (
        'name = "x"\nsource = "edge"\npercentile = 99',
        "slo[0].percentile has no time to be below",
    ),
    "percentile of 100": (
        'name = "x"\nsource = "edge"\npercentile = 100\nbelow = "1s"',
        "percentile is 100",
    ),
    "slice without timeslices": (
        EDGE + 'slice = "1m"',
        'slo[0].slice means nothing with budgeting = "occurrences"',
    ),
    "timeslices without a slice": (EDGE + 'budgeting = "timeslices"', 'no key "slice"'),
    "timeslices without their objective": (
        EDGE + 'budgeting = "timeslices"\nslice = "1m"',
        'no key "slice-objective"',
    ),
    "slice without a unit": (
        EDGE + 'budgeting = "ratio-timeslices"\nslice = 5',
        "slice is 5",
        "with its unit",
    ),
    "slice as long as the window": (
        EDGE + 'budgeting = "ratio-timeslices"\nslice = "28d"',
        "slo[0].slice is no shorter than the window",
    ),
    "slices of a value": (
        BARE + 'value = "x"\nbelow = 1\nbudgeting = "ratio-timeslices"\nslice = "1m"',
        'slo[0].budgeting does not go with "value"',
        "every =",
    ),
    "freeze-below in percent": (EDGE + "freeze-below = 10", "freeze-below is 10", "0 to 1"),
    "unknown target": (EDGE + 'targets = ["prdo"]', 'slo[0].targets[0] names "prdo"', '"prod"?'),
    "unknown app": (
        EDGE + 'app = "shpo"',
        'slo[0].app is "shpo", no app of the target "prod"',
        'mean "shop"?',
    ),
    "app of another target": (EDGE + 'app = "stage"', "slo[0].app", 'targets = ["NAME"]'),
    "name twice": (
        EDGE + "[[slo]]\n" + EDGE,
        'slo[1] has the name "x", as sre.toml: slo[0] does',
    ),
    "adjustment without a reason": (
        EDGE + "[[slo-adjustment]]\nfrom = 2026-11-01T00:00:00Z\nto = 2026-11-01T01:00:00Z",
        '[slo-adjustment[0]] has no key "reason"',
    ),
    "adjustment in no time zone": (
        EDGE + '[[slo-adjustment]]\nreason = "x"\nfrom = 2026-11-01T00:00:00\nto = 2026-11-02',
        "slo-adjustment[0].from is a date or time",
        "with its offset",
    ),
    "adjustment that ends first": (
        EDGE + '[[slo-adjustment]]\nreason = "x"\n'
        "from = 2026-11-01T00:00:00Z\nto = 2026-11-01T00:00:00Z",
        'slo-adjustment[0].to is not after "from"',
    ),
    "adjustment of nothing known": (
        EDGE + '[[slo-adjustment]]\nreason = "x"\nslo = ["y"]\n'
        "from = 2026-11-01T00:00:00Z\nto = 2026-11-01T01:00:00Z",
        'slo-adjustment[0].slo names "y"',
        "expected one of: x",
    ),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_in_four_lines(objectives, case):
    text, *expected = case

    with pytest.raises(ConfigError) as caught:
        objectives(f"[[slo]]\n{text}")

    message = str(caught.value)
    assert message.startswith("sre.toml: ")
    assert len(message.splitlines()) <= 4
    for part in expected:
        assert part in message


KEYS = [
    *("kind", "app", "objective", "percentile", "window", "budgeting", "slice", "owner"),
    *("slice-objective", "severity", "runbook", "freeze-below", "alerts", "targets"),
    *("source", "journey", "path", "status", "duration", "duration-unit", "total", "good"),
    *("bad", "value", "below", "above", "every"),
]
PLAUSIBLE = st.sampled_from(
    [
        *('"edge"', '"logs"', '"runs"', '"latency"', '"freshness"', '"timeslices"', '"1m"'),
        *('"300ms"', '"x[$window]"', '"/"', '"shop"', '["prod"]', "99.9", "1", "0", "100"),
        *("true", "nan", "inf", "-1e300", "[]", "{}", "2026-11-01", '""'),
    ]
)


def test_single_brackets_are_answered_with_double_ones(objectives):
    with pytest.raises(ConfigError, match=r"\[slo\] is one table\nexpected \[\[slo\]\]"):
        objectives('[slo]\nname = "x"')


@given(st.dictionaries(st.sampled_from(KEYS), PLAUSIBLE, max_size=6))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_keys_say_the_answer_is_an_objective_or_a_mistake(scratch, keys):
    (scratch / "fly.toml").write_text('app = "shop"')
    path = scratch / "slo.toml"
    stated = keys if "percentile" in keys else {"objective": "99"} | keys
    lines = ["[[slo]]", 'name = "x"', *(f"{key} = {value}" for key, value in stated.items())]
    path.write_text("\n".join(lines))

    found = settle(lambda: load_settings(scratch, "prod", path).objectives)

    if isinstance(found, str):
        assert 2 <= len(found.split("\n")) <= 4
        return
    assert 0 < found[0].good_ratio < 1
    assert (found[0].threshold_s is not None) <= (found[0].kind in {"latency", "freshness"})


def settle(read):
    """Read, and give the text of the mistake where there is one."""
    try:
        return read()
    except ConfigError as error:
        return str(error)
