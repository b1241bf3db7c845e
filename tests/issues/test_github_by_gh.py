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
    """Runs ``gh`` against the double; gives what it prints."""
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
            [program, *arguments],
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return run


def test_gh_opens_comments_and_closes_issues_by_the_rest_api(gh, socketed):
    made = gh("api", ISSUES, "-f", "title=checkout fails", "-f", "labels[]=sre")
    gh("api", f"{ISSUES}/1/comments", "-f", "body=said")
    gh("api", "-X", "PATCH", f"{ISSUES}/1", "-f", "state=closed", "-f", "state_reason=not_planned")

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

    listed = gh("api", f"{ISSUES}?labels=sre&per_page=2", "--paginate", "--jq", ".[].number")

    assert listed.split() == ["5", "4", "3", "2", "1"]
    assert len([each for each in socketed.asked("GET") if "per_page=2" in each.query]) == 3


def test_gh_is_told_what_is_wrong(gh):
    refused = gh("api", ISSUES, "-f", f"title={'t' * 257}", code=1)

    assert (
        json.loads(refused)["errors"][0]["message"]
        == "title is too long (maximum is 256 characters)"
    )


def test_gh_opens_lists_comments_and_closes_issues_by_its_own_commands(gh, socketed, graph_schema):
    socketed.repository.new_label("sre")
    shop = ("-R", "acme/shop")

    made = gh("issue", "create", *shop, "--title", "checkout fails", "--body", "b", "-l", "sre")
    listed = gh("issue", "list", *shop, "--label", "sre", "--json", "number,title,labels")
    gh("issue", "comment", "1", *shop, "--body", "said")
    gh("issue", "close", "1", *shop, "--reason", "not planned")
    still_open = gh("issue", "list", *shop, "--json", "number")

    (issue,) = socketed.repository.issues.values()
    assert made.strip() == "https://github.com/acme/shop/issues/1"
    (shown,) = json.loads(listed)
    assert (shown["number"], shown["title"]) == (1, "checkout fails")
    assert [label["name"] for label in shown["labels"]] == ["sre"]
    assert [each.body for each in issue.comments] == ["said"]
    assert (issue.state, issue.state_reason) == ("closed", "not_planned")
    assert json.loads(still_open) == []
    assert graph_schema.complaints(socketed.asked("POST", "/graphql")) == []


def test_gh_lists_what_the_tracker_filed_by_its_own_command(gh, socketed):
    auth = github.Auth.Token(socketed.token)
    tracker = GithubTracker("acme/shop", auth, api_url=socketed.url, between_writes_s=0)
    tracker.create(Create(CAUSE, "cause 1", "body", ("sre", f"sre-{CAUSE}")))

    listed = gh("issue", "list", "-R", "acme/shop", "--label", f"sre-{CAUSE}", "--json", "title")

    assert json.loads(listed) == [{"title": "cause 1"}]


def test_gh_is_told_that_there_is_no_such_issue(gh):
    gh("issue", "comment", "7", "-R", "acme/shop", "--body", "said", code=1)
