"""What lies between two releases, by GitHub's account, in one call that cannot hold up a run."""

import github
import pytest
from github_double import Fault
from github_double.world import Commit

from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.github_history import GithubHistory
from pytest_sre.issues.opening import open_history
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.targets.settings import IssueSettings


@pytest.fixture
def history(double):
    double.repository.commits = [
        Commit(f"{n:040x}", f"change {n}\n\nwhy", "octo-dev", (f"file-{n % 3}.py",))
        for n in range(1, 61)
    ]
    auth = github.Auth.Token(double.token)
    return GithubHistory(GithubTracker("acme/shop", auth, api_url=double.url))


def test_the_newest_commits_are_told_with_what_they_changed(double, history):
    found = history.between(f"{10:040x}", f"{60:040x}")

    assert found.total == 50
    assert [each.subject for each in found.commits] == [f"change {n}" for n in range(60, 40, -1)]
    assert {each.author for each in found.commits} == {"octo-dev"}
    assert found.files == ("file-2.py", "file-0.py", "file-1.py")
    assert found.url.startswith("https://github.com/acme/shop/compare/")
    assert len(double.exchanges) == 1


def test_going_back_has_no_commits(history):
    assert history.between(f"{9:040x}", f"{3:040x}").commits == ()


def test_a_revision_that_github_does_not_know_is_said_to_be(double, history):
    with pytest.raises(TrackerError, match="GitHub answers 404"):
        history.between("deadbeef", f"{3:040x}")
    assert len(double.exchanges) == 1


@pytest.mark.parametrize("kind", ["truncated", "cut json", "page", "502 before"])
def test_an_answer_that_is_none_is_an_error_in_our_words(double, history, kind):
    double.faults = [Fault(kind)]

    with pytest.raises(TrackerError):
        history.between(f"{3:040x}", f"{9:040x}")


def test_files_know_of_no_commits_and_neither_does_who_has_no_token():
    settings = IssueSettings()

    assert open_history("files:.sre/issues", settings, {"GITHUB_TOKEN": "x"}) is None
    assert open_history("github:acme/shop", settings, {}) is None
    assert open_history("github:acme/shop", settings, {"GITHUB_TOKEN": "x"}) is not None
