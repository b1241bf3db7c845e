"""Runs an experiment: has it played, does what it asks for, undoes that, and judges what was seen.

All that is done to the target is done by this process, by what tests do it by, too. So whatever
becomes of the one that plays, this one knows what is to be undone; and when this one is killed, its
guardian does, and ends the one that plays first.
"""

import contextlib
import json
import math
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import msgspec

from pytest_sre.chaos.aborting import AbortWatch, Condition, overdue
from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.experiments.conditions import conditions_of, require_named
from pytest_sre.chaos.experiments.experiment import Experiment
from pytest_sre.chaos.experiments.journals import keep_journal
from pytest_sre.chaos.experiments.judging import conclude, failed_rollbacks, recovery_s
from pytest_sre.chaos.experiments.process import Child
from pytest_sre.chaos.experiments.result import ExperimentResult, Seen
from pytest_sre.chaos.experiments.words import (
    Acted,
    Answer,
    Ask,
    AskUndo,
    Begun,
    Broke,
    FromChild,
    Halt,
    Over,
    Play,
    Played,
    Recover,
    StateSeen,
)
from pytest_sre.chaos.faults import Faults
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.guardian.standing import NoGuardianError, standing_guardian
from pytest_sre.chaos.injecting import NotClean
from pytest_sre.fly.errors import FlyError
from pytest_sre.journeys import JourneyFileError
from pytest_sre.local.platform import LocalPlatformError
from pytest_sre.targets import Target
from pytest_sre.verdict import Inconclusive, NotAsked

LONGEST_S: Final = 600.0
"""How long an experiment may take beside its blast radius and its recovery, seconds."""

HALT_S: Final = 10.0
"""How long rollbacks may take after an experiment was told to end, seconds."""

_LOOK_S: Final = 0.1
_REFUSALS: Final = (NotInjected, NotClean, NotAsked, Inconclusive, FlyError, LocalPlatformError)


def run_experiment(
    experiment: Experiment, ground: Ground, *, values: Mapping[str, object] | None = None
) -> ExperimentResult:
    """Run an experiment; when this returns all that it did is undone, or told to be left.

    Args:
        experiment: what is run.
        ground: where.
        values: what its parameters are instead of what its file says.

    Raises:
        NotAsked: the target does not allow it; nothing was done.
        Inconclusive: it cannot be begun now; nothing was done.
    """
    radius = experiment.terms.radius
    perturbed_s = radius.seconds if radius else 0.0
    ready = ground.ready(perturbed_s) if radius else contextlib.nullcontext()
    with ready:
        running = Running(experiment, ground, dict(values or {}))
        return running.run(time.monotonic() + LONGEST_S + perturbed_s)


class Running:
    """One run of an experiment.

    Args:
        experiment: what is run.
        ground: where.
        values: what its parameters are instead of what its file says.
    """

    def __init__(
        self, experiment: Experiment, ground: Ground, values: Mapping[str, object]
    ) -> None:
        self._experiment, self._ground, self._values = experiment, ground, values
        self._id = secrets.token_hex(6)
        target = narrowed(ground.settings.target, experiment)
        self._faults = Faults(ground, target=target, experiment=self._id)
        self._sight = Sight(ground.settings, ground.hands)
        self._seen = Seen()
        self._began_at = time.time()
        self._first_act_s = math.nan
        self._halted_s = math.inf
        self._rolled_back = False
        self._journal = ""
        # Written by the thread that watches, too.
        self._tripped = self._stopped = ""

    def run(self, deadline_s: float) -> ExperimentResult:
        """Run it until that time of the monotonic clock at the latest."""
        try:
            if self._can_be_watched():
                self._run(deadline_s)
        finally:
            result = self._result()
            keep_journal(self._ground.settings.root, self._experiment.name, self._journal)
            self._ground.write(result.row(self._id, self._ground.test))
            self._ground.tell("")
        return result

    def _can_be_watched(self) -> bool:
        """Whether all that would end it early can be asked; otherwise it is not begun."""
        try:
            require_named(self._experiment.terms.abort_on, self._sight)
        except (Inconclusive, FlyError, JourneyFileError) as error:
            self._seen = replace(self._seen, broke=str(error))
        return not self._seen.broke

    def _run(self, deadline_s: float) -> None:
        with (
            AbortWatch(self._trip) as watch,
            Child(self._ground.settings.root) as child,
            self._guarded(child),
            self._undone(child),
        ):
            self._child, self._watch = child, watch
            for condition in self._conditions():
                watch.add(condition)
            self._play(deadline_s)

    def _play(self, deadline_s: float) -> None:
        self._child.say(self._order())
        self._hear_until(deadline_s, Played)
        self._undo()
        has_begun = self._seen.begun or not self._experiment.document.get("method")
        if not has_begun or self._seen.broke or not self._seen.is_clean:
            return
        if self._is_halted or self._child.is_gone:
            return
        within_s = self._experiment.terms.recovers_within_s
        self._child.say(Recover(within_s=within_s))
        self._hear_until(deadline_s + within_s, Over)

    def _hear_until(self, deadline_s: float, last: type[FromChild]) -> None:
        """Hear the child until it says that word, or will not any more."""
        while not self._child.is_gone:
            for word in self._child.words(_LOOK_S):
                self._take(word)
                if isinstance(word, last):
                    return
            now = time.monotonic()
            if now > self._halted_s + HALT_S:
                return
            if now > deadline_s and not self._is_halted:
                self._stopped = "it did not end in time"
                self._halt(self._stopped)
        if not self._is_halted:
            self._seen = replace(self._seen, broke=self._seen.broke or self._child.how_it_ended())

    def _take(self, word: FromChild) -> None:
        seen = self._seen
        match word:
            case Ask():
                self._child.say(self._done(word))
            case AskUndo():
                self._undo()
                text = "; ".join(self._seen.left) or "all is undone"
                self._child.say(Answer(of=word.number, text=text, is_done=self._seen.is_clean))
            case StateSeen():
                self._tell(f"steady state {word.steady}")
                self._seen = replace(seen, states=(*seen.states, word))
            case Begun():
                self._tell(f"{word.phase}: {word.name}")
                self._seen = replace(seen, begun=seen.begun + (word.phase == "method"))
            case Acted():
                self._seen = replace(seen, activities=(*seen.activities, word))
            case Broke():
                self._seen = replace(seen, broke=seen.broke or word.why)
            case Played():
                self._rolled_back, self._journal = True, word.journal
            case Over():
                pass

    def _tell(self, text: str) -> None:
        self._ground.tell(f"{self._experiment.name}: {text}")

    def _done(self, asked: Ask) -> Answer:
        if self._is_halted or self._watch.why:
            return Answer(of=asked.number, text="the experiment is ended", is_done=False)
        try:
            fault = self._faults.begin(self._bounded(asked.action))
        except _REFUSALS as error:
            return Answer(of=asked.number, text=str(error), is_done=False)
        self._seen = replace(self._seen, injected=self._seen.injected + 1)
        if self._watch.why:
            # It came to an end while this was being done.
            self._faults.end(fault)
            return Answer(of=asked.number, text="the experiment is ended", is_done=False)
        return Answer(of=asked.number, text=fault.row.described, is_done=True)

    def _bounded(self, action: Action) -> Action:
        """Have an action end with the blast radius; the first one begins its time."""
        radius = self._experiment.terms.radius
        if radius is None:
            raise NotInjected(f"{self._experiment.name} states no blast radius")
        now = time.monotonic()
        if math.isnan(self._first_act_s):
            self._first_act_s = now
            self._watch.add(overdue(radius.seconds))
        left_s = self._first_act_s + radius.seconds - now
        if left_s <= 0:
            raise NotInjected(f"the {radius.seconds:g} s of its blast radius are over")
        return msgspec.structs.replace(action, lasts_s=min(action.lasts_s, left_s))

    def _conditions(self) -> Iterator[Condition]:
        def stopped() -> str:
            why = self._ground.stopped()
            self._stopped = why or self._stopped
            return why

        yield Condition("the stop button", stopped)
        yield from conditions_of(self._experiment.terms.abort_on, self._sight)

    def _trip(self, why: str) -> None:
        """End it from the thread that watches: undo at once, whatever is being played."""
        if self._watch.is_in_doubt:
            self._stopped = why
        elif not self._stopped:
            self._tripped = why
        try:
            self._faults.end_all()
        finally:
            self._halt(why)

    @property
    def _is_halted(self) -> bool:
        return self._halted_s < math.inf

    def _halt(self, why: str) -> None:
        self._halted_s = time.monotonic()
        self._child.say(Halt(why=why))

    @contextlib.contextmanager
    def _guarded(self, child: Child) -> Iterator[None]:
        """Have the child end, should this process be killed."""
        try:
            guardian = standing_guardian(
                self._ground.journal.folder,
                run=self._ground.run,
                undo_timeout_s=self._ground.settings.target.chaos.undo_timeout_s,
            )
            group = guardian.watch(child.pid, child.began_at)
        except NoGuardianError as error:
            raise Inconclusive(f"{error}\nnothing was done", cause="own guardian") from None
        try:
            yield
        finally:
            guardian.forget(group)

    @contextlib.contextmanager
    def _undone(self, child: Child) -> Iterator[None]:
        """Have all undone, however the block ends; the rollbacks of the file get their time."""
        try:
            yield
        except BaseException:
            self._stopped = self._stopped or "the run was ended"
            self._halted_s = time.monotonic()
            child.say(Halt(why=self._stopped))
            self._undo()
            if self._experiment.rolls_back:
                self._hear_until(math.inf, Played)
            raise
        finally:
            self._undo()

    def _undo(self) -> None:
        was_open = bool(self._faults.open)
        self._faults.end_all()
        unclean = self._faults.unclean
        is_first = math.isnan(self._seen.undone_at)
        at = time.time() if was_open or is_first else self._seen.undone_at
        self._seen = replace(
            self._seen,
            left=tuple(line for undone in unclean for line in undone.left),
            by_hand=tuple(line for undone in unclean for line in undone.by_hand),
            undone_at=at,
        )

    def _result(self) -> ExperimentResult:
        seen = replace(
            self._seen,
            tripped=self._tripped,
            stopped=self._stopped,
            left=(*self._seen.left, *self._not_rolled_back()),
            by_hand=(*self._seen.by_hand, *self._rollbacks_by_hand()),
        )
        found = conclude(seen, self._experiment.terms, acts=self._experiment.acts)
        return ExperimentResult(
            name=self._experiment.name,
            title=self._experiment.title,
            began_at=self._began_at,
            ended_at=time.time(),
            outcome=found.outcome,
            why=found.why,
            decides=found.decides,
            recovery_s=recovery_s(seen),
            seen=seen,
        )

    def _not_rolled_back(self) -> tuple[str, ...]:
        """Name what only the file's rollbacks undo, and did not."""
        foreign = [
            one
            for one in self._seen.activities
            if (one.phase, one.kind, one.is_ours) == ("method", "action", False)
        ]
        if foreign and not self._rolled_back:
            return ("what its rollbacks undo: they were cut off",)
        return failed_rollbacks(self._seen.activities)

    def _rollbacks_by_hand(self) -> tuple[str, ...]:
        told = f"do what the rollbacks of {self._experiment.path.name} say"
        return (told,) if self._not_rolled_back() else ()

    def _order(self) -> Play:
        settings = self._ground.settings
        return Play(
            document=json.dumps(self._experiment.document),
            values=json.dumps(dict(self._values)),
            continuously=self._experiment.continuously,
            root=str(settings.root),
            config=str(settings.source or ""),
            target=settings.target.name,
            allow=tuple(sorted(settings.target.allow)),
            platform=self._ground.hands.handle,
        )


def narrowed(target: Target, experiment: Experiment) -> Target:
    """Give a target that allows no more than the experiment states."""
    stated, limits = experiment.terms.radius, target.chaos
    if stated is None:
        return target
    return replace(
        target,
        chaos=replace(
            limits,
            machines=min(limits.machines, stated.machines or limits.machines),
            share=min(limits.share, stated.share or limits.share),
            regions=min(limits.regions, stated.regions or limits.regions),
            lasts_s=min(limits.lasts_s, stated.seconds),
        ),
    )
