"""The verdict on the release: from the tests' verdicts and the laws that no run may break."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_sre.judge.causes import Cause
from pytest_sre.verdict import Verdict, worst


@dataclass(frozen=True)
class Tally:
    """How the tests of one suite ended, by count.

    ``not_asked`` did not apply to the target; ``interrupted`` had begun when the run was stopped.
    """

    healthy: int = 0
    unhealthy: int = 0
    inconclusive: int = 0
    skipped: int = 0
    not_asked: int = 0
    interrupted: int = 0

    @property
    def judged(self) -> int:
        """The tests that came to a verdict of some kind."""
        return self.healthy + self.unhealthy + self.inconclusive


@dataclass(frozen=True)
class Conclusion:
    """What a run concludes of a release.

    ``gaps`` are the reasons, beside failed tests, for which it cannot be called healthy.
    """

    verdict: Verdict
    causes: tuple[Cause, ...]
    gaps: tuple[str, ...]
    suites: Mapping[str, Tally]


def conclude(
    suites: Mapping[str, Tally], causes: Sequence[Cause], *, gaps: Sequence[str] = ()
) -> Conclusion:
    """Merge everything a run found, by severity.

    Nothing tested is inconclusive, for the run and for each suite of it; so is every test that
    was interrupted, and every gap.

    Args:
        suites: how the tests ended, by suite.
        causes: the probable causes of the tests that did not pass.
        gaps: other reasons to doubt, such as a run that was interrupted.
    """
    untested = tuple(
        gap for name, tally in sorted(suites.items()) for gap in _untested(name, tally)
    )
    nothing = () if any(t.judged for t in suites.values()) else ("no test came to a verdict",)
    all_gaps = (*gaps, *untested, *(nothing if not untested else ()))
    verdicts = [
        *(Verdict.HEALTHY for tally in suites.values() if tally.healthy),
        *(Verdict.UNHEALTHY for tally in suites.values() if tally.unhealthy),
        *(Verdict.INCONCLUSIVE for tally in suites.values() if tally.inconclusive),
        *(Verdict.INCONCLUSIVE for _ in all_gaps),
    ]
    return Conclusion(worst(verdicts), tuple(causes), all_gaps, suites)


def _untested(name: str, tally: Tally) -> Iterator[str]:
    cut = [f"{tally.interrupted} interrupted"] if tally.interrupted else []
    skipped = [f"{tally.skipped} skipped"] if tally.skipped else []
    if tally.judged:
        yield from (f"{each} in {name}" for each in cut)
    elif skipped or cut:
        yield f"nothing was tested in {name}: {', '.join([*skipped, *cut])}"
