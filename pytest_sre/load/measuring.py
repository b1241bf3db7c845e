"""Counts the events of an objective among what a load saw. Pure."""

from collections.abc import Iterable, Sequence

from pytest_sre.load.frames import Tally
from pytest_sre.load.latencies import histogram
from pytest_sre.load.naming import request_name
from pytest_sre.slo.counts import Counts, added
from pytest_sre.slo.measuring.values import Measured, judged_slices
from pytest_sre.slo.proportion import judge_ratio
from pytest_sre.targets.objectives import Objective, Observed
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict


def measure_tallies(
    objective: Objective, tallies: Sequence[Tally], started_at: float, doubts: Sequence[str]
) -> Measured:
    """Count the events of an objective.

    For latency, the time counts from when a request was due; one that failed is not good however
    fast. A stated source of another kind (a query, logs) is not what a load sees: then its own
    requests are judged.

    Args:
        objective: it.
        tallies: the seconds that are judged.
        started_at: when the load began, Unix seconds.
        doubts: why the load cannot show that an objective is met.

    Raises:
        Inconclusive: requests and journeys do not tell what the objective is about.
    """
    require_told(objective)
    meant = [one for one in tallies if _is_meant(objective, one)]
    surely = [(one.second, _counts(objective, one, close=False)) for one in meant]
    possibly = [(one.second, _counts(objective, one, close=True)) for one in meant]
    counts = _counted(objective, surely, started_at)
    seconds = [one.second for one in meant] or [0]
    too_close = _doubts_of_close(objective, counts, _counted(objective, possibly, started_at))
    return Measured(
        counts=counts,
        from_at=started_at + min(seconds),
        until_at=started_at + max(seconds) + 1,
        told_by=f"{'journeys walked' if objective.kind == 'correctness' else 'requests'} of a load",
        own_faults=sum(one.own_faults for one in meant),
        doubts=(*doubts, *too_close),
    )


def count_events(objective: Objective, tallies: Iterable[Tally]) -> Counts:
    """Count the events of an objective of events; those surely bad as bad."""
    meant = (one for one in tallies if _is_meant(objective, one))
    return added(_counts(objective, one, close=False) for one in meant)


def require_told(objective: Objective) -> None:
    """Pass when a load tells of what the objective is about.

    Raises:
        Inconclusive: it does not.
    """
    if objective.kind not in ("availability", "latency", "correctness"):
        raise Inconclusive(
            f"{objective.name}: a load does not tell about {objective.kind}",
            cause=f"objective {objective.name}",
        )


def _is_meant(objective: Objective, tally: Tally) -> bool:
    source = objective.source if isinstance(objective.source, Observed) else Observed()
    if source.journey not in (None, tally.journey):
        return False
    if objective.kind == "correctness":
        return not tally.request
    path = tally.request.partition(" ")[2]
    is_named = source.path is None or path in (source.path, _named(source.path))
    return bool(tally.request) and is_named


def _named(path: str) -> str:
    return request_name("", path).strip()


def _counts(objective: Objective, tally: Tally, *, close: bool) -> Counts:
    """Count one second; with ``close`` also what is too close to the threshold to tell as bad."""
    total, bad = tally.done - tally.own_faults, tally.failed
    if objective.kind == "latency" and objective.threshold_s is not None:
        bad += histogram((tally.intended,)).above(objective.threshold_s)[close]
    return Counts(bad, total)


def _counted(
    objective: Objective, seconds: Iterable[tuple[int, Counts]], started_at: float
) -> Counts:
    slices = objective.slices
    if slices is None:
        return added(counts for _, counts in seconds)
    by_slice: dict[int, Counts] = {}
    for second, counts in seconds:
        number = int((started_at + second) // slices.slice_s)
        by_slice[number] = by_slice.get(number, Counts()) + counts
    ratios = [each.bad_ratio for each in by_slice.values() if each.bad_ratio is not None]
    return judged_slices(ratios, slices.good_ratio)


def _doubts_of_close(objective: Objective, surely: Counts, possibly: Counts) -> tuple[str, ...]:
    close = possibly.bad - surely.bad
    if not close:
        return ()
    worst = judge_ratio(possibly.bad, possibly.total, objective.allowed_ratio)
    if worst.verdict is ObjectiveVerdict.MET:
        return ()
    return (f"{close} of {surely.total} were too close to the threshold to tell",)
