"""How fast an error budget is spent, and when that is too fast. Pure.

A burn rate of 1 spends the whole budget in exactly the objective's window. Source: Google, "The
Site Reliability Workbook", chapter 5, table 5-8 (multiwindow, multi-burn-rate alerts): both a long
and a short window have to burn at the factor, so that an alert is neither a blip nor history.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pytest_sre.slo.counts import Counts

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_PERIOD_S: Final = 30 * _DAY_S
# 28 and 31 days are as good as the Workbook's 30, and keep its round numbers.
_NEAR: Final = 0.1


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """One row of the table.

    Attributes:
        factor: the burn rate from which on it is too fast.
        long_s: over how long, seconds.
        short_s: over how long besides, so that it ends when the burning does.
        urgency: whether a person is woken (page) or finds it in the morning (ticket).
    """

    factor: float
    long_s: float
    short_s: float
    urgency: Literal["page", "ticket"]

    def scaled(self, scale: float) -> "BurnWindow":
        """The same factor over windows of another length, such as 1/60 of it for a drill."""
        return BurnWindow(self.factor, self.long_s * scale, self.short_s * scale, self.urgency)

    def can_fire(self, allowed_ratio: float) -> bool:
        """Whether any share of bad events reaches the factor: all being bad burns at 1/allowed."""
        return self.factor * allowed_ratio < 1


WORKBOOK: Final[tuple[BurnWindow, ...]] = (
    BurnWindow(14.4, _HOUR_S, 5 * _MINUTE_S, "page"),
    BurnWindow(6.0, 6 * _HOUR_S, 30 * _MINUTE_S, "page"),
    BurnWindow(3.0, _DAY_S, 2 * _HOUR_S, "ticket"),
    BurnWindow(1.0, 3 * _DAY_S, 6 * _HOUR_S, "ticket"),
)
"""For an objective over 30 days: 2 %, 5 %, 10 % and 10 % of its budget are then spent."""


def burn_windows(window_s: float) -> tuple[BurnWindow, ...]:
    """The table for an objective's window.

    Factors stay, and windows keep their share of the period, so that each row still stands for
    the same share of the budget.

    Args:
        window_s: the objective's window, seconds.

    Raises:
        ValueError: it is not longer than 0.
    """
    if not window_s > 0:
        raise ValueError(f"expected a window longer than 0 s, found {window_s:g} s")
    scale = window_s / _PERIOD_S
    if abs(scale - 1) <= _NEAR:
        return WORKBOOK
    return tuple(row.scaled(scale) for row in WORKBOOK)


@dataclass(frozen=True, slots=True)
class Burning:
    """How fast the budget was spent over one row's windows; None where there were no events."""

    window: BurnWindow
    long_rate: float | None
    short_rate: float | None

    @property
    def is_too_fast(self) -> bool:
        """Whether both windows burn at the factor or above; no events burn nothing."""
        rates = (self.long_rate, self.short_rate)
        return all(rate is not None and rate >= self.window.factor for rate in rates)


def burn_rate(counts: Counts, allowed_ratio: float) -> float | None:
    """How many times faster than allowed the budget is spent; None without events.

    Raises:
        ValueError: nothing may be bad, or all may: there is no budget that could burn.
    """
    if not 0 < allowed_ratio < 1:
        raise ValueError(f"expected an allowed ratio between 0 and 1, found {allowed_ratio:g}")
    ratio = counts.bad_ratio
    return None if ratio is None else ratio / allowed_ratio


def burning(
    windows: Sequence[BurnWindow], allowed_ratio: float, counts_over: Callable[[float], Counts]
) -> tuple[Burning, ...]:
    """Evaluate each row.

    Args:
        windows: the rows.
        allowed_ratio: the share of events that may be bad.
        counts_over: the counts of the last so many seconds; asked once for each length.
    """
    lengths = {length for row in windows for length in (row.long_s, row.short_s)}
    rates = {length: burn_rate(counts_over(length), allowed_ratio) for length in sorted(lengths)}
    return tuple(Burning(row, rates[row.long_s], rates[row.short_s]) for row in windows)
