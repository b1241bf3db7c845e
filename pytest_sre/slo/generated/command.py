"""What ``pytest-sre generate`` does; the command line prints what is returned."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pytest_sre.slo.generated.files import ALERTMANAGER_FILE, Kind, Source, files_of
from pytest_sre.slo.generated.watched import Watched
from pytest_sre.slo.generated.writing import read_mapping
from pytest_sre.slo.queries import is_asked
from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.load import load_settings
from pytest_sre.targets.settings import Settings

_SHOWN: Final = 20
_GITHUB: Final = "github:"
_RUNBOOKS: Final = ("suites/runbooks/", "runbooks/", "")


@dataclass(frozen=True)
class Outcome:
    """How the command ended.

    Attributes:
        exit_code: 0 done, or nothing is stale; 1 something is stale; 4 not done.
        lines: what to print.
        warnings: what to print to standard error.
    """

    exit_code: int
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def generate(
    root: Path, kind: Kind, target: str, folder: Path | None, *, check: bool = False
) -> Outcome:
    """Make files of one kind from the objectives of a target.

    Args:
        root: the project's folder.
        kind: what is made.
        target: the target.
        folder: where the files belong; None to give the one text there is.
        check: only compare with the files that are there.
    """
    try:
        source = _source(load_settings(root, target), folder)
    except (ConfigError, OSError) as error:
        return Outcome(4, warnings=tuple(str(error).splitlines()))
    try:
        files = files_of(kind, source)
    except ValueError as error:
        return Outcome(4, warnings=(f"no {kind}: {error}",))
    warnings = () if kind == "openslo" else tuple(source.remarks)
    if folder is None:
        return _given(kind, files, warnings, is_check=check)
    if check:
        return _checked(folder, files, warnings)
    try:
        return _written(folder, files, warnings)
    except OSError as error:
        return Outcome(4, warnings=(f"{folder} cannot be written: {error.strerror}",))


def _given(
    kind: Kind, files: Mapping[str, str], warnings: tuple[str, ...], *, is_check: bool
) -> Outcome:
    if is_check or len(files) > 1:
        why = "to compare with" if is_check else f"for {len(files)} files: {', '.join(files)}"
        return Outcome(4, warnings=(f"expected --output DIR {why}",))
    if not files:
        asks = "" if kind == "openslo" else " that asks a Prometheus"
        nothing = f"no {kind}: this target has no objective{asks}"
        return Outcome(0, warnings=(*warnings, nothing))
    (text,) = files.values()
    return Outcome(0, (text.rstrip("\n"),), warnings)


def _written(folder: Path, files: Mapping[str, str], warnings: tuple[str, ...]) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    lines = tuple(f"wrote {folder / name}" for name in files)
    return Outcome(0, lines or ("nothing to write",), warnings)


def _checked(folder: Path, files: Mapping[str, str], warnings: tuple[str, ...]) -> Outcome:
    stale = {name: _difference(folder / name, text) for name, text in files.items()}
    said = [line for difference in stale.values() for line in difference]
    if said:
        said.append("make them anew: the same command without --check")
        return Outcome(1, warnings=(*warnings, *said))
    return Outcome(0, (f"up to date: {', '.join(files) or 'nothing'}",), warnings)


def _difference(path: Path, text: str) -> list[str]:
    """What is stale in a file, in at most a screen of lines."""
    try:
        found = path.read_text("utf-8")
    except FileNotFoundError:
        return [f"{path} is not there"]
    except (OSError, UnicodeDecodeError) as error:
        return [f"{path} cannot be read: {error}"]
    lines = difflib.unified_diff(found.splitlines(), text.splitlines(), n=0, lineterm="")
    shown = list(islice(lines, 2, 2 + _SHOWN))
    return [f"{path} is stale:", *shown] if shown else []


def _source(settings: Settings, folder: Path | None) -> Source:
    services = tuple(app.name for app in settings.target.apps)
    asked = [each for each in settings.objectives if is_asked(each)]
    return Source(
        services,
        tuple(
            Watched(
                objective=each,
                service=each.app or services[0],
                runbook=_runbook(each.runbook, settings),
            )
            for each in asked
        ),
        tuple(
            f"{each.name}: no rules, as runs measure it and no Prometheus does"
            for each in settings.objectives
            if each not in asked
        ),
        _receivers(folder / ALERTMANAGER_FILE) if folder else {},
        settings.objectives,
    )


def _runbook(name: str | None, settings: Settings) -> str:
    """Where a runbook is: its URL where it is known, or else its path in the project."""
    if not name or "://" in name:
        return name or ""
    places = [f"{folder}{name}" for folder in _RUNBOOKS]
    path = next((each for each in places if (settings.root / each).is_file()), places[0])
    tracker = settings.issues.tracker
    if not tracker.startswith(_GITHUB) or settings.issues.api_url:
        return path
    return f"https://github.com/{tracker.removeprefix(_GITHUB)}/blob/HEAD/{quote(path)}"


def _receivers(path: Path) -> dict[str, Mapping[str, object]]:
    """The receivers that the file there has, by name.

    Raises:
        ConfigError: the file is there and is no configuration.
    """
    if not path.is_file():
        return {}
    try:
        found = read_mapping(path.read_text("utf-8")).get("receivers")
    except ValueError as error:
        raise ConfigError(
            str(path), f"cannot be read: {error}", "YAML", "mend it, or move it away"
        ) from None
    listed = found if isinstance(found, list) else []
    named = [each for each in listed if isinstance(each, dict)]
    return {each["name"]: each for each in named if isinstance(each.get("name"), str)}
