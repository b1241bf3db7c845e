"""What is recorded of each objective, and how it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_sre.slo.generated.watched import Watched
from pytest_sre.slo.queries import duration, selector

ERROR_RATIO: Final = "slo:error_ratio"
SLICE: Final = "slo:slice_error:ratio"
OBJECTIVE: Final = "slo:objective:ratio"
REMAINING: Final = "slo:error_budget_remaining:ratio"
EXHAUSTION: Final = "slo:time_to_exhaustion:seconds"


@dataclass(frozen=True)
class RecordingRule:
    """What is kept under a name of its own."""

    record: str
    expression: str
    labels: Mapping[str, str]


def identity(watched: Watched) -> dict[str, str]:
    """Give the labels that all series and alerts of an objective have."""
    return {"service": watched.service, "slo": watched.objective.name}


def error_ratio(watched: Watched, range_s: float) -> str:
    """Select an objective's recorded error ratio over a range of so many seconds."""
    return selector(f"{ERROR_RATIO}:{duration(range_s)}", **identity(watched))
