"""Issues are put on a project when they are opened: once each, with its fields, or it is said."""

from itertools import pairwise

import github
import pytest
from github_double import Access, Fault

from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.events import PlacementWanted
from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.opening import open_project
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Finding, Policy, Sighting
from pytest_sre.targets.settings import IssueSettings, ProjectSettings

NAME = "github:acme/shop"
WANTED = ProjectSettings("acme", 7, {"Status": "Triage", "Found by": "pytest-sre"}, "Severity")


class Desk:
    """Files what runs find on a GitHub whose project is ``acme/7``."""

    def __init__(self, double, folder):
        self.double, self.outbox = double, Outbox(folder)
        self.board = double.add_project("acme", 7)
        self.board.field("Title", "TITLE")
        self.board.field("Status", "SINGLE_SELECT", ("Triage", "Done"))
        self.board.field("Found by", "TEXT")
        self.board.field("Severity", "SINGLE_SELECT", ("Critical", "High", "Low"))
        self.board.field("Sprint", "ITERATION")
        self.token = double.token
        self.wanted = WANTED
        self.runs = 0

    def deliver(self):
        auth = github.Auth.Token(self.token)
        tracker = GithubTracker("acme/shop", auth, api_url=self.double.url, between_writes_s=0)
        project = open_project(tracker, IssueSettings(tracker=NAME, project=self.wanted))
        return deliver(self.outbox, tracker, Policy(), project=project)

    def sees(self, *causes):
        self.runs += 1
        found = tuple(Finding(each * 16, f"cause {each}", "high", ("t",), ()) for each in causes)
        run, at = f"run-{self.runs}", 1.8e9 + self.runs
        self.outbox.put(Sighting(run, NAME, "prod", f"v{self.runs}", at, found, frozenset()))
        return self.deliver()

    @property
    def graphs(self):
        return self.double.asked("POST", "/graphql")


@pytest.fixture
def desk(double, tmp_path, graph_schema):
    made = Desk(double, tmp_path / "outbox")
    yield made
    assert graph_schema.complaints(made.graphs) == []


def test_an_issue_that_is_opened_is_put_on_it_with_its_fields(desk):
    told = desk.sees("a", "b")

    assert told.problem == ""
    assert [each.values for each in desk.board.items] == [
        {"Status": "Triage", "Found by": "pytest-sre", "Severity": "High"}
    ] * 2
    assert list(desk.outbox.waiting()) == []


def test_one_that_is_seen_again_is_left_where_people_put_it(desk):
    desk.sees("a")
    desk.board.items[0].values["Status"] = "Done"
    asked = len(desk.graphs)

    desk.sees("a")

    assert desk.board.items[0].values["Status"] == "Done"
    assert len(desk.graphs) == asked


def test_a_token_without_the_scope_costs_a_line_and_no_issue(desk):
    desk.token = desk.double.allow("plain", Access("plain", projects="none"))

    told = desk.sees("a", "b")

    assert len(desk.double.repository.issues) == 2
    assert told.opened == (1, 2)
    first, advice = told.problem.splitlines()
    assert first.startswith("project acme/7: the token may not use it")
    assert "read:project" in first
    assert "the scope project" in advice
    assert len(desk.graphs) == 1, "it is asked once, whatever waits"
    waiting = [event for _, event in desk.outbox.waiting()]
    assert [type(each) for each in waiting] == [PlacementWanted] * 2

    desk.token = desk.double.token
    assert desk.deliver().problem == ""
    assert len(desk.board.items) == 2


@pytest.mark.parametrize("access", [{"is_app": True, "projects": "none"}, {"projects": "read"}])
def test_whoever_may_not_write_there_is_told_so(desk, access):
    desk.token = desk.double.allow("some", Access("some", **access))

    told = desk.sees("a")

    assert told.opened == (1,)
    assert told.problem.startswith("project acme/7: the token may not use it")
    assert len(told.problem.splitlines()) == 2


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (ProjectSettings("acme", 8), "Could not resolve to a ProjectV2 with the number 8"),
        (ProjectSettings("acme", 7, {"Stage": "x"}), 'a field "Stage", found Title, Status'),
        (ProjectSettings("acme", 7, {"status": "x"}), 'option "x" of Status, found Triage, Done'),
        (ProjectSettings("acme", 7, {"Sprint": "x"}), "single select, found iteration"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_and_the_issue_is_filed(desk, wanted, said):
    desk.wanted = wanted

    told = desk.sees("a")

    assert told.opened == (1,)
    assert told.waiting == 1
    assert said in told.problem
    assert "issues.project" in told.problem
    assert desk.board.items == []


@pytest.mark.parametrize("kind", ["502 before", "502 after", "drop after", "page"])
def test_it_is_there_once_though_answers_are_lost(desk, kind, monkeypatch):
    monkeypatch.setattr("pytest_sre.issues.github._AGAIN_S", 0.01)
    desk.double.faults = [Fault(kind, path="/graphql", times=2), Fault(kind, path="/graphql")]

    told = desk.sees("a")

    assert told.problem == ""
    (item,) = desk.board.items
    assert item.values["Status"] == "Triage"


def test_what_was_opened_before_the_process_was_killed_is_placed_by_the_next(desk):
    class KilledError(BaseException):
        pass

    class Killed:
        def place(self, *_):
            raise KilledError

    placing = desk.deliver
    tracker = GithubTracker(
        "acme/shop", github.Auth.Token(desk.token), api_url=desk.double.url, between_writes_s=0
    )
    desk.deliver = lambda: deliver(desk.outbox, tracker, Policy(), project=Killed())
    with pytest.raises(KilledError):
        desk.sees("a")
    assert desk.board.items == []

    assert placing().problem == ""
    assert len(desk.board.items) == 1
    assert len(desk.double.repository.issues) == 1


def test_one_that_lists_do_not_show_yet_is_known_where_it_was_opened(desk):
    desk.double.repository.list_lag_s = 3600

    assert desk.sees("a").problem == ""
    assert len(desk.board.items) == 1


def test_one_that_nobody_sees_yet_waits(desk):
    desk.sees("a")
    desk.board.items.clear()
    desk.double.repository.list_lag_s = 3600
    desk.outbox.put(PlacementWanted(NAME, at=4e9, fingerprint="a" * 16, severity="high"))

    assert "is not listed yet" in desk.deliver().problem

    desk.double.repository.list_lag_s = 0
    assert desk.deliver().problem == ""
    assert len(desk.board.items) == 1


def test_without_a_project_nothing_is_asked_of_it(desk):
    desk.wanted = None

    assert desk.sees("a").problem == ""
    assert desk.graphs == []


def test_there_is_a_pause_between_these_changes_too(desk):
    auth = github.Auth.Token(desk.token)
    tracker = GithubTracker("acme/shop", auth, api_url=desk.double.url, between_writes_s=0.2)
    project = open_project(tracker, IssueSettings(tracker=NAME, project=WANTED))
    desk.deliver = lambda: deliver(desk.outbox, tracker, Policy(), project=project)

    desk.sees("a")

    writes = [each.at for each in desk.double.exchanges if each.is_write]
    assert len(writes) == 8, "a label, an issue; two questions, an item and three fields"
    assert min(later - earlier for earlier, later in pairwise(writes)) >= 0.19
