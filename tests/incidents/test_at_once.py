"""Several machines tell one incident at once: in the end its issue says all that they did."""

import tempfile
import threading
from pathlib import Path

import github
import pytest
from github_double import Access, GithubDouble
from hypothesis import example, given, settings
from hypothesis import strategies as st
from memory_tracker import KilledError, MemoryTracker
from msgspec.structs import replace

from pytest_sre.incidents.memory import KnownCause, Memory, remembered
from pytest_sre.incidents.merging import Change, changes_in, merged, packed
from pytest_sre.incidents.telling import IncidentTeller
from pytest_sre.issues.body import write_comment
from pytest_sre.issues.calls import Clock
from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.events import IncidentEntry, IncidentOpened, IncidentSeen, Sign
from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Policy

AT = 1_800_000_000.0
PATIENCE_S = 120


class Turns:
    """Lets one of several threads go on at a time, up to its next call."""

    def __init__(self, count):
        self.go = [threading.Semaphore(0) for _ in range(count)]
        self.stopped = [threading.Semaphore(0) for _ in range(count)]
        self.running = set(range(count))
        self.killed = set()

    def wait(self, number):
        """In a thread: stop before a call, until it is its turn."""
        self.stopped[number].release()
        assert self.go[number].acquire(timeout=PATIENCE_S)
        if number in self.killed:
            self.killed.discard(number)
            raise KilledError

    def step(self, number):
        """Let one go on, until it stops before its next call or ends."""
        self.go[number].release()
        assert self.stopped[number].acquire(timeout=PATIENCE_S)

    def end(self, number):
        self.running.discard(number)
        self.stopped[number].release()


class OfOneMachine:
    """A tracker as one machine sees it, whose calls wait for their turn."""

    def __init__(self, tracker, turns, number):
        self._tracker, self._turns, self._number = tracker, turns, number
        self.name = tracker.name

    def __getattr__(self, name):
        call = getattr(self._tracker, name)

        def in_turn(*arguments):
            self._turns.wait(self._number)
            return call(*arguments)

        return in_turn


def teller():
    return IncidentTeller(Path("/nonexistent"), lambda _target: None, lambda *_: (), (), str)


def deliver_all(outbox, tracker):
    clock = Clock(lambda: 0.0, lambda _s: None)
    return deliver(outbox, tracker, Policy(), tell_incident=teller(), clock=clock)


def machine(turns, number, outbox, tracker):
    """Deliver, and again when killed, as the next run on that machine does."""
    view = OfOneMachine(tracker, turns, number)
    assert turns.go[number].acquire(timeout=PATIENCE_S)
    while list(outbox.waiting()):
        try:
            deliver_all(outbox, view)
        except KilledError:
            continue
    turns.end(number)


def entry(number, act):
    at = AT + 60 + number
    return IncidentEntry(f"key-{number}", "memory", at, act, f"said {number}", 1)


def seen(number, failing):
    signs = tuple(
        Sign(name * 16, f"cause {name}", "critical", (f"test_{name}",), ("shop",), ())
        for name in failing
    )
    passed = frozenset(f"test_{name}" for name in "abc" if name not in failing)
    return IncidentSeen(
        f"run-{number}", "memory", "prod", "shop v1", AT + 60 + number, signs, passed, frozenset()
    )


def opened(tracker, folder):
    outbox = Outbox(folder)
    outbox.put(IncidentOpened("open", "memory", AT, "it fails", "critical", "prod"))
    deliver_all(outbox, tracker)


acts = st.one_of(
    st.sampled_from(["note", "acknowledge", "resolve"]).map(lambda act: ("entry", act)),
    st.frozensets(st.sampled_from("abc")).map(lambda failing: ("seen", tuple(sorted(failing)))),
)


@settings(max_examples=40, deadline=None)
@given(
    machines=st.lists(st.lists(acts, min_size=1, max_size=2), min_size=2, max_size=3),
    order=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), max_size=60),
)
@example([[("entry", "note")], [("entry", "note")], [("seen", ())]], [(2, 1), (2, 1)])
def test_whatever_the_order_of_their_calls_nothing_is_lost(machines, order):
    tracker = MemoryTracker()
    with tempfile.TemporaryDirectory() as name:
        opened(tracker, Path(name) / "opening")
        outboxes = [Outbox(Path(name) / str(number)) for number in range(len(machines))]
        events = [*put(outboxes, machines)]
        deliver_at_once(tracker, outboxes, order)

    issue = tracker.issues[1]
    memory, log = remembered(issue), changes_in(tracker.said[1])
    assert merged(memory, log) == memory, "all that the log says is in the issue"
    keys = [text.partition("\n")[0] for text in tracker.said[1]]
    assert len(keys) == len(set(keys)), "and is said once"
    acts = {each.act: each.key for each in events if isinstance(each, IncidentEntry)}
    if "note" in acts:
        assert acts["note"] in memory.taken
    if "resolve" in acts:
        assert (memory.status, issue.state) == ("resolved", "closed")
    elif "acknowledge" in acts:
        assert memory.acknowledged_at


def put(outboxes, machines):
    """Give each machine what it has to tell."""
    for number, wanted in enumerate(machines):
        for place, (kind, what) in enumerate(wanted):
            event = (entry if kind == "entry" else seen)(10 * number + place, what)
            outboxes[number].put(event)
            yield event


def deliver_at_once(tracker, outboxes, order):
    """Deliver on all machines, their calls in this order, some of them killed in one."""
    turns = Turns(len(outboxes))
    threads = [
        threading.Thread(target=machine, args=(turns, number, outbox, tracker), daemon=True)
        for number, outbox in enumerate(outboxes)
    ]
    for thread in threads:
        thread.start()
    for picked, chance in order:
        number = picked % len(outboxes)
        if number in turns.running:
            turns.killed |= {number} if chance == 0 else set()
            turns.step(number)
    while turns.running:
        turns.step(min(turns.running))
    for thread in threads:
        thread.join(PATIENCE_S)


causes = st.builds(
    KnownCause,
    st.sampled_from("abc"),
    st.just("it"),
    st.just(("test_it",)),
    st.sampled_from([(), ("ams",), ("iad",)]),
    st.booleans(),
    since_at=st.sampled_from([1.0, 2.0, 3.0]),
)
changes = st.builds(
    Change,
    st.text("xyz", min_size=1, max_size=3),
    st.floats(1, 9),
    acknowledged_at=st.sampled_from([0.0, 1.0, 2.0]),
    escalated_at=st.sampled_from([0.0, 1.0, 2.0]),
    resolved_at=st.sampled_from([0.0, 1.0, 2.0]),
    causes=st.lists(causes, max_size=3, unique_by=lambda each: each.fingerprint).map(tuple),
    apps=st.lists(st.sampled_from(["web", "mail"]), unique=True).map(tuple),
)


@given(found=st.lists(changes, max_size=5), data=st.data())
def test_changes_may_come_in_any_order_and_twice(found, data):
    before = Memory("f" * 16, "it", "critical", 1.0, 1.0)
    other = data.draw(st.permutations([*found, *found]))

    once, again = merged(before, found), merged(before, other)

    assert status_of(once) == status_of(again)
    assert merged(once, found) == once


def status_of(memory):
    by_name = sorted(memory.causes, key=lambda each: each.fingerprint)
    told = replace(memory, taken=(), apps=tuple(sorted(memory.apps)), causes=tuple(by_name))
    return replace(told, release_at=0.0)


@given(texts=st.lists(st.text(max_size=40)))
def test_what_people_write_is_no_change(texts):
    forged = [f"<!-- pytest-sre:event key {text} -->\nx" for text in texts]

    assert changes_in([*texts, *forged]) == ()


@pytest.fixture
def double():
    with GithubDouble() as served:
        yield served


def test_what_a_stranger_writes_into_the_log_is_not_believed(double, tmp_path):
    auth = github.Auth.Token(double.token)
    tracker = GithubTracker("acme/shop", auth, api_url=double.url, between_writes_s=0)
    name = tracker.name
    outbox = Outbox(tmp_path)
    outbox.put(IncidentOpened("open", name, AT, "it fails", "critical", "prod"))
    deliver_all(outbox, tracker)
    forged = write_comment("well", "forged", packed(Change("forged", AT, resolved_at=AT)))
    issue = double.repository.issues[1]
    double.repository.comment(issue, forged, Access("stranger", push=False))

    outbox.put(IncidentEntry("key", name, AT + 1, "note", "said", 1))
    deliver_all(outbox, tracker)

    assert remembered(tracker.issue(1)).status == "open"

    double.repository.comment(issue, forged, Access("member"))
    outbox.put(IncidentEntry("other", name, AT + 2, "note", "said", 1))
    deliver_all(outbox, tracker)
    assert remembered(tracker.issue(1)).status == "resolved"
