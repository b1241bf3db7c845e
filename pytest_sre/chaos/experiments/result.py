"""What an experiment showed."""

import json
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pytest_sre.chaos.experiments.words import Acted, StateSeen
from pytest_sre.chaos.injecting import NotClean, Undone
from pytest_sre.recording.rows import ExperimentRun
from pytest_sre.verdict import Inconclusive

_SHOWN: Final = 12


class Outcome(StrEnum):
    """The verdict on an experiment."""

    HELD = "HELD"
    DEVIATED = "DEVIATED"
    NOT_INJECTED = "NOT INJECTED"
    ABORTED = "ABORTED"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of an experiment, as it was told.

    Attributes:
        states: the steady state, whenever it was looked at.
        activities: those of the method and of the rollbacks.
        begun: how many activities of the method were begun.
        broke: why it could not be played, or not on; empty when it was.
        tripped: which condition of ours ended it; empty when none did.
        stopped: what ended it from outside, or which condition could not be asked; empty when
            nothing did, and all could.
        undone_at: when all was proven to be undone, Unix seconds; not a number when it was not.
        left: what is not proven to be undone.
        by_hand: the commands by which a person undoes that.
        injected: how many actions of ours were done.
    """

    states: tuple[StateSeen, ...] = ()
    activities: tuple[Acted, ...] = ()
    begun: int = 0
    broke: str = ""
    tripped: str = ""
    stopped: str = ""
    undone_at: float = math.nan
    left: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    injected: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left."""
        return not self.left


@dataclass(frozen=True, kw_only=True)
class ExperimentResult:
    """What an experiment showed.

    Attributes:
        name: the name of its file.
        title: its title.
        began_at: when it began, Unix seconds.
        ended_at: when it ended.
        outcome: the verdict.
        why: in a sentence.
        decides: whether the verdict is on the app; otherwise it is inconclusive.
        recovery_s: from the undo until the steady state held again, seconds; not a number when it
            did not, or was not looked at.
        seen: what it is concluded from.
    """

    name: str
    title: str
    began_at: float
    ended_at: float
    outcome: Outcome
    why: str
    decides: bool
    recovery_s: float
    seen: Seen = field(repr=False)

    def require(self) -> None:
        """Pass when the steady state held, and nothing is left.

        Raises:
            NotClean: it is not proven that all is undone.
            AssertionError: the steady state was lost, or a condition of ours ended the experiment.
            Inconclusive: the experiment decides nothing.
        """
        text = f"{self.outcome}: {self.why}\n{self.table()}"
        if not self.seen.is_clean:
            took_s = self.ended_at - self.began_at
            undone = Undone(
                clean=False, took_s=took_s, left=self.seen.left, by_hand=self.seen.by_hand
            )
            raise NotClean(undone) from AssertionError(text)
        if self.outcome is Outcome.HELD:
            return
        if self.decides:
            raise AssertionError(text)
        reason = f"{self.outcome}: {self.why}"
        raise Inconclusive(reason, cause=f"experiment {self.outcome.lower()}")

    def table(self) -> str:
        """Show the steady states and the activities, in their order."""
        rows = [(state.at, _state_line(state)) for state in self.seen.states]
        rows += [(one.at, _activity_line(one)) for one in self.seen.activities]
        ordered = [line for _, line in sorted(rows, key=lambda row: row[0])]
        left_out = max(0, len(ordered) - 2 * _SHOWN)
        if left_out:
            note = f"  … {left_out} more …"
            ordered = [*ordered[:_SHOWN], note, *ordered[-_SHOWN:]]
        recovery = f"  recovery   {self.recovery_s:.1f} s after the undo"
        return "\n".join([*ordered, *([] if math.isnan(self.recovery_s) else [recovery])])

    def row(self, experiment: str, test: str) -> ExperimentRun:
        """Give it as a row of the recording.

        Args:
            experiment: its id, under which its perturbations are recorded.
            test: the node id of the test.
        """
        return ExperimentRun(
            at=self.began_at,
            experiment=experiment,
            name=self.name,
            title=self.title,
            verdict=self.outcome.value,
            detail=self.why,
            ended_at=self.ended_at,
            clean=self.seen.is_clean,
            steady_states=json.dumps([_state(state) for state in self.seen.states]),
            activities=json.dumps([_activity(one) for one in self.seen.activities]),
            recovery_s=self.recovery_s,
            test=test,
        )


def _state_line(state: StateSeen) -> str:
    off = [f"{probe.name}: {probe.said}" for probe in state.probes if probe.steady != "met"]
    return f"  {state.phase:<10} steady state {state.steady}{': ' + '; '.join(off) if off else ''}"


def _activity_line(one: Acted) -> str:
    return f"  {one.phase:<10} {one.kind} {one.name} {one.status} in {one.took_s:.1f} s: {one.said}"


def _state(state: StateSeen) -> dict[str, object]:
    probes = [{"name": p.name, "steady": p.steady, "said": p.said} for p in state.probes]
    return {"at": state.at, "phase": state.phase, "steady": state.steady, "probes": probes}


def _activity(one: Acted) -> dict[str, object]:
    return {
        "at": one.at,
        "phase": one.phase,
        "name": one.name,
        "kind": one.kind,
        "status": one.status,
        "said": one.said,
        "took_s": one.took_s,
    }
