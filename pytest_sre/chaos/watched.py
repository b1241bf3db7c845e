"""The faults of one test, under watch: what the target was readied for, and what ends it early."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from pytest_sre.chaos.aborting import AbortWatch, Condition
from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.faults import Fault, Faults
from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.steadiness import Look, Seen
from pytest_sre.verdict import Inconclusive


class Aborted(AssertionError):  # noqa: N818 - a verdict
    """A condition was met under which what is done to the target has to end."""


class WatchedFaults:
    """The faults of one test.

    From the first of them on, the target is the test's until all are undone, and conditions are
    asked several times a second; one that is met, or cannot be asked, has all of them undone while
    the test still runs, and ends the test when the block of a fault ends.

    Args:
        faults: they.
        ground: where.
        final: exceptions that end more than the test; none of ours takes the place of one.
    """

    def __init__(
        self, faults: Faults, ground: Ground, final: tuple[type[BaseException], ...] = ()
    ) -> None:
        self._faults, self._ground = faults, ground
        self._final: tuple[type[BaseException], ...] = (
            KeyboardInterrupt,
            SystemExit,
            GeneratorExit,
            *final,
        )
        self._turn, self._watching = ExitStack(), ExitStack()
        self._has_turn = self._is_watched = False
        self._ours: list[str] = []
        self._watch = AbortWatch(lambda _why: faults.end_all())
        self._watch.add(Condition("the stop button", ground.stopped))

    @property
    def has_begun(self) -> bool:
        """Whether anything was done to the target."""
        return bool(self._faults.all)

    def end_when(self, name: str, ask: Callable[[], str]) -> None:
        """End all of it once a condition of the test's own says why.

        Args:
            name: what it looks at, for people.
            ask: asked several times a second; gives an empty text while all is well.
        """
        self._watch.add(Condition(name, partial(self._asked, name, ask)))

    def begin(self, action: Action) -> Fault:
        """Do something to the target.

        Raises:
            Aborted: all was ended before; nothing more is done.
            Inconclusive: the target is not ready for it; nothing was done.
            NotInjected: it cannot be done; nothing of it is left.
        """
        self.require_going_on()
        self._take_turn()
        try:
            fault = self._faults.begin(action)
        except BaseException:
            self._leave_turn()
            raise
        if self._watch.why:
            # It came to an end while this was being done.
            self._faults.end(fault)
        return fault

    @contextmanager
    def ending(self, fault: Fault) -> Iterator[None]:
        """Undo a fault when the block ends, in whatever way.

        Raises:
            NotClean: it is not proven that nothing of it is left.
            Aborted: a condition of the test's own ended it early.
            Inconclusive: something else did.
        """
        try:
            yield
        except self._final:
            self._end(fault)
            raise
        except BaseException:
            self._end(fault)
            # It may have failed for that very reason.
            self._require_ended_well()
            raise
        self._end(fault)
        self._require_ended_well()

    def _end(self, fault: Fault) -> None:
        self._faults.end(fault)
        self._leave_turn()

    def _require_ended_well(self) -> None:
        self._faults.require_clean()
        self.require_going_on()

    def end(self) -> None:
        """Undo all that is open.

        Raises:
            NotClean: it is not proven that nothing is left.
        """
        try:
            self._faults.end_all()
        finally:
            self._leave_turn()
            self._watching.close()
        self._faults.require_clean()

    def require_going_on(self) -> None:
        """Pass when nothing has ended it early.

        Raises:
            Aborted: a condition of the test's own did.
            Inconclusive: something else did.
        """
        why = self._watch.why
        if not why:
            return
        told = f"ABORTED: {why}\nall that was done to the target until then is undone"
        raise Aborted(told) if why in self._ours else Inconclusive(told, cause="chaos stopped")

    def looked(self, look: Look) -> Look:
        """Give a look that raises when all was ended early."""

        def looked() -> Sequence[Seen]:
            self.require_going_on()
            return look()

        return looked

    def _asked(self, name: str, ask: Callable[[], str]) -> str:
        try:
            said = ask()
        except Inconclusive:
            # The watch trips on it, too, and nothing is said of the app.
            raise
        except Exception as error:  # noqa: BLE001 - what cannot be watched may not go on
            said = f"{name} cannot be asked: {type(error).__name__}: {error}"
        if said:
            self._ours.append(said)
        return said

    def _take_turn(self) -> None:
        if self._has_turn:
            return
        self._turn.enter_context(self._ground.ready(self._ground.settings.target.chaos.lasts_s))
        self._has_turn = True
        if not self._is_watched:
            self._is_watched = True
            self._watching.enter_context(self._watch)

    def _leave_turn(self) -> None:
        if self._has_turn and not self._faults.open:
            self._has_turn = False
            self._turn.close()
