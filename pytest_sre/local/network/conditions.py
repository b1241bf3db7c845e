"""What a way through the network is like."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Conditions:
    """What happens to what passes between two places.

    Args:
        latency_s: added to each round trip, seconds; half of it on each way.
        jitter_s: each way takes up to this much longer, by chance, seconds.
        loss_ratio: share of exchanges that end with a reset connection, 0 to 1: of HTTP requests,
            of TCP connections otherwise.
        bandwidth_bytes_s: how much passes in a second, each connection and each way for itself;
            None when there is no limit.
        blackhole: nothing passes and nobody is told.
        refused: no connection is taken, and those that are kept open end with the next bytes.

    Raises:
        ValueError: a value that cannot be.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss_ratio: float = 0.0
    bandwidth_bytes_s: float | None = None
    blackhole: bool = False
    refused: bool = False

    def __post_init__(self) -> None:
        for name, value in (("latency_s", self.latency_s), ("jitter_s", self.jitter_s)):
            if not 0 <= value <= _LONGEST_LATENCY_S:
                raise ValueError(f"expected {name} from 0 to {_LONGEST_LATENCY_S}, found {value}")
        if not 0 <= self.loss_ratio <= 1:
            raise ValueError(f"expected loss_ratio from 0 to 1, found {self.loss_ratio}")
        limit = self.bandwidth_bytes_s
        if limit is not None and not 1 <= limit < math.inf:
            raise ValueError(f"expected bandwidth_bytes_s of at least 1, found {limit}")

    def __and__(self, other: "Conditions") -> "Conditions":
        """Both at once, as on a way that has both on it."""
        limits = (self.bandwidth_bytes_s, other.bandwidth_bytes_s)
        return Conditions(
            min(self.latency_s + other.latency_s, _LONGEST_LATENCY_S),
            min(self.jitter_s + other.jitter_s, _LONGEST_LATENCY_S),
            min(1.0, self.loss_ratio + other.loss_ratio - self.loss_ratio * other.loss_ratio),
            min((limit for limit in limits if limit is not None), default=None),
            self.blackhole or other.blackhole,
            self.refused or other.refused,
        )


_LONGEST_LATENCY_S: Final = 60.0
CLEAR: Final = Conditions()


def combined(several: Iterable[Conditions]) -> Conditions:
    """All of them at once."""
    result = CLEAR
    for each in several:
        result &= each
    return result
