"""What chaostoolkit can compare a probe's value with. Pure.

Source: chaoslib/hypothesis.py; what it would refuse, or could never be met, is refused here.
"""

import re
from typing import Final

from pytest_sre.chaos.experiments.format import Activity, provider
from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.reading import Place, mapping, one_of, text
from pytest_sre.targets.yaml_files import Part

_EXPECTED: Final = (
    "true, false, a whole number, a text, a list, or a table of type range, regex or probe"
)


def check_tolerance(activity: Activity, place: Place) -> None:
    """Require a tolerance that chaostoolkit takes.

    Raises:
        ConfigError: there is none, or it is of another kind.
    """
    if activity.tolerance is None:
        raise ConfigError(
            str(place),
            "has no tolerance",
            "tolerance: VALUE beside provider; a steady state compares what a probe gives",
        )
    _check(activity.tolerance)


def _check(tolerance: Part) -> None:
    match tolerance.value:
        case bool() | int() | str():
            return
        case list() as values:
            _check_list(values, tolerance.place)
        case dict():
            _check_table(tolerance)
        case _:
            raise tolerance.place.wrong(tolerance.value, _EXPECTED)


def _check_list(values: list[object], place: Place) -> None:
    if not values:
        raise ConfigError(str(place), "is empty", "two bounds, or values of which one is met")
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(values) == 2 and len(numbers) not in (0, 2):
        raise ConfigError(str(place), "mixes numbers and texts", "two bounds that compare")


def _check_table(tolerance: Part) -> None:
    found, place = mapping(tolerance.value, tolerance.place), tolerance.place
    if "type" not in found:
        raise place.lacks("type")
    kind = one_of(("range", "regex", "jsonpath", "probe"))(found["type"], place / "type")
    if kind == "regex":
        _check_pattern(found.get("pattern"), place / "pattern")
    elif kind == "range":
        _check_range(found.get("range"), place / "range")
    elif kind == "jsonpath":
        text(found.get("path"), place / "path")
        _require_jsonpath(place)
    else:
        text(found.get("name"), place / "name")
        called = provider(found.get("provider"), place / "provider")
        arguments = getattr(called, "arguments", None)
        # chaoslib puts the value that is to be judged among them.
        if not isinstance(arguments, Part) or not isinstance(arguments.value, dict):
            raise ConfigError(str(place / "provider"), "has no arguments", "arguments: {}")


def _check_pattern(pattern: object, place: Place) -> None:
    try:
        re.compile(text(pattern, place))
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(str(place), f"is no pattern: {error}", "a regular expression") from None


def _check_range(bounds: object, place: Place) -> None:
    numbers = [
        one
        for one in (bounds if isinstance(bounds, list) else ())
        if isinstance(one, int | float) and not isinstance(one, bool)
    ]
    if not isinstance(bounds, list) or len(numbers) != len(bounds) or len(bounds) != 2:
        raise place.wrong(bounds, "a list of two numbers")


def _require_jsonpath(place: Place) -> None:
    try:
        import jsonpath2  # noqa: F401 - an extra of chaoslib
    except ImportError:
        raise ConfigError(
            str(place),
            "needs the library jsonpath2, which is not installed",
            "pip install chaostoolkit-lib[jsonpath]",
        ) from None
