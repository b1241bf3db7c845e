"""OpenSLO's duration shorthand: a whole number and one letter."""

import re
from collections.abc import Mapping

from pytest_sre.targets.reading import Place

_UNITS_S: Mapping[str, int] = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SHORTHAND = re.compile("([0-9]{1,9})([mhdw])")


def shorthand_s(value: object, place: Place) -> float:
    """Read a duration above zero, in seconds.

    Raises:
        ConfigError: it is none, or is in months, quarters or years, whose length varies.
    """
    found = _SHORTHAND.fullmatch(value) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise place.wrong(value, "a whole number of m, h, d or w, such as 28d")
    return float(int(found[1]) * _UNITS_S[found[2]])


def delay_s(value: object, place: Place) -> float:
    """Read a duration that may be zero, in seconds.

    Raises:
        ConfigError: it is none.
    """
    return 0.0 if value in ("0m", "0h", "0d", "0w") else shorthand_s(value, place)


def slice_s(value: object, place: Place) -> float:
    """Read the length of a time slice, in seconds; a number alone is in minutes.

    Raises:
        ConfigError: it is none.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return shorthand_s(f"{value}m" if is_number else value, place)


def shorthand(seconds: float) -> str:
    """Write a duration.

    Raises:
        ValueError: it is no whole number of minutes; OpenSLO has no shorter unit.
    """
    if seconds <= 0 or seconds % 60:
        raise ValueError(f"expected whole minutes, found {seconds:g} s")
    for unit, length_s in reversed(tuple(_UNITS_S.items())):
        if seconds % length_s == 0:
            return f"{seconds / length_s:.0f}{unit}"
    raise AssertionError("minutes divide all that got here")
