"""What ``pytest-sre recover`` does: undoes what runs left that were killed."""

import os
from pathlib import Path

from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError
from pytest_sre.load.remote.machines import KIND as LOAD_MACHINES
from pytest_sre.load.remote.machines import remove_workers
from pytest_sre.local.commands import Outcome
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.platforms import client_of
from pytest_sre.undo.files import Journal, undo_dir
from pytest_sre.undo.journal import Intent


def recover(root: Path) -> Outcome:
    """Undo what is left in a project's journal; exit code 1 when some of it still is.

    Args:
        root: the project's folder.
    """
    journal = Journal(undo_dir(root))
    lines, exit_code = [], 0
    for intent in journal.left():
        with journal.taken(intent) as kept:
            if kept is None:
                continue
            try:
                said = _undo(intent)
                kept.done()
                lines.append(said)
            except (FlyError, LocalPlatformError, OSError, ValueError) as error:
                exit_code = 1
                lines.append(f"{intent.id} is left: {error}")
    return Outcome(exit_code, tuple(lines) or ("nothing is left to undo",))


def what_is_left(root: Path) -> str:
    """Say that runs left something; empty when they did not.

    Args:
        root: the project's folder.
    """
    left = Journal(undo_dir(root)).left()
    if not left:
        return ""
    named = ", ".join(f"{one.kind} on {one.target or '?'}" for one in left[:3])
    return f"{len(left)} left by runs that were killed ({named}); run: pytest-sre recover"


def _undo(intent: Intent) -> str:
    if intent.kind != LOAD_MACHINES:
        raise ValueError(
            f"expected something that this version can undo, found {intent.kind}: "
            f"{intent.what.get('found', '')}\nlook at .sre/undo/{intent.id}.json"
        )
    app, platform = intent.what.get("app", ""), intent.what.get("platform", "")
    if not platform:
        with Fly.from_environment(os.environ) as fly:
            remove_workers(fly, app)
        return f"removed the load workers of {app}"
    local = LocalPlatform.attach(Path(platform))
    if local is None:
        return f"the load workers of {app} ended with their local platform"
    try:
        with client_of(local) as fly:
            remove_workers(fly, app)
    finally:
        local.close()
    return f"removed the load workers of {app}"
