"""What OpenSLO has no key for, in the annotations of an SLO that begin with ``pytest-sre/``."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

from dataclasses import dataclass

from pytest_sre.targets.objectives import SLI_KINDS, SliKind
from pytest_sre.targets.reading import (
    Place,
    duration_with_unit,
    key,
    mapping,
    one_of,
    ratio,
    table,
    text,
)
from pytest_sre.targets.severities import SEVERITIES, Severity
from pytest_sre.targets.yaml_files import Part

PREFIX = "pytest-sre/"


def _ratio(value: object, place: Place) -> float:
    try:
        return ratio(float(value) if isinstance(value, str) else value, place)
    except ValueError:
        raise place.wrong(value, "a number from 0 to 1") from None


def _boolean(value: object, place: Place) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise place.wrong(value, "true or false")


def _names(value: object, place: Place) -> tuple[str, ...]:
    return tuple(name.strip() for name in text(value, place).split(","))


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """Ours, each as the key of a ``[[slo]]`` of that name."""

    kind: SliKind | None = key(PREFIX + "kind", one_of(SLI_KINDS), None)
    app: str | None = key(PREFIX + "app", text, None)
    severity: Severity = key(PREFIX + "severity", one_of(SEVERITIES), "high")
    owner: str | None = key(PREFIX + "owner", text, None)
    runbook: str | None = key(PREFIX + "runbook", text, None)
    freeze_below: float | None = key(PREFIX + "freeze-below", _ratio, None)
    alerts: bool = key(PREFIX + "alerts", _boolean, True)
    every_s: float | None = key(
        PREFIX + "every", duration_with_unit('a duration such as "30s"'), None
    )
    targets: tuple[str, ...] | None = key(PREFIX + "targets", _names, None)


def read_annotations(stated: Part | None) -> Annotations:
    """Read ours among the annotations of an object.

    Raises:
        ConfigError: one begins with our prefix and is unknown, or has a wrong value.
    """
    if stated is None:
        return Annotations()
    found = mapping(stated.value, stated.place)
    ours = {name: value for name, value in found.items() if name.startswith(PREFIX)}
    return table(Annotations, closed=True)(ours, stated.place)
