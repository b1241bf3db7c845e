"""A real Machine writes hostile text and secrets into its log: no sink shows what must not be."""

import base64
import json
import re
import subprocess
import sys

import pytest
from corpora import HOSTILE, KNOWN, NAMED, OTHER, SECRETS
from github_double import GithubDouble
from inertness import assert_dead, assert_dead_in_title, assert_does_nothing

from tests.patience import until

SECRET_TEXTS = {
    **{kind: (f"refused {secret} today", secret) for kind, secret in SECRETS.items()},
    **{f"named, {kind}": (place.format(secret), secret) for kind, (place, secret) in NAMED.items()},
}
WORKER = """
import base64, json, pathlib, sys
from shop.worker import main

for text in json.loads((pathlib.Path(__file__).parent / "texts.json").read_text()):
    sys.stdout.buffer.write(b"order lost: " + base64.b64decode(text) + b"\\n")
sys.stdout.flush()
main()
"""
SUITE = """
import pytest

@pytest.mark.sre(severity="high")
@pytest.mark.parametrize("number", range(CAUSES))
def test_log(fly_app, logs, number):
    said = [line.message for line in logs.since_deploy(fly_app).lines if line.message.strip()]
    begins = next(at for at, message in enumerate(said) if "order lost" in message)
    found = said[begins:][number::CAUSES]
    print(*found)
    assert not found, f"cause {chr(97 + number)}: " + "\\n".join(found)
"""
CAUSES = 26
CONFIG = '\n[issues]\ntracker = "github:acme/shop"\nmax-per-run = 50\napi-url = "{}"\n'


def hostile(shop):
    """Have the worker say all of it when it begins."""
    texts = [*HOSTILE.values(), *(text for text, _ in SECRET_TEXTS.values()), "the last word"]
    raw = (text.encode("utf-8", "surrogatepass") for text in texts)
    shop.add("shop/texts.json", json.dumps([base64.b64encode(text).decode() for text in raw]))
    shop.add("shop/hostile.py", WORKER)
    shop.edit("fly.toml", 'worker = "python -m shop.worker"', 'worker = "python -m shop.hostile"')
    shop.add("suites/mine/test_log.py", SUITE.replace("CAUSES", str(CAUSES)))


@pytest.fixture
def shop(changed):
    with changed(hostile) as live:
        yield live


def deliver(shop):
    command = [sys.executable, "-c", "from pytest_sre.cli import main; exit(main(['deliver']))"]
    return subprocess.run(command, cwd=shop.root, capture_output=True, text=True, check=False)


def test_no_sink_shows_what_must_not_be_shown(shop, monkeypatch):
    until(lambda: "the last word" in log_of(shop))
    secrets = {"SHOP_PASSWORD": KNOWN, "OTHER_PASSWORD": OTHER}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    with GithubDouble() as double:
        double.limits.writes_per_min = 10_000
        monkeypatch.setenv("GITHUB_TOKEN", double.token)
        shop.add("sre.toml", CONFIG.format(double.url))
        double.repository.has_issues = False
        outcome = shop.verify(
            "--sre-bake=1s", "suites/mine", "-p", "no:xdist", "--sre-issues=file", "-rA"
        )
        folder = shop.root / ".sre" / "outbox"
        kept = "".join(path.read_text("utf-8") for path in folder.glob("*.json"))
        double.repository.has_issues = True
        told = deliver(shop)
        issues = [*double.repository.issues.values()]

    assert outcome.verdict == "UNHEALTHY", outcome.text
    assert len(issues) >= CAUSES // 2, outcome.text
    assert "order lost" in kept
    read = [issue.title for issue in issues]
    for issue in issues:
        assert_dead_in_title(issue.title)
        read += [issue.body or "", *(each.body for each in issue.comments)]
        for text in read[-1 - len(issue.comments) :]:
            assert_dead(text)
    assert re.search("order lost", "\n".join(read))
    assert_does_nothing(outcome.text)
    assert_does_nothing(told.stdout + told.stderr)
    for sink in ("\n".join(read), kept, outcome.text, told.stdout):
        assert [kind for kind, (_, secret) in SECRET_TEXTS.items() if secret in sink] == []


def log_of(shop):
    """What the worker's Machine said last."""
    (worker,) = shop.machines("worker")
    found, _ = shop.fly.logs("shop", machine=worker.id)
    return "\n".join(line.message for line in found)
