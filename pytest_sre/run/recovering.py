"""What ``pytest-sre recover`` does: undoes what runs left that were killed."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from pytest_sre.chaos.hands import Vanished, hands_of
from pytest_sre.chaos.undoing.intents import KIND as CHAOS
from pytest_sre.chaos.undoing.leftovers import Recovered, undo_left, undo_tagged
from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError
from pytest_sre.load.remote.machines import KIND as LOAD_MACHINES
from pytest_sre.load.remote.machines import remove_workers
from pytest_sre.local.commands import Outcome
from pytest_sre.local.places import by_hand_dir
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.others import await_others, being_undone, described, still_there
from pytest_sre.run.platforms import client_of
from pytest_sre.targets import ConfigError, Settings, load_settings
from pytest_sre.undo.files import BROKEN, Journal, undo_dir
from pytest_sre.undo.journal import Intent

_USAGE: Final = 4
_UNDO_TIMEOUT_S: Final = 30.0
_FAULTS: Final = (FlyError, LocalPlatformError, OSError, ValueError)


def recover(
    root: Path,
    target: str = "",
    *,
    now: bool = False,
    as_json: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Undo what is left in a project's journal, and what a target's Machines tell of.

    What is just being undone by others is waited for; what a run does that is not over is not.

    Args:
        root: the project's folder.
        target: also look at the Machines of this target, which tell what machines without our
            journal did to them.
        now: also undo what should be undone by now only by who did it, as if that had ended.
        as_json: answer with one JSON object.
        tell: told in a line what is waited for.

    Returns:
        Exit code 0 when nothing is left; 1 when something is, is not due, or belongs to a run that
        is not over, or nobody knows; 4 for a mistake in the configuration.
    """
    journal = Journal(undo_dir(root))
    try:
        settings = load_settings(root, target) if target else None
    except ConfigError as error:
        return Outcome(_USAGE, (str(error),))
    found = [*_from_journal(journal, root, tell)]
    if settings:
        found += _from_tags(journal, settings, now=now)
    exit_code = int(not all(each.is_clean for each in found))
    return Outcome(exit_code, _as_json(found) if as_json else _as_lines(found))


def what_is_left(root: Path) -> str:
    """Say that runs left something, or that nobody knows; empty when they did not.

    Args:
        root: the project's folder.
    """
    journal = Journal(undo_dir(root))
    try:
        left, held = journal.left(), being_undone(journal)
    except OSError as error:
        return f"nobody knows what is left by runs that were killed: {error}"
    said = "{} left by runs that were killed ({}){}"
    lines = [
        said.format(len(left), _named(left), "; run: pytest-sre recover") if left else "",
        said.format(len(held), _named(held), ", being undone by a guardian") if held else "",
    ]
    return "\n".join(filter(None, lines))


def _named(intents: Sequence[Intent]) -> str:
    return ", ".join(f"{one.kind} on {one.target or '?'}" for one in intents[:3])


def _from_journal(journal: Journal, root: Path, tell: Callable[[str], None]) -> list[Recovered]:
    found: list[Recovered] = []
    try:
        timeout_s = _undo_timeout_s(root, journal)
        await_others(journal, timeout_s=timeout_s, tell=tell)
        found += undo_left(journal, timeout_s=timeout_s)
        for intent in journal.left():
            if intent.kind != CHAOS:
                found += _other(journal, intent)
        found += still_there(journal, {each.id for each in found if not each.is_clean})
    except OSError as error:
        found.append(_unknown("the journal", "", error))
    return found


def _undo_timeout_s(root: Path, journal: Journal) -> float:
    """The longest of the targets on which something is left."""
    targets = {one.target for one in journal.all()}
    return max((_timeout_s_of(root, target) for target in targets), default=_UNDO_TIMEOUT_S)


def _timeout_s_of(root: Path, target: str) -> float:
    try:
        return load_settings(root, target).target.chaos.undo_timeout_s
    except ConfigError:
        return _UNDO_TIMEOUT_S


def _from_tags(journal: Journal, settings: Settings, *, now: bool) -> list[Recovered]:
    target = settings.target
    handle = str(by_hand_dir(settings.root).resolve()) if target.platform == "local" else ""
    try:
        with hands_of(handle) as hands:
            found = undo_tagged(
                hands,
                [spec.name for spec in target.apps],
                target=target.name,
                timeout_s=target.chaos.undo_timeout_s,
                now=now,
                held=journal.ids(),
            )
    except Vanished:
        return []
    except (FlyError, LocalPlatformError, OSError) as error:
        return [_unknown("what its Machines tell of", target.name, error)]
    return [*found]


def _unknown(described: str, target: str, error: Exception) -> Recovered:
    why = f"nobody knows what is left: {'; '.join(str(error).splitlines())}"
    return Recovered(id="", target=target, described=described, is_clean=False, why=why)


def _other(journal: Journal, intent: Intent) -> Iterable[Recovered]:
    """Undo what is no chaos, unless another process does so."""
    what, why = described(intent), ""
    try:
        with journal.taken(intent) as kept:
            if kept is None:
                return
            what = _undo(intent)
            kept.done()
    except _FAULTS as error:
        why = "; ".join(str(error).splitlines())
    path = journal.file_of(intent)
    yield Recovered(
        id=intent.id,
        target=intent.target,
        described=what,
        is_clean=not why,
        why=why,
        by_hand=(f"look at {path}, and remove it when nothing of it is left",) if why else (),
    )


def _undo(intent: Intent) -> str:
    if intent.kind != LOAD_MACHINES:
        found = intent.what.get("found", "") if intent.kind == BROKEN else intent.kind
        raise ValueError(f"expected something that this version can undo, found {found}")
    app, platform = intent.what.get("app", ""), intent.what.get("platform", "")
    if not platform:
        with Fly.from_environment(os.environ) as fly:
            remove_workers(fly, app)
        return f"load workers of {app}"
    local = LocalPlatform.attach(Path(platform))
    if local is None:
        return f"load workers of {app}, which ended with their local platform"
    try:
        with client_of(local) as fly:
            remove_workers(fly, app)
    finally:
        local.close()
    return f"load workers of {app}"


def _as_lines(found: Iterable[Recovered]) -> tuple[str, ...]:
    lines = [line for each in found for line in _lines_of(each)]
    return tuple(lines) or ("nothing is left to undo",)


def _lines_of(one: Recovered) -> list[str]:
    what = f"{one.described} on {one.target}" if one.target else one.described
    if one.due_at is not None:
        until = time.strftime("%H:%M:%S UTC", time.gmtime(one.due_at))
        return [f"not due: {what}: left to who did it until {until}; to undo it, give --now"]
    if one.is_clean:
        return [f"undone: {what}"]
    named = f"{what} ({one.id})" if one.id else what
    return [f"left: {named}: {one.why}", *(f"  by hand: {each}" for each in one.by_hand)]


def _as_json(found: Sequence[Recovered]) -> tuple[str]:
    shown: dict[str, list[dict[str, object]]] = {"undone": [], "left": [], "not_due": []}
    for each in found:
        what = {"id": each.id, "target": each.target, "what": each.described}
        if each.due_at is not None:
            shown["not_due"].append({**what, "due_at": each.due_at})
        elif each.is_clean:
            shown["undone"].append({**what})
        else:
            shown["left"].append({**what, "why": each.why, "by_hand": each.by_hand})
    return (msgspec.json.encode(shown).decode(),)
