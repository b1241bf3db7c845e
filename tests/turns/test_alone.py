"""Who perturbs a target is alone with it; who looks at it is beside others."""

import fcntl
import threading

import pytest

from pytest_sre.turns.alone import beside_others


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.alone"


def can_come(file, *, alone: bool) -> bool:
    """Tell whether one more could come at once."""
    with file.open("ab") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_NB | (fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        except BlockingIOError:
            return False
    return True


def test_who_looks_lets_others_look_and_nobody_perturb(file):
    with beside_others(file, alone=False):
        assert can_come(file, alone=False)
        assert not can_come(file, alone=True)

    assert can_come(file, alone=True)


def test_who_perturbs_lets_nobody_come(file):
    with beside_others(file, alone=True):
        assert not can_come(file, alone=False)
        assert not can_come(file, alone=True)

    assert can_come(file, alone=False)


@pytest.mark.parametrize("alone", [True, False])
def test_who_has_to_wait_comes_afterwards(file, alone):
    came = threading.Event()

    def come() -> None:
        with beside_others(file, alone=alone):
            came.set()

    waits = threading.Thread(target=come)
    with beside_others(file, alone=True):
        waits.start()
        assert not came.is_set()

    waits.join(60)
    assert came.is_set()
