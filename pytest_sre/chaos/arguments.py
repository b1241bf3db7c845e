"""What is wrong with the arguments that a test gives, in the words in which it gave them. Pure."""

import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import signature
from operator import attrgetter
from typing import Final, get_args

import msgspec

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.experiments.configuration import set_values
from pytest_sre.chaos.experiments.experiment import Experiment
from pytest_sre.targets.errors import ConfigError, unknown_name

_PLAIN: Final = "a text, a number, true or false"

# Of the fields of actions that are called otherwise, or have a unit: the argument, and the unit.
_SAID: Final[Mapping[str, tuple[str, str]]] = {
    "app": ("place", ""),
    "bandwidth_bytes_s": ("bytes_s", "bytes a second"),
    "by_s": ("by", "seconds"),
    "count": ("count", "Machines"),
    "every_s": ("every", "seconds"),
    "jitter_s": ("jitter", "seconds"),
    "lasts_s": ("lasts", "seconds"),
    "latency_s": ("by", "seconds"),
    "loss_ratio": ("ratio", ""),
    "which.app": ("place", ""),
    "which.count": ("any", "Machines"),
}
_WRONG: Final = re.compile(
    r"Expected `(?P<kinds>[\w |]+)`( (?P<bound>[<>]=?) (?P<limit>\S+))?.* - at .*"
    r"`\$\.(?P<field>[\w.]+)(?P<inside>\[)?"
)
_BOUNDS: Final = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
_KINDS: Final = {"int": "a whole number", "float": "a number", "str": "a text", "object": "a dict"}


def require_known(method: Callable[..., object], names: Iterable[str]) -> None:
    """Pass when a method of the facade has arguments of these names.

    Raises:
        TypeError: it has not; says which was probably meant.
    """
    known = [*_names_of(method)]
    for name in names:
        if name not in known:
            where, what = f"chaos.{method.__name__}", "has an unknown argument"
            raise TypeError(str(unknown_name(where=where, what=what, name=name, names=known)))


def _names_of(method: Callable[..., object]) -> Iterator[str]:
    _, *parameters = signature(method).parameters.values()
    for each in parameters:
        if each.kind is each.VAR_KEYWORD:
            [stated] = get_args(each.annotation)
            yield from stated.__required_keys__ | stated.__optional_keys__
        else:
            yield each.name


def require_in_range(action: Action, method: str) -> None:
    """Pass when the values of an action are of their types, and in their ranges.

    Args:
        action: what was asked for.
        method: of the facade, by which.

    Raises:
        ValueError: one is not; says which argument, what it may be, and in which unit.
    """
    try:
        # What is no plain value is of no field's type.
        msgspec.convert(msgspec.to_builtins(action, enc_hook=lambda _: []), type=type(action))
    except msgspec.ValidationError as error:
        raise ValueError(_in_words(str(error), action, f"chaos.{method}")) from None


def _in_words(error: str, action: Action, where: str) -> str:
    wrong = _WRONG.match(error)
    if not wrong:
        return f"{where}: {error}"
    field = wrong["field"]
    argument, unit = _SAID.get(field, (field.rpartition(".")[2], ""))
    if wrong["limit"]:
        number = wrong["limit"].removesuffix(".0")
        expected = f"{_BOUNDS[wrong['bound']]} {number} {unit}".rstrip()
    else:
        kinds = [_KINDS[kind] for kind in wrong["kinds"].split(" | ") if kind in _KINDS]
        expected = " or ".join(kinds) + f" of {unit}" * bool(unit)
    found = f"is {reprlib.repr(attrgetter(field)(action))}"
    inside = " in each place" if wrong["inside"] else ""
    return str(ConfigError(f"{where}: {argument}", found, expected + inside))


def parameters_of(experiment: Experiment, given: Mapping[str, object]) -> dict[str, object]:
    """Give the parameters that a test sets of an experiment, in the types of its file.

    Raises:
        TypeError: the experiment has no parameter of a name.
        ValueError: a value is not of the type that the file has.
    """
    where = f'chaos.experiment("{experiment.name}")'
    known, stated = experiment.configuration, experiment.document.get("configuration")
    # What a file has of some types is only known when it runs.
    names = {*known, *(stated if isinstance(stated, dict) else ())}
    for name in given:
        if name not in names:
            what = "has an unknown parameter"
            raise TypeError(str(unknown_name(where=where, what=what, name=name, names=names)))
    plain = {name for name in given if isinstance(known.get(name), str | int | float)}
    try:
        texts = {name: _text(given[name], f"{where} {name}") for name in plain}
        return {**given, **set_values(known, texts, where)}
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _text(value: object, where: str) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
    raise ConfigError(where, f"is {reprlib.repr(value)}", _PLAIN)
