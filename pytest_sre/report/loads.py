"""A load as a table: what was asked for, what came, and how long it took."""

from collections.abc import Iterator

from pytest_sre.load.outages import outages_of
from pytest_sre.load.plan import Closed
from pytest_sre.load.result import LoadResult, Part
from pytest_sre.report.tables import clean, clock, table

_SHOWN = 20
_SHOWN_ERRORS = 3
_SHOWN_OUTAGES = 5
_PERCENTILES = (50, 95, 99)
_TITLES = ("what", "begun", "a second", "p50", "p95", "p99", "failed", "errors")


def load_table(result: LoadResult) -> str:
    """Show the judged part of a load, its journeys first, then its requests.

    Latencies count from when each was due, in milliseconds; those that failed are among them.
    """
    rows = list(_rows(result))
    shown = table(_TITLES, rows[:_SHOWN])
    left_out = [f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    doubts = [f"in doubt: {clean(doubt, 110)}" for doubt in result.doubts[:3]]
    told = [*left_out, *_answered(result), *_outages(result), *doubts]
    return "\n".join([_headline(result), shown, *told])


def _headline(result: LoadResult) -> str:
    plan, workload = result.plan, result.plan.workload
    what = ", ".join(plan.mix) or plan.locustfile
    if isinstance(workload, Closed):
        how = f"{workload.users} users"
    elif len(workload.stages) == 1:
        how = f"{workload.highest_rate:g} arrivals a second"
    else:
        how = f"up to {workload.highest_rate:g} arrivals a second"
    return f"load of {clean(what, 60)}: {how} for {plan.duration_s:g} s, {result.reason}"


def _rows(result: LoadResult) -> Iterator[tuple[str, ...]]:
    for journey in sorted({one.journey for one in result.tallies if not one.request}):
        yield _row(journey, result.runs(journey))
    for name in result.request_names:
        yield _row(name, result.requests(name))


def _row(name: str, part: Part) -> tuple[str, ...]:
    errors = sorted(part.errors.items(), key=lambda kind: -kind[1])[:_SHOWN_ERRORS]
    return (
        clean(name, 40),
        f"{part.started}",
        f"{part.rate_per_s:.1f}",
        *(_milliseconds(part, percent) for percent in _PERCENTILES),
        f"{part.failed}",
        ", ".join(f"{kind} {count}" for kind, count in errors),
    )


def _milliseconds(part: Part, percent: int) -> str:
    if not part.latencies.total:
        return "-"
    return f"{1000 * part.latencies.percentile_s(percent):.1f}"


def _outages(result: LoadResult) -> list[str]:
    found = sorted(outages_of(result), key=lambda outage: -outage.lasted_s)
    shown = (f"{clock(one.from_at)} for {one.lasted_s:.0f} s" for one in found[:_SHOWN_OUTAGES])
    more = f" and {len(found) - _SHOWN_OUTAGES} more" if len(found) > _SHOWN_OUTAGES else ""
    return [f"no good end from (UTC) {', '.join(shown)}{more}"] if found else []


def _answered(result: LoadResult) -> list[str]:
    if not result.answered:
        return []
    shown = ", ".join(f"{one.machine} ({one.region}) {one.count}" for one in result.answered[:6])
    return [f"answered by {clean(shown, 108)}"]
