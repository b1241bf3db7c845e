"""An incident on GitHub lives as it does in files."""

import github
import pytest
from github_double import Access, GithubDouble

from pytest_sre.incidents.memory import remembered
from pytest_sre.issues.events import IncidentEntry, PostmortemWanted
from pytest_sre.issues.github import GithubTracker

AT = 1_800_000_000.0
NAME = "github:acme/shop"


@pytest.fixture
def double():
    with GithubDouble() as served:
        yield served


@pytest.fixture
def tracker(double):
    auth = github.Auth.Token(double.token)
    return GithubTracker("acme/shop", auth, api_url=double.url, between_writes_s=0)


def entry(act, number, text="", **more):
    return IncidentEntry(f"{act}-key", NAME, AT + 600, act, text, number, **more)


def test_it_begins_changes_ends_and_is_looked_back_on(desk, found, double, tracker):
    desk.tracker, desk.tracker_name = tracker, NAME
    desk.seen(found("a", "ams", "iad"))
    desk.seen(found("a", "iad"))
    desk.put(entry("escalate", 2, mention="@acme/director", every_s=60.0))
    desk.put(entry("resolve", 2, "well", postmortem=True))
    again = desk.put(PostmortemWanted("again", NAME, AT + 900, 2))

    _, incident, postmortem = double.repository.issues.values()
    assert (incident.state, incident.state_reason) == ("closed", "completed")
    assert remembered(tracker.issue(2)).status == "resolved"
    comments = list(tracker.comments(2))
    assert [text.rstrip().rpartition("\n")[2].rpartition("** ")[2] for text in comments] == [
        "- recovered in ams, still failing in iad: cause a",
        "Escalated to @acme/director.",
        "Resolved. well",
        "Post-mortem: #3.",
    ]
    assert "| post-mortem | #3 |" in incident.body
    assert "Incident: #2." in postmortem.body
    assert "still failing in iad" in postmortem.body
    assert again.incidents[0] == "incident #2: its post-mortem is #3"


def test_a_run_that_sees_nothing_new_asks_little_and_changes_no_incident(
    desk, found, double, tracker
):
    desk.tracker, desk.tracker_name = tracker, NAME
    desk.seen(found("a", "ams"))
    before = len(double.exchanges)
    desk.seen(found("a", "ams"))

    # Lists of open issues for the sighting and for incidents, and the count of its cause.
    assert len(double.exchanges) - before == 3


def test_what_is_not_there_is_no_issue(double, tracker):
    double.repository.create("it", "b", Access("x"))

    assert tracker.issue(1).title == "it"
    assert tracker.issue(7) is None
