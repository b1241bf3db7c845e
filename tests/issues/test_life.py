"""Whatever runs, people and crashes do: no cause is lost, and none has two open issues."""

import contextlib
import itertools
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pytest_sre.issues.body import LABEL, fingerprint_label, is_comment, remembered
from pytest_sre.issues.calls import Clock
from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.life import current, rest_fingerprint
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Finding, Issue, Policy, Section, Sighting

CAUSES = ["a" * 16, "b" * 16, "c" * 16, "d" * 16]
DAY_S = 86_400.0
POLICY = Policy(max_per_run=2, recover_after=2, reopen_within_s=14 * DAY_S)


class Killed(BaseException):
    """The process is killed."""


class MemoryTracker:
    """A tracker that fails as told: before or after it did what was asked, or as a kill."""

    name = "memory"

    def __init__(self):
        self.issues: dict[int, Issue] = {}
        self.said: dict[int, list[str]] = defaultdict(list)
        self.numbers = itertools.count(1)
        self.at = 0.0
        self.faults: dict[int, str] = {}
        self.calls = 0
        self.rivals = 0
        self.created = 0

    def _do(self, act):
        self.calls += 1
        fault = self.faults.pop(self.calls, "")
        if fault == "before":
            raise TrackerError("502", retry_after_s=1, uncertain=True)
        if fault == "limited":
            raise TrackerError("429", retry_after_s=3)
        if fault == "limited for long":
            raise TrackerError("429", retry_after_s=3_600)
        if fault == "killed before":
            raise Killed
        result = act()
        if fault == "after":
            raise TrackerError("502", retry_after_s=1, uncertain=True)
        if fault == "killed after":
            raise Killed
        return result

    def open_issues(self):
        ours = [each for each in self.issues.values() if LABEL in each.labels]
        return self._do(lambda: [each for each in ours if each.state == "open"])

    def with_fingerprint(self, fingerprint):
        label = fingerprint_label(fingerprint)
        return self._do(lambda: [i for i in self.issues.values() if label in i.labels])

    def _add(self, wanted):
        labels = frozenset(wanted.labels)
        issue = Issue(next(self.numbers), wanted.title, wanted.body, labels, created_at=self.at)
        self.issues[issue.number] = issue
        return issue

    def create(self, wanted):
        self.created += 1
        if self.rivals:
            self.rivals -= 1
            self._add(wanted)
        return self._do(lambda: self._add(wanted))

    def edit(self, change):
        def act():
            issue = self.issues[change.number]
            state = change.state or issue.state
            self.issues[change.number] = Issue(
                issue.number,
                issue.title,
                change.body,
                issue.labels,
                state,
                change.reason if change.state else issue.reason,
                issue.created_at,
                self.at if change.state == "closed" else issue.closed_at,
            )

        self._do(act)

    def comments(self, number):
        return self._do(lambda: list(self.said[number]))

    def comment(self, number, text):
        self._do(lambda: self.said[number].append(text))


def finding(cause):
    return Finding(
        cause,
        f"cause {cause[0]}",
        "high",
        (f"test_{cause[0]}",),
        (Section("Evidence", "seen", 10),),
    )


class Lives(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.outbox = Outbox(Path(self.folder.name) / "outbox")
        self.tracker = MemoryTracker()
        self.foreign = self.tracker._add(
            Issue(0, "theirs", "<!-- pytest-sre:1 e30= -->", frozenset({LABEL}))
        )
        self.at = 1_800_000_000.0
        self.now_s = 0.0
        self.runs = itertools.count(1)
        self.last: Sighting | None = None
        self.sightings: dict[str, int] = defaultdict(int)
        self.raced = False

    def teardown(self):
        self.folder.cleanup()

    def _sleep(self, seconds):
        self.now_s += seconds

    def _deliver(self):
        clock = Clock(lambda: self.now_s, self._sleep)
        return deliver(self.outbox, self.tracker, POLICY, limit_s=60, clock=clock)

    @rule(failing=st.lists(st.sampled_from(CAUSES), unique=True), hours=st.integers(1, 24 * 20))
    def a_run_ends(self, failing, hours):
        self.at += hours * 3600
        self.tracker.at = self.at
        passed = frozenset(f"test_{each[0]}" for each in CAUSES if each not in failing)
        found = tuple(map(finding, failing))
        run = f"run-{next(self.runs)}"
        self.last = Sighting(run, "memory", "prod", f"shop v{run}", self.at, found, passed)
        for cause in failing:
            self.sightings[cause] += 1
        self.outbox.put(self.last)

    @rule(
        at_call=st.integers(1, 14),
        fault=st.sampled_from(["before", "after", "limited", "killed before", "killed after"]),
    )
    def something_goes_wrong(self, at_call, fault):
        self.tracker.faults = {self.tracker.calls + at_call: fault}
        with contextlib.suppress(Killed):
            self._deliver()
        self.tracker.faults = {}

    @rule()
    def another_files_the_same_at_the_same_time(self):
        self.tracker.rivals = 1
        self.raced = True

    @precondition(lambda self: len(self.tracker.issues) > 1)
    @rule(pick=st.integers(0, 50), reason=st.sampled_from(["not_planned", "completed"]))
    def a_person_closes(self, pick, reason):
        ours = [each for each in self.tracker.issues.values() if each.number != 1]
        issue = ours[pick % len(ours)]
        if issue.state == "open":
            self.tracker.issues[issue.number] = Issue(
                issue.number, issue.title, issue.body, issue.labels, "closed", reason,
                issue.created_at, self.at,
            )  # fmt: skip

    @rule()
    def all_is_delivered(self):
        before = self.tracker.created
        waiting = len(list(self.outbox.waiting()))
        delivered = self._deliver()

        assert delivered.problem == ""
        assert delivered.waiting == 0
        assert list(self.outbox.waiting()) == []
        assert self.tracker.created - before <= waiting * (POLICY.max_per_run + 1)
        self._nothing_is_lost()

    def _nothing_is_lost(self):
        if self.last is None:
            return
        by_cause = defaultdict(list)
        for issue in self.tracker.issues.values():
            memory = remembered(issue)
            if memory:
                by_cause[memory.fingerprint].append(issue)
        for issues in by_cause.values():
            assert len([each for each in issues if each.state == "open"]) <= 1
        rest = current(by_cause[rest_fingerprint("prod")])
        for found in self.last.findings:
            issue = current(by_cause[found.fingerprint])
            in_rest = rest is not None and self.last.run in remembered(rest).runs
            taken_in = issue is not None and self.last.run in remembered(issue).runs
            unwanted = issue is not None and issue.reason == "not_planned"
            unwanted = unwanted or (rest is not None and rest.reason == "not_planned")
            assert taken_in or in_rest or unwanted

    @invariant()
    def a_sighting_is_counted_once(self):
        for issue in self.tracker.issues.values():
            memory = remembered(issue)
            if memory and memory.fingerprint in self.sightings:
                assert memory.count <= self.sightings[memory.fingerprint]

    @invariant()
    def nothing_is_filed_twice(self):
        marks = [issue.body.partition("\n")[0] for issue in self.tracker.issues.values()]
        assert self.raced or len(marks) == len(set(marks))

    @invariant()
    def nothing_is_said_twice(self):
        for texts in self.tracker.said.values():
            keys = [text.partition("\n")[0] for text in texts]
            assert len(keys) == len(set(keys))

    @invariant()
    def what_is_not_ours_is_left_alone(self):
        assert self.tracker.issues[1] == self.foreign
        assert self.tracker.said[1] == []


Lives.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestLives = Lives.TestCase


@pytest.fixture
def tracker():
    return MemoryTracker()


class PassingTime:
    """A clock whose time passes when someone waits."""

    def __init__(self):
        self.waited_s = 0.0

    def sleep(self, seconds):
        self.waited_s += seconds


@pytest.fixture
def clock():
    return PassingTime()


@pytest.fixture
def tell(tracker, tmp_path, clock):
    """Delivers the sighting of one run more; gives what came of it."""
    numbers = itertools.count(1)

    def deliver_one(*causes, passed=(), release="shop v1", at=1_800_000_000.0, target="prod"):
        outbox = Outbox(tmp_path / "outbox")
        tracker.at = at
        run = f"run-{next(numbers)}"
        found = tuple(map(finding, causes))
        outbox.put(Sighting(run, "memory", target, release, at, found, frozenset(passed)))
        time = Clock(lambda: clock.waited_s, clock.sleep)
        return deliver(outbox, tracker, POLICY, clock=time)

    return deliver_one


def test_a_cause_has_one_issue_however_often_it_is_seen(tell, tracker):
    assert tell(CAUSES[0]).opened == (1,)
    assert tell(CAUSES[0]).updated == (1,)
    assert tell(CAUSES[0]).updated == (1,)

    assert remembered(tracker.issues[1]).count == 3
    assert "| seen in | 3 runs |" in tracker.issues[1].body


def test_a_cause_that_says_nothing_has_a_title(tracker, tmp_path):
    outbox = Outbox(tmp_path / "outbox")
    mute = Finding("e" * 16, " ", "high", ("test_mute",), ())
    outbox.put(Sighting("run-1", "memory", "prod", "v1", 1.8e9, (mute,), frozenset()))

    deliver(outbox, tracker, POLICY)

    assert tracker.issues[1].title == "a test fails, and says nothing"


def test_it_comments_on_a_new_release_on_another_day_only(tell, tracker):
    tell(CAUSES[0], release="shop v1")
    tell(CAUSES[0], release="shop v2")
    tell(CAUSES[0], release="shop v1", at=1_800_000_000.0 + DAY_S)
    assert tracker.said[1] == []

    tell(CAUSES[0], release="shop v3", at=1_800_000_000.0 + DAY_S)
    tell(CAUSES[0], release="shop v3", at=1_800_000_000.0 + 2 * DAY_S)

    assert len(tracker.said[1]) == 1
    assert is_comment(tracker.said[1][0], "run-4-seen")


def test_it_closes_after_as_many_passes_as_wanted(tell, tracker):
    tell(CAUSES[0])
    tell(passed=["test_a"], at=1_800_003_600.0)
    assert tracker.issues[1].state == "open"

    assert tell(passed=["test_a"], at=1_800_007_200.0).closed == (1,)

    assert (tracker.issues[1].state, tracker.issues[1].reason) == ("closed", "completed")
    assert "since 2027-01-15 09:00 UTC" in tracker.said[1][-1]


def test_a_failure_between_two_passes_starts_the_count_again(tell, tracker):
    tell(CAUSES[0])
    tell(passed=["test_a"])
    tell(CAUSES[0])
    tell(passed=["test_a"])

    assert tracker.issues[1].state == "open"


def test_what_was_not_tested_is_not_closed(tell, tracker):
    tell(CAUSES[0])
    for _ in range(5):
        tell(passed=["test_of_something_else"])

    assert tracker.issues[1].state == "open"


def test_what_passes_on_another_target_closes_nothing(tell, tracker):
    tell(CAUSES[0])
    for _ in range(5):
        tell(passed=["test_a"], target="staging")

    assert tracker.issues[1].state == "open"
    assert remembered(tracker.issues[1]).passes == 0


def test_one_that_people_keep_open_is_not_closed(tell, tracker):
    tell(CAUSES[0])
    issue = tracker.issues[1]
    kept = issue.labels | {"keep-open"}
    tracker.issues[1] = Issue(1, issue.title, issue.body, kept, created_at=issue.created_at)
    for _ in range(3):
        tell(passed=["test_a"])

    assert tracker.issues[1].state == "open"


def test_it_is_opened_again_when_it_comes_back_soon(tell, tracker):
    tell(CAUSES[0])
    tell(passed=["test_a"])
    tell(passed=["test_a"])

    assert tell(CAUSES[0], at=1_800_000_000.0 + 13 * DAY_S).reopened == (1,)
    assert (tracker.issues[1].state, tracker.issues[1].reason) == ("open", "reopened")


def test_it_is_a_new_one_that_names_the_old_when_it_comes_back_late(tell, tracker):
    tell(CAUSES[0])
    tell(passed=["test_a"])
    tell(passed=["test_a"])

    assert tell(CAUSES[0], at=1_800_000_000.0 + 15 * DAY_S).opened == (2,)
    assert "#1" in tracker.issues[2].body


def test_one_closed_as_not_planned_stays_quiet(tell, tracker):
    tell(CAUSES[0])
    issue = tracker.issues[1]
    tracker.issues[1] = Issue(
        1, issue.title, issue.body, issue.labels, "closed", "not_planned", 0.0, 1_800_000_000.0
    )

    assert tell(CAUSES[0]).quiet == ("cause a",)
    assert tracker.issues[1].state == "closed"
    assert len(tracker.issues) == 1


def test_more_causes_than_a_run_may_file_are_named_in_one_issue_more(tell, tracker):
    delivered = tell(*CAUSES)

    assert delivered.opened == (1, 2, 3)
    assert delivered.left == 2
    assert "cause d" in tracker.issues[3].body


def test_what_two_runs_opened_unseen_by_each_other_is_one_after_the_next(tell, tracker):
    tell(CAUSES[0])
    tracker._add(tracker.issues[1])

    tell(CAUSES[0])

    assert [each.state for each in tracker.issues.values()] == ["open", "closed"]
    assert tracker.issues[2].reason == "duplicate"


def test_an_unchanged_set_of_causes_takes_a_list_and_an_edit_each(tell, tracker):
    tell(*CAUSES[:2])
    calls = []
    act = tracker._do
    tracker._do = lambda work: (calls.append(work), act(work))[1]
    tell(*CAUSES[:2])

    assert len(calls) <= 2 + 2


def test_what_finds_no_time_waits(tell, tracker, clock):
    tracker.faults = dict.fromkeys(range(40), "limited")

    delivered = tell(CAUSES[0])

    assert delivered.waiting == 1
    assert "429" in delivered.problem
    assert clock.waited_s <= 60


def test_a_limit_that_ends_after_the_time_for_delivery_is_not_waited_for(tell, tracker, clock):
    tracker.faults = {1: "limited for long"}

    delivered = tell(CAUSES[0])

    assert delivered.waiting == 1
    assert "there was no time to try again" in delivered.problem
    assert clock.waited_s == 0
