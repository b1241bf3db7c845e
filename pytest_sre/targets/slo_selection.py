"""Which of a project's objectives are for a target, and whether they name what there is."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from pytest_sre.targets.errors import ConfigError, did_you_mean, quoted, unknown_name
from pytest_sre.targets.objectives import BudgetAdjustment, Objective
from pytest_sre.targets.slo_keys import StatedObjective


def refuse_unknown_names(
    stated: Sequence[StatedObjective],
    adjustments: Sequence[BudgetAdjustment],
    targets: Collection[str],
) -> None:
    """Check the names that objectives and budget adjustments use.

    Args:
        stated: all objectives of the project.
        adjustments: all budget adjustments.
        targets: the names of all targets.

    Raises:
        ConfigError: two objectives have one name, or there is no target or objective of a name.
    """
    places: dict[str, str] = {}
    for one in stated:
        name = one.objective.name
        if name in places:
            raise ConfigError(
                where=one.objective.where,
                found=f"has the name {quoted(name)}, as {places[name]} does",
                expected="a name for each objective",
            )
        places[name] = one.objective.where
        for index, target in enumerate(one.targets or ()):
            if target not in targets:
                where = str((one.place / "targets").item(index))
                raise unknown_name(where=where, what="names", name=target, names=targets)
    for adjustment in adjustments:
        for name in adjustment.objectives:
            if name not in places:
                raise unknown_name(
                    where=f"{adjustment.where}.slo", what="names", name=name, names=places
                )


def objectives_of(
    stated: Sequence[StatedObjective], target: str, apps: Sequence[str]
) -> tuple[Objective, ...]:
    """Give the objectives that are to hold on a target, in the order of the file.

    Args:
        stated: all objectives of the project.
        target: the target's name.
        apps: the names of its apps.

    Raises:
        ConfigError: one is about an app that the target does not have.
    """
    chosen = [one for one in stated if one.is_for(target)]
    for one in chosen:
        app = one.objective.app
        if app is not None and app not in apps:
            raise ConfigError(
                where=str(one.place / "app"),
                found=f"is {quoted(app)}, no app of the target {quoted(target)}",
                expected=f"one of: {', '.join(apps)}",
                hint=did_you_mean(app, apps)
                or 'targets = ["NAME"] limits an objective to some targets',
            )
    return tuple(_of_app(one, apps) for one in chosen)


def _of_app(one: StatedObjective, apps: Sequence[str]) -> Objective:
    if one.objective.app is None and one.service in apps:
        return replace(one.objective, app=one.service)
    return one.objective
