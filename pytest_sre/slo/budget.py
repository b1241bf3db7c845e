"""The error budget: how much of what may go wrong is still left, and for how long. Pure.

Source: Google, "The Site Reliability Workbook", appendix B: the budget is 1 minus the objective,
of all events of the window.
"""

import math
from dataclasses import dataclass

from pytest_sre.slo.burn import burn_rate
from pytest_sre.slo.counts import Counts
from pytest_sre.verdict import Inconclusive


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The error budget of one objective, over its window up to now.

    Attributes:
        objective: its name.
        allowed_ratio: the share of events that may be bad, above 0 and below 1.
        counts: the events of the window, as far as they are known.
        window_s: the window, seconds.
        release: the events since the release was deployed; None when not known.
        recent: the events of the time that a projection rests on; None when not known.
        notes: what was left out or is missing, a sentence each.
    """

    objective: str
    allowed_ratio: float
    counts: Counts
    window_s: float
    release: Counts | None = None
    recent: Counts | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.allowed_ratio < 1:
            raise ValueError(
                f"expected an allowed ratio between 0 and 1, found {self.allowed_ratio:g}"
            )

    @property
    def allowed(self) -> float:
        """How many of the window's events may be bad."""
        return self.allowed_ratio * self.counts.total

    @property
    def remaining(self) -> float:
        """The share that is left: 1 when nothing is spent, below 0 when it is overspent.

        Raises:
            Inconclusive: no event of the window is known, and nothing is no full budget.
        """
        return 1 - self._share(self.counts)

    @property
    def spent_in_release(self) -> float | None:
        """The share that was spent since the release was deployed; None when not known.

        Raises:
            Inconclusive: as of ``remaining``.
        """
        return None if self.release is None else self._share(self.release)

    @property
    def burn_rate(self) -> float | None:
        """How many times faster than allowed it was spent lately; None when not known."""
        return None if self.recent is None else burn_rate(self.recent, self.allowed_ratio)

    @property
    def exhausted_in_s(self) -> float | None:
        """After how many seconds nothing is left, if it is spent on as lately.

        Returns:
            0 when nothing is left now, infinity when nothing is being spent, None when the
            recent rate is not known.

        Raises:
            Inconclusive: as of ``remaining``.
        """
        if self.remaining <= 0:
            return 0.0
        rate = self.burn_rate
        if rate is None:
            return None
        return self.remaining * self.window_s / rate if rate else math.inf

    def _share(self, counts: Counts) -> float:
        if not self.counts.total:
            raise Inconclusive(
                f"{self.objective}: no event of its window is known, so neither is its budget",
                cause=f"no events: {self.objective}",
            )
        return counts.bad / self.allowed
