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


def test_a_deploy_adds_itself_to_the_log(shop):
    opened = sre(shop, "incident", "open", "checkout fails", "--target", "local")
    number = re.search(r"#(\d+)", opened.stdout)[1]
    up = sre(shop, "local", "up")

    sre(shop, "deliver")

    (log,) = (shop.root / ".sre" / "issues").glob(f"{int(number):04d}-*.md")
    version = re.search(r"shop v(\d+)", up.stdout)[1]
    assert f"Deployed shop v{version}, registry" in log.read_text("utf-8"), up
    assert "pytest-sre deliver" in up.stdout
    sre(shop, "incident", "resolve", number, "--target", "local", "--no-postmortem")

    again = sre(shop, "local", "up")

    assert "pytest-sre deliver" not in again.stdout
    assert not [*(shop.root / ".sre" / "outbox").glob("*.json")]


def test_a_release_that_a_run_deploys_adds_itself_too(shop):
    opened = sre(shop, "incident", "open", "checkout fails again", "--target", "local")
    number = re.search(r"#(\d+)", opened.stdout)[1]

    outcome = shop.verify(
        "--sre-bake=1s", "suites/orders", "-p", "no:xdist", "--sre-local-release=good"
    )

    (log,) = (shop.root / ".sre" / "issues").glob(f"{int(number):04d}-*.md")
    assert f"incident #{number}: noted" in outcome.lines("issues"), outcome.text
    assert ":good: complete." in log.read_text("utf-8")
