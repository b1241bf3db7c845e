"""What is deployed of each app, kept with the run, and compared with the last healthy one."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import msgspec

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp
from pytest_sre.issues.evidence import Change, Release
from pytest_sre.issues.history import Comparison, History
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.recording import Recording, RecordingError
from pytest_sre.recording.store import recorded_runs
from pytest_sre.run.run import Run
from pytest_sre.verdict import Inconclusive, Verdict

_LONGEST_FLY_TOML = 64_000
_COMMIT_NAMES = ("GH_SHA", "GITHUB_SHA", "GIT_SHA")
_COMMIT = re.compile("[0-9a-f]{7,64}")


def note_deployed(run: Run, clean: Callable[[str], str]) -> None:
    """Keep with a run what is deployed of each app, for later runs to compare with.

    Args:
        run: the run.
        clean: takes secrets out of a text.
    """
    for app in run.apps.values():
        run.recorder.note(_key(app.name), msgspec.json.encode(_deployed(app, clean)).decode())


def changes_since_healthy(
    run: Run, clean: Callable[[str], str], history: History | None
) -> tuple[Change, ...]:
    """Say what is new of each app since the last healthy run of the same target.

    Args:
        run: the run.
        clean: takes secrets out of a text.
        history: knows what lies between two revisions; None when nothing does.
    """
    at, then = _last_healthy(run)
    found = (
        Change(_deployed(app, clean), then.get(name), at if name in then else 0.0)
        for name, app in run.apps.items()
    )
    return tuple(_with_code(change, history) for change in found)


def _with_code(change: Change, history: History | None) -> Change:
    before = change.before.revision if change.before else ""
    after = change.now.revision
    are_known = _COMMIT.fullmatch(before) and _COMMIT.fullmatch(after)
    if history is None or before == after or not are_known:
        return change
    code, why_not = _compared(history, before, after)
    return replace(change, code=code, why_not=why_not)


def _compared(history: History, before: str, after: str) -> tuple[Comparison | None, str]:
    try:
        return history.between(before, after), ""
    except TrackerError as error:
        return None, str(error).partition("\n")[0]


def _last_healthy(run: Run) -> tuple[float, Mapping[str, Release]]:
    """When the newest healthy run of the same target began, and what it saw of each app."""
    for path in recorded_runs(run.settings.root):
        if path == run.recorder.path:
            continue
        try:
            with Recording(path) as recording:
                meta = recording.meta()
        except RecordingError:
            continue
        is_same = meta.get("target") == run.settings.target.name
        if is_same and meta.get("verdict") == Verdict.HEALTHY.value:
            return float(meta.get("started_at", 0)), dict(_releases(run, meta))
    return 0.0, {}


def _releases(run: Run, meta: Mapping[str, str]) -> Iterator[tuple[str, Release]]:
    for name in run.apps:
        noted = meta.get(_key(name))
        if noted:
            yield name, msgspec.json.decode(noted, type=Release)


def _deployed(app: FlyApp, clean: Callable[[str], str]) -> Release:
    fly_toml = _fly_toml(app, clean)
    try:
        found = app.release
        revision = found.revision or _stated_revision(app)
        return Release(app.name, found.version, found.image, revision, fly_toml)
    except (FlyError, Inconclusive):
        return Release(app.name, fly_toml=fly_toml)


def _stated_revision(app: FlyApp) -> str:
    """The commit that a deploy wrote into its Machines' environment or metadata."""
    stated = (
        {**machine.settings.metadata, **machine.settings.env}.get(name, "")
        for machine in app.live
        for name in _COMMIT_NAMES
    )
    return next(filter(None, stated), "")


def _fly_toml(app: FlyApp, clean: Callable[[str], str]) -> str:
    try:
        text = app.spec.path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
    return clean(text)[:_LONGEST_FLY_TOML]


def _key(app: str) -> str:
    return f"deployed:{app}"
