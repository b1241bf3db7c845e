"""The Python functions that a file names: whether they are there, and take what it tells them."""

import contextlib
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.experiments.format import Activity, Python
from pytest_sre.chaos.fly import actions, probes
from pytest_sre.chaos.fly.asking import asked_of
from pytest_sre.targets.errors import ConfigError, quoted, unknown_name
from pytest_sre.targets.reading import Place, mapping

ACTIONS: Final = actions.__name__
PROBES: Final = probes.__name__
_OURS: Final[Mapping[str, ModuleType]] = {ACTIONS: actions, PROBES: probes}
UNDO: Final = "undo_all"
# Those that walk a journey, and their argument that names it.
_WALK: Final = {"journey_passes": "name", "customers": "journey", "customer_begins": "journey"}


def is_ours(activity: Activity) -> bool:
    """Whether it is an action or a probe of our extension."""
    return isinstance(activity.provider, Python) and activity.provider.module in _OURS


def is_undo(activity: Activity) -> bool:
    """Whether it is that which undoes our actions."""
    called = activity.provider
    return isinstance(called, Python) and (called.module, called.func) == (ACTIONS, UNDO)


def check_function(activity: Activity, place: Place, root: Path) -> None:
    """Require that the function an activity calls is there, and takes the arguments.

    Args:
        activity: it.
        place: of it.
        root: the project's folder; modules are looked for there, too.

    Raises:
        ConfigError: it is not, or does not.
    """
    called = activity.provider
    if not isinstance(called, Python):
        return
    place = place / "provider"
    function = _function(called, place, root)
    if called.module in _OURS:
        _require_kind(activity, place)
    _require_bound(function, called, place)


def action_of(
    activity: Activity, place: Place, configuration: Mapping[str, object]
) -> Action | None:
    """Give the action that one of our functions would ask for; None when it asks for none.

    Args:
        activity: one of ours, whose function takes its arguments.
        place: of it.
        configuration: values of the names in its arguments.

    Returns:
        None also where an argument names what is known only when the experiment runs.

    Raises:
        ConfigError: a value is not what it can be.
    """
    called = activity.provider
    assert isinstance(called, Python)
    if called.module != ACTIONS or called.func == UNDO:
        return None
    given = mapping(called.arguments.value, place) if called.arguments else {}
    known = {name: filled(value, configuration) for name, value in given.items()}
    if any(_is_open(value) for value in known.values()):
        return None
    where = place / "provider" / "arguments"
    _require_types(_OURS[ACTIONS].__dict__[called.func], known, where)
    try:
        return asked_of(_OURS[ACTIONS].__dict__[called.func], known)
    except ValueError as error:
        raise ConfigError(str(where), f"cannot be: {error}", f"what {called.func} takes") from None


def check_module(name: str, place: Place, root: Path) -> ModuleType:
    """Import a module that a file names.

    Raises:
        ConfigError: it cannot be imported; chaostoolkit would pass over a control of it.
    """
    with _reachable(root):
        try:
            return importlib.import_module(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever their module raises
            shown = " ".join(f"{type(error).__name__}: {error}".split())
            raise ConfigError(
                str(place / "module"),
                f"names {quoted(name)}, which cannot be imported",
                "a Python module that is installed, or in the project's folder",
                shown[:200],
            ) from None


def filled(value: object, configuration: Mapping[str, object]) -> object:
    """Put a parameter in the place of its ``${name}``, as chaoslib does."""
    if isinstance(value, str) and value.startswith("${") and value.endswith("}"):
        return configuration.get(value[2:-1], value)
    return value


def journeys_of(document: object) -> Iterator[str]:
    """Give the journeys that our probes in a file walk.

    Args:
        document: the file, or a part of it, with its names filled in.
    """
    match document:
        case {"module": str(module), "func": str(func), "arguments": dict(arguments)} if (
            module == PROBES and func in _WALK
        ):
            yield str(arguments.get(_WALK[func], ""))
        case dict():
            for part in document.values():
                yield from journeys_of(part)
        case list():
            for part in document:
                yield from journeys_of(part)


def _is_open(value: object) -> bool:
    return isinstance(value, str) and "${" in value


def _function(called: Python, place: Place, root: Path) -> Callable[..., object]:
    module = _OURS.get(called.module) or check_module(called.module, place, root)
    # As chaoslib finds them.
    found = dict(inspect.getmembers(module, inspect.isroutine))
    names = module.__all__ if called.module in _OURS else found
    if called.func not in names:
        if called.module in _OURS:
            where, what = str(place / "func"), "names an unknown function"
            raise unknown_name(where=where, what=what, name=called.func, names=names)
        found_text = f"names {quoted(called.func)}, which {called.module} does not have"
        raise ConfigError(str(place / "func"), found_text, f"a function of {called.module}")
    function: Callable[..., object] = found[called.func]
    return function


def _require_kind(activity: Activity, place: Place) -> None:
    called = activity.provider
    assert isinstance(called, Python)
    kind = "action" if called.module == ACTIONS else "probe"
    if activity.type != kind:
        raise ConfigError(
            str(place / "func"),
            f"is {called.func}, and the activity is of type {activity.type}",
            f"type: {kind}",
        )


def _require_bound(function: Callable[..., object], called: Python, place: Place) -> None:
    value = called.arguments.value if called.arguments else {}
    given = dict(mapping(value, place / "arguments"))
    signature = inspect.signature(function)
    # chaoslib gives them itself.
    given |= {name: None for name in ("configuration", "secrets") if name in signature.parameters}
    try:
        signature.bind(**given)
    except TypeError as error:
        takes = ", ".join(n for n in signature.parameters if n not in ("configuration", "secrets"))
        raise ConfigError(
            str(place / "arguments") if called.arguments else str(place),
            f"does not fit {called.func}: {error}",
            f"arguments among: {takes}" if takes else "no arguments",
        ) from None


def _require_types(
    function: Callable[..., object], given: Mapping[str, object], place: Place
) -> None:
    for name, parameter in inspect.signature(function).parameters.items():
        wanted = parameter.annotation
        accepted = (int, float) if wanted is float else wanted
        value = given.get(name, parameter.default)
        if not isinstance(value, accepted) or (isinstance(value, bool) and wanted is not bool):
            names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
            raise (place / name).wrong(value, names[wanted])


@contextlib.contextmanager
def _reachable(root: Path) -> Iterator[None]:
    """Have modules of the project found, as they are in the process that runs the experiment."""
    folder = str(root)
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
