"""What the process that runs an experiment, and that which plays it, say to each other.

Each word is a line of JSON. The one that plays has nothing to decide, and does nothing to the
target: it asks for each action, and tells all that it sees.
"""

from typing import Literal

import msgspec

from pytest_sre.chaos.actions import Action

Phase = Literal["before", "method", "after", "rollbacks", "recovery"]
Status = Literal["succeeded", "failed"]
Steady = Literal["met", "off", "unknown"]


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="word"):
    """Something said."""


class Play(Word, frozen=True, tag="play"):
    """Play an experiment; the first word.

    Attributes:
        document: its file as JSON text.
        values: what its parameters are instead of what it says, as JSON text.
        continuously: see `Experiment`.
        root: the project's folder.
        config: the file of its settings; empty for the usual one.
        target: the target's name.
        allow: what is allowed beside what the target says.
        platform: by which the local platform is found; empty for Fly.io.
    """

    document: str
    values: str
    continuously: float | None
    root: str
    config: str
    target: str
    allow: tuple[str, ...]
    platform: str


class Answer(Word, frozen=True, tag="answer"):
    """What came of something that was asked for.

    Attributes:
        of: which of the things asked for.
        text: what was done, or why it was not.
        is_done: whether it was.
    """

    of: int
    text: str
    is_done: bool


class Recover(Word, frozen=True, tag="recover"):
    """All is undone: look whether the steady state comes back, for so long, seconds."""

    within_s: float


class Halt(Word, frozen=True, tag="halt"):
    """End, without doing more than the rollbacks."""

    why: str


ToChild = Play | Answer | Recover | Halt


class Ask(Word, frozen=True, tag="ask"):
    """Do this, so that it will be undone."""

    number: int
    action: Action


class AskUndo(Word, frozen=True, tag="ask-undo"):
    """Undo all that was asked for."""

    number: int


class ProbeSeen(Word, frozen=True, tag="probe"):
    """How one probe of the steady state came out.

    Attributes:
        name: its name.
        steady: whether what it gave is within its tolerance; unknown when it could not see.
        said: what it gave, or why it did not.
    """

    name: str
    steady: Steady
    said: str


class StateSeen(Word, frozen=True, tag="state"):
    """The steady state, looked at once.

    Attributes:
        at: when that ended, Unix seconds.
        phase: when in the experiment; of the method, while it was played.
        probes: its probes; those after the first that was off are not asked.
    """

    at: float
    phase: Phase
    probes: tuple[ProbeSeen, ...]

    @property
    def steady(self) -> Steady:
        """Whether it holds; no probe at all tells nothing."""
        found = {probe.steady for probe in self.probes}
        if "off" in found:
            return "off"
        return "met" if found == {"met"} else "unknown"


class Begun(Word, frozen=True, tag="begun"):
    """An activity has begun."""

    phase: Phase
    name: str


class Acted(Word, frozen=True, tag="acted"):
    """An activity has ended.

    Attributes:
        at: when it began, Unix seconds.
        phase: in which part of the experiment it stands.
        name: its name.
        kind: action or probe.
        status: whether it did what it is there for; a command that failed, or an answer that is
            an error, did not.
        said: what it gave, or why it failed.
        took_s: how long it took, seconds.
        is_ours: whether it is of our extension.
    """

    at: float
    phase: Phase
    name: str
    kind: str
    status: Status
    said: str
    took_s: float
    is_ours: bool = False


class Played(Word, frozen=True, tag="played"):
    """chaoslib is done: its journal as JSON text; empty when it has none."""

    journal: str


class Broke(Word, frozen=True, tag="broke"):
    """It could not be played, or not on."""

    why: str


class Over(Word, frozen=True, tag="over"):
    """The last word."""


FromChild = Ask | AskUndo | StateSeen | Begun | Acted | Played | Broke | Over
