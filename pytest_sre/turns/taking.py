"""Takes turns: one at a time acts on a target, on this machine and on all others.

The lock is the operating system's, so it ends with the process that holds it. The notice is a key
of the metadata of the app's oldest Machine, which changes neither its process nor its version and
keeps nobody from deploying. Who begins writes its own key, then looks for others: of two that
begin at once, at least one sees the other and refuses. A notice has its end in it, so that one
left behind by a process that was killed is not heeded for longer: than a load would have taken,
or, where turns are renewed, than their ttl.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_sre.fly.errors import FlyError, NotFound
from pytest_sre.turns.locks import Lock, locked
from pytest_sre.turns.noticeboard import Board
from pytest_sre.turns.notices import Notice, key_prefix, read_notice
from pytest_sre.turns.purposes import Purpose

_SPARE_S: Final = 60.0
_LOOK_S: Final = 0.5
# A third of the ttl is left when it is renewed, for calls that fail.
_RENEWED_AT: Final = 2 / 3
_LAST_CALL_S: Final = 30.0


class Turn:
    """The right to act on a target, while it lasts."""

    def __init__(self, lock: Lock, notice: "_Posted") -> None:
        self._lock, self._notice = lock, notice

    def lost(self) -> str:
        """Say why it is ours no longer; empty while it is. Asks nobody, so it answers at once.

        Others may act on the target as soon as it is lost, so all has to be undone then.
        """
        return self._lock.lost() or self._notice.lost


def turns_dir(root: Path) -> Path:
    """Where the locks of a project's runs are."""
    return root / ".sre" / "turns"


@contextlib.contextmanager
def take_turn(
    purpose: Purpose, folder: Path, target: str, *, run: str, lasts_s: float, board: Board
) -> Iterator[Turn]:
    """Be the only one who acts on a target.

    Another process of the same run is waited for; any other is not.

    Args:
        purpose: what for.
        folder: where lock files are kept.
        target: its name.
        run: which run this is.
        lasts_s: how long it takes at most, seconds.
        board: where other machines are told.

    Raises:
        Inconclusive: it is another's turn.
        FlyError: the platform does not say whether it is.
    """
    until_at = time.time() + lasts_s + _SPARE_S
    with (
        locked(purpose, folder, target, run=run, until_at=until_at) as lock,
        _posted(purpose, target, Notice(until_at, run), board) as notice,
    ):
        yield Turn(lock, notice)


@contextlib.contextmanager
def _posted(purpose: Purpose, target: str, notice: Notice, board: Board) -> Iterator["_Posted"]:
    posted = _Posted(purpose, notice, board)
    try:
        posted.renew()
        for key, text in board.notices().items():
            if key.startswith(key_prefix(purpose)) and key != posted.key:
                _heed(purpose, board, target, key, text)
        with posted.kept():
            yield posted
    finally:
        board.remove(posted.key)


def _heed(purpose: Purpose, board: Board, target: str, key: str, text: str) -> None:
    found = read_notice(text)
    if found.until_at < time.time():
        board.remove(key)
        return
    raise purpose.taken(target, found.holder)


class _Posted:
    """A notice of ours, and whether it is still there."""

    def __init__(self, purpose: Purpose, notice: Notice, board: Board) -> None:
        self.key = f"{key_prefix(purpose)}{secrets.token_hex(4)}"
        self.lost = ""
        self._board, self._ttl_s = board, purpose.ttl_s
        self._notice, self._told_until_at = notice, 0.0
        self._ends = threading.Event()

    def renew(self) -> None:
        """Write it, with an end that is a ttl from now where there is one.

        Raises:
            FlyError: the platform does not take it.
        """
        if self._ttl_s is not None:
            self._notice = Notice(time.time() + self._ttl_s, self._notice.run)
        self._board.leave(self.key, self._notice.text)
        self._told_until_at = read_notice(self._notice.text).until_at

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep renewing it, and see whether it is there, until the end."""
        if self._ttl_s is None:
            yield
            return
        keeper = threading.Thread(target=self._keep, args=(self._ttl_s,), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._ends.set()
            keeper.join(_LAST_CALL_S)

    def _keep(self, ttl_s: float) -> None:
        while not self.lost and not self._ends.wait(_LOOK_S):
            try:
                self.lost = self._missing()
                left_s = self._told_until_at - time.time()
                if not self.lost and left_s < _RENEWED_AT * ttl_s and not self._ends.is_set():
                    self.renew()
            except NotFound:
                self.lost = f"the Machine that bore its notice {self.key} is gone"
            except FlyError as error:
                # The others heed what they read last, so nothing is lost before its end.
                if time.time() > self._told_until_at:
                    self.lost = f"its notice {self.key} has run out unrenewed: {error.found}"
            except Exception as error:  # noqa: BLE001 - a turn that nobody watches is none
                self.lost = f"its notice {self.key} cannot be watched: {error!r}"

    def _missing(self) -> str:
        text = self._board.notices().get(self.key, "")
        if not text:
            return f"its notice {self.key} was removed"
        if read_notice(text).run != self._notice.run:
            return f"its notice {self.key} was overwritten: {text[:100]}"
        return ""
