"""What other processes hold in a journal: runs that are not over, and those that undo."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Final

from pytest_sre.chaos.changes.change import Change
from pytest_sre.chaos.changes.known import UnknownChangeError
from pytest_sre.chaos.hands import Hands
from pytest_sre.chaos.undoing.intents import KIND as CHAOS
from pytest_sre.chaos.undoing.intents import change_in
from pytest_sre.chaos.undoing.leftovers import Recovered
from pytest_sre.chaos.undoing.settling import longest_s
from pytest_sre.undo.files import Journal
from pytest_sre.undo.holding import holder_of, is_running
from pytest_sre.undo.journal import Intent

# What is over so soon is not worth a line.
_QUIET_S: Final = 2.0
_LOOK_AGAIN_S: Final = 0.02


def being_undone(journal: Journal) -> tuple[Intent, ...]:
    """Give what runs left that were killed, and other processes undo: as a rule their guardians.

    Raises:
        OSError: the journal cannot be read.
    """
    return tuple(intent for intent in journal.held() if not is_running(intent))


def await_others(journal: Journal, *, timeout_s: float, tell: Callable[[str], None]) -> None:
    """Wait while other processes undo what runs left, no longer than that may take.

    Args:
        journal: the journal.
        timeout_s: how long undoing may take, seconds.
        tell: told in a line what is waited for, once that has taken a while.

    Raises:
        OSError: the journal cannot be read.
    """
    began = time.monotonic()
    has_told = False
    while held := being_undone(journal):
        waited_s, limit_s = time.monotonic() - began, _limit_s(held, timeout_s)
        if waited_s >= limit_s:
            return
        if waited_s >= _QUIET_S and not has_told:
            first, *more = map(described, held)
            others = f" (and {len(more)} more)" if more else ""
            tell(f"waiting at most {limit_s:.0f} s for who undoes what a run left: {first}{others}")
            has_told = True
        time.sleep(_LOOK_AGAIN_S)


def still_there(journal: Journal, told: Collection[str]) -> list[Recovered]:
    """Say of all that is in a journal yet why it is.

    Args:
        journal: the journal.
        told: the ids of what was said already.

    Raises:
        OSError: the journal cannot be read.
    """
    there = [intent for intent in journal.all() if intent.id not in told]
    held = {intent.id for intent in journal.held()}
    running = [intent for intent in there if intent.id in held and is_running(intent)]
    runs = Counter((intent.run, intent.target, intent.pid) for intent in running)
    return [
        *(_running(*run, count) for run, count in runs.items()),
        *(_left(journal, intent) for intent in there if intent not in running),
    ]


def described(intent: Intent) -> str:
    """Say what was done, in a few words."""
    change = _change_in(intent)
    return change.described if change else f"{intent.kind} {intent.what.get('app', '')}".strip()


def _limit_s(held: Sequence[Intent], timeout_s: float) -> float:
    # Nowhere is a call on its way for longer than on Fly.io.
    changes = filter(None, map(_change_in, held))
    return longest_s(changes, timeout_s=timeout_s, in_flight_s=Hands.in_flight_s)


def _change_in(intent: Intent) -> Change | None:
    if intent.kind != CHAOS:
        return None
    try:
        return change_in(intent)
    except UnknownChangeError:
        return None


def _running(run: str, target: str, pid: int, count: int) -> Recovered:
    return Recovered(
        id="",
        target=target,
        described=f"what run {run} does ({count})",
        is_clean=False,
        why=f"it is running (process {pid}), and undoes that itself; run this again when it has "
        "ended",
    )


def _left(journal: Journal, intent: Intent) -> Recovered:
    holder = holder_of(journal.file_of(intent))
    who = f"process {holder}" if holder else "another process"
    change = _change_in(intent)
    return Recovered(
        id=intent.id,
        target=intent.target,
        described=described(intent),
        is_clean=False,
        why=f"{who} has not undone it yet; run this again in a minute",
        by_hand=change.by_hand if change else (),
    )
