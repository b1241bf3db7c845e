"""How many events there were, and how many of them were bad: what all arithmetic here is on."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of one SLI.

    Attributes:
        bad: those that were not good.
        total: all of them.

    Raises:
        ValueError: one is negative, or there are more bad ones than there are.
    """

    bad: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.total:
            raise ValueError(f"expected 0 <= bad <= total, found {self.bad} bad of {self.total}")

    @property
    def good(self) -> int:
        """Those that were good."""
        return self.total - self.bad

    @property
    def bad_ratio(self) -> float | None:
        """The share that was bad; None when there were no events, which shows nothing."""
        return self.bad / self.total if self.total else None

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.bad + other.bad, self.total + other.total)

    def without(self, other: "Counts") -> "Counts":
        """Leave out events that are among these; never below none."""
        total = max(0, self.total - other.total)
        return Counts(min(total, max(0, self.bad - other.bad)), total)


def added(counts: Iterable[Counts]) -> Counts:
    """All of them together; never a mean of ratios, in which a quiet hour weighs as a busy one."""
    return sum(counts, Counts())
