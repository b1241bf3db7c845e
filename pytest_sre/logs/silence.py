"""Did a log fall silent although what wrote it went on? Then what it lacks shows nothing."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# So many lines show how often there is one; fewer show nothing.
_LEAST_LINES = 20
# And so many of them before the silence: the first words of a program are no beginning of it.
_LEAST_BEFORE = 5
# A silence so many times longer than any other pause. Of logs whose lines come by chance
# (Poisson) at a steady rate, fewer than one in 1,000 has one.
_TIMES_LONGER = 10
_LEAST_S = 3.0
# The last lines of a log may still be under way.
_DELIVERY_S = 8.0


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nothing was written, between lines that came steadily.

    Attributes:
        machine: the Machine's id; empty for a silence of all Machines.
        since_at: when the last line before it was written, Unix seconds.
        until_at: when the next was; or the end of what was looked at.
    """

    machine: str
    since_at: float
    until_at: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.until_at - self.since_at


def find_silences(
    written_at: Mapping[str, Sequence[float]], until_at: float, answered_at: Sequence[float]
) -> list[Silence]:
    """The silences of an app's log while the app answered: of all its Machines, or of some.

    Args:
        written_at: when lines were written, by Machine; only of those that ran all the time.
        until_at: up to when the log was read, Unix seconds.
        answered_at: when the app answered requests; a time without any may well be silent.
    """
    every = sorted(at for times in written_at.values() for at in times)
    shared = _silence("", every, until_at)
    found = (
        [shared]
        if shared
        else [_silence(machine, sorted(times), until_at) for machine, times in written_at.items()]
    )
    return [
        silence
        for silence in found
        if silence and any(silence.since_at < at < silence.until_at for at in answered_at)
    ]


def _silence(machine: str, times: Sequence[float], until_at: float) -> Silence | None:
    """The longest pause, when it is one that the others do not explain."""
    if len(times) < _LEAST_LINES:
        return None
    pauses = [Silence(machine, before, after) for before, after in itertools.pairwise(times)]
    tail = Silence(machine, times[-1], until_at)
    *others, longest = sorted(pauses, key=lambda pause: pause.length_s)
    if tail.length_s >= _DELIVERY_S and tail.length_s > longest.length_s:
        others, longest = [*others, longest], tail
    before = sum(at <= longest.since_at for at in times)
    is_odd = longest.length_s >= max(_LEAST_S, _TIMES_LONGER * others[-1].length_s)
    return longest if is_odd and before >= _LEAST_BEFORE else None
