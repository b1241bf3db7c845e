"""What the tracker makes of all that GitHub, and the way to it, may answer."""

import time
from types import SimpleNamespace

import github
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github_double import Access, Fault, GithubDouble

from pytest_sre.issues.github import GithubTracker, auth_from
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Create, Edit

CAUSE = "c" * 16
WANTED = Create(CAUSE, "checkout fails", "its body", ("sre", f"sre-{CAUSE}", "high"))


@pytest.fixture
def tracker_as(double):
    """Gives a tracker for a token."""

    def made(token, repository="acme/shop"):
        auth = github.Auth.Token(token)
        return GithubTracker(repository, auth, api_url=double.url, between_writes_s=0)

    return made


@pytest.fixture
def tracker(double, tracker_as):
    return tracker_as(double.token)


def every_call(tracker):
    """Each thing that is asked of a tracker, by name."""
    return {
        "list": tracker.open_issues,
        "find": lambda: tracker.with_fingerprint(CAUSE),
        "create": lambda: tracker.create(WANTED),
        "edit": lambda: tracker.edit(Edit(1, "other", "closed", "completed")),
        "comments": lambda: tracker.comments(1),
        "comment": lambda: tracker.comment(1, "said"),
    }


CALLS = ["list", "find", "create", "edit", "comments", "comment"]
WRITES = ["create", "edit", "comment"]


def test_an_issue_is_opened_found_changed_and_closed(double, tracker):
    made = tracker.create(WANTED)
    tracker.comment(made.number, "said")
    tracker.edit(Edit(made.number, "other", "closed", "completed"))

    (found,) = tracker.with_fingerprint(CAUSE)
    assert (found.number, found.body, found.state) == (1, "other", "closed")
    assert found.reason == "completed"
    assert found.labels == {"sre", f"sre-{CAUSE}", "high"}
    assert found.closed_at >= found.created_at > 0
    assert tracker.comments(1) == ["said"]
    assert tracker.open_issues() == []
    assert set(double.repository.labels) == {"sre", f"sre-{CAUSE}", "high"}


def test_an_open_issue_is_found_by_a_label(tracker):
    stops = tracker.create(Create("d" * 16, "stop it", "", ("sre", "chaos-stop")))
    tracker.create(WANTED)

    assert [each.number for each in tracker.open_with_label("chaos-stop")] == [stops.number]

    tracker.edit(Edit(stops.number, "", "closed", "completed"))
    assert tracker.open_with_label("chaos-stop") == []


def test_asking_for_a_label_again_costs_nothing_while_nothing_has_changed(double, tracker):
    tracker.create(WANTED)
    assert tracker.open_with_label("chaos-stop") == []
    used = double.limits.used

    assert [tracker.open_with_label("chaos-stop") for _ in range(5)] == [[]] * 5
    assert double.limits.used == used

    stops = tracker.create(Create("d" * 16, "stop it", "", ("sre", "chaos-stop")))
    for _ in range(2):
        assert [each.number for each in tracker.open_with_label("chaos-stop")] == [stops.number]


def test_more_issues_with_a_label_than_one_page_has_are_all_found(double, tracker):
    for _ in range(101):
        double.repository.create("stop", None, Access("x"), labels=["chaos-stop"])

    assert len(tracker.open_with_label("chaos-stop")) == 101
    assert len(tracker.open_with_label("chaos-stop")) == 101


def test_an_edit_that_names_no_state_leaves_it(double, tracker):
    tracker.create(WANTED)
    double.repository.edit(double.repository.issues[1], {"state": "closed"}, Access("person"))

    tracker.edit(Edit(1, "other"))

    assert double.repository.issues[1].state == "closed"


def test_pull_requests_are_no_issues_and_lists_have_pages(double, tracker):
    for number in range(230):
        double.repository.create(
            f"t{number}", "b", Access("x"), labels=["sre"], is_pull=number % 10 == 0
        )

    assert len(tracker.open_issues()) == 207
    assert len(double.asked("GET")) == 3


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "kind",
    [
        "502 before",
        "502 after",
        "html 502 before",
        "html 502 after",
        "drop before",
        "drop after",
        "truncated",
        "cut json",
        "page",
    ],
)
def test_an_answer_that_did_not_come_is_uncertain_and_not_asked_for_twice(
    double, tracker, call, kind
):
    double.repository.create("it", "b", Access("x"), labels=["sre"])
    double.faults = [Fault(kind)]

    with pytest.raises(TrackerError) as error:
        every_call(tracker)[call]()

    assert error.value.uncertain
    assert error.value.retry_after_s
    assert len(double.exchanges) == 1
    assert str(error.value).startswith("github:acme/shop: ")
    assert len(str(error.value).splitlines()) <= 2


def test_an_answer_that_takes_too_long_is_uncertain(double, monkeypatch):
    monkeypatch.setattr("pytest_sre.issues.github._TIMEOUT_S", 1)
    slow = GithubTracker("acme/shop", github.Auth.Token(double.token), api_url=double.url)
    double.faults = [Fault("slow", path="/issues", wait_s=1.5)]

    with pytest.raises(TrackerError) as error:
        slow.create(WANTED)

    assert error.value.uncertain
    assert len(double.repository.issues) == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("kind", "wait_s"), [("403 retry-after", 7), ("429 retry-after", 7), ("429", 60)]
)
def test_a_limit_says_how_long_to_wait(double, tracker, call, kind, wait_s):
    double.faults = [Fault(kind, wait_s=7)]

    with pytest.raises(TrackerError) as error:
        every_call(tracker)[call]()

    assert error.value.retry_after_s == wait_s
    assert not error.value.uncertain
    assert len(double.exchanges) == 1


def test_the_primary_limit_is_waited_for_until_it_is_reset(double, tracker):
    double.limits.window_s = 40.0
    double.limits.exhaust()

    with pytest.raises(TrackerError) as error:
        tracker.create(WANTED)

    assert 30 < error.value.retry_after_s < 45
    assert len(double.exchanges) == 1


@pytest.mark.parametrize("ahead_s", [-7_200, 7_200], ids=["behind", "ahead"])
def test_a_limit_is_kept_by_githubs_clock_and_not_by_ours(double, tracker, monkeypatch, ahead_s):
    double.limits.window_s = 40.0
    double.limits.exhaust()
    wrong = SimpleNamespace(time=lambda: time.time() + ahead_s)
    monkeypatch.setattr("pytest_sre.issues.github.time", wrong)

    with pytest.raises(TrackerError) as error:
        tracker.create(WANTED)

    assert 30 < error.value.retry_after_s < 45


def test_a_secondary_limit_that_does_not_say_how_long_is_a_minute(double, tracker):
    double.limits.writes_per_min, double.limits.retry_after_s = 0, None

    with pytest.raises(TrackerError) as error:
        tracker.create(WANTED)

    assert error.value.retry_after_s == 60


@pytest.mark.parametrize("call", WRITES)
def test_a_renamed_repository_is_said_to_be_one(double, tracker, call):
    double.repository.create("it", "b", Access("x"))
    double.rename(double.repository, "acme", "boutique")

    with pytest.raises(TrackerError, match="renamed or moved") as error:
        every_call(tracker)[call]()

    assert error.value.retry_after_s is None
    assert not error.value.uncertain
    issue = double.repository.issues[1]
    assert (len(double.repository.issues), issue.body, issue.comments) == (1, "b", [])


def test_a_renamed_repository_is_still_read_and_nothing_is_logged(double, tracker, caplog):
    tracker.create(WANTED)
    double.rename(double.repository, "acme", "boutique")

    assert [each.number for each in tracker.open_issues()] == [1]
    assert caplog.records == []


def as_reader(double, tracker_as):
    return tracker_as(double.allow("reader", Access("reader", issues="read")))


def as_app_without_permission(double, tracker_as):
    return tracker_as(double.allow("app", Access("a[bot]", issues="read", is_app=True)))


def as_nobody(_double, tracker_as):
    return tracker_as("wrong")


def as_one_who_may_not_see_it(double, tracker_as):
    double.repository.private = True
    return tracker_as(double.allow("blind", Access("blind", issues="none")))


def of_no_repository(double, tracker_as):
    return tracker_as(double.token, "acme/none")


def with_issues_off(double, tracker_as):
    double.repository.has_issues = False
    return tracker_as(double.token)


def when_archived(double, tracker_as):
    double.repository.archived = True
    return tracker_as(double.token)


@pytest.mark.parametrize(
    ("situation", "said"),
    [
        (as_nobody, "401: Bad credentials\nthe token is wrong or has expired"),
        (
            as_reader,
            "403: Resource not accessible by personal access token\n.*issues=write",
        ),
        (
            as_app_without_permission,
            "403: Resource not accessible by integration\n.*issues=write",
        ),
        (when_archived, "403: Repository was archived so is read-only.\n.*archived"),
        (of_no_repository, "404 to what would label issues\nthere is no such repository"),
        (as_one_who_may_not_see_it, "404 to what would label issues\nthere is no such repository"),
        (
            with_issues_off,
            "410: Issues are disabled for this repo\nissues are disabled there",
        ),
    ],
)
def test_what_a_person_has_to_change_is_said(double, tracker_as, situation, said):
    tracker = situation(double, tracker_as)

    with pytest.raises(TrackerError, match=f"github:acme/\\w+: GitHub answers {said}") as error:
        tracker.create(WANTED)

    assert error.value.retry_after_s is None
    assert len(str(error.value).splitlines()) == 2
    assert len(double.exchanges) == 1


def test_what_github_finds_invalid_is_said(tracker):
    with pytest.raises(TrackerError, match="title is too long") as error:
        tracker.create(Create(CAUSE, "t" * 257, "b", ("sre",)))

    assert error.value.retry_after_s is None


def test_an_assignee_whom_github_does_not_know_costs_no_issue(double, tracker):
    wanted = Create(CAUSE, "t", "b", ("sre", f"sre-{CAUSE}"), ("nobody", "octo-dev"))

    tracker.create(wanted)

    (issue,) = double.repository.issues.values()
    assert issue.assignees == []


def test_who_may_not_label_opens_nothing(double, tracker_as):
    guest = tracker_as(double.allow("guest", Access("guest", push=False)))

    with pytest.raises(TrackerError, match="may not label issues there") as error:
        guest.create(WANTED)

    assert error.value.retry_after_s is None
    assert double.repository.issues == {}


def test_an_issue_whose_labels_were_dropped_is_not_left_open(double, tracker):
    tracker.create(WANTED)
    double.state.tokens[double.token].push = False

    with pytest.raises(TrackerError, match="dropped the labels") as error:
        tracker.create(WANTED)

    assert error.value.retry_after_s is None
    assert [each.number for each in double.repository.open_issues] == [1]


def test_it_is_asked_once_whether_labels_may_be_made(double, tracker):
    tracker.create(WANTED)
    tracker.create(WANTED)

    assert len(double.asked("POST", "/labels")) == 1


def test_a_label_that_is_too_long_is_cut(tracker):
    long = "app:" + "a-long-name-of-an-app" * 3

    made = tracker.create(Create(CAUSE, "t", "b", ("sre", f"sre-{CAUSE}", long)))

    assert long[:50] in made.labels


def test_nobody_there_is_said():
    gone = GithubTracker("acme/shop", github.Auth.Token("t"), api_url="http://127.0.0.1:9")

    with pytest.raises(TrackerError, match="no answer: ConnectionError") as error:
        gone.create(WANTED)

    assert error.value.uncertain


def test_a_github_app_asks_by_its_installation(double):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    double.state.installations["7"] = Access("octo-app[bot]", is_app=True)
    environment = {
        "SRE_GITHUB_APP_ID": "12",
        "SRE_GITHUB_APP_KEY": pem.decode(),
        "SRE_GITHUB_APP_INSTALLATION": "7",
    }
    tracker = GithubTracker(
        "acme/shop", auth_from(environment), api_url=double.url, between_writes_s=0
    )

    tracker.create(WANTED)

    assert double.repository.issues[1].login == "octo-app[bot]"
    assert len(double.asked(path="/access_tokens")) == 1


def test_a_github_app_that_is_not_installed_is_said(double):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    auth = github.Auth.AppAuth("12", pem.decode()).get_installation_auth(8)
    tracker = GithubTracker("acme/shop", auth, api_url=double.url)

    with pytest.raises(TrackerError, match="404"):
        tracker.create(WANTED)


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, type(None)),
        ({"GITHUB_TOKEN": "", "GH_TOKEN": "t"}, github.Auth.Token),
        ({"SRE_GITHUB_APP_ID": "1", "SRE_GITHUB_APP_KEY": "k"}, type(None)),
    ],
    ids=["nothing", "the other name", "half an app"],
)
def test_who_asks_is_in_the_environment(environment, kind):
    assert type(auth_from(environment)) is kind


def test_an_enterprise_server_has_its_api_under_a_path():

    with GithubDouble(prefix="/api/v3") as enterprise:
        tracker = GithubTracker(
            "acme/shop",
            github.Auth.Token(enterprise.token),
            api_url=enterprise.url,
            between_writes_s=0,
        )
        for _ in range(101):
            enterprise.repository.create("t", "b", Access("x"), labels=["sre"])

        assert tracker.create(WANTED).number == 102
        assert len(tracker.open_issues()) == 102
