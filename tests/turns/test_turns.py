"""One at a time acts on a target, and who has lost the right to it knows so at once."""

import datetime as dt
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_sre.fly.errors import FlyError, NotFound
from pytest_sre.fly.models import Machine
from pytest_sre.turns import locks
from pytest_sre.turns.noticeboard import board_machine
from pytest_sre.turns.notices import Notice, read_notice
from pytest_sre.turns.purposes import CHAOS, LOAD, Purpose
from pytest_sre.turns.taking import take_turn
from pytest_sre.verdict import Inconclusive
from tests.patience import until

DEADLINE_S = 60.0
SILENT = FlyError("an answer", "none", "GET /metadata")
GONE = NotFound("a Machine", "none", "GET /metadata")
BROKEN = RuntimeError("the connection was closed")


class Board:
    """A place for notices in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.fails: Exception | None = None
        self.left = 0

    def notices(self):
        if self.fails:
            raise self.fails
        return dict(self.kept)

    def leave(self, key, text):
        if self.fails:
            raise self.fails
        self.kept[key] = text
        self.left += 1

    def remove(self, key):
        self.kept.pop(key, None)


@pytest.fixture
def board():
    return Board()


@pytest.fixture
def take(board, tmp_path):
    def take(run, *, purpose=LOAD, folder="here", lasts_s=60):
        return take_turn(purpose, tmp_path / folder, "prod", run=run, lasts_s=lasts_s, board=board)

    return take


@pytest.mark.parametrize("purpose", [LOAD, CHAOS], ids=["load", "chaos"])
def test_a_second_run_is_refused_and_told_whose_turn_it_is(take, board, purpose):
    refused = pytest.raises(Inconclusive, match=f"no other {purpose.name} on prod, found that of")
    with take("run-1", purpose=purpose), refused, take("run-2", purpose=purpose):
        pass
    with take("run-2", purpose=purpose):
        pass
    assert board.kept == {}


@pytest.mark.parametrize("purpose", [LOAD, CHAOS], ids=["load", "chaos"])
def test_a_run_on_another_machine_is_refused_by_its_notice(take, board, purpose):
    with take("run-1", purpose=purpose, folder="here"):
        refused = pytest.raises(Inconclusive, match="the run run-1, until")
        with refused, take("run-2", purpose=purpose, folder="there"):
            pass
        assert len(board.kept) == 1


def test_load_beside_chaos_is_allowed(take):
    with take("run-1", purpose=CHAOS) as chaos, take("run-2"):
        assert chaos.lost() == ""


def test_a_notice_that_was_left_behind_is_heeded_until_its_end_only(take, board):
    board.kept["sre-load-dead"] = "1000000000 run-0"
    board.kept["sre-load-odd"] = "what"
    board.kept["release"] = "another's"

    with take("run-1"):
        pass

    assert board.kept == {"release": "another's"}


def test_another_process_of_the_same_run_waits_for_its_turn(take, monkeypatch):
    order, waits = [], threading.Event()

    def took(file, take_it=locks._took):
        has_it = take_it(file)
        if not has_it:
            waits.set()
        return has_it

    def second():
        with take("run-1"):
            order.append("second")

    monkeypatch.setattr(locks, "_took", took)
    waiting = threading.Thread(target=second)
    with take("run-1"):
        waiting.start()
        assert waits.wait(DEADLINE_S)
        order.append("first")
    waiting.join(DEADLINE_S)

    assert order == ["first", "second"]


_HOLD = """
import os
import sys
from pathlib import Path
from pytest_sre.turns.purposes import CHAOS
from pytest_sre.turns.taking import take_turn

class Board(dict):
    notices = dict.copy
    leave = dict.__setitem__
    remove = dict.pop

with take_turn(CHAOS, Path(sys.argv[1]), "prod", run="run-0", lasts_s=600, board=Board()):
    # A child that lives on, until nobody holds the other end.
    if not os.fork():
        # Only when this runs has it closed what it got of the lock.
        print("held", flush=True)
        sys.stdin.read()
        os._exit(0)
    sys.stdin.read()
"""


def test_the_lock_ends_with_a_process_that_is_killed(take, tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / "here")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        refused = pytest.raises(Inconclusive, match="the run run-0, process")
        with refused, take("run-1", purpose=CHAOS):
            pass
        holder.kill()
        holder.wait()
        with take("run-1", purpose=CHAOS):
            pass


def test_where_no_lock_can_be_nothing_is_begun(take, tmp_path, board):
    (tmp_path / "here").write_text("a file")

    with pytest.raises(Inconclusive, match="expected to write to") as refused, take("run-1"):
        pass

    assert refused.value.cause == "own disk"
    assert board.left == 0


def test_a_platform_that_does_not_answer_lets_nobody_begin(take, board):
    board.fails = SILENT

    with pytest.raises(FlyError), take("run-1", purpose=CHAOS):
        pass


def overwritten(board):
    [key] = board.kept
    return {key: f"{time.time() + 600:.0f} run-2"}


def replaced(path):
    path.rename(path.with_suffix(".moved"))
    path.write_text("{}")


@pytest.mark.parametrize(
    ("take_away", "says"),
    [
        (lambda _, path: path.unlink(), "its lock is gone"),
        (lambda _, path: replaced(path), "another file is in the place of its lock"),
        (lambda _, path: path.write_text('{"run": "run-2"}'), "its lock was overwritten"),
        (lambda board, _: board.kept.clear(), "was removed"),
        (lambda board, _: board.kept.update(overwritten(board)), "was overwritten"),
        (lambda board, _: setattr(board, "fails", GONE), "the Machine that bore its notice"),
        (lambda board, _: setattr(board, "fails", BROKEN), "cannot be watched: RuntimeError"),
    ],
)
def test_a_turn_that_is_taken_away_is_known_to_be_lost(take, board, tmp_path, take_away, says):
    with take("run-1", purpose=CHAOS) as turn:
        assert turn.lost() == ""

        take_away(board, tmp_path / "here" / "chaos-prod.lock")

        assert says in until(turn.lost)


def test_a_turn_is_kept_while_the_platform_is_silent_until_its_notice_runs_out(take, board):
    brief = Purpose("chaos", "one at a time", ttl_s=2.0)
    with take("run-1", purpose=brief) as turn:
        board.fails = SILENT
        until_at = read_notice(*board.kept.values()).until_at

        assert "has run out unrenewed" in until(turn.lost)
        assert time.time() > until_at


def test_a_turn_is_renewed_for_as_long_as_it_is_held(take, board):
    brief = Purpose("chaos", "one at a time", ttl_s=3.0)
    with take("run-1", purpose=brief):
        first = read_notice(*board.kept.values()).until_at
        assert until(lambda: read_notice(*board.kept.values()).until_at > first)
    assert board.kept == {}


@given(st.integers(0, 10**12), st.text(min_size=1, max_size=100))
def test_a_notice_is_read_as_it_was_written(until_at, run):
    notice = Notice(float(until_at), run)

    assert read_notice(notice.text) == notice


@given(st.text())
def test_no_text_of_a_notice_breaks_who_reads_it(text):
    assert read_notice(text).until_at >= 0


def test_the_oldest_machine_bears_the_notices():
    def machine(name, day):
        return Machine(id=name, created_at=dt.datetime(2026, 1, day, tzinfo=dt.UTC))

    fleet = [machine("9a", 1), machine("1b", 2)]

    assert board_machine(fleet) == board_machine(fleet[::-1]) == "9a"
    assert board_machine([replace(fleet[0], state="destroyed"), fleet[1]]) == "1b"
    assert board_machine([]) == ""
