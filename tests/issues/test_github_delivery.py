"""Delivery to GitHub: what one event cannot have filed keeps no other from it."""

import github
import pytest
from github_double import Fault

from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Finding, Policy, Sighting


@pytest.fixture
def tracker(double):
    auth = github.Auth.Token(double.token)
    return GithubTracker("acme/shop", auth, api_url=double.url, between_writes_s=0)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


def sighting(run, title, cause="a"):
    found = Finding(cause * 16, title, "high", ("test_it",), ())
    return Sighting(
        f"run-{run}", "github:acme/shop", "prod", f"v{run}", 1.8e9 + run, (found,), frozenset()
    )


def test_what_github_refuses_waits_and_the_others_are_filed(double, tracker, outbox):
    outbox.put(sighting(1, "t" * 300))
    outbox.put(sighting(2, "checkout fails", "b"))

    delivered = deliver(outbox, tracker, Policy())

    assert [each.title for each in double.repository.issues.values()] == ["checkout fails"]
    assert delivered.opened == (1,)
    assert delivered.waiting == 1
    assert "title is too long" in delivered.problem
    assert [each.run for _, each in outbox.waiting()] == ["run-1"]


def test_what_concerns_all_is_tried_once(double, tracker, outbox):
    for run in range(5):
        outbox.put(sighting(run, "checkout fails"))
    double.repository.has_issues = False

    delivered = deliver(outbox, tracker, Policy())

    assert delivered.waiting == 5
    assert len(double.exchanges) == 1


def test_an_issue_that_was_opened_though_the_answer_was_lost_is_not_opened_again(
    double, tracker, outbox
):
    double.faults = [Fault("drop after", method="POST", path="/issues")]
    outbox.put(sighting(1, "checkout fails"))

    delivered = deliver(outbox, tracker, Policy())

    assert delivered.problem == ""
    assert len(double.repository.issues) == 1
