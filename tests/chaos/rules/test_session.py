"""Chaos in a session of several processes: what one is told holds for all, and one is alone."""

from pytest_sre.recording.rows import Perturbation, TestRun
from tests.plugin.conftest import shared as shared  # noqa: PLC0414 - a fixture

SUITE = """
import os
import signal
import time

def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

def is_pressed(sre_run):
    return [*(sre_run.settings.root / ".sre").glob("chaos-stop-*")]

def test_undoes_at_once(fly_app, chaos, sre_run):
    with chaos.cordon_machine(fly_app, group="web", lasts="10m") as fault:
        # The controller; it performs nothing itself.
        os.kill(os.getppid(), signal.SIGUSR1)
        wait_until(lambda: fault.undone)

def test_begins_nothing_more(fly_app, chaos, sre_run):
    wait_until(lambda: is_pressed(sre_run))
    with chaos.cordon_machine(fly_app, group="web"):
        raise AssertionError("it was begun")
"""


def test_a_signal_to_the_controller_stops_its_worker(shared):
    ran = shared.verify(shared.suite("stopped", SUITE), "-n", "1")

    with ran.recording() as recording:
        faults = recording.newest(Perturbation, "perturbation")
        tests = recording.rows(TestRun)
    assert faults
    assert all(each.clean for each in faults), ran.text
    assert {each.verdict for each in tests} == {"INCONCLUSIVE"}, ran.text
    assert "chaos is stopped by" in ran.text
    assert "the signal SIGUSR1 to process" in ran.text
    assert not list((shared.root / ".sre").glob("chaos-stop-*"))


INTERRUPTED = """
import os
import signal
import time
from pathlib import Path

def test_interrupts(sre_run):
    # The controller, as Ctrl-C does; workers take no notice of signals.
    os.kill(os.getppid(), signal.SIGINT)
    deadline = time.monotonic() + 60
    while not list(sre_run.recorder.path.parent.glob("*.interrupted")):
        assert time.monotonic() < deadline
        time.sleep(0.02)

def test_next():
    Path(__file__).with_suffix(".begun").touch()
"""


def test_an_interrupt_has_a_worker_begin_no_test_that_waits_in_it(shared):
    suite = shared.suite("interrupted", INTERRUPTED)

    ran = shared.verify(suite, "-n", "1")

    assert "test_next" not in ran.text
    assert not list(shared.root.rglob("*.begun"))
    assert not list((shared.root / ".sre").rglob("*.interrupted"))


HUNG_UP = """
import signal

def test_is_told_to_end(fly_app, chaos):
    with chaos.cordon_machine(fly_app, group="web"):
        # The worker itself, as by a service manager, which tells all processes.
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it went on")

def test_next(chaos):
    raise AssertionError("it was begun")
"""


def test_a_worker_that_is_told_to_end_undoes_first(shared):
    ran = shared.verify(shared.suite("hung_up", HUNG_UP), "-n", "1")

    with ran.recording() as recording:
        (fault,) = recording.newest(Perturbation, "perturbation")
    assert fault.clean, ran.text
    assert ran.ret != 0
    assert "it was begun" not in ran.text
    assert "it went on" not in ran.text
    assert "INTERNALERROR" not in ran.text


BESIDE = """
import time
from pathlib import Path

IS_LOOKED_AT, IS_PERTURBED = Path(__file__).with_name("looked"), Path(__file__).with_name("is")

def stay(mine, other):
    mine.touch()
    until = time.monotonic() + 2  # in which the other worker could begin
    while time.monotonic() < until:
        assert not other.exists()
        time.sleep(0.02)
    mine.unlink()

def test_looks(fly_app):
    stay(IS_LOOKED_AT, IS_PERTURBED)

def test_perturbs(fly_app, chaos):
    with chaos.cordon_machine(fly_app, group="web"):
        stay(IS_PERTURBED, IS_LOOKED_AT)
"""


def test_no_other_test_looks_at_the_target_while_one_perturbs_it(shared):
    ran = shared.verify(shared.suite("beside", BESIDE), "-n", "2")

    assert ran.verdict == "HEALTHY", ran.text
    assert not list((shared.root / ".sre").rglob("*.alone"))


BY_REQUEST = """
import pytest

def test_unnamed(fly_app, request):
    with request.getfixturevalue("chaos").cordon_machine(fly_app, group="web"):
        raise AssertionError("it was done beside others")

@pytest.mark.usefixtures("chaos")
def test_named(fly_app, request):
    with request.getfixturevalue("chaos").cordon_machine(fly_app, group="web"):
        pass
"""


def test_who_is_not_known_to_perturb_does_nothing_beside_others(shared):
    ran = shared.verify(shared.suite("by_request", BY_REQUEST), "-n", "1")

    assert ran.verdicts == {"test_unnamed": "INCONCLUSIVE", "test_named": "HEALTHY"}, ran.text
    assert 'add @pytest.mark.usefixtures("chaos")' in ran.text
