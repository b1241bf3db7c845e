"""What has to hold before anything is perturbed, and that it goes on holding.

On doubt nothing is perturbed: whatever cannot be found out counts against it. What costs nothing
is looked at first, so that most refusals send no request.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from pytest_sre.chaos.aborting import AbortWatch, Ask, Condition
from pytest_sre.chaos.permission import require_allowed_at_all
from pytest_sre.chaos.radius import require_time
from pytest_sre.chaos.undoing.intents import KIND
from pytest_sre.fly.errors import FlyError
from pytest_sre.targets import Target
from pytest_sre.turns.taking import Turn
from pytest_sre.undo.files import Journal
from pytest_sre.undo.journal import Intent
from pytest_sre.verdict import Inconclusive, NotAsked

LABEL_EVERY_S: Final = 0.2
"""How long to wait between two questions for a stop label, seconds."""

_MOST_LINES: Final = 3


def nothing_against_it() -> str:
    """Say that nothing speaks against it."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is looked at before anything is perturbed.

    Attributes:
        target: where that is to be.
        run: which run it is.
        journal: where each change is written down before it is made.
        button: says why all chaos has to end, such as a stop file; answers at once.
        label: the same, of one who may take seconds to answer, such as an issue tracker.
        turn: takes the turn for at most so many seconds.
        deploying: says which deploy is under way; empty when none is.
        budgets: how much of each error budget is left, 1 for all of it, by objective.
        steady: raises unless all is well with the target.
    """

    target: Target
    run: str
    journal: Journal
    button: Ask
    turn: Callable[[float], AbstractContextManager[Turn]]
    deploying: Ask
    budgets: Callable[[], Mapping[str, float]]
    steady: Callable[[], object] = nothing_against_it
    label: Ask = nothing_against_it


class Readiness:
    """Gives the right to perturb a target, and tells when it is over.

    Args:
        terms: what is looked at.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._lock = threading.Lock()
        self._holders, self._held = 0, ExitStack()
        self._turn: Turn | None = None
        self._label: AbortWatch | None = None

    @contextlib.contextmanager
    def ready(self, lasts_s: float) -> Iterator[None]:
        """Have the right to perturb the target, in a block; blocks within it share its turn.

        Args:
            lasts_s: for how long at most, seconds.

        Raises:
            NotAsked: the target does not allow it.
            Inconclusive: it may not be now, or nobody knows whether it may; nothing was done.
        """
        require_allowed_at_all(self._terms.target)
        require_time(self._terms.target, lasts_s)
        with self._lock:
            self._require_unstopped()
            if not self._holders:
                self._held = self._take(lasts_s)
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    self._turn = self._label = None
                    self._held.close()

    def stopped(self) -> str:
        """Say why all that is perturbed has to be undone now; empty while it need not.

        Asks nobody who could take long, so it may be asked several times a second.
        """
        turn, label = self._turn, self._label
        return (
            self._terms.button()
            or (_told_lost(self._terms.target, turn.lost()) if turn else "")
            or (label.why if label else "")
        )

    def _require_unstopped(self) -> None:
        with _on_doubt("whether chaos is stopped"):
            why = self.stopped()
        if why:
            raise Inconclusive(why, cause="chaos is stopped")

    def _take(self, lasts_s: float) -> ExitStack:
        """Look at all that has to hold, with the turn taken, so that nothing can come between."""
        terms = self._terms
        _require_undoable(terms)
        with ExitStack() as held:
            with _on_doubt("whose turn it is"):
                turn = held.enter_context(terms.turn(lasts_s))
            _require_nothing_left(terms)
            _require_none_undoing(terms)
            _require_no_label(terms)
            _require_no_deploy(terms)
            _require_budgets(terms)
            _require_steady(terms)
            label = held.enter_context(AbortWatch(lambda _why: None))
            label.add(Condition("the stop label", terms.label, every_s=LABEL_EVERY_S))
            self._turn, self._label = turn, label
            return held.pop_all()


def _require_undoable(terms: Terms) -> None:
    """What cannot be written down could not be undone."""
    _require_nothing_left(terms)
    try:
        terms.journal.prove_writable()
    except OSError as error:
        raise Inconclusive(
            f"expected to write to {terms.journal.folder}, found: {error.strerror}\n"
            "what is changed is written down there before; make it writable",
            cause="own disk",
        ) from None


def _require_nothing_left(terms: Terms) -> None:
    left = _found(terms.journal.left, terms)
    if left:
        kinds = ", ".join(sorted({each.kind for each in left}))
        raise Inconclusive(
            f"expected nothing that earlier runs left on {terms.target.name}, found {len(left)}: "
            f"{kinds}\nundo it first: pytest-sre recover",
            cause="left by earlier runs",
        )


def _require_none_undoing(terms: Terms) -> None:
    """While it is our turn, what others hold is of runs that were killed, and being undone."""
    held = [
        each
        for each in _found(terms.journal.all, terms)
        if each.kind == KIND and each.run != terms.run
    ]
    if held:
        raise Inconclusive(
            f"expected nothing of earlier runs on {terms.target.name}, found {len(held)} "
            "that are being undone now\nrun it again in a minute",
            cause="left by earlier runs",
        )


def _found(look: Callable[[], Sequence[Intent]], terms: Terms) -> list[Intent]:
    try:
        return [each for each in look() if _is_of(each, terms.target)]
    except OSError as error:
        raise Inconclusive(
            f"expected to read {terms.journal.folder}, found: {error.strerror}\n"
            "so nobody knows what earlier runs left there",
            cause="own disk",
        ) from None


def _is_of(intent: Intent, target: Target) -> bool:
    """Whether an intent is of a target; one that cannot be read may be."""
    return intent.target in {"", target.name}


def _require_no_label(terms: Terms) -> None:
    with _on_doubt("whether chaos is stopped"):
        why = terms.label()
    if why:
        raise Inconclusive(why, cause="chaos is stopped")


def _require_no_deploy(terms: Terms) -> None:
    with _on_doubt("whether a deploy is under way"):
        deploy = terms.deploying()
    if deploy:
        raise Inconclusive(
            f"expected no deploy of {terms.target.name} under way, found: {deploy}\n"
            "run it again when that has ended",
            cause="a deploy is under way",
        )


def _require_budgets(terms: Terms) -> None:
    least = terms.target.chaos.min_budget_ratio
    if not least:
        return
    section = f"[targets.{terms.target.name}.limits]"
    with _on_doubt(f"the error budgets, of which chaos-min-budget in {section} asks for some"):
        low = {name: left for name, left in terms.budgets().items() if not left >= least}
    if low:
        shown = ", ".join(f"{100 * left:.1f} % of {name}" for name, left in sorted(low.items()))
        raise Inconclusive(
            f"expected {100 * least:g} % of each error budget to be left on "
            f"{terms.target.name}, found {shown}\n"
            f"wait until it has recovered, or lower chaos-min-budget in {section}",
            cause="error budget",
        )


def _require_steady(terms: Terms) -> None:
    try:
        terms.steady()
    except (Inconclusive, NotAsked):
        raise
    except Exception as error:
        first = str(error).partition("\n")[0] or type(error).__name__
        raise Inconclusive(
            f"expected {terms.target.name} to be well before anything is perturbed, found:\n"
            f"{first}",
            cause="steady state not met before",
        ) from error


def _told_lost(target: Target, why: str) -> str:
    return f"the turn for chaos on {target.name} is lost: {why}" if why else ""


@contextlib.contextmanager
def _on_doubt(what: str) -> Iterator[None]:
    """Make whatever keeps something from being known a reason to perturb nothing."""
    try:
        yield
    except (Inconclusive, NotAsked):
        raise
    except Exception as error:
        cause = error.cause if isinstance(error, FlyError) else f"own look: {what}"
        lines = str(error).splitlines()[:_MOST_LINES] or [type(error).__name__]
        raise Inconclusive(
            "\n".join([f"expected to know {what}; nothing was perturbed", *lines]), cause=cause
        ) from error
