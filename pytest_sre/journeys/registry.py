"""Where journeys are registered by name, and how their files are loaded."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

Flow = Callable[["httpx.Client"], "str | None"]

_SHOWN = 300


@dataclass(frozen=True)
class Journey:
    """A user flow: its name, and the function that walks it over an HTTP client."""

    name: str
    flow: Flow


_registry: dict[str, Journey] = {}


def journey(name: str) -> Callable[[Flow], Flow]:
    """Register a function over an ``httpx.Client`` as the journey ``name``.

    The client has the target's address as its base URL. The flow passes when the function
    returns; it fails when an assertion does, or when the app gives no answer. It may return the
    path of something that the app has acknowledged, such as ``/orders/17``: experiments read it
    back after a fault.

    Raises:
        ValueError: another function is registered under this name.
    """

    def register(flow: Flow) -> Flow:
        known = _registry.get(name)
        if known and _origin(known.flow) != _origin(flow):
            raise ValueError(
                f"expected one journey named {name!r}, found two\n"
                f"  {_origin(known.flow)}\n  {_origin(flow)}\nrename one of them"
            )
        _registry[name] = Journey(name, flow)
        return flow

    return register


def registered() -> Mapping[str, Journey]:
    """Give the journeys registered so far, by name."""
    return MappingProxyType(_registry)


def load_journeys(files: Iterable[Path]) -> None:
    """Import the files that register journeys; a file is imported once.

    Raises:
        JourneyFileError: a file cannot be imported.
    """
    for file in files:
        name = f"_sre_journeys_{abs(hash(file.resolve())):x}"
        if name not in sys.modules:
            _import(name, file)


class JourneyFileError(Exception):
    """A file of journeys cannot be imported; says where and why, in at most four lines."""

    def __init__(self, file: Path, error: BaseException) -> None:
        what = " ".join(str(error).split())[:_SHOWN]
        super().__init__(
            f"{file}{_line_of(file, error)}: {type(error).__name__}: {what}\n"
            "expected a Python file that can be imported and registers journeys with @journey"
        )


def _import(name: str, file: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise JourneyFileError(file, ImportError("its name does not end in .py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[name]
        raise JourneyFileError(file, error) from error


def _line_of(file: Path, error: BaseException) -> str:
    """Say in which line of the file the error arose, where that is known."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""


def _origin(flow: Flow) -> str:
    code = flow.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
