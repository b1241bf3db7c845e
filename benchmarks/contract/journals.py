"""P21: whatever becomes of the journal's files, nothing is forgotten and nothing is undone twice.

What processes left that were killed is cut at every byte, with tails of zeros and of garbage, and
``recover`` is run each time: an intent that is whole is undone, any other is kept and said to be
broken, and nothing is done to the target for it. Then the disk is full after so many bytes, and the
journal cannot be written at all.

Run as ``python benchmarks/contract/journals.py [--quick]``.
"""

import functools
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from perturbing import (
    SELF_ENDING,
    Fleet,
    Perturber,
    Told,
    fleet,
    marked,
    new_mark,
    processes,
)

from benchmarks.form import Target, report, wants_quick
from pytest_sre.chaos.actions import Action, CordonMachines, Scale, StopMachines, Which, kind_of
from pytest_sre.run.recovering import recover
from pytest_sre.undo.files import undo_dir
from pytest_sre.undo.journal import BrokenIntentError, read_entry

SEED = 21
TAILS = (b"", b"\0" * 40, b'\xff\xfe{"made_at": [[[' + b"\n}{" * 9)
ACTIONS: tuple[Action, ...] = (
    StopMachines(which=Which(group="web", count=1)),
    CordonMachines(which=Which(group="web", count=1)),
    Scale(group="web", count=4),
    SELF_ENDING[0],
)
NOBODY = 65534


@dataclass
class Found:
    """What was seen.

    Attributes:
        counts: how often what happened.
        wrong: what must not be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def main() -> None:
    quick = wants_quick(__doc__ or "")
    chance, began = random.Random(SEED), time.monotonic()
    found = Found()
    with fleet() as perturbed:
        for action in ACTIONS[: 1 if quick else None]:
            cut_everywhere(perturbed, action, found, step=60 if quick else 1)
        sizes = range(0, 2000, 1200 if quick else 20)
        for number, size in enumerate(sizes):
            on_full_disk(perturbed, ACTIONS[number % len(ACTIONS)], size, chance, found)
        for action in ACTIONS[: 1 if quick else None]:
            unwritable(perturbed, action, found)
    for each in found.wrong:
        print(f"WRONG {each}", file=sys.stderr)
    counts = found.counts
    report(
        "journals",
        titles=("what", "times"),
        rows=[
            *((name, str(times)) for name, times in counts.items()),
            ("seed, taken", f"{SEED}, {time.monotonic() - began:.0f} s"),
        ],
        targets=[
            Target("cut, and said to be broken", counts["broken, kept"], "", ">=", 10),
            Target("whole, and undone", counts["whole, undone"], "", ">=", 1),
            Target("refused on a full disk", counts["full disk: refused"], "", ">=", 1),
            Target(
                "refused where nothing can be written", counts["read-only: refused"], "", ">=", 1
            ),
            Target("wrong", len(found.wrong), "", "<=", 0),
        ],
        libraries=["httpx", "msgspec"],
    )


def cut_everywhere(perturbed: Fleet, action: Action, found: Found, *, step: int) -> None:
    """Cut what one left that was killed, every ``step`` bytes, with every tail."""
    whole = _left_by_one(perturbed, action)
    kind = kind_of(action)
    (perturbed.root / "kept").mkdir(exist_ok=True)
    longest = max(len(text) for text in whole.values())
    for length in [*range(0, longest, step), longest]:
        for tail in TAILS:
            cut = {name: text[:length] + tail for name, text in whole.items()}
            wrong = _recovered_from(perturbed, cut, found)
            found.wrong += [f"{kind}, cut at {length}, {tail[:9]!r}: {each}" for each in wrong]
    again = _recovered_from(perturbed, whole, found)
    found.wrong += [f"{kind}, whole: {each}" for each in again]
    if perturbed.differs():
        found.wrong.append(f"{kind}: {perturbed.differs()}")


def _left_by_one(perturbed: Fleet, action: Action) -> dict[str, bytes]:
    told = Told(perturbed.root, perturbed.front.folder, action, 0, new_mark())
    perturber = Perturber(told)
    perturber.reach("active")
    perturber.kill_all()
    folder = undo_dir(perturbed.root)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _recovered_from(perturbed: Fleet, files: dict[str, bytes], found: Found) -> list[str]:
    """Run ``recover`` on these files and only these; what is wrong then."""
    folder = undo_dir(perturbed.root)
    for path in folder.iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / name).write_bytes(text)
    was_clean = not perturbed.differs()
    perturbed.front.calls.clear()
    try:
        outcome = recover(perturbed.root)
    except Exception as error:  # noqa: BLE001 - that is the question
        return [f"it crashed: {error!r}"]
    changes = _changes(perturbed)
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    broken = {name: text for name, text in files.items() if not _is_whole(text)}
    wrong = []
    if kept != broken:
        wrong.append(f"kept {sorted(kept)}, expected {sorted(broken)}: {outcome.lines}")
    if bool(outcome.exit_code) != bool(broken):
        wrong.append(f"exit code {outcome.exit_code}: {outcome.lines}")
    unnamed = [name for name in broken if Path(name).stem not in "\n".join(outcome.lines)]
    if unnamed:
        wrong.append(f"not named: {unnamed}")
    if (was_clean or len(broken) == len(files)) and changes:
        wrong.append(f"done to the target: {changes}")
    found.counts["broken, kept"] += len(broken)
    found.counts["whole, undone"] += len(files) - len(broken)
    return wrong


def _changes(perturbed: Fleet) -> list[str]:
    """What was asked of the target, but to look, and to tell of nothing any more."""
    calls = perturbed.front.calls
    return [each for each in calls if not each.startswith("GET") and "/metadata/" not in each]


def _is_whole(text: bytes) -> bool:
    try:
        read_entry(text)
    except BrokenIntentError:
        return False
    return True


def on_full_disk(
    perturbed: Fleet, action: Action, size: int, chance: random.Random, found: Found
) -> None:
    """Inject where no file may be longer than ``size`` bytes."""
    mark = new_mark()
    told = Told(perturbed.root, perturbed.front.folder, action, chance.randrange(1000), mark)
    perturber = Perturber(told, before=functools.partial(_limit_files, size))
    try:
        perturber.reach("active")
        found.counts["full disk: done"] += 1
    except SystemExit:
        found.counts["full disk: refused"] += 1
        if perturbed.differs():
            found.wrong.append(f"refused on a full disk ({size}): {perturbed.differs()}")
    perturber.kill()
    perturbed.until(lambda: not perturbed.intents and not perturbed.differs())
    perturbed.until(lambda: not marked(mark))
    left = perturbed.differs() or "; ".join(perturbed.intents)
    if left:
        found.wrong.append(f"left on a full disk ({size}): {left}")


def _limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def unwritable(perturbed: Fleet, action: Action, found: Found) -> None:
    """Inject, and recover, where the journal can only be read."""
    _left_by_one(perturbed, action)
    before = perturbed.intents
    with _read_only(perturbed.root):
        ours, theirs = multiprocessing.Pipe()
        trying = processes().Process(target=_recover_as_nobody, args=(perturbed.root, theirs))
        trying.start()
        theirs.close()
        exit_code, lines = ours.recv() if ours.poll(60) else (0, ("no answer",))
        trying.join()
        if not exit_code or perturbed.intents != before:
            found.wrong.append(f"recover where nothing can be written: {exit_code} {lines}")
        found.counts["read-only: recover says so"] += 1
    outcome = recover(perturbed.root)
    if outcome.exit_code or perturbed.differs() or perturbed.intents:
        found.wrong.append(f"recover afterwards: {outcome.lines} {perturbed.differs()}")
    with _read_only(perturbed.root):
        perturbed.front.calls.clear()
        told = Told(perturbed.root, perturbed.front.folder, action, 0, new_mark())
        perturber = Perturber(told, before=_become_nobody)
        try:
            perturber.reach("active")
            found.wrong.append("injected though nothing could be written down")
        except SystemExit:
            found.counts["read-only: refused"] += 1
        perturber.kill()
    changes = _changes(perturbed)
    if changes:
        found.wrong.append(f"done to the target though nothing could be written: {changes}")


class _read_only:  # noqa: N801 - used as a function
    """The journal can be read, and not be written, by one that is not its owner or has no right."""

    def __init__(self, root: Path) -> None:
        self._root, self._folder = root, undo_dir(root)

    def __enter__(self) -> None:
        self._root.chmod(0o755)
        self._folder.chmod(0o555)
        for path in self._folder.iterdir():
            path.chmod(0o444)

    def __exit__(self, *_: object) -> None:
        self._folder.chmod(0o755)


def _become_nobody() -> None:
    if os.getuid() == 0:
        os.setuid(NOBODY)


def _recover_as_nobody(root: Path, told) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # What nobody may not read has to be imported before; a copy of what is left does that.
        shutil.copytree(root / ".sre", Path(folder) / ".sre")
        recover(Path(folder))
    _become_nobody()
    tempfile.tempdir = None
    outcome = recover(root)
    told.send((outcome.exit_code, outcome.lines))


if __name__ == "__main__":
    main()
