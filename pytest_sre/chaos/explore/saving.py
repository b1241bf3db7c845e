"""Writes what a search has found as an experiment, which is an ordinary test from then on.

Its activities are those of any experiment: customers who begin what the schedule's users did, the
extension's actions with pauses between them, and the steady state that was broken.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from pytest_sre.chaos.actions import Action, kind_of
from pytest_sre.chaos.explore.found import Found
from pytest_sre.chaos.explore.steps import Schedule
from pytest_sre.chaos.explore.timeline import Begun, Due, Healed, Struck, due

_LONGEST_NAME: Final = 60
_COMPLETE: Final = "nothing that was acknowledged is missing"
_BESIDE_S: Final = 60
_RECOVERS_WITHIN: Final = "10s"


def save(found: Found, folder: Path, *, undocumented: Sequence[str] = ()) -> Found:
    """Write what was found to a file of its own name in a folder, which is made when missing.

    Args:
        found: it.
        folder: where experiments are, such as ``chaos``.
        undocumented: operations that are no journeys, so that no file can name them.

    Returns:
        The same, with the file; without one when a file cannot say it.
    """
    if set(undocumented) & set(found.schedule.operations):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"found-{slug(found.schedule)}.yaml"
    text = yaml.safe_dump(experiment_of(found), sort_keys=False, allow_unicode=True, width=96)
    file.write_text(f"# Found by pytest_sre.chaos.explore.\n{text}", encoding="utf-8")
    return replace(found, file=file)


def slug(schedule: Schedule) -> str:
    """Name a schedule as a file is named: ``suspend-store-1-2-s-while-one-checkout``."""
    words = re.sub(r"[^a-z0-9]+", "-", schedule.described.lower()).strip("-")
    return words[:_LONGEST_NAME].rstrip("-")


def experiment_of(found: Found) -> dict[str, object]:
    """Say what was found as an experiment of chaostoolkit."""
    schedule = found.schedule
    journeys = list(dict.fromkeys(schedule.operations))
    of = f" Found in the release {found.release}." if found.release else ""
    seconds = sum(fault.lasts_s for fault in schedule.faults) + _BESIDE_S
    return {
        "title": f"Nothing breaks by: {schedule.described}",
        "description": f"The shortest way that was found to break it: {found.breaks}.{of}",
        "tags": ["found"],
        "steady-state-hypothesis": {
            "title": "Users are served, and what they were told is true",
            "probes": [
                *(_passes(each) for each in journeys),
                _activity("probe", _COMPLETE, "acknowledged_missing") | {"tolerance": 0},
            ],
        },
        "method": list(_method(due(schedule))),
        "rollbacks": [_activity("action", "undo it all", "undo_all")],
        "extensions": [
            {
                "name": "pytest-sre",
                "blast-radius": {"machines": max(1, len(schedule.faults)), "seconds": seconds},
                "may-deviate": True,
                "recovers-within": _RECOVERS_WITHIN,
                "severity": "high",
            }
        ],
    }


def _method(parts: Sequence[Due]) -> Iterator[dict[str, object]]:
    on: set[int] = set()
    for part, after_s in zip(parts, _gaps_s(parts), strict=True):
        activity = _of(part, on)
        if activity is None:
            # Others are on: it ends by its own time limit.
            activity = _pause()
        if after_s:
            activity["pauses"] = {"after": after_s}
        yield activity


def _of(part: Due, on: set[int]) -> dict[str, Any] | None:
    match part:
        case Begun(_, operation):
            told = {"journey": operation}
            return _activity("probe", f"one {operation} begins", "customer_begins", told)
        case Struck(_, number, fault):
            on.add(number)
            name = kind_of(fault)
            return _activity("action", name, name.replace("-", "_"), arguments_of(fault))
        case Healed(_, number):
            on.discard(number)
            return None if on else _activity("action", "heal all", "undo_all")


def _pause() -> dict[str, Any]:
    return _activity("probe", "wait", "machines_started")


def _gaps_s(parts: Sequence[Due]) -> list[float]:
    """How long it is from each to the next, seconds."""
    times = [part.at_s for part in parts]
    return [round(after - before, 3) for before, after in pairwise([*times, *times[-1:]])]


def arguments_of(fault: Action) -> dict[str, object]:
    """Give an action as the arguments of the extension's function of its name."""
    told: dict[str, object] = msgspec.to_builtins(fault)
    which = told.pop("which", {})
    assert isinstance(which, Mapping)
    flat = {name: value for name, value in {**told, **which}.items() if name != "kind"}
    return {
        name: ",".join(value) if isinstance(value, list | tuple) else value
        for name, value in flat.items()
        if value not in (None, "", (), [], {})
    }


def _passes(journey: str) -> dict[str, Any]:
    told = {"name": journey}
    return _activity("probe", f"{journey} passes", "journey_passes", told) | {"tolerance": True}


def _activity(
    kind: str, name: str, func: str, arguments: Mapping[str, object] | None = None
) -> dict[str, Any]:
    module = f"pytest_sre.chaos.fly.{kind}s"
    provider: dict[str, object] = {"type": "python", "module": module, "func": func}
    if arguments:
        provider["arguments"] = dict(arguments)
    return {"type": kind, "name": name, "provider": provider}
