"""What a search has come to, in values and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_sre.chaos.explore.steps import Schedule


@dataclass(frozen=True, kw_only=True)
class Found:
    """The shortest schedule that breaks something.

    Attributes:
        schedule: it.
        breaks: what it breaks, in a few words.
        release: which release it was found in; empty for the code as it is.
        replays: what came of it each time it was played again: whether it broke something.
        file: where it was saved as an experiment; None when it was not.
    """

    schedule: Schedule
    breaks: str
    release: str = ""
    replays: Sequence[bool] = ()
    file: Path | None = None

    @property
    def line(self) -> str:
        """What breaks, in one line."""
        return f"{self.schedule.described}: {self.breaks}"


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search has come to.

    Attributes:
        found: the shortest schedule that breaks something; None when none did.
        examples: how many schedules had been played when the first broke something; all that were
            played when none did.
        played: how many were played in all, each once.
        took_s: how long it took, seconds, without the replays.
        is_cut: it ended because its time was over.
        unknown: why nobody can tell of some; empty when each that was played was judged.
        held: how many were judged to hold.
    """

    found: Found | None
    examples: int
    played: int
    took_s: float
    is_cut: bool = False
    unknown: str = ""
    held: int = 0

    @property
    def described(self) -> str:
        """What it has come to, in at most four lines."""
        if self.found is None:
            cut = ", until the time for it was over" if self.is_cut else ""
            return f"nothing broke in {self.played} schedules{cut} ({self.took_s:.0f} s)"
        told = f"found by schedule {self.examples}, the shortest of {self.played} played"
        lines = [self.found.line, f"{told} ({self.took_s:.0f} s)"]
        if self.found.replays:
            lines.append(
                f"fails again {sum(self.found.replays)} of {len(self.found.replays)} times"
            )
        if self.found.file:
            release = f" --sre-local-release={self.found.release}" if self.found.release else ""
            play = f"pytest {self.found.file} --sre-target=local{release}"
            lines.append(f"saved as an experiment: {play}")
        return "\n".join(lines)
