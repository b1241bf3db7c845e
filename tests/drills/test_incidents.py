"""A critical failure on a target with incidents starts one, and later runs keep its log."""

import json
import re
import subprocess
import sys

import pytest

FAILING = """
import pathlib
import pytest

BROKEN = pathlib.Path(__file__).parents[2] / "broken"

@pytest.mark.sre(severity="critical", runbook="orders.md")
def test_orders(fly_machine):
    assert not (BROKEN / fly_machine.region).exists(), "orders are lost"
"""
"""A suite of a user's own: it fails for the Machines of regions that have a file."""


@pytest.fixture(scope="module")
def shop(live):
    """A shop that is up, with incidents, that suite and its runbook."""
    live.edit("sre.toml", "[targets.local]\n", "[targets.local]\nincidents = true\n")
    live.add("suites/orders/test_orders.py", FAILING)
    live.add("suites/runbooks/orders.md", "# Orders\n")
    return live


def run_orders(shop):
    return shop.verify("--sre-bake=1s", "suites/orders", "-p", "no:xdist")


def sre(shop, *arguments):
    script = "import sys; from pytest_sre.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=shop.root, capture_output=True, text=True, check=False)


def test_an_incident_lives_by_what_runs_see(shop):
    regions = sorted({machine.region for machine in shop.fly.machines("shop")})
    broken = shop.root / "broken"
    broken.mkdir()
    for region in regions:
        (broken / region).touch()
    first = run_orders(shop)
    (broken / regions[0]).unlink()
    better = run_orders(shop)
    for region in regions[1:]:
        (broken / region).unlink()
    run_orders(shop)
    (found,) = json.loads(sre(shop, "incident", "status", "--json", "--target", "local").stdout)
    resolved = sre(shop, "incident", "resolve", "2", "--target", "local")

    assert first.lines("issues")[1].startswith("incident #2 opened: "), first.text
    moved = f"recovered in {regions[0]}, still failing in {', '.join(regions[1:])}"
    assert moved in better.lines("issues")[1], better.text
    assert (found["status"], found["target"], found["apps"]) == ("recovered", "local", ["shop"])
    assert resolved.stdout.splitlines()[0] == "incident #2: resolved", resolved
    (draft,) = (shop.root / ".sre" / "issues").glob("0003-*.md")
    text = draft.read_text("utf-8")
    assert "test\\_orders" in text
    assert "bake until" in text
    assert "log of shop read" not in text
    assert "| requests that failed | 0 of " in text
    assert re.search(r"Machines affected \| [1-9]", text), text
    assert re.search(r"time to (detect|mitigate|recover) \| not", text) is None, text
