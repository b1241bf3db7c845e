"""Chaos ends early: on the first condition that trips, once, and on every doubt."""

import threading

import pytest

from pytest_sre.chaos.aborting import AbortWatch, Condition, overdue
from tests.patience import until

DEADLINE_S = 60.0


class Tripped:
    """What is told to undo."""

    def __init__(self, does=lambda: None):
        self.told, self.at, self._does = [], threading.Event(), does

    def __call__(self, why):
        self.told.append(why)
        self.at.set()
        self._does()

    def wait(self):
        assert self.at.wait(DEADLINE_S)
        return self.told[0]


def raising():
    raise ConnectionError("no route")


def leaving():
    raise SystemExit(3)


def test_nothing_is_undone_while_nobody_says_why():
    tripped = Tripped()
    asked = threading.Semaphore(0)

    def quiet():
        asked.release()
        return ""

    with AbortWatch(tripped) as watch:
        watch.add(Condition("quiet", quiet, every_s=0.01))
        assert all(asked.acquire(timeout=DEADLINE_S) for _ in range(20))

    assert tripped.told == []
    assert watch.why == ""


@pytest.mark.parametrize(
    ("ask", "says", "in_doubt"),
    [
        (lambda: "the button is pressed", "the button is pressed", False),
        (raising, "the probe cannot be asked: ConnectionError: no route", True),
        (leaving, "the probe cannot be asked: SystemExit: 3", True),
        # No text; whoever wrote it, it is no "all is well".
        (lambda: ["not", "text"], "['not', 'text']", False),
    ],
)
def test_the_first_condition_that_trips_has_all_undone_once(ask, says, in_doubt):
    tripped = Tripped()
    with AbortWatch(tripped) as watch:
        watch.add(Condition("quiet", lambda: ""))
        watch.add(Condition("the probe", ask))
        watch.add(Condition("another", lambda: "too late", every_s=0.5))
        assert str(tripped.wait()) in {says, "too late"}

    assert len(tripped.told) == 1
    assert watch.why == tripped.told[0]
    assert watch.is_in_doubt is (in_doubt and watch.why != "too late")


def test_a_condition_that_raises_trips_though_no_other_does():
    tripped = Tripped()
    with AbortWatch(tripped) as watch:
        watch.add(Condition("the probe", raising))
        assert "cannot be asked" in str(tripped.wait())


def test_a_condition_that_does_not_answer_trips_and_keeps_no_other_from_it():
    hangs, tripped = threading.Event(), Tripped()
    try:
        with AbortWatch(tripped) as watch:
            watch.add(Condition("the probe", lambda: str(hangs.wait()), answers_within_s=0.3))
            assert tripped.wait().startswith("the probe has not answered for")
            assert watch.is_in_doubt
    finally:
        hangs.set()


def test_a_condition_that_hangs_keeps_no_other_from_being_heard():
    hangs, tripped = threading.Event(), Tripped()
    try:
        with AbortWatch(tripped) as watch:
            watch.add(Condition("the probe", lambda: str(hangs.wait()), answers_within_s=3600))
            watch.add(Condition("the button", lambda: "pressed"))
            assert tripped.wait() == "pressed"
    finally:
        hangs.set()


def test_leaving_waits_until_all_is_undone():
    undone, held = threading.Event(), threading.Event()

    def undo():
        held.wait(DEADLINE_S)
        undone.set()

    tripped = Tripped(undo)
    with AbortWatch(tripped) as watch:
        watch.add(Condition("the button", lambda: "pressed"))
        tripped.wait()
        held.set()

    assert undone.is_set()


def test_what_undoing_raises_is_not_lost():
    tripped = Tripped(raising)

    def watch_and_trip():
        with AbortWatch(tripped) as watch:
            watch.add(Condition("the button", lambda: "pressed"))
            tripped.wait()

    with pytest.raises(ConnectionError):
        watch_and_trip()


def test_it_ends_when_its_time_is_over():
    now = [100.0]
    late = overdue(30, clock=lambda: now[0])

    assert late.ask() == ""
    now[0] = 130.0
    assert late.ask() == "its 30 s are over"


def test_conditions_are_asked_from_when_the_watch_is_entered():
    tripped = Tripped()
    watch = AbortWatch(tripped)
    watch.add(Condition("a later button", lambda: "pressed"))
    # Threads of tests before may still be ending.
    assert not any("a later button" in each.name for each in threads())

    with watch:
        assert tripped.wait() == "pressed"


def threads():
    return [each for each in threading.enumerate() if each.name.startswith("sre-abort")]


def test_threads_end_with_the_watch():
    with AbortWatch(Tripped()) as watch:
        watch.add(Condition("quiet", lambda: ""))
        assert threads()

    until(lambda: not threads())
