"""The time that a log line states of itself, in any common notation, as Unix seconds."""

import datetime as dt
import math
import re
from collections.abc import Mapping

# The years 1973 to 5138, in seconds, and the same span in each smaller unit.
_LEAST_S, _MOST_S = 1e8, 1e11
_UNITS_A_SECOND = (1.0, 1e3, 1e6, 1e9)
_DAY_S = 86_400.0

_NUMBER = re.compile(r"\d{9,20}(?:\.\d{1,9})?")
_STAMP = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?"
    r"\s?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
)
_ACCESS = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})")
_DAY_AND_CLOCK = re.compile(r"(\d\d)(\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")
_CLOCK = re.compile(r"(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def stated_at(value: object, near_at: float) -> float | None:
    """The time that a value stands for, Unix seconds.

    Understood are numbers of seconds, milliseconds, microseconds or nanoseconds, told apart by
    their size; ISO 8601 and what loggers make of it; the time of an access log; a day or a time
    of day alone, which is then the one nearest to ``near_at``. A time without a zone is UTC, as
    the clocks of Machines are.

    Args:
        value: what a line has for its time; never raises, whatever it is.
        near_at: about when the line was written, such as when it arrived; Unix seconds.

    Returns:
        None when it stands for no time.
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _of_number(float(value)) if abs(value) < 1e21 else None
        case str():
            return _of_text(value.strip()[:64], near_at)
        case Mapping():
            return _of_parts(value)
    return None


def _of_number(number: float) -> float | None:
    if not math.isfinite(number):
        return None
    for units in _UNITS_A_SECOND:
        if _LEAST_S <= number / units < _MOST_S:
            return number / units
    return None


def _of_parts(parts: Mapping[object, object]) -> float | None:
    """The time in parts that Google's and Log4j's JSON have."""
    for whole, rest in (("seconds", "nanos"), ("epochSecond", "nanoOfSecond"), ("timestamp", "")):
        seconds, nanos = parts.get(whole), parts.get(rest, 0)
        if isinstance(seconds, (int, float)) and isinstance(nanos, (int, float)):
            at = stated_at(seconds, 0.0)
            return None if at is None else at + nanos / 1e9
    return None


def _of_text(text: str, near_at: float) -> float | None:
    if _NUMBER.fullmatch(text):
        return _of_number(float(text))
    try:
        return _of_notation(text, near_at)
    except (ValueError, OverflowError):
        return None


def _of_notation(text: str, near_at: float) -> float | None:
    if found := _STAMP.fullmatch(text):
        year, month, day, clock, fraction, zone = found.groups()
        return _seconds(f"{year}-{month}-{day}", clock, zone) + _fraction(fraction)
    if found := _ACCESS.fullmatch(text):
        day, month, year, clock, zone = found.groups()
        return _seconds(f"{year}-{_MONTHS.index(month) + 1:02}-{day}", clock, zone)
    if found := _DAY_AND_CLOCK.fullmatch(text):
        month, day, clock, fraction = found.groups()
        year = int(_day(near_at)[:4])
        stamps = [
            _seconds_or_none(f"{each:04}-{month}-{day}", clock)
            for each in range(year - 1, year + 2)
        ]
        near = [at for at in stamps if at is not None]
        return min(near, key=lambda at: abs(at - near_at)) + _fraction(fraction)
    if found := _CLOCK.fullmatch(text):
        today = _seconds(_day(near_at), found[1], None)
        at = today + round((near_at - today) / _DAY_S) * _DAY_S
        return at + _fraction(found[2])
    return None


def _seconds(day: str, clock: str, zone: str | None) -> float:
    offset = "+00:00" if zone in {None, "Z", "UTC", "GMT"} else str(zone)
    return dt.datetime.fromisoformat(f"{day}T{clock}{offset}").timestamp()


def _seconds_or_none(day: str, clock: str) -> float | None:
    try:
        return _seconds(day, clock, None)
    except ValueError:
        return None


def _fraction(digits: str | None) -> float:
    return float(f"0.{digits}") if digits else 0.0


def _day(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()
