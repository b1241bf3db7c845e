"""What fails becomes an issue, one a cause, and stays one until it is well."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from github_double import GithubDouble
from github_double.world import Commit

from tests.patience import until

ON_GITHUB = '\n[issues]\ntracker = "github:acme/shop"\n'
FAILING = """
import pathlib, time
import pytest

BROKEN = pathlib.Path(__file__).parents[2] / "broken"

@pytest.mark.sre(severity="high", runbook="mine.md")
@pytest.mark.parametrize("number", range(3))
def test_mine(fly_app, number):
    assert not BROKEN.exists(), f"order {number} is lost"
"""
"""A suite of a user's own: it fails while the file ``broken`` is there."""


@pytest.fixture(scope="module")
def filing_shop(live):
    """A shop that is up, with that suite and its runbook."""
    live.add("suites/mine/test_mine.py", FAILING)
    live.add("suites/runbooks/mine.md", "# Mine\n")
    return live


@pytest.fixture(autouse=True)
def _nothing_filed(filing_shop):
    yield
    (filing_shop.root / "broken").unlink(missing_ok=True)
    for folder in ("issues", "outbox"):
        for path in (filing_shop.root / ".sre" / folder).glob("*"):
            path.unlink()


def run_mine(shop, *arguments, **options):
    return shop.verify("--sre-bake=1s", "suites/mine", "-p", "no:xdist", *arguments, **options)


def issues(shop) -> list[Path]:
    return sorted((shop.root / ".sre" / "issues").glob("*.md"))


def waiting(shop) -> list[Path]:
    folder = shop.root / ".sre" / "outbox"
    return sorted([*folder.glob("*.json"), *folder.glob("*.journal")])


def deliver(shop):
    command = [sys.executable, "-c", "from pytest_sre.cli import main; exit(main(['deliver']))"]
    return subprocess.run(command, cwd=shop.root, capture_output=True, text=True, check=False)


def test_an_issue_lives_as_long_as_its_cause(filing_shop):
    broken = filing_shop.root / "broken"
    broken.touch()
    first = run_mine(filing_shop)
    again = run_mine(filing_shop)
    broken.unlink()
    run_mine(filing_shop)
    well = run_mine(filing_shop)
    broken.touch()
    back = run_mine(filing_shop)

    assert first.lines("issues") == ["files:.sre/issues: opened #1"], first.text
    assert again.lines("issues") == ["files:.sre/issues: updated #1"], again.text
    assert well.lines("issues") == ["files:.sre/issues: closed #1"], well.text
    assert back.lines("issues") == ["files:.sre/issues: reopened #1"], back.text
    (issue,) = issues(filing_shop)
    text = issue.read_text("utf-8")
    assert 'state = "open"' in text
    assert "| seen in | 3 runs |" in text
    assert "order 0 is lost" in text
    assert "suites/runbooks/mine.md" in text
    assert "pytest --sre-target=local -k test_mine" in text
    assert "Recovered: passed in 2 runs in a row" in text
    assert waiting(filing_shop) == []


def test_a_dry_run_shows_what_would_be_filed_and_files_nothing(filing_shop):
    (filing_shop.root / "broken").touch()

    outcome = run_mine(filing_shop, "--sre-issues=dry-run")

    assert any("order 0 is lost" in line for line in outcome.lines("issues")), outcome.text
    assert issues(filing_shop) == waiting(filing_shop) == []


def test_nothing_is_filed_when_that_is_off(filing_shop):
    (filing_shop.root / "broken").touch()

    outcome = run_mine(filing_shop, "--sre-issues=off")

    assert outcome.lines("issues") == []
    assert issues(filing_shop) == waiting(filing_shop) == []


def test_what_failed_is_filed_though_the_run_was_killed(filing_shop):
    (filing_shop.root / "broken").touch()
    hangs = "\ndef test_then_it_hangs(fly_app):\n    time.sleep(200)\n"
    suite = filing_shop.root / "suites" / "mine" / "test_mine.py"
    told = FAILING.replace("is lost", "is lost, password=hunter2hunter")
    suite.write_text(told + hangs, encoding="utf-8")
    try:
        with filing_shop.spawn("--sre-bake=1s", "suites/mine") as process:
            until(lambda: any(_has(path, b"hangs") for path in waiting(filing_shop)))
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        kept = b"".join(path.read_bytes() for path in waiting(filing_shop))
    finally:
        suite.write_text(FAILING, encoding="utf-8")

    delivered = deliver(filing_shop)

    assert delivered.stdout == "files:.sre/issues: opened #1\n"
    assert delivered.returncode == 0
    (issue,) = issues(filing_shop)
    text = issue.read_text("utf-8")
    assert "order 0 is lost" in text
    assert b"hunter2hunter" not in kept
    assert "hunter2hunter" not in text
    assert "killed during" in text
    assert "hangs" in text
    assert deliver(filing_shop).stdout == "nothing waits in .sre/outbox\n"


def _has(path: Path, word: bytes) -> bool:
    return word in path.read_bytes()


def test_what_cannot_be_filed_waits_and_the_exit_code_stays(filing_shop):
    (filing_shop.root / "broken").touch()
    config = filing_shop.root / "sre.toml"
    before = config.read_text("utf-8")
    config.write_text(before + ON_GITHUB, encoding="utf-8")
    try:
        nobody = {"GITHUB_TOKEN": "", "GH_TOKEN": ""}
        outcome = run_mine(filing_shop, "--sre-issues=file", env=nobody)
    finally:
        config.write_text(before, encoding="utf-8")

    assert outcome.code == 1
    said = "\n".join(outcome.lines("issues"))
    assert "github:acme/shop: expected a token" in said
    assert "pytest-sre deliver" in said
    assert len(waiting(filing_shop)) == 1


def test_issues_of_a_local_platform_reach_no_one_else(filing_shop):
    (filing_shop.root / "broken").touch()
    config = filing_shop.root / "sre.toml"
    before = config.read_text("utf-8")
    config.write_text(before + ON_GITHUB, encoding="utf-8")
    try:
        outcome = run_mine(filing_shop)
    finally:
        config.write_text(before, encoding="utf-8")

    assert outcome.lines("issues") == ["files:.sre/issues: opened #1"], outcome.text


def test_workers_find_and_the_controller_files(filing_shop):
    (filing_shop.root / "broken").touch()

    outcome = filing_shop.verify("--sre-bake=1s", "suites/mine", "-n", "2")

    assert outcome.lines("issues") == ["files:.sre/issues: opened #1"], outcome.text
    assert len(issues(filing_shop)) == 1


def test_an_app_that_is_down_is_one_issue_however_many_tests_fail(filing_shop):
    stopped = filing_shop.machines("store")
    for machine in stopped:
        filing_shop.fly.stop("shop", machine.id)
    try:
        outcome = filing_shop.verify("--sre-bake=2s")
    finally:
        for machine in stopped:
            filing_shop.fly.start("shop", machine.id)
        until(lambda: all(map(filing_shop.is_healthy, filing_shop.machines("web"))))

    assert outcome.verdict == "UNHEALTHY", outcome.text
    assert outcome.lines("issues") == ["files:.sre/issues: opened #1"], outcome.text
    (issue,) = issues(filing_shop)
    assert (
        issue.read_text("utf-8").count("\n- suites") + issue.read_text("utf-8").count("\n- test")
        >= 5
    )


RISKY = """
import pathlib
import pytest

RISK = pathlib.Path(__file__).parents[2] / "risky"

@pytest.mark.parametrize("number", range(2))
def test_copies(fly_app, risk, number):
    if RISK.exists():
        risk.report(f"only {number + 1} copies of the orders", "disk 1 of 1 in ams", "low")
"""


def test_a_risk_is_told_without_failing_and_closed_when_it_is_gone(filing_shop):
    filing_shop.add("suites/risky/test_risky.py", RISKY)
    there = filing_shop.root / "risky"

    def run(*how):
        return filing_shop.verify("--sre-bake=1s", "suites/risky", *(how or ("-p", "no:xdist")))

    there.touch()
    try:
        first, again = run("-n", "2"), run()
    finally:
        there.unlink()
    runs = [run(), run()]

    assert first.lines("issues") == ["files:.sre/issues: opened #1"], first.text
    assert sorted(first.lines("risk")) == [
        "only 1 copies of the orders [low]",
        "only 2 copies of the orders [low]",
    ]
    assert first.verdict == "HEALTHY", first.text
    assert again.lines("issues") == ["files:.sre/issues: updated #1"], again.text
    (issue,) = issues(filing_shop)
    text = issue.read_text("utf-8")
    assert '"reliability-risk"' in text
    assert "disk 1 of 1 in ams" in text
    assert text.count("told by") == 2
    assert [each.lines("issues") for each in runs] == [
        ["files:.sre/issues: updated #1"],
        ["files:.sre/issues: closed #1"],
    ]


def test_an_issue_says_what_changed_since_the_run_that_was_healthy(filing_shop):
    well = run_mine(filing_shop)
    assert well.verdict == "HEALTHY", well.text
    filing_shop.edit("fly.toml", 'primary_region = "iad"', 'primary_region = "ams"')
    (filing_shop.root / "broken").touch()
    try:
        run_mine(filing_shop)
    finally:
        filing_shop.edit("fly.toml", 'primary_region = "ams"', 'primary_region = "iad"')

    (issue,) = issues(filing_shop)
    text = issue.read_text("utf-8")
    assert 'title = "order … is lost"' in text
    assert "as in the last healthy run at" in text
    assert '-primary_region = "iad"\n+primary_region = "ams"' in text
    assert "| app | shop |" in text
    assert "# Mine" in text


HOSTILE = """
import sys
import pytest

@pytest.mark.sre(severity="high")
def test_hostile(fly_app):
    said = (
        "::error::owned ##[error]x \\x1b[31mred \\u202e @octocat Fixes #12 "
        "<img src=x> ![x](https://evil.example/p.png)\\n"
        "::set-output name=a::b\\n"
        "fm2_lJPECAAAAAAAC3kQxBBfq/ab== and correct-horse-battery-staple\\n"
    )
    print(said)
    print(said, file=sys.stderr)
    local = said
    assert said == "", said
"""


def test_neither_the_terminal_nor_an_issue_shows_what_must_not_be_shown(filing_shop):
    suite = filing_shop.root / "suites" / "mine" / "test_hostile.py"
    suite.write_text(HOSTILE, encoding="utf-8")
    config = filing_shop.root / "sre.toml"
    before = config.read_text("utf-8")
    try:
        with GithubDouble() as double:
            config.write_text(f'{before}{ON_GITHUB}api-url = "{double.url}"\n', encoding="utf-8")
            env = {"SHOP_PASSWORD": "correct-horse-battery-staple", "GITHUB_TOKEN": double.token}
            outcome = run_mine(filing_shop, "--sre-issues=file", "--showlocals", "-rA", env=env)
            (issue,) = double.repository.issues.values()
    finally:
        suite.unlink()
        config.write_text(before, encoding="utf-8")

    assert outcome.code == 1
    assert "github:acme/shop: opened #1" in outcome.lines("issues"), outcome.text
    assert waiting(filing_shop) == []
    filed = f"{issue.title}\n{issue.body}"
    assert "@octocat" not in issue.title
    for shown in (outcome.text, filed):
        assert "test_hostile" in shown
        assert "fm2_lJPE" not in shown
        assert "correct-horse" not in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "##[" not in shown
    assert [line for line in outcome.text.splitlines() if line.lstrip().startswith("::")] == []


def test_an_issue_on_github_tells_the_commits_and_goes_to_who_owns_them(filing_shop):
    """The code of the release that broke it is compared with that of the last healthy run."""
    config = filing_shop.root / "sre.toml"
    before = config.read_text("utf-8")
    owners = filing_shop.root / "CODEOWNERS"
    well = run_mine(filing_shop)
    old = revision_of(filing_shop)
    with GithubDouble() as github:
        on_it = f'api-url = "{github.url}"\nassign-codeowners = true\n'
        config.write_text(f"{before}{ON_GITHUB}{on_it}", encoding="utf-8")
        owners.write_text("* @octo-lead\n/shop/*.py @octo-dev\n", encoding="utf-8")
        (filing_shop.root / ".git").mkdir()
        (filing_shop.root / "broken").touch()
        try:
            version = filing_shop.deploy("good").version
            new = revision_of(filing_shop)
            github.repository.commits = [
                Commit(old.ljust(40, "0"), "before", "octo-lead", ()),
                Commit(
                    new.ljust(40, "0"), "Price carts anew, fixes #7", "octo-dev", ("shop/web.py",)
                ),
            ]
            token = {"GITHUB_TOKEN": github.token}
            outcome = run_mine(filing_shop, "--sre-issues=file", env=token)
            run_mine(filing_shop, "--sre-issues=file", env=token)
        finally:
            config.write_text(before, encoding="utf-8")
            owners.unlink()
            (filing_shop.root / ".git").rmdir()
            filing_shop.deploy()
        assert outcome.lines("issues") == ["github:acme/shop: opened #1"], outcome.text
        issue = github.repository.issues[1]
        compared = [each for each in github.exchanges if "/compare/" in each.path]

    assert len(compared) == 1, "the second run knows what the first was told"
    assert well.verdict == "HEALTHY", well.text
    assert issue.title == f"order … is lost since v{version}"
    assert "1 commit between the two" in issue.body
    assert f"- {new.ljust(40, '0')[:10]} Price carts anew" in issue.body
    assert "fixes #7" not in issue.body
    assert issue.assignees == ["octo-dev"]
    assert "/acme/shop/blob/HEAD/suites/runbooks/mine.md" in issue.body


def revision_of(shop) -> str:
    """The commit that the image of what runs is labelled with."""
    labels = shop.machines("web")[0].image_ref.labels or {}
    return labels["org.opencontainers.image.revision"]


def test_a_critical_release_says_all_that_the_morning_after_needs(filing_shop):
    config = filing_shop.root / "sre.toml"
    before = config.read_text("utf-8")
    told = '\n[issues]\nescalate-to = "@acme/director"\n'
    config.write_text(before + told, encoding="utf-8")
    filing_shop.deploy("failing-readiness")
    try:
        filing_shop.verify("--sre-bake=2s")
    finally:
        config.write_text(before, encoding="utf-8")
        assert filing_shop.deploy().status == "complete"

    issue, *others = issues(filing_shop)
    assert others == []
    text = issue.read_text("utf-8")
    title = text.partition('title = "')[2].partition('"')[0]
    assert title.startswith("check servicecheck-01-http-8080 of web fails on 1 of 3"), title
    assert text.count("@acme/director") == 1
    assert "schema version 7 expected, found 6" in text
    assert "## Log\n\n```text\n" in text
    assert "the first request fails" in text
    assert "/readyz" in text
    assert "suites/runbooks/" in text
    assert str(filing_shop.root) not in text
