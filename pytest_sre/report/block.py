"""The block at the end of a run: release, Machines, verdict, causes, sample sizes, evidence."""

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_sre.judge.causes import Cause
from pytest_sre.judge.conclusion import Conclusion
from pytest_sre.report.tables import clean
from pytest_sre.verdict import Verdict

_WIDTH = 200
_SHOWN_CAUSES = 12


@dataclass(frozen=True)
class Seen:
    """How much the verdict rests on.

    Attributes:
        releases: what was verified, a line an app: name, version, image, Machines and regions.
        requests: exchanges made, by tests and bake.
        failed: those of them that the app did not answer well.
        p95_s: of all answers, in seconds.
        bake_s: how long the bake observed.
        log_lines: lines read since the deploy.
        flakes: checks that failed first and passed when asked again, in words.
        evidence: the recording's path.
        risks: what tests told of as a risk, in words.
        objectives: what was concluded of objectives, in words.
        lifted: freezes of releases that were overridden, and why.
        chaos: what was done to the target on purpose, in words.
    """

    releases: tuple[str, ...]
    requests: int
    failed: int
    p95_s: float
    bake_s: float
    log_lines: int
    flakes: tuple[str, ...]
    evidence: str
    risks: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    lifted: tuple[str, ...] = ()
    chaos: tuple[str, ...] = ()


def verdict_block(conclusion: Conclusion, seen: Seen) -> list[str]:
    """Write the block, a list of lines; the first names the verdict."""
    return list(_lines(conclusion, seen))


def _lines(conclusion: Conclusion, seen: Seen) -> Iterator[str]:
    first, *others = (clean(release, _WIDTH) for release in seen.releases or ("no app",))
    yield f"{conclusion.verdict.value}  {first}"
    yield from (f"           {other}" for other in others)
    for cause in conclusion.causes[:_SHOWN_CAUSES]:
        yield from _cause_lines(cause)
    if len(conclusion.causes) > _SHOWN_CAUSES:
        yield f"  and      {len(conclusion.causes) - _SHOWN_CAUSES} more causes"
    yield from (f"  unsure   {clean(gap, _WIDTH)}" for gap in conclusion.gaps)
    yield f"  tested   {_tested(conclusion)}"
    yield f"  seen     {_seen(seen)}"
    yield from (f"  slo      {clean(each, _WIDTH)}" for each in seen.objectives)
    yield from (f"  chaos    {clean(each, _WIDTH)}" for each in seen.chaos)
    yield from (f"  override {clean(each, _WIDTH)}" for each in seen.lifted)
    yield from (f"  flaky    {clean(flake, _WIDTH)}" for flake in seen.flakes)
    yield from (f"  risk     {clean(risk, _WIDTH)}" for risk in seen.risks)
    yield f"  evidence {seen.evidence}"


def _cause_lines(cause: Cause) -> Iterator[str]:
    word = "because" if cause.verdict is Verdict.UNHEALTHY else "unsure "
    tests = f"{len(cause.failures)} test{'s' if len(cause.failures) > 1 else ''}"
    severity = f", {cause.severity}" if cause.severity else ""
    yield f"  {word}  {clean(cause.title, _WIDTH)}  [{tests}{severity}]"


def _tested(conclusion: Conclusion) -> str:
    tallies = conclusion.suites.items()
    asked = [
        f"{name} {tally.healthy}/{tally.judged}" for name, tally in sorted(tallies) if tally.judged
    ]
    skipped = sum(tally.skipped + tally.not_asked for tally in conclusion.suites.values())
    cut = sum(tally.interrupted for tally in conclusion.suites.values())
    left_out = [
        *([f"{skipped} not asked of this target"] if skipped else []),
        *([f"{cut} interrupted"] if cut else []),
    ]
    return (", ".join(asked) or "nothing") + (f" ({', '.join(left_out)})" if left_out else "")


def _seen(seen: Seen) -> str:
    share = f", {seen.failed} failed ({seen.failed / seen.requests:.1%})" if seen.requests else ""
    times = f", p95 {seen.p95_s * 1000:.0f} ms" if seen.requests else ""
    baked = f"; bake of {seen.bake_s:.1f} s" if seen.bake_s else "; no bake"
    return f"{seen.requests} requests{share}{times}; {seen.log_lines} log lines{baked}"
