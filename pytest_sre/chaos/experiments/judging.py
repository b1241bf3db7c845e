"""The verdict on an experiment, from all that was seen of it. Pure.

chaoslib's own ``completed`` hides a gate that never passed, an action that raised, and a rollback
that was answered 500; none of that is asked here.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from pytest_sre.chaos.experiments.experiment import Terms
from pytest_sre.chaos.experiments.result import Outcome, Seen
from pytest_sre.chaos.experiments.words import Acted, Phase, StateSeen, Steady


class Conclusion(NamedTuple):
    """A verdict.

    Attributes:
        outcome: the verdict.
        why: in a sentence.
        decides: whether it is one on the app.
    """

    outcome: Outcome
    why: str
    decides: bool = True


def conclude(seen: Seen, terms: Terms, *, acts: bool) -> Conclusion:
    """Say what an experiment showed.

    Args:
        seen: what was seen of it.
        terms: what its file states.
        acts: whether its method has any action.
    """
    return (
        _not_steady_before(seen)
        or _ended_early(seen)
        or _not_injected(seen, acts=acts)
        or _deviated(seen, terms)
        or _not_seen(seen, terms)
        or Conclusion(Outcome.HELD, _held(seen, terms))
    )


def recovery_s(seen: Seen) -> float:
    """How long after the undo the steady state held again, seconds; not a number if it did not."""
    again = [state.at for state in _of(seen, "recovery") if state.steady == "met"]
    return max(0.0, again[0] - seen.undone_at) if again else math.nan


def failed_rollbacks(activities: Iterable[Acted]) -> tuple[str, ...]:
    """Name the rollbacks that did not do what they are there for, so that nothing is proven."""
    return tuple(
        f"what the rollback {one.name} should have undone ({one.said})"
        for one in activities
        if one.phase == "rollbacks" and one.kind == "action" and one.status == "failed"
    )


def _of(seen: Seen, *phases: Phase) -> list[StateSeen]:
    return [state for state in seen.states if state.phase in phases]


def _first(states: Iterable[StateSeen], *wanted: Steady) -> StateSeen | None:
    return next((state for state in states if state.steady in wanted), None)


def _because(state: StateSeen) -> str:
    probe = next(one for one in state.probes if one.steady != "met")
    return f"{probe.name} gave {probe.said}" if probe.steady == "off" else probe.said


def _not_steady_before(seen: Seen) -> Conclusion | None:
    bad = _first(_of(seen, "before"), "off", "unknown")
    if bad is None:
        return None
    why = _because(bad) if bad.probes else "no probe was asked"
    text = f"the steady state was not met before anything was done: {why}"
    return Conclusion(Outcome.NOT_INJECTED, text, decides=False)


def _ended_early(seen: Seen) -> Conclusion | None:
    if seen.tripped:
        return Conclusion(Outcome.ABORTED, seen.tripped)
    why = seen.stopped or seen.broke
    if not why:
        return None
    # What was never begun did nothing.
    outcome = Outcome.ABORTED if seen.begun or seen.injected else Outcome.NOT_INJECTED
    return Conclusion(outcome, why, decides=False)


def _not_injected(seen: Seen, *, acts: bool) -> Conclusion | None:
    actions = [one for one in seen.activities if (one.phase, one.kind) == ("method", "action")]
    for one in actions:
        if one.status == "failed":
            text = f"{one.name} was not done: {one.said}"
            return Conclusion(Outcome.NOT_INJECTED, text, decides=False)
    if acts and not actions:
        return Conclusion(Outcome.NOT_INJECTED, "no action was begun", decides=False)
    if not _of(seen, "before"):
        text = "the steady state was not looked at before the method"
        return Conclusion(Outcome.NOT_INJECTED, text, decides=False)
    return None


def _deviated(seen: Seen, terms: Terms) -> Conclusion | None:
    off = _first(_of(seen, "method", "after"), "off")
    if off and not terms.may_deviate:
        when = "while it was perturbed" if off.phase == "method" else "after the method"
        return Conclusion(Outcome.DEVIATED, f"the steady state was lost {when}: {_because(off)}")
    again = _of(seen, "recovery")
    if again and again[-1].steady == "off":
        text = (
            f"the steady state did not come back within {terms.recovers_within_s:g} s of the undo"
        )
        return Conclusion(Outcome.DEVIATED, f"{text}: {_because(again[-1])}")
    return None


def _not_seen(seen: Seen, terms: Terms) -> Conclusion | None:
    """What could not be seen does not pass."""
    for one in seen.activities:
        if (one.phase, one.kind, one.status) == ("method", "probe", "failed"):
            text = f"{one.name} could not see: {one.said}"
            return Conclusion(Outcome.ABORTED, text, decides=False)
    watched = _of(seen, "method", "after") if not terms.may_deviate else []
    unknown = _first(watched, "unknown")
    after, again = _of(seen, "after"), _of(seen, "recovery")
    if unknown is None and again and again[-1].steady == "unknown":
        unknown = again[-1]
    if unknown is not None:
        why = _because(unknown) if unknown.probes else "no probe was asked"
        text = f"the steady state could not be seen: {why}"
        return Conclusion(Outcome.ABORTED, text, decides=False)
    for states, when in ((after, "after the method"), (again, "after the undo")):
        if not states:
            text = f"the steady state was not looked at {when}"
            return Conclusion(Outcome.ABORTED, text, decides=False)
    return None


def _held(seen: Seen, terms: Terms) -> str:
    lost = _first(_of(seen, "method", "after"), "off", "unknown")
    if terms.may_deviate and lost is not None:
        return "the steady state was lost meanwhile, as it may be, and came back"
    return "the steady state held throughout"
