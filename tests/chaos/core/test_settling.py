"""Undoing goes on through what the platform does on a bad day, and never takes its word for it."""

import threading

import msgspec
import pytest

from pytest_sre.chaos.changes.change import MachineChange
from pytest_sre.chaos.undoing import deciding
from pytest_sre.chaos.undoing.settling import Open, settle
from pytest_sre.fly.errors import Conflict, RateLimited, UnexpectedAnswer
from pytest_sre.local.platform import LocalPlatformError


@pytest.fixture(autouse=True)
def soon_given_up(monkeypatch):
    monkeypatch.setattr(deciding, "_LEAST_S", 0.1)


class Fake(MachineChange, frozen=True, tag="fake"):
    """A change of something that is only here; what it answers is told in advance."""

    app: str = "shop"
    machine: str = "m1"
    script: list = msgspec.field(default_factory=list)
    seen: list = msgspec.field(default_factory=list)

    def undo(self, _hands):
        self.seen.append("undo")
        self._play()

    def is_undone(self, _hands):
        self.seen.append("read")
        return self._play()

    def _play(self):
        answer = self.script.pop(0) if self.script else True
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeHands:
    fly = None
    have_vanished = False

    def __init__(self, in_flight_s=0.0):
        self.in_flight_s = in_flight_s


def settled(*script, in_flight_s=0.0, takes_s=0.0, timeout_s=60.0, made_at=0.0, hands=None):
    change = Fake(script=list(script), takes_s=takes_s)
    proven = []
    opened = Open(change, made_at)
    hands = hands or FakeHands(in_flight_s)
    (found,) = settle([opened], hands, timeout_s=timeout_s, proven=proven.append)
    assert proven == ([0] if found.is_clean else [])
    return found, change.seen


ERRORS = [
    UnexpectedAnswer("an answer", "500", "POST /start"),
    RateLimited("an answer", "429", "POST /start", retry_after_s=0.01),
    Conflict("the lease", "that of another", "POST /start"),
    LocalPlatformError("no answer"),
    TimeoutError("no answer within 10 s"),
    KeyError("a mistake of ours"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_undoing_meets_it_is_tried_again(error):
    # By the act, and by reading back what came of it.
    found, seen = settled(error, True, error, True, False, True, True)

    assert found.is_clean
    assert seen == ["undo", "undo", "read", "undo", "read", "undo", "read"]


def test_an_answer_that_it_was_done_is_no_proof():
    found, _ = settled(*[True, False] * 200, timeout_s=0.0)

    assert not found.is_clean
    assert "read back that it is not" in found.why


def test_what_may_still_be_on_its_way_is_undone_again_when_it_no_longer_is():
    found, seen = settled(in_flight_s=0.05, made_at=None)
    assert (found.is_clean, seen) == (True, ["undo", "read", "undo", "read"])

    found, seen = settled(takes_s=0.05, made_at=None)
    assert (found.is_clean, seen) == (True, ["undo", "read", "undo", "read"])

    # It was made long ago.
    found, seen = settled(in_flight_s=0.05, made_at=1.0)
    assert (found.is_clean, seen) == (True, ["undo", "read"])


def test_an_error_that_stays_is_said():
    found, _ = settled(*[ERRORS[0]] * 500, timeout_s=0.0)

    assert not found.is_clean
    assert found.why == "expected an answer; found 500; in POST /start"


def test_nothing_is_left_to_undo_of_a_platform_that_has_vanished():
    hands = FakeHands()
    hands.have_vanished = True

    found, seen = settled(LocalPlatformError("no answer"), hands=hands)

    assert (found.is_clean, seen) == (True, ["undo"])


def test_many_are_undone_at_once_but_politely():
    at_once, most = [], []
    lock, all_in = threading.Lock(), threading.Event()

    class Slow(Fake, frozen=True, tag="slow"):
        def undo(self, _hands):
            with lock:
                at_once.append(self)
                most.append(len(at_once))
                if len(at_once) == 8:
                    all_in.set()
            assert all_in.wait(60)
            with lock:
                at_once.remove(self)

    opened = [Open(Slow(), 0.0) for _ in range(24)]
    found = settle(opened, FakeHands(), timeout_s=60, proven=lambda _: None)

    assert all(each.is_clean for each in found)
    assert max(most) == 8


def test_it_is_undone_where_no_thread_can_be_started(monkeypatch):
    """As at the end of Python 3.12, when what is still open is undone."""

    def start(_thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", start)
    found, seen = settled(Conflict("a", "b", "c"), True, True)
    assert found.is_clean
    assert seen == ["undo", "undo", "read"]
