"""What a log says that it did not say before, and what it says more often."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from pytest_sre.logs.drain import words_of
from pytest_sre.logs.errors import is_error
from pytest_sre.logs.events import LogEvent, events_of
from pytest_sre.logs.rates import beyond_chance, rise_p_value
from pytest_sre.logs.signatures import Common, Signature, compared, signatures_of
from pytest_sre.recording.rows import LogLine

# A place in a message that had so many lines for each of its words has no other words: what
# stands there is part of the message, and no name in it.
_LINES_A_WORD = 20

_Words = tuple[str, ...]
_Place = tuple[int, int]  # of how many words, and which of them
_Vocabulary = dict[_Place, frozenset[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class RateChange:
    """A signature whose rate rose.

    Attributes:
        signature: its lines now.
        baseline_count: how many lines it had in the baseline.
        factor: by how much the rate rose; infinite for one that is new.
        p_value: how probable such a rise is by chance.
    """

    signature: Signature
    baseline_count: int
    factor: float
    p_value: float


def new_error_signatures(
    baseline: Sequence[LogLine], current: Sequence[LogLine]
) -> list[Signature]:
    """The errors of a log that the baseline never had, most frequent first.

    Only lines of level error or critical count, of the app and of Fly Proxy. A single line is
    enough. An error that differs from one of the baseline in a word only is new too, when the
    baseline has so many lines of it that the word would have been seen: ``payment declined``
    where it was ``payment refused`` a hundred times, but not another user's name.
    """
    return signatures_of(unseen(_errors(baseline), _errors(current)))


def unseen(baseline: Sequence[LogEvent], current: Sequence[LogEvent]) -> list[LogEvent]:
    """The events that the baseline has nothing like, as `new_error_signatures` has it."""
    odd: list[LogEvent] = []
    for common in compared(baseline, current):
        odd += _unseen(common)
    return odd


def rate_changed(
    baseline: Sequence[LogLine],
    current: Sequence[LogLine],
    *,
    baseline_s: float,
    current_s: float,
    factor: float = 3.0,
) -> list[RateChange]:
    """The signatures whose rate rose by a factor or more, beyond chance; greatest rise first.

    Of logs in which no rate rose, at most one in a hundred has any (`rates.FALSE_ALARMS`),
    however many signatures there are.

    Args:
        baseline: the lines to compare with.
        current: the lines now.
        baseline_s: how long it took to write the baseline, seconds above 0.
        current_s: how long it took to write those now, seconds above 0.
        factor: the least rise to report.
    """
    found = compared(events_of(baseline), events_of(current))
    changes = [_change(common, baseline_s, current_s) for common in found]
    real = beyond_chance([change.p_value if change else 1.0 for change in changes])
    risen = [
        change
        for change, is_real in zip(changes, real, strict=True)
        if change and is_real and change.factor >= factor
    ]
    return sorted(risen, key=lambda change: (-change.factor, -change.signature.count))


def _errors(lines: Sequence[LogLine]) -> list[LogEvent]:
    return [event for event in events_of(lines) if is_error(event)]


def _change(common: Common, baseline_s: float, current_s: float) -> RateChange | None:
    before, now = common.windows
    if now is None:
        return None
    count = before.count if before else 0
    return RateChange(
        signature=now,
        baseline_count=count,
        factor=(now.count / current_s) / (count / baseline_s) if count else float("inf"),
        p_value=rise_p_value(count, now.count, before_s=baseline_s, now_s=current_s),
    )


def _unseen(common: Common) -> Sequence[LogEvent]:
    """The events of the second window that the first has nothing like."""
    before, now = common.events
    if not before or not now:
        return now
    vocabulary = _closed_vocabulary([words_of(event.said) for event in before])
    return [event for event in now if _is_foreign(words_of(event.said), vocabulary)]


def _closed_vocabulary(lines: Sequence[_Words]) -> _Vocabulary:
    """The words at each place of a message where no others are to be expected."""
    seen: dict[_Place, Counter[str]] = {}
    for words in lines:
        for index, word in enumerate(words):
            seen.setdefault((len(words), index), Counter())[word] += 1
    return {
        place: frozenset(words)
        for place, words in seen.items()
        if words.total() >= _LINES_A_WORD * len(words) and all(map(str.isalpha, words))
    }


def _is_foreign(words: _Words, vocabulary: _Vocabulary) -> bool:
    """Whether a word stands where the vocabulary has others."""
    return any(
        word.isalpha() and word not in vocabulary.get((len(words), index), (word,))
        for index, word in enumerate(words)
    )
