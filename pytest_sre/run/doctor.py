"""What ``pytest-sre doctor`` does: says which objectives cannot be decided, or cannot alert.

Without a target only files are read. With one, its metrics are asked how much traffic there is.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pytest_sre.bake.reach import most_events
from pytest_sre.journeys.registry import JourneyFileError, load_journeys, registered
from pytest_sre.local.commands import Outcome
from pytest_sre.run.traffic import Measurement, measure_traffic
from pytest_sre.slo.feasibility import Finding, Traffic, findings
from pytest_sre.targets import ConfigError, Settings, load_settings, target_names
from pytest_sre.targets.objectives import Objective, Observed

_USAGE = 4


@dataclass(frozen=True)
class _Found:
    """A finding, and the targets on which it is so."""

    finding: Finding
    targets: tuple[str, ...]


def doctor(root: Path, target: str | None, *, as_json: bool = False) -> Outcome:
    """Look at a project's objectives.

    Args:
        root: the project's folder.
        target: the target whose metrics are asked; None for all targets and no metrics.
        as_json: answer with one JSON object.

    Returns:
        Exit code 0 when there is nothing of weight, 1 when there is, or when the metrics could
        not be asked; 4 for a mistake in the configuration.
    """
    try:
        names = (target,) if target else target_names(root)
        settings = [load_settings(root, name) for name in names]
    except ConfigError as error:
        return Outcome(_USAGE, (str(error),))
    measured = measure_traffic(settings[0]) if target else Measurement()
    try:
        found = _merged([(one, measured) for one in settings])
    except JourneyFileError as error:
        return Outcome(_USAGE, (str(error),))
    exit_code = int(bool(measured.unknown) or any(one.finding.has_weight for one in found))
    count = len({one.name for each in settings for one in each.objectives})
    if as_json:
        return Outcome(exit_code, (_json(count, found, measured),))
    return Outcome(exit_code, _lines(count, found, measured, target))


def _merged(looked_at: Sequence[tuple[Settings, Measurement]]) -> list[_Found]:
    """Find what there is on each target; what is the same on several is said once."""
    targets: dict[Finding, list[str]] = {}
    for settings, measured in looked_at:
        for objective in settings.objectives:
            known = measured.traffic.get(objective.name, Traffic())
            known = dataclasses.replace(
                known,
                run_events=most_events(objective, settings.bake, settings.target.platform),
                journeys=_journeys(settings, objective),
            )
            for one in findings(objective, known):
                targets.setdefault(one, []).append(settings.target.name)
    found = [_Found(one, tuple(names)) for one, names in targets.items()]
    return sorted(found, key=lambda one: not one.finding.has_weight)


def _journeys(settings: Settings, objective: Objective) -> tuple[str, ...] | None:
    if not isinstance(objective.source, Observed) or objective.source.journey is None:
        return None
    load_journeys(settings.journeys)
    return tuple(registered())


def _lines(
    count: int, found: Sequence[_Found], measured: Measurement, target: str | None
) -> tuple[str, ...]:
    if not count:
        return ("there are no objectives: see [[slo]] in docs/slo.md",)
    lines = [line for one in found for line in _told(one)]
    lines += [f"not known: {why}" for why in measured.unknown]
    weighty = sum(one.finding.has_weight for one in found)
    objectives = "1 objective" if count == 1 else f"{count} objectives"
    lines.append(f"{objectives}; findings of weight: {weighty}, others: {len(found) - weighty}")
    if target is None:
        lines.append("the traffic was not looked at: pytest-sre doctor --target NAME asks for it")
    return tuple(lines)


def _told(one: _Found) -> tuple[str, ...]:
    finding = one.finding
    return (
        f"{finding.severity}: {finding.objective} on {', '.join(one.targets)} ({finding.where})",
        f"  {finding.sentence}",
        f"  {finding.advice}",
    )


def _json(count: int, found: Sequence[_Found], measured: Measurement) -> str:
    shown = {
        "objectives": count,
        "findings": [{**dataclasses.asdict(one.finding), "targets": one.targets} for one in found],
        "unknown": measured.unknown,
    }
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
