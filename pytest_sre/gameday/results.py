"""What came of the experiments of a game day, from the recordings of their sessions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_sre.recording.rows import ExperimentRun, Perturbation

HELD: Final = "HELD"
NOT_CLEAN: Final = "NOT CLEAN"
NOT_RUN: Final = "NOT RUN"


@dataclass(frozen=True)
class Injected:
    """One thing that was done to the target.

    Attributes:
        described: what, in a few words.
        made_at: when it was done, Unix seconds.
        undone_at: when it was undone; None while it is not.
        clean: it is proven to be undone.
        left: the commands by which a person undoes it.
    """

    described: str
    made_at: float
    undone_at: float | None
    clean: bool
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of one experiment.

    Attributes:
        name: the experiment's.
        title: as its file calls it.
        verdict: ``HELD``, ``DEVIATED``, ``NOT INJECTED``, ``ABORTED``, ``NOT CLEAN`` or, when it
            never came to a verdict, ``NOT RUN``.
        detail: why.
        began_at: when its session began, Unix seconds.
        took_s: how long it took.
        recovery_s: after what time the steady state held again; None when that is not known.
        injected: what was done to the target, in its order.
        output: the file with what the session printed.
    """

    name: str
    title: str
    verdict: str
    detail: str
    began_at: float
    took_s: float
    recovery_s: float | None = None
    injected: tuple[Injected, ...] = ()
    output: Path | None = None


def injected_of(rows: Iterable[Perturbation]) -> tuple[Injected, ...]:
    """Give what was done, of which each has several rows: the newest tells."""
    newest = {row.perturbation: row for row in rows}
    made = [
        Injected(
            row.described,
            row.made_at,
            None if math.isnan(row.undone_at) else row.undone_at,
            row.clean,
            tuple(row.left.splitlines()),
        )
        for row in newest.values()
        if not math.isnan(row.made_at)
    ]
    return tuple(sorted(made, key=lambda each: each.made_at))


def verdict_of(run: ExperimentRun | None, injected: Sequence[Injected]) -> str:
    """Give an experiment's verdict; what is left of a fault is worse than anything else."""
    left = any(each.undone_at is not None and not each.clean for each in injected)
    if left or (run is not None and not run.clean):
        return NOT_CLEAN
    return run.verdict if run else NOT_RUN


def exit_code_of(results: Iterable[Result], *, interrupted: bool) -> int:
    """Give a game day's exit code: 0 when all held, 1 when one did not, 130 after Ctrl-C."""
    if interrupted:
        return 130
    return int(any(result.verdict != HELD for result in results))
