"""Arranges what a report shows as sections of text, tables and plots. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_sre.recording.rows import Reason, TestRun
from pytest_sre.report.html.blocks import Block, Section
from pytest_sre.report.html.buckets import told_latency
from pytest_sre.report.html.figures import (
    Figure,
    Rows,
    Table,
    at_text,
    curve_figure,
    error_figure,
    heat_figure,
    safe_line,
    share_text,
    slice_labels,
)
from pytest_sre.report.html.load_sections import load_blocks
from pytest_sre.report.html.plots import (
    BLUE,
    GREY,
    RED,
    About,
    Series,
    over_time,
)
from pytest_sre.report.html.values import Machine, Objective, OverTime, Report, Requests, Suite
from pytest_sre.slo.describing import told_time
from pytest_sre.verdict import Verdict

_NAME: Final = 200
_TEXT: Final = 400
_LINES: Final = 12
_TESTS: Final = 15
_MARKED: Final = ("HEALTHY", "UNHEALTHY", "INCONCLUSIVE", "MET", "BREACHED", "SKIPPED")


def sections(report: Report) -> tuple[Section, ...]:
    """Arrange a report; what there is nothing to say of is left out."""
    all_of_them = (
        Section("why", "Why", tuple(_reasons(report))),
        Section("objectives", "Objectives", tuple(_objectives(report))),
        Section("tests", "Tests", tuple(_suites(report))),
        Section("loads", "Loads", tuple(load_blocks(report))),
        Section("traffic", "Requests", tuple(_traffic(report))),
        Section("machines", "Machines", tuple(_machines(report))),
        Section("more", "What else was seen", tuple(_more(report))),
    )
    return tuple(section for section in all_of_them if section.blocks)


def _reasons(report: Report) -> Iterator[Block]:
    if not report.verdict:
        yield Block("The run was cut off before it came to a verdict", "INCONCLUSIVE")
    for reason in report.reasons.shown:
        yield _reason(reason)
    if report.reasons.left:
        yield Block(f"and {report.reasons.left:,} more reasons")


def _reason(reason: Reason) -> Block:
    tests = reason.tests.splitlines()
    shown = tuple((safe_line(test, _NAME),) for test in tests[:_TESTS])
    table = Table("Tests that failed by it", ("test",), shown, len(tests) - len(shown))
    machines = reason.machines.split()
    where = f"Machines: {_listed(machines)}" if machines else ""
    about = ", ".join(filter(None, [reason.severity, reason.app]))
    return Block(
        title=safe_line(reason.title, _TEXT),
        mark=reason.verdict,
        says=tuple(filter(None, [about, where])),
        quoted=_quoted(reason.evidence),
        tables=(table,) if tests else (),
    )


def _quoted(text: str) -> str:
    lines = text.splitlines()
    more = [f"… {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    return "\n".join([*(safe_line(line, _TEXT) for line in lines[:_LINES]), *more])


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = [f"{len(names) - most:,} more"] if len(names) > most else []
    return ", ".join([*(safe_line(name, 60) for name in names[:most]), *more])


def _objectives(report: Report) -> Iterator[Block]:
    shown = report.objectives.shown
    if shown:
        titles = (
            "objective",
            "verdict",
            "bad",
            "events",
            "bad share",
            "true share",
            "allowed",
            "budget left",
            "window",
            "told by",
        )
        rows = tuple(map(_objective, shown))
        table = Table("What was measured of each", titles, rows, report.objectives.left)
        said = tuple(
            f"{safe_line(each.name, _NAME)}: {safe_line(each.said, _TEXT)}"
            for each in shown
            if each.said and each.verdict not in ("MET", "HEALTHY")
        )
        yield Block("Objectives that were tested", says=said[:_TESTS], tables=(table,))


def _objective(objective: Objective) -> tuple[str, ...]:
    seen, name = objective.seen, safe_line(objective.name, _NAME)
    if seen is None:
        return (name, objective.verdict, *("–",) * 8)
    bounds = f"{share_text(seen.lower_ratio)} to {share_text(seen.upper_ratio)}"
    return (
        name,
        objective.verdict,
        f"{seen.bad:,}",
        f"{seen.total:,}",
        share_text(seen.bad / seen.total if seen.total else math.nan),
        bounds if math.isfinite(seen.lower_ratio) else "–",
        share_text(seen.allowed_ratio),
        f"{100 * seen.remaining_ratio:.1f} %" if math.isfinite(seen.remaining_ratio) else "–",
        told_time(seen.window_s),
        safe_line(seen.told_by, _NAME),
    )


def _suites(report: Report) -> Iterator[Block]:
    yield from map(_suite, report.suites.shown)
    if report.suites.left:
        yield Block(f"and {report.suites.left:,} more suites")


def _suite(suite: Suite) -> Block:
    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in _ordered(suite.verdicts))
    rows = tuple(map(_test, suite.tests.shown))
    titles = ("test", "verdict", "severity", "time", "what it said")
    return Block(
        title=safe_line(suite.name or "of no suite", _NAME),
        says=(counts,),
        tables=(Table(f"Tests of {safe_line(suite.name, _NAME)}", titles, rows, suite.tests.left),),
        is_open=any(suite.verdicts.get(verdict) for verdict in ("UNHEALTHY", "INCONCLUSIVE")),
    )


def _ordered(verdicts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(verdicts.items(), key=lambda found: (_place(found[0]), found[0]))


def _place(verdict: str) -> int:
    return _MARKED.index(verdict) if verdict in _MARKED else len(_MARKED)


def _test(test: TestRun) -> tuple[str, ...]:
    said = "" if test.verdict == Verdict.HEALTHY.value else safe_line(test.message, _TEXT)
    duration = told_latency(test.duration_s)
    return safe_line(test.test, _NAME), test.verdict, test.severity, duration, said


def _traffic(report: Report) -> Iterator[Block]:
    if report.requests:
        rows = tuple(map(_requests, report.requests))
        titles = ("by", "requests", "failed", "failed share", "on our side", "p50", "p95", "p99")
        yield Block("All requests", tables=(Table("Requests by who made them", titles, rows),))
    if report.over_time:
        yield _bake(report, report.over_time)
    if report.errors.shown:
        yield _errors(report)


def _requests(requests: Requests) -> tuple[str, ...]:
    judged = requests.total - requests.own_faults
    return (
        requests.source,
        f"{requests.total:,}",
        f"{requests.failed:,}",
        share_text(requests.failed / judged if judged else math.nan),
        f"{requests.own_faults:,}",
        *(told_latency(requests.percentile_s(each)) for each in (50.0, 95.0, 99.0)),
    )


def _bake(report: Report, seen: OverTime) -> Block:
    labels = slice_labels(seen.slices)
    each = told_latency(seen.slices.slice_s)
    made = sum(map(sum, (seen.well, seen.failed, seen.own_faults)))
    counts = Figure(
        over_time(
            About(
                "bake-requests",
                "Requests of the bake over time",
                f"{made:,} requests in slices of {each}: {sum(seen.well):,} answered well, "
                f"{sum(seen.failed):,} failed, {sum(seen.own_faults):,} lost on our side.",
            ),
            (
                Series("answered well", seen.well, BLUE),
                Series("failed", seen.failed, RED),
                Series("lost on our side", seen.own_faults, GREY),
            ),
            labels,
        ),
        Table(
            f"Requests of the bake in slices of {each}",
            ("from (UTC)", "answered well", "failed", "lost on our side"),
            tuple(
                (label, *(f"{count:,}" for count in counts))
                for label, *counts in zip(
                    labels, seen.well, seen.failed, seen.own_faults, strict=True
                )
            ),
        ),
    )
    latencies = heat_figure("bake", "Latencies of the bake over time", seen.bands, labels)
    of_bake = next((one for one in report.requests if one.source == "bake"), None)
    points = of_bake.percentiles_s if of_bake else ()
    curves = (curve_figure("bake", "Latencies of the bake by percentile", points),)
    window = f"{at_text(report.bake[0])} to {at_text(report.bake[1])} UTC" if report.bake else ""
    return Block(
        "The bake",
        says=tuple(filter(None, [window])),
        figures=(counts, latencies, *(curves if points else ())),
    )


def _errors(report: Report) -> Block:
    shown = report.errors.shown
    rows = tuple(
        (
            kind.source,
            safe_line(kind.kind, _NAME),
            "ours" if kind.is_ours else "the app's",
            f"{kind.count:,}",
            at_text(kind.first_at),
            safe_line(kind.sample, _TEXT),
        )
        for kind in shown
    )
    titles = ("by", "kind", "whose fault", "count", "first (UTC)", "the first")
    by_kind: dict[str, int] = {}
    for kind in shown:
        by_kind[kind.kind] = by_kind.get(kind.kind, 0) + kind.count
    ordered = sorted(by_kind.items(), key=lambda found: -found[1])
    return Block(
        "Requests that went wrong",
        figures=(error_figure("requests", "Requests that went wrong, by kind", ordered),),
        tables=(Table("Each kind, and the first of it", titles, rows, report.errors.left),),
    )


def _machines(report: Report) -> Iterator[Block]:
    shown = report.machines.shown
    if shown:
        titles = (
            "Machine",
            "app",
            "group",
            "region",
            "state",
            "checks",
            "release",
            "requests",
            "failed",
        )
        rows = tuple(map(_machine, shown))
        table = Table("Machines as they were seen last", titles, rows, report.machines.left)
        yield Block("Machines", tables=(table,))


def _machine(machine: Machine) -> tuple[str, ...]:
    seen = machine.seen
    failing = [check.check for check in machine.checks if check.status != "passing"]
    passing = f"{len(machine.checks)} passing" if machine.checks else "none"
    state = ", ".join(
        [
            seen.state,
            *["cordoned"] * seen.cordoned,
            *[f"host {seen.host_status}"] * (seen.host_status != "ok"),
        ]
    )
    release = f"v{seen.release_version}" if seen.release_version else "–"
    cells = (
        seen.machine,
        seen.app,
        seen.group,
        seen.region,
        state,
        f"{_listed(failing, 4)} failing" if failing else passing,
        release,
        f"{machine.requests:,}",
        f"{machine.failed:,}",
    )
    return tuple(safe_line(cell, 100) for cell in cells)


def _more(report: Report) -> Iterator[Block]:
    if report.remarks:
        yield Block("To be known", says=tuple(safe_line(each, _TEXT) for each in report.remarks))
    if report.journeys.shown:
        walked = tuple(
            (
                safe_line(one.journey, _NAME),
                f"{one.runs:,}",
                f"{one.failed:,}",
                f"{one.own_faults:,}",
            )
            for one in report.journeys.shown
        )
        titles = ("journey", "walked", "failed", "failed on our side")
        yield _tabled("Journeys", titles, walked, report.journeys.left)
    if report.risks.shown:
        risks = tuple(
            (safe_line(risk.title, _TEXT), risk.severity, safe_line(risk.evidence, _TEXT))
            for risk in report.risks.shown
        )
        yield _tabled("Risks", ("risk", "severity", "evidence"), risks, report.risks.left)
    for title, found in (
        ("Passed when asked again", report.flakes),
        ("Faults on our side", report.own_faults),
        ("Log lines by app and level", report.log),
    ):
        rows = tuple(
            (
                safe_line(one.what, _TEXT),
                f"{one.count:,}",
                at_text(one.first_at),
                safe_line(one.sample, _TEXT),
            )
            for one in found.shown
        )
        if rows:
            yield _tabled(title, ("what", "count", "first (UTC)", "at first"), rows, found.left)


def _tabled(title: str, titles: tuple[str, ...], rows: Rows, left: int) -> Block:
    return Block(title, tables=(Table(title, titles, rows, left),))
