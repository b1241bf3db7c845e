"""``pytest-sre generate openslo``: other tools get what was stated, and so do we."""

import dataclasses

import pytest

from pytest_sre.cli import main
from pytest_sre.targets import load_settings

STATED = """
[[slo]]
name = "checkout"
journey = "checkout"
percentile = 99
below = "300ms"
owner = "payments"

[[slo]]
name = "orders"
app = "shop"
total = "increase(orders_total[$window])"
bad = 'increase(orders_total{state="lost"}[$window])'
objective = 99.9
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fly.toml").write_text('app = "shop"\n')
    (tmp_path / "sre.toml").write_text(STATED)
    return tmp_path


def test_what_is_generated_says_the_same(project):
    stated = load_settings(project, "prod").objectives

    assert main(["generate", "openslo", "--output", "slo"]) == 0
    (project / "sre.toml").write_text('openslo = ["slo/*.yaml"]\n')
    found = load_settings(project, "prod").objectives

    assert (project / "slo" / "openslo.yaml").read_text().startswith("# Made by `pytest-sre gen")
    # The first app is now named.
    assert [dataclasses.replace(one, where="") for one in found] == [
        dataclasses.replace(one, where="", app="shop") for one in stated
    ]


def test_it_goes_stale_like_all_that_is_generated(project, capsys):
    assert main(["generate", "openslo", "--output", "slo"]) == 0
    assert main(["generate", "openslo", "--output", "slo", "--check"]) == 0

    (project / "sre.toml").write_text(STATED.replace("300ms", "200ms"))

    assert main(["generate", "openslo", "--output", "slo", "--check"]) == 1
    assert "openslo.yaml is stale" in capsys.readouterr().err


def test_what_openslo_cannot_say_is_refused(project, capsys):
    (project / "sre.toml").write_text(STATED + 'window = "90s"\n')

    assert main(["generate", "openslo"]) == 4
    assert "no openslo: expected whole minutes, found 90 s" in capsys.readouterr().err
