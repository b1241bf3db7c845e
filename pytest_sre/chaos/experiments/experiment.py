"""An experiment as values: what its file says, and what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_sre.chaos.actions import Action
from pytest_sre.targets.severities import Severity

RECOVERS_WITHIN_S: Final = 30.0
"""Within which the steady state has to hold again after the undo, where a file says nothing."""


@dataclass(frozen=True, kw_only=True)
class StatedRadius:
    """How far an experiment may reach, as its file states it; never more than the target allows.

    Attributes:
        seconds: how long anything is perturbed.
        machines: how many Machines at once; None when not stated.
        share: which share of a process group.
        regions: how many regions.
    """

    seconds: float
    machines: int | None = None
    share: float | None = None
    regions: int | None = None


@dataclass(frozen=True)
class JourneyFails:
    """Ends an experiment when a journey cannot be walked for so long, seconds."""

    journey: str
    for_s: float

    def __str__(self) -> str:
        return f"journey {self.journey} fails for {self.for_s:g} s"


@dataclass(frozen=True)
class TooFewHealthy:
    """Ends an experiment when fewer Machines of a process group run with all checks passing."""

    group: str
    below: int
    app: str = ""

    def __str__(self) -> str:
        return f"fewer than {self.below} healthy Machines of {self.group}"


AbortOn = JourneyFails | TooFewHealthy


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What chaostoolkit's format has no word for: the file's extension ``pytest-sre``.

    Attributes:
        radius: how far it may reach; None when it does nothing.
        may_deviate: whether the steady state may be lost while it is perturbed; it has to hold
            again after the undo in any case.
        recovers_within_s: how long that may take, seconds.
        abort_on: what ends it early.
        severity: how much a failure matters.
        runbook: what to follow when it fails; empty when nothing is stated.
    """

    radius: StatedRadius | None = None
    may_deviate: bool = False
    recovers_within_s: float = RECOVERS_WITHIN_S
    abort_on: tuple[AbortOn, ...] = ()
    severity: Severity = "medium"
    runbook: str = ""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A file that may be run.

    Attributes:
        path: the file.
        title: its title.
        document: all of it, as chaostoolkit reads it.
        terms: what it states for us.
        actions: those of our actions that are known before it runs, by their names in the file.
        configuration: its parameters and what they are unless something else is said.
        acts: whether its method does anything.
        rolls_back: whether its rollbacks undo what is not ours.
        continuously: every how many seconds the steady state is looked at during the method;
            None when only before and after it.
    """

    path: Path
    title: str
    document: Mapping[str, object]
    terms: Terms
    actions: Mapping[str, Action] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)
    acts: bool = False
    rolls_back: bool = False
    continuously: float | None = None

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.stem
