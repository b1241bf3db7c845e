"""Reads an experiment's file, and refuses what chaostoolkit would let pass. Contacts nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_sre.chaos.actions import Action, Which
from pytest_sre.chaos.experiments.configuration import known_values
from pytest_sre.chaos.experiments.experiment import Experiment, StatedRadius, Terms
from pytest_sre.chaos.experiments.files import read_document
from pytest_sre.chaos.experiments.format import (
    EXTENSION,
    Activity,
    ControlBlock,
    Document,
    Placed,
    Reference,
    controls,
    document,
    terms,
)
from pytest_sre.chaos.experiments.functions import (
    action_of,
    check_function,
    check_module,
    is_ours,
    is_undo,
)
from pytest_sre.chaos.experiments.placeholders import check_placeholders
from pytest_sre.chaos.experiments.tolerances import check_tolerance
from pytest_sre.targets.errors import ConfigError, quoted
from pytest_sre.targets.reading import Place
from pytest_sre.targets.yaml_files import Part


def read_experiment(path: Path, root: Path) -> Experiment:
    """Read a file of chaostoolkit that can be run as a test.

    Args:
        path: the file; YAML or JSON, as its name ends.
        root: the project's folder, where modules of its own are looked for.

    Raises:
        ConfigError: it cannot be run, or not be undone; says in at most four lines where and why.
    """
    try:
        found = read_document(path)
        stated = document(found.value, found.place)
        _check(stated, found.place, root)
        return _experiment(path, found, stated)
    except RecursionError:
        raise ConfigError(str(path), "is nested too deeply", "an experiment") from None


def _experiment(path: Path, found: Part, stated: Document) -> Experiment:
    assert isinstance(found.value, dict)
    check_placeholders(found.value, found.place)
    configuration = known_values(stated.configuration, found.place / "configuration")
    actions = dict(_actions(stated, configuration))
    runtime = stated.runtime.hypothesis
    made = terms(stated.extensions)
    _require_stated(stated, made, actions, found.place)
    return Experiment(
        path=path,
        title=stated.title,
        document=found.value,
        terms=made,
        actions=actions,
        configuration=configuration,
        acts=_acts(stated),
        rolls_back=bool(_foreign(stated.rollbacks)),
        continuously=runtime.frequency if runtime.strategy == "continuously" else None,
    )


def _check(stated: Document, place: Place, root: Path) -> None:
    hypothesis = stated.hypothesis
    if not hypothesis.probes:
        where = place / "steady-state-hypothesis" / "probes"
        raise ConfigError(str(where), "is empty", "at least one probe: it is what is judged")
    every = (*hypothesis.probes, *stated.method, *stated.rollbacks)
    names = {one.activity.name for one in every if isinstance(one.activity, Activity)}
    for one in every:
        _check_activity(one, names, root)
    for one in hypothesis.probes:
        _check_probe(one)
    _check_controls(stated.controls, root)
    _check_controls(hypothesis.controls, root)
    _require_rollbacks(stated, place)


def _check_activity(one: Placed, names: set[str], root: Path) -> None:
    if isinstance(one.activity, Reference):
        if one.activity.ref not in names:
            where = str(one.place / "ref")
            found = f"names {quoted(one.activity.ref)}, which no activity is called"
            raise ConfigError(where, found, "the name of an activity of this file")
        return
    check_function(one.activity, one.place, root)
    _check_controls(one.activity.controls, root)


def _check_probe(one: Placed) -> None:
    if isinstance(one.activity, Reference):
        raise ConfigError(str(one.place), "is a reference", "a probe with its tolerance")
    if one.activity.type != "probe":
        raise ConfigError(
            str(one.place / "type"), "is action", "probe: a steady state is looked at"
        )
    if one.activity.background:
        raise ConfigError(str(one.place), "runs in the background", "a probe that is waited for")
    check_tolerance(one.activity, one.place)


def _check_controls(stated: Part | None, root: Path) -> None:
    if stated is None:
        return
    blocks = controls(stated.value, stated.place)
    names = {block.name for block in blocks if not block.ref}
    for index, block in enumerate(blocks):
        _check_control(block, names, stated.place.item(index), root)


def _check_control(block: ControlBlock, names: set[str], place: Place, root: Path) -> None:
    if block.ref and block.ref not in names:
        found = f"names {quoted(block.ref)}, which no control is called"
        raise ConfigError(str(place / "ref"), found, "the name of a control beside it")
    check_module(block.provider.module, place / "provider", root)


def _foreign(placed: tuple[Placed, ...]) -> list[Placed]:
    """Give the actions that are not ours; whoever wrote them undoes them."""
    return [
        one
        for one in placed
        if isinstance(one.activity, Activity)
        and one.activity.type == "action"
        and not is_ours(one.activity)
    ]


def _require_rollbacks(stated: Document, place: Place) -> None:
    foreign = _foreign(stated.method)
    if not foreign or _foreign(stated.rollbacks):
        return
    activity = foreign[0].activity
    assert isinstance(activity, Activity)
    raise ConfigError(
        str(foreign[0].place),
        f"is the action {quoted(activity.name)}, which nothing undoes",
        f"an action among rollbacks of {place.file} that undoes it",
        "actions of pytest_sre.chaos.fly.actions need none",
    )


def _acts(stated: Document) -> bool:
    return any(
        not isinstance(one.activity, Reference)
        and one.activity.type == "action"
        and not is_undo(one.activity)
        for one in stated.method
    )


def _require_stated(
    stated: Document, made: Terms, actions: Mapping[str, Action], place: Place
) -> None:
    if made.radius is None:
        if _acts(stated):
            raise ConfigError(
                str(place / "extensions") if stated.extensions else place.file,
                "states no blast radius",
                f"extensions: [{{name: {EXTENSION}, blast-radius: {{machines: 1, seconds: 30}}}}]",
            )
        return
    for name, action in actions.items():
        _require_within(action, made.radius, _place_of(name, stated))


def _place_of(name: str, stated: Document) -> Place:
    return next(
        one.place
        for one in stated.method
        if isinstance(one.activity, Activity) and one.activity.name == name
    )


def _require_within(action: Action, radius: StatedRadius, place: Place) -> None:
    """Require that what an action says of itself is within what its file states."""
    which = getattr(action, "which", Which())
    place = place / "provider" / "arguments"
    if radius.machines is not None and max(which.count or 0, len(which.ids)) > radius.machines:
        found = f"asks for {which.count or len(which.ids)} Machines"
        raise ConfigError(str(place), found, f"at most the {radius.machines} of its blast radius")
    if radius.share is not None and (which.share or 0.0) > radius.share:
        found, expected = f"asks for {which.share:g}", f"at most the {radius.share:g} of its"
        raise ConfigError(str(place / "share"), found, f"{expected} blast radius")


def _actions(stated: Document, configuration: Mapping[str, object]) -> Iterator[tuple[str, Action]]:
    for one in stated.method:
        if isinstance(one.activity, Activity) and is_ours(one.activity):
            action = action_of(one.activity, one.place, configuration)
            if action is not None:
                yield one.activity.name, action
