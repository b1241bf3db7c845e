"""Does what is asked for, and undoes it: however that which it is done for ends.

A change is on disk before it is made, and a guardian process stands by: should this process be
killed, it undoes what is on disk and that nobody holds. When something could not be made, all that
was made with it is undone.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Final, Self

from pytest_sre.chaos.actions import Action, RestartLoop, kind_of
from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.guardian.standing import Guardian, NoGuardianError, standing_guardian
from pytest_sre.chaos.hands import Hands
from pytest_sre.chaos.making import Held, Making
from pytest_sre.chaos.undoing.abreast import Abreast
from pytest_sre.chaos.undoing.intents import intend
from pytest_sre.chaos.undoing.settling import ATTEMPT_S, Open, Settled, settle
from pytest_sre.chaos.undoing.tags import tag_of
from pytest_sre.chaos.undoing.uninterrupted import uninterrupted
from pytest_sre.undo.files import Journal

# An act is begun within so much time after it was written down, or not at all.
_PROMPTLY_S: Final = 30.0
# How much later than it should be done others may undo it.
_SPARE_S: Final = 30.0


@dataclass(frozen=True)
class Undone:
    """What came of undoing.

    Attributes:
        clean: it was read back that nothing is left.
        took_s: how long it took, seconds.
        left: what could not be proven to be undone, a line for each change.
        by_hand: the commands by which a person undoes that.
    """

    clean: bool
    took_s: float
    left: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


class NotClean(Exception):  # noqa: N818 - what it is called everywhere
    """Something could not be proven to be undone; the text says what, and how to do it by hand.

    Args:
        undone: what came of undoing.
    """

    def __init__(self, undone: Undone) -> None:
        first, *others = undone.left
        more = f" (and {len(others)} more)" if others else ""
        hint = "; ".join(undone.by_hand)
        super().__init__(
            f"NOT CLEAN: expected that nothing is left, found {first}{more}\n"
            f"tried for {undone.took_s:.1f} s; it is in .sre/undo; try: pytest-sre recover\n"
            f"by hand: {hint}"
        )
        self.undone = undone


class Injection:
    """Something that is done to a target, and is undone when its block ends.

    It is also undone when its time is over, and by ``undo`` from any thread.

    Attributes:
        action: what was asked for.
        changes: what that is.
        ids: by which each change is known in the journal, in the same order.
        made_at: when all were made, Unix seconds.
        undone_at: when they were undone, or given up, Unix seconds; None before.
    """

    def __init__(
        self,
        action: Action,
        held: Sequence[Held],
        hands: Hands,
        guardian: Guardian,
        *,
        undo_timeout_s: float,
        tell: Callable[[str], None],
    ) -> None:
        self.action = action
        self.changes: tuple[Change, ...] = tuple(each.change for each in held)
        self.ids = tuple(each.kept.intent.id for each in held)
        self.made_at = 0.0
        self.undone_at: float | None = None
        self._held, self._hands, self._guardian = held, hands, guardian
        self._undo_timeout_s, self._tell = undo_timeout_s, tell
        self._making = Making(held, hands)
        self._lock, self._hastening = threading.Lock(), threading.Lock()
        self._hastened: Abreast[None] | None = None
        self._undone: Undone | None = None
        self._end = threading.Timer(action.lasts_s, self.undo)
        self._end.daemon = True

    @property
    def described(self) -> str:
        """What it does, in a line."""
        first, *others = (each.described for each in self.changes)
        return f"{first} (and {len(others)} more)" if others else first

    def make(self) -> None:
        """Do it.

        Raises:
            NotInjected: that failed, and all of it is undone.
            NotClean: that failed, and it is not proven that all of it is undone.
        """
        self._guardian.engage()
        try:
            self._making.make()
            if isinstance(self.action, RestartLoop):
                self._making.repeat(self.action.every_s, self.action.lasts_s)
            self.made_at = time.time()
            self._end.start()
        except BaseException as error:
            undone = self.undo()
            if not undone.clean:
                raise NotClean(undone) from error
            raise

    def hasten(self) -> None:
        """Do no more of it, and begin to undo it, once; waits for nothing and proves nothing."""
        self._making.stop()
        with self._hastening:
            if self._hastened is None and self._undone is None:
                undoings = [partial(each.undo, self._hands) for each in self.changes]
                self._hastened = Abreast(undoings)

    def undo(self) -> Undone:
        """Undo it; once, whoever asks. No signal cuts it short, and it is over in time.

        What could not be undone stays in the journal.
        """
        with uninterrupted(), self._lock:
            if self._undone is None:
                self._show(f"undoing: {self.described}")
                self._undone = self._undo()
                self.undone_at = time.time()
                self._show("")
        return self._undone

    def _show(self, line: str) -> None:
        # A terminal that is gone keeps nothing from being undone.
        with contextlib.suppress(Exception):
            self._tell(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        undone = self.undo()
        if not undone.clean:
            raise NotClean(undone)

    def _undo(self) -> Undone:
        began = time.monotonic()
        self._end.cancel()
        if not self._making.stop():
            # What is made already is not to wait for what hangs.
            self.hasten()
        has_returned = self._making.end(self._undo_timeout_s)
        if self._hastened:
            self._hastened.end(ATTEMPT_S)

        def proven(number: int) -> None:
            if not has_returned:
                raise TimeoutError("a call to make it has not returned, and may do so yet")
            self._held[number].kept.done()

        opened = [Open(each.change, each.kept.made_at, each.tag) for each in self._held]
        settled = settle(opened, self._hands, timeout_s=self._undo_timeout_s, proven=proven)
        for each in self._held:
            each.kept.leave()
        self._guardian.disengage()
        return summed_up(self.changes, settled, took_s=time.monotonic() - began)


class Injector:
    """Does to a target what is asked for.

    Args:
        hands: by what.
        journal: where each change is written down before it is made.
        run: which run this is.
        target: the target's name.
        undo_timeout_s: how long undoing may take, seconds.
        tell: shows a line of what takes time; an empty one takes it away.
    """

    def __init__(
        self,
        hands: Hands,
        journal: Journal,
        *,
        run: str,
        target: str,
        undo_timeout_s: float = 30.0,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._hands, self._journal, self._run, self._target = hands, journal, run, target
        self._undo_timeout_s, self._tell = undo_timeout_s, tell
        self._open: list[Injection] = []

    def inject(self, action: Action, changes: Sequence[Change]) -> Injection:
        """Do it. Whoever calls undoes it: by ``undo``, or by using it in ``with``.

        Args:
            action: what is asked for.
            changes: what that is, as planned.

        Raises:
            NotInjected: it could not be done, and nothing of it is left.
            NotClean: it could not be done, and it is not proven that nothing of it is left.
        """
        if not changes:
            raise NotInjected(f"expected something to change, found nothing: {kind_of(action)}")
        guardian = self._guardian()
        injection = Injection(
            action,
            self._written_down(action, changes),
            self._hands,
            guardian,
            undo_timeout_s=self._undo_timeout_s,
            tell=self._tell,
        )
        self._open = [*reversed(self._still_open()), injection]
        injection.make()
        return injection

    def undo_all(self) -> tuple[Undone, ...]:
        """Undo all that is not undone yet, the last first; give what came of it.

        Also what nobody was given, for instance since a signal came when it was just made.
        """
        self.hasten()
        return tuple(each.undo() for each in self._still_open())

    def hasten(self) -> None:
        """Begin to undo all at once, where there are several; what is done last is done in turn.

        One that cannot be undone keeps no other from it then.
        """
        is_open = self._still_open()
        if len(is_open) > 1:
            for each in is_open:
                each.hasten()

    def _still_open(self) -> list[Injection]:
        return [each for each in reversed(self._open) if each.undone_at is None]

    def _guardian(self) -> Guardian:
        try:
            return standing_guardian(
                self._journal.folder, run=self._run, undo_timeout_s=self._undo_timeout_s
            )
        except NoGuardianError as error:
            raise NotInjected(f"{error}\nnothing was done") from None

    def _written_down(self, action: Action, changes: Sequence[Change]) -> list[Held]:
        held: list[Held] = []
        try:
            held.extend(self._held(action, change) for change in changes)
        except BaseException as error:
            for each in held:
                with contextlib.suppress(OSError):
                    each.kept.done()
                each.kept.leave()
            if not isinstance(error, OSError):
                raise
            raise NotInjected(
                f"expected to write down in {self._journal.folder} what is to be undone, "
                f"found: {error}\nnothing was done; make the folder writable"
            ) from None
        return held

    def _held(self, action: Action, change: Change) -> Held:
        now = time.time()
        repeats_s = action.lasts_s if isinstance(action, RestartLoop) else 0.0
        not_after = now + repeats_s + _PROMPTLY_S
        kept = intend(
            self._journal,
            change,
            self._hands,
            run=self._run,
            target=self._target,
            not_after=not_after,
        )
        until = now + action.lasts_s + self._undo_timeout_s + _PROMPTLY_S + _SPARE_S
        return Held(change, kept, tag_of(change, kept.intent.id), until)


def summed_up(changes: Sequence[Change], settled: Sequence[Settled], *, took_s: float) -> Undone:
    """Say in one what came of undoing changes.

    Args:
        changes: the changes.
        settled: what came of each.
        took_s: how long it took, seconds.
    """
    unclean = [(c, s) for c, s in zip(changes, settled, strict=True) if not s.is_clean]
    return Undone(
        clean=not unclean,
        took_s=took_s,
        left=tuple(f"{change.described} ({each.why})" for change, each in unclean),
        by_hand=tuple(line for change, _ in unclean for line in change.by_hand),
    )
