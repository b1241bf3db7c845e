"""GitHub's own command-line client works with the double, and sees what the tracker filed."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import github
import pytest
from github_double import GithubDouble

from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.values import Create

CAUSE = "c" * 16
ISSUES = "repos/acme/shop/issues"


@pytest.fixture
def folder():
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="gh") as made:
        yield Path(made)


@pytest.fixture
def socketed(folder):
    with GithubDouble(socket=folder / "socket") as double:
        yield double


@pytest.fixture
def gh(folder, socketed):
    """Runs ``gh api`` against the double; gives what it prints."""
    program = shutil.which("gh")
    if program is None:
        pytest.skip("gh is not installed")
    (folder / "config.yml").write_text(f"http_unix_socket: {folder / 'socket'}\n", "utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GH_CONFIG_DIR": str(folder),
        "GH_TOKEN": socketed.token,
        "GH_NO_UPDATE_NOTIFIER": "1",
    }

    def run(*arguments, code=0):
        done = subprocess.run(
            [program, "api", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return run


def test_gh_opens_comments_and_closes_issues(gh, socketed):
    made = gh(ISSUES, "-f", "title=checkout fails", "-f", "labels[]=sre")
    gh(f"{ISSUES}/1/comments", "-f", "body=said")
    gh("-X", "PATCH", f"{ISSUES}/1", "-f", "state=closed", "-f", "state_reason=not_planned")

    (issue,) = socketed.repository.issues.values()
    assert (json.loads(made)["number"], issue.title, issue.state_reason) == (
        1,
        "checkout fails",
        "not_planned",
    )
    assert [each.body for each in issue.comments] == ["said"]


def test_gh_lists_what_the_tracker_filed(gh, socketed):
    auth = github.Auth.Token(socketed.token)
    tracker = GithubTracker("acme/shop", auth, api_url=socketed.url, between_writes_s=0)
    for number in range(5):
        tracker.create(Create(CAUSE, f"cause {number}", "body", ("sre", f"sre-{CAUSE}")))

    listed = gh(f"{ISSUES}?labels=sre&per_page=2", "--paginate", "--jq", ".[].number")

    assert listed.split() == ["5", "4", "3", "2", "1"]
    assert len([each for each in socketed.asked("GET") if "per_page=2" in each.query]) == 3


def test_gh_is_told_what_is_wrong(gh):
    refused = gh(ISSUES, "-f", f"title={'t' * 257}", code=1)

    assert (
        json.loads(refused)["errors"][0]["message"]
        == "title is too long (maximum is 256 characters)"
    )
