"""A board whose notices are written down before they are left, as all that chaos does is."""

import contextlib
from collections.abc import Callable, Mapping

from pytest_sre.turns.noticeboard import Board
from pytest_sre.undo.files import Kept


class NotedBoard:
    """A board, each of whose notices of ours has an intent on disk.

    Args:
        board: where they are left.
        intend: writes down that a notice of this key is about to be left.
    """

    def __init__(self, board: Board, intend: Callable[[str], Kept]) -> None:
        self._board, self._intend = board, intend
        self._kept: dict[str, Kept] = {}

    def notices(self) -> Mapping[str, str]:
        """Give what is left there, by key.

        Raises:
            FlyError: the platform does not say.
        """
        return self._board.notices()

    def leave(self, key: str, text: str) -> None:
        """Leave a notice, or renew it.

        Raises:
            OSError: it could not be written down; it was not left.
            FlyError: the platform does not take it.
        """
        if key not in self._kept:
            self._kept[key] = self._intend(key)
        # Never marked as made: it is renewed, so one more may be on its way whenever we are killed.
        self._board.leave(key, text)

    def remove(self, key: str) -> None:
        """Remove one, as far as that is possible; one that stays is heeded until its end only."""
        self._board.remove(key)
        kept = self._kept.pop(key, None)
        if kept:
            with contextlib.suppress(OSError):
                kept.done()
            kept.leave()
