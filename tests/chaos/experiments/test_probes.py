"""Probes that ask for what a platform keeps: its log, its metrics, its objectives."""

import httpx
import pytest

from pytest_sre.chaos.fly import probes
from pytest_sre.chaos.fly import standing as standings
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.targets import load_settings
from pytest_sre.verdict import Inconclusive
from tests.patience import until

OBJECTIVES = """
[[slo]]
name = "mostly-there"
source = "edge"
objective = 50
window = "1h"

[[slo]]
name = "never-below-nothing"
value = "vector(1)"
below = 0
objective = 99
window = "1h"

[[slo]]
name = "of-nobody"
total = "sum(increase(nobody_total[$window]))"
good = "sum(increase(nobody_good_total[$window]))"
objective = 99
"""


@pytest.fixture
def base_url(stage):
    return stage.hands.local.app_url("tiny")


@pytest.fixture
def seen(stage, tmp_path):
    """What probes look at: the shared platform, with objectives of its own."""
    for name in ("fly.toml", "sre.toml"):
        text = (stage.root / name).read_text("utf-8")
        (tmp_path / name).write_text(text + OBJECTIVES * (name == "sre.toml"), encoding="utf-8")

    class Seeing:
        sight = Sight(load_settings(tmp_path, "local"), stage.hands)

    standings.stand(Seeing())
    yield
    standings.stand(None)


@pytest.mark.usefixtures("seen")
def test_errors_that_the_log_did_not_have_are_counted(base_url):
    assert probes.new_error_signatures() == 0

    httpx.get(f"{base_url}/complaint")

    until(lambda: probes.new_error_signatures() == 1)


@pytest.mark.usefixtures("seen")
def test_a_query_gives_its_one_number():
    assert probes.promql("vector(2) * 21") == 42
    for query, text in (
        ("vector(1) > 2", "expected one value, found 0"),
        ("vector(1)[5m:1m]", "expected a query that gives a vector"),
    ):
        with pytest.raises(Inconclusive, match=text):
            probes.promql(query)


@pytest.mark.usefixtures("seen")
def test_an_objective_is_met_or_not_or_nobody_knows(base_url):
    for _ in range(200):
        httpx.get(base_url)

    def is_met():
        try:
            return probes.objective_met("mostly-there")
        except Inconclusive:
            return None

    until(is_met)
    assert probes.objective_met("never-below-nothing") is False
    with pytest.raises(Inconclusive, match="nobody"):
        probes.objective_met("of-nobody")
    with pytest.raises(Inconclusive, match="no objective 'lost'; stated: mostly-there"):
        probes.objective_met("lost")
