"""The probe by which one customer begins, and the app has them wait, before something is done."""

import threading
import time
from dataclasses import dataclass, field
from typing import Final

from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.fly.standing import standing
from pytest_sre.recording.rows import Row
from pytest_sre.verdict import Inconclusive

_LOOK_AGAIN_S: Final = 0.005
_BEGUN_WITHIN_S: Final = 5.0
# Until it is asked for the first time, and has answered that.
_FIRST_ANSWER_S: Final = 1.0


@dataclass
class _Customer:
    """Walks a journey; tells when the app has last answered."""

    sight: Sight
    journey: str
    answered: float = field(default_factory=lambda: time.monotonic() + _FIRST_ANSWER_S)

    def walk(self) -> None:
        """Walk it once; what the app does wrong is for the steady state to see."""
        try:
            self.sight.journey(self.journey, self._note)
        except (AssertionError, Inconclusive):
            return

    def _note(self, _row: Row) -> None:
        self.answered = time.monotonic()


def customer_begins(journey: str, kept_waiting_s: float = 0.1) -> bool:
    """Have one customer begin a journey, and go on as soon as the app keeps them waiting.

    What it acknowledges to them is remembered for ``acknowledged_missing``.

    Args:
        journey: its name, as registered with @journey.
        kept_waiting_s: an answer that takes longer than this, seconds, is waited for no more.

    Returns:
        Whether they are kept waiting; otherwise the journey is over.
    """
    customer = _Customer(standing().sight, journey)
    walking = threading.Thread(target=customer.walk, name=f"customer of {journey}", daemon=True)
    walking.start()
    until = time.monotonic() + _BEGUN_WITHIN_S
    while walking.is_alive() and time.monotonic() < until:
        if time.monotonic() - customer.answered > kept_waiting_s:
            break
        walking.join(_LOOK_AGAIN_S)
    return walking.is_alive()
