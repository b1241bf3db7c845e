"""What a process left that was killed is undone by its guardian, which nothing else ends."""

import contextlib
import os
import random
import signal
import sys
import time

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.chaos import actions
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.guardian.standing import NoGuardianError, standing_guardian
from pytest_sre.chaos.guardian.words import (
    FAREWELL,
    Group,
    Heard,
    forget_line,
    hear,
    watch_line,
)
from tests.patience import until

KILLS = 4


def test_what_a_killed_process_left_is_undone(fleet, forks, guardians):
    pid, _ = forks("hold")
    assert fleet.wrong() != []

    os.kill(pid, signal.SIGKILL)

    until(lambda: fleet.wrong() == [])
    until(lambda: guardians(fleet.journal.folder) == [])


def test_whenever_a_process_is_killed_nothing_stays_changed(fleet, forks, guardians):
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    for _ in range(KILLS):
        pid, _ = forks("loop")
        time.sleep(moments.uniform(0, 1.2))
        os.kill(pid, signal.SIGKILL)
        until(lambda: guardians(fleet.journal.folder) == [])
        assert fleet.wrong() == [], f"seed {seed}"


def test_a_process_that_ends_in_the_midst_of_it_leaves_nothing_either(fleet, forks, guardians):
    forks("leave")

    until(lambda: guardians(fleet.journal.folder) == [])
    assert fleet.wrong() == []


def test_nothing_meant_for_the_killed_process_ends_its_guardian(fleet, forks, guardians):
    pid, _ = forks("hold")
    (guardian,) = guardians(fleet.journal.folder)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        guardian.send_signal(number)
    assert os.getsid(guardian.pid) == guardian.pid

    os.killpg(pid, signal.SIGKILL)

    until(lambda: fleet.wrong() == [])
    until(lambda: not guardian.is_running())


def test_what_must_not_outlive_it_is_ended_before_anything_is_undone(fleet, forks):
    pid, (child, *_) = forks("group")
    assert psutil.pid_exists(int(child))

    os.kill(pid, signal.SIGKILL)

    until(lambda: fleet.wrong() == [])
    assert not is_alive(int(child))


def is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_before_the_next_act_a_guardian_that_is_gone_is_replaced(fleet, guardians):
    with fleet.inject(actions.CordonMachines()):
        (first,) = guardians(fleet.journal.folder)
    first.kill()
    until(lambda: not is_alive(first.pid))

    with fleet.inject(actions.CordonMachines()):
        (second,) = guardians(fleet.journal.folder)

    assert second.pid != first.pid


def test_without_a_guardian_nothing_is_done(fleet, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")

    with pytest.raises(NotInjected, match="expected a guardian process") as caught:
        fleet.inject(actions.CordonMachines())

    assert "nothing was done" in str(caught.value)
    assert fleet.wrong() == []


def test_a_program_that_is_no_guardian_is_not_taken_for_one(fleet, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/true")

    with pytest.raises(NoGuardianError, match="found its end"):
        standing_guardian(fleet.journal.folder, run="run-2", undo_timeout_s=1)


GROUPS = st.builds(Group, st.integers(2, 2**22), st.floats(0, 2e9))


@given(st.lists(st.tuples(st.booleans(), GROUPS)), st.data())
def test_words_are_understood_however_they_are_cut(acts, data):
    text = b"".join(watch_line(group) if begins else forget_line(group) for begins, group in acts)
    expected: set[Group] = set()
    for begins, group in acts:
        (expected.add if begins else expected.discard)(group)

    heard, rest = Heard(), text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        heard, rest = hear(heard, rest[:size]), rest[size:]

    assert heard.groups == expected
    assert not heard.is_dismissed
    assert hear(heard, FAREWELL).is_dismissed


@given(st.binary(max_size=200))
def test_what_is_no_word_is_left_out(noise):
    heard = hear(Heard(), noise + b"\n" + b"watch 0 1.0\nwatch 1 1.0\nwatch -5 1.0\n")

    assert all(group.leader > 1 for group in heard.groups)
    assert hear(heard, watch_line(Group(7, 1.5))).groups == heard.groups | {Group(7, 1.5)}
