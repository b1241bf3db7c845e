"""The probes that are customers: they go on while something is done, and remember what they got."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.fly.standing import standing

_MOST_AT_ONCE: Final = 64
_MOST: Final = 1_000
_READ_TIMEOUT_S: Final = 5.0
_READERS: Final = 8


def customers(journey: str, rate_per_s: float = 5.0, lasts_s: float = 3.0) -> float:
    """Have customers walk a journey, each at its time, whether or not those before are done.

    Used with ``background: true``, before an action in ``method``. What the app acknowledges to
    them is remembered for ``acknowledged_missing``.

    Args:
        journey: its name, as registered with @journey.
        rate_per_s: how many begin in a second.
        lasts_s: for how long they come, seconds; those who came go on to their end.

    Returns:
        The share, from 0 to 1, of those who got what they came for.

    Raises:
        ValueError: none would come, or more than 1,000.
        Inconclusive: a fault of our own kept one of them from walking.
    """
    count = round(rate_per_s * lasts_s)
    if not 1 <= count <= _MOST:
        raise ValueError(f"expected from 1 to {_MOST} customers, found {count}")
    sight, began_s = standing().sight, time.monotonic()
    with ThreadPoolExecutor(min(count, _MOST_AT_ONCE), "customer") as pool:
        walks = []
        for number in range(count):
            time.sleep(max(0.0, began_s + number / rate_per_s - time.monotonic()))
            walks.append(pool.submit(_is_served, sight, journey))
        return sum(walk.result() for walk in walks) / count


def acknowledged_missing(unless_it_has: str = "") -> int:
    """Count what the app acknowledged in this experiment and that cannot be read now.

    A journey says where that is by returning its path: ``return "/orders/17"``. What was
    acknowledged to ``customers`` counts, and to the journeys of other probes.

    Args:
        unless_it_has: also what is read, and does not have this text, is missing.
    """
    sight = standing().sight
    paths = dict.fromkeys(sight.acknowledged)
    with ThreadPoolExecutor(_READERS, "reader") as pool:
        texts = pool.map(lambda path: sight.text_of(path, _READ_TIMEOUT_S), paths)
        return sum(text is None or unless_it_has not in text for text in texts)


def _is_served(sight: Sight, journey: str) -> bool:
    try:
        sight.journey(journey)
    except AssertionError:
        return False
    return True
