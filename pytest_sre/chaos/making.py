"""Makes changes: each is on disk and told in a tag before it is made, and marked when it is."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.hands import Hands
from pytest_sre.chaos.undoing.abreast import Abreast
from pytest_sre.chaos.undoing.tags import Tag, put_tag
from pytest_sre.fly.errors import FlyError
from pytest_sre.local.platform import LocalPlatformError
from pytest_sre.undo.files import Kept

# Longer than any call takes with its tries, so that none is on its way when it is over.
_LONGEST_S: Final = 100.0
_REFUSALS = (NotInjected, FlyError, LocalPlatformError, TimeoutError)


@dataclass(frozen=True)
class Held:
    """A change that is written down.

    Attributes:
        change: the change.
        kept: its intent, which this process holds.
        tag: where it is told of; None when there is no Machine for that.
        until: when it should be undone at the latest, Unix seconds.
    """

    change: Change
    kept: Kept
    tag: Tag | None
    until: float


class Making:
    """Makes changes.

    Args:
        held: the changes.
        hands: by what.
    """

    def __init__(self, held: Sequence[Held], hands: Hands) -> None:
        self._held = held
        self._begun: list[Abreast[None]] = []
        self._is_over = threading.Event()
        self._hands = replace(hands, is_ending=self._is_over.is_set)
        self._repeating: threading.Thread | None = None

    def make(self) -> None:
        """Tell of all of them, then make all of them at once.

        Raises:
            NotInjected: one of them could not be made; others may be.
        """
        tagged = [each for each in self._held if each.tag]
        self._all(tagged, [partial(self._tell, each) for each in tagged])
        self._all(self._held, self._acts())

    def repeat(self, every_s: float, lasts_s: float) -> None:
        """Make them again and again from now on; what the platform refuses then is left out.

        Args:
            every_s: how long to wait in between, seconds.
            lasts_s: for how long, seconds.
        """
        until = time.monotonic() + lasts_s

        def run() -> None:
            while not self._is_over.wait(every_s) and time.monotonic() < until:
                Abreast(self._acts()).results(_LONGEST_S)

        self._repeating = threading.Thread(target=run, name="chaos again", daemon=True)
        self._repeating.start()

    def stop(self) -> bool:
        """Begin nothing more; whether all that was begun has returned."""
        return self.end(0.0)

    def end(self, within_s: float) -> bool:
        """Begin nothing more; whether all that was begun has returned within the time."""
        self._is_over.set()
        until = time.monotonic() + within_s
        if self._repeating:
            self._repeating.join(within_s)
        have_returned = [each.end(max(0.0, until - time.monotonic())) for each in self._begun]
        return all(have_returned) and not (self._repeating and self._repeating.is_alive())

    def _acts(self) -> list[Callable[[], None]]:
        return [partial(self._make, each) for each in self._held]

    def _all(self, held: Sequence[Held], works: Sequence[Callable[[], None]]) -> None:
        begun = Abreast(works)
        self._begun.append(begun)
        for each, result in zip(held, begun.results(_LONGEST_S), strict=True):
            if isinstance(result, _REFUSALS):
                raise NotInjected(f"could not {each.change.described}: {result}") from result
            if result is not None:
                raise result

    def _tell(self, held: Held) -> None:
        assert held.tag is not None
        run = held.kept.intent.run
        put_tag(self._hands.fly, held.tag, held.change, run=run, until=held.until)

    def _make(self, held: Held) -> None:
        not_after = held.kept.intent.not_after
        # This process may have been asleep, and others have undone what it was about to do.
        if self._is_over.is_set() or (not_after is not None and time.time() > not_after):
            raise NotInjected("it is too late for it")
        held.change.make(self._hands)
        held.kept.made()
