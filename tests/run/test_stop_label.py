"""An issue label stops chaos, wherever who sets it sits; a silent tracker does so on doubt."""

import msgspec
import pytest
from memory_tracker import MemoryTracker

from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Create
from pytest_sre.run.stop_label import StopLabel


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def tracker():
    return MemoryTracker()


def labelled(tracker: MemoryTracker, *labels: str) -> int:
    return tracker.create(Create("", "by hand", "", labels)).number


def test_an_open_issue_with_the_label_stops_until_it_is_closed(tracker):
    ask = StopLabel(lambda: tracker)
    labelled(tracker, "bug")
    assert ask() == ""

    number = labelled(tracker, "chaos-stop")
    assert f"#{number}" in ask()

    tracker.issues[number] = msgspec.structs.replace(tracker.issues[number], state="closed")
    assert ask() == ""


def test_a_tracker_that_falls_silent_is_given_half_a_minute():
    clock, silent = Clock(), []

    class Moody(MemoryTracker):
        def open_with_label(self, _label):
            if silent:
                raise TrackerError("GitHub answers 502")
            return []

    ask = StopLabel(Moody, clock)
    assert ask() == ""
    silent.append(True)
    clock.now_s += 29

    assert ask() == ""

    clock.now_s += 2
    with pytest.raises(TrackerError):
        ask()


def test_a_tracker_that_never_answered_is_a_doubt():
    def opened():
        raise TrackerError("no token")

    with pytest.raises(TrackerError):
        StopLabel(opened)()
