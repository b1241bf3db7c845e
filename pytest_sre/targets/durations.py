"""Durations as people and Go write them: ``500ms``, ``1m30s``, ``2h``, ``28d``."""

import re

Duration = str | float
"""Such as ``"30s"``, or seconds."""

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, the micro sign
    "μs": 1_000,  # U+03BC, the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([^0-9.\s]+)")
_LIMIT_S = 2**63 / 1e9  # what Go's int64 of nanoseconds holds: 292 years
_LONGEST_TEXT = 60


def parse_duration_s(value: Duration) -> float:
    """Read a duration.

    Args:
        value: text such as ``"1m30s"`` (units ns, us, ms, s, m, h and d), or a number of seconds.

    Returns:
        Seconds, not negative; text is exact to the nanosecond.

    Raises:
        ValueError: it is not a duration. The text says what was expected and found.
    """
    seconds = _text_s(value) if isinstance(value, str) else value
    if isinstance(value, bool) or not 0 <= seconds < _LIMIT_S:
        raise ValueError("expected a duration from 0s to 292 years, found one beyond them")
    return float(seconds)


def format_duration(seconds: float) -> str:
    """Write a duration as Go reads it, to the nanosecond, without empty parts.

    The largest unit is the hour, since Go, and with it Fly, knows no days.

    Args:
        seconds: not negative.

    Returns:
        For instance ``"1m30s"``, ``"1.5s"``, ``"500ms"`` or ``"0s"``.
    """
    whole = int(seconds)
    total = whole * _NANOSECONDS["s"] + round((seconds - whole) * 1e9)
    if total < _NANOSECONDS["s"]:
        return _fraction_of_second(total)
    minutes, rest = divmod(total, _NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (_decimal(rest, _NANOSECONDS["s"]), "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count not in (0, "0"))


def _text_s(text: str) -> float:
    if text == "0":
        return 0.0
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"expected a duration such as 1m30s, found {len(text)} characters")
    parts = _PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(f"expected a duration such as 500ms, 10s or 1m30s, found {text!r}")
    return sum(_part_ns(number, unit) for number, unit in parts) / 1_000_000_000


def _part_ns(number: str, unit: str) -> int:
    if unit not in _NANOSECONDS:
        raise ValueError(f"expected a unit of ns, us, ms, s, m, h or d, found {unit!r}")
    whole, _, fraction = number.partition(".")
    per_unit: int = 10 ** len(fraction)
    return int(whole + fraction) * _NANOSECONDS[unit] // per_unit


def _fraction_of_second(total_ns: int) -> str:
    for unit in ("ms", "us"):
        if total_ns >= _NANOSECONDS[unit]:
            return f"{_decimal(total_ns, _NANOSECONDS[unit])}{unit}"
    return f"{total_ns}ns" if total_ns else "0s"


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    fraction = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)
