"""How fast an error budget may burn, over how long: the windows that alerts and gates look at.

Source: B. Beyer et al., "The Site Reliability Workbook", chapter 5, "Multiwindow, Multi-Burn-Rate
Alerts", with its table for a window of 30 days.
"""

from dataclasses import dataclass
from typing import Final, Literal

Response = Literal["page", "ticket"]

_HOUR_S: Final = 3_600.0
_DAY_S: Final = 24 * _HOUR_S
_TABLE_WINDOW_S: Final = 30 * _DAY_S
# A month by any count: 28 days are meant to be watched as 30 are, not by windows of 56 minutes.
_MONTH_S: Final = (28 * _DAY_S, 31 * _DAY_S)
_SHORT_SHARE: Final = 1 / 12


@dataclass(frozen=True)
class BurnWindow:
    """The budget burns too fast when it does so over the long *and* over the short range.

    The long range makes sure that it matters, the short one that it still goes on.

    Attributes:
        factor: the burn rate that is too fast; 1 spends the budget exactly within the window.
        long_s: the long range, seconds.
        short_s: the short range, seconds.
        response: whether somebody is to act at once (page) or within days (ticket).
    """

    factor: float
    long_s: float
    short_s: float
    response: Response

    def limit(self, allowed_ratio: float) -> float:
        """Give the error ratio above which the budget burns too fast."""
        return self.factor * allowed_ratio

    def can_fire(self, allowed_ratio: float) -> bool:
        """Tell whether any error ratio is above the limit: all events being bad is ratio 1."""
        return self.limit(allowed_ratio) < 1

    def spent_ratio(self, window_s: float) -> float:
        """Give the share of the whole window's budget that is spent when the limit is reached."""
        return self.factor * self.long_s / window_s


_TABLE: Final = (
    BurnWindow(14.4, _HOUR_S, _HOUR_S * _SHORT_SHARE, "page"),
    BurnWindow(6.0, 6 * _HOUR_S, 6 * _HOUR_S * _SHORT_SHARE, "page"),
    BurnWindow(3.0, _DAY_S, _DAY_S * _SHORT_SHARE, "ticket"),
    BurnWindow(1.0, 3 * _DAY_S, 3 * _DAY_S * _SHORT_SHARE, "ticket"),
)


def burn_windows(window_s: float) -> tuple[BurnWindow, ...]:
    """Give the burn rates to look for in an objective's window, the fastest first.

    A window of 28 to 31 days has the Workbook's table as it stands. Any other has its ranges in
    proportion to 30 days, so that each still stands for the same share of the budget.

    Args:
        window_s: the window of the objective, seconds.
    """
    if _MONTH_S[0] <= window_s <= _MONTH_S[1]:
        return _TABLE
    scale = window_s / _TABLE_WINDOW_S
    return tuple(
        BurnWindow(each.factor, each.long_s * scale, each.short_s * scale, each.response)
        for each in _TABLE
    )
