"""Load only where it is allowed, only as much as is, only on the target's hosts, one at a time."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_sre.load.frames import Frame, Tally
from pytest_sre.load.leasing import NOTICE, load_lease
from pytest_sre.load.permission import RateCeiling, require_allowed, within_limits
from pytest_sre.load.plan import Closed, LoadPlan, constant
from pytest_sre.targets import Target
from pytest_sre.targets.settings import LoadLimits
from pytest_sre.verdict import Inconclusive, NotAsked

DEADLINE_S = 60.0
LIMITS = LoadLimits(rate_per_s=50, requests=1000)


def target(*allow, deny=(), load=LIMITS):
    return Target("prod", "fly", (), None, None, frozenset(allow), frozenset(deny), load=load)


def plan(rate=10, duration_s=10, **more):
    return LoadPlan(workload=constant(rate, duration_s), mix={"buy": 1.0}, **more)


def test_without_permission_nothing_is_asked_and_the_line_that_allows_it_is_told():
    require_allowed(target("observe", "load"))

    with pytest.raises(NotAsked) as raised:
        require_allowed(target("observe"))
    assert 'allow = ["observe", "load"]' in raised.value.reason
    assert "[targets.prod]" in raised.value.reason
    with pytest.raises(NotAsked, match="denies load"):
        require_allowed(target("observe", deny=["load"]))


def test_a_plan_within_the_limits_is_capped_by_them():
    capped = within_limits(plan(), target(), sent=300)

    assert (capped.caps.rate_per_s, capped.caps.requests) == (50, 700)


@pytest.mark.parametrize(
    ("rate", "duration_s", "sent", "told"),
    [
        (51, 5, 0, "expected at most 50 arrivals a second on prod, found a plan of 51"),
        (50, 21, 0, "expected at most 1,000 requests in a run on prod"),
        (50, 10, 501, "of which 501 are sent"),
    ],
)
def test_a_plan_beyond_the_limits_is_refused_with_the_line_that_raises_them(
    rate, duration_s, sent, told
):
    with pytest.raises(Inconclusive) as raised:
        within_limits(plan(rate, duration_s), target(), sent)

    assert told in raised.value.reason
    assert "[targets.prod.limits]" in raised.value.reason


def test_users_who_begin_more_than_the_rate_allows_are_stopped():
    users = LoadPlan(workload=Closed(users=9, duration_s=60), mix={"buy": 1.0})
    ceiling = RateCeiling(users, target())

    def tally(second, started):
        return Frame(
            elapsed_s=second, tallies=[Tally(second=second, journey="buy", started=started)]
        )

    assert ceiling(tally(1, 50)) is None
    # Frames of two processes that tell of the same second.
    assert ceiling(tally(2, 30)) is None
    assert "51 journeys in a second" in ceiling(tally(2, 21))
    assert RateCeiling(plan(), target())(tally(1, 500)) is None


class Board:
    """A place for notices in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def notices(self):
        return dict(self.kept)

    def leave(self, key, text):
        self.kept[key] = text

    def remove(self, key):
        self.kept.pop(key, None)


@pytest.fixture
def lease(tmp_path):
    board = Board()

    def take(run, folder="here", lasts_s=60):
        return load_lease(tmp_path / folder, "prod", run=run, lasts_s=lasts_s, board=board)

    take.board = board
    return take


def test_a_second_run_is_refused_and_told_whose_the_load_is(lease):
    refused = pytest.raises(Inconclusive, match="found that of the run run-1")
    with lease("run-1"), refused, lease("run-2"):
        pass
    with lease("run-2"):
        pass
    assert lease.board.kept == {}


def test_a_run_on_another_machine_is_refused_by_its_notice(lease):
    with lease("run-1", folder="here"):
        refused = pytest.raises(Inconclusive, match="the run run-1, until")
        with refused, lease("run-2", folder="there"):
            pass
        assert len(lease.board.kept) == 1


def test_a_notice_that_was_left_behind_is_heeded_until_its_end_only(lease):
    lease.board.kept[f"{NOTICE}dead"] = "1000000000 run-0"
    lease.board.kept[f"{NOTICE}odd"] = "what"
    lease.board.kept["release"] = "another's"

    with lease("run-1"):
        pass

    assert lease.board.kept == {"release": "another's"}


def test_another_process_of_the_same_run_waits_for_its_turn(lease):
    order, entered = [], threading.Event()

    def second():
        entered.set()
        with lease("run-1"):
            order.append("second")

    waiting = threading.Thread(target=second)
    with lease("run-1"):
        waiting.start()
        assert entered.wait(DEADLINE_S)
        order.append("first")
    waiting.join(DEADLINE_S)

    assert order == ["first", "second"]


_HOLD = """
import sys
from pathlib import Path
from pytest_sre.load.leasing import load_lease

class Board:
    notices = dict
    def leave(self, key, text): pass
    def remove(self, key): pass

with load_lease(Path(sys.argv[1]), "prod", run="run-0", lasts_s=600, board=Board()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_ends_with_a_process_that_is_killed(lease, tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / "here")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Inconclusive, match="the run run-0, process"), lease("run-1"):
            pass
        holder.kill()
        holder.wait()
        with lease("run-1"):
            pass
