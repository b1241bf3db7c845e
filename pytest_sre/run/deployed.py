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
from pytest_sre.recording.notes import DEPLOYED, STARTED_AT, TARGET, VERDICT
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
    at, then, compared = _since_healthy(run)
    found = (
        Change(_deployed(app, clean), then.get(name), at if name in then else 0.0)
        for name, app in run.apps.items()
    )
    changes = tuple(_with_code(each, history, compared.get(each.now.app)) for each in found)
    for change in changes:
        _note_compared(run, change)
    return changes


class _Compared(msgspec.Struct):
    """What was found between two revisions, which stays as it is."""

    before: str
    after: str
    code: Comparison


def _note_compared(run: Run, change: Change) -> None:
    """Keep what was found, so that the next run need not ask for it again."""
    if change.before and change.code:
        found = _Compared(change.before.revision, change.now.revision, change.code)
        run.recorder.note(_code_key(change.now.app), msgspec.json.encode(found).decode())


def _with_code(change: Change, history: History | None, known: _Compared | None) -> Change:
    before = change.before.revision if change.before else ""
    after = change.now.revision
    are_known = _COMMIT.fullmatch(before) and _COMMIT.fullmatch(after)
    if history is None or before == after or not are_known:
        return change
    if known and (known.before, known.after) == (before, after):
        return replace(change, code=known.code)
    code, why_not = _compared(history, before, after)
    return replace(change, code=code, why_not=why_not)


def _compared(history: History, before: str, after: str) -> tuple[Comparison | None, str]:
    try:
        return history.between(before, after), ""
    except TrackerError as error:
        return None, str(error).partition("\n")[0]


def _since_healthy(run: Run) -> tuple[float, Mapping[str, Release], Mapping[str, _Compared]]:
    """Look back to the newest healthy run of the same target.

    Returns:
        When it began, what it saw of each app, and what runs since then found in the repository.
    """
    compared: dict[str, _Compared] = {}
    for meta in _earlier(run):
        for name in run.apps:
            if (noted := meta.get(_code_key(name))) and name not in compared:
                compared[name] = msgspec.json.decode(noted, type=_Compared)
        if meta.get(VERDICT) == Verdict.HEALTHY.value:
            return float(meta.get(STARTED_AT, 0)), dict(_releases(run, meta)), compared
    return 0.0, {}, compared


def _earlier(run: Run) -> Iterator[Mapping[str, str]]:
    """What is kept about the other runs of the same target, the newest first."""
    for path in recorded_runs(run.settings.root):
        if path == run.recorder.path:
            continue
        try:
            with Recording(path) as recording:
                meta = recording.meta()
        except RecordingError:
            continue
        if meta.get(TARGET) == run.settings.target.name:
            yield meta


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
    return f"{DEPLOYED}{app}"


def _code_key(app: str) -> str:
    return f"code:{app}"
