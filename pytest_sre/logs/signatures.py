"""What a log says, and how often: its lines grouped into signatures."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence

from pytest_sre.logs.drain import Drain
from pytest_sre.logs.events import LogEvent, events_of
from pytest_sre.recording.rows import LogLine

_SAMPLES = 3

_Placed = tuple[int, LogEvent]


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """Lines of one level that say the same thing.

    Attributes:
        id: the same wherever level and template are, in any run and any process.
        level: debug, info, warning, error or critical.
        template: what the lines share, such as ``order <n> failed: <*>``.
        count: how often it was said; a stack trace, of however many lines, once.
        first_at: when the first was printed, Unix seconds.
        last_at: when the last was printed, Unix seconds.
        machines: the ids of the Machines that printed them.
        samples: the first of them, as printed; at most three that differ.
        lines: how many lines of the log it has; all signatures of a log have all its lines.
    """

    id: str
    level: str
    template: str
    count: int
    first_at: float
    last_at: float
    machines: tuple[str, ...]
    samples: tuple[str, ...]
    lines: int


@dataclasses.dataclass(frozen=True, slots=True)
class Common:
    """What one signature is in each of several windows of a log; None where it is absent."""

    windows: tuple[Signature | None, ...]
    events: tuple[Sequence[LogEvent], ...]


def signatures(lines: Iterable[LogLine]) -> list[Signature]:
    """Group a log's lines; every line is in exactly one signature.

    Args:
        lines: those of one app, in the order in which they were written.

    Returns:
        The signatures, most frequent first.
    """
    return signatures_of(events_of(list(lines)))


def signatures_of(events: Sequence[LogEvent]) -> list[Signature]:
    """Group a log's events; returns as `signatures` does."""
    found = [one for common in compared(events) for one in common.windows if one]
    return sorted(found, key=lambda one: (-one.count, one.first_at, one.level, one.template))


def compared(*windows: Sequence[LogEvent]) -> list[Common]:
    """Group the events of several windows of a log together, so that their signatures agree.

    Templates grow more general as lines come. Grouped apart, one message could have two
    templates; grouped together it has one, and so one id. Each level is grouped by itself: an
    error is never taken for the informational line that it resembles. Stack traces are grouped
    by what they share (`StackTrace.key`), and by what announces them.
    """
    by_kind: dict[tuple[str, str], list[_Placed]] = {}
    for index, events in enumerate(windows):
        for event in events:
            by_kind.setdefault((event.level, event.cause), []).append((index, event))
    return [
        common
        for (level, cause), placed in by_kind.items()
        for common in _of_kind(level, cause, placed, len(windows))
    ]


def grouped(events: Sequence[LogEvent]) -> Iterator[tuple[str, str, Sequence[LogEvent]]]:
    """Level, template and events of each signature of a log."""
    for common in compared(events):
        (found,) = common.windows
        if found:
            yield found.level, found.template, common.events[0]


def signature_of(level: str, template: str, events: Sequence[LogEvent]) -> Signature:
    """The signature of events, of which there is at least one."""
    ordered = sorted(events, key=lambda event: event.line.at)
    samples: dict[str, None] = {}
    for event in ordered:
        if len(samples) < _SAMPLES:
            samples[event.sample] = None
    return Signature(
        id=hashlib.blake2b(
            f"{level}\n{template}".encode(errors="replace"), digest_size=8
        ).hexdigest(),
        level=level,
        template=template,
        count=len(ordered),
        first_at=ordered[0].line.at,
        last_at=ordered[-1].line.at,
        machines=tuple(sorted({event.machine for event in ordered if event.machine})),
        samples=tuple(samples),
        lines=sum(len(event.lines) for event in ordered),
    )


def _of_kind(level: str, cause: str, placed: Sequence[_Placed], windows: int) -> Iterable[Common]:
    groups = Drain().groups(event.said for _, event in placed)
    # By template, and only now: it is final, and two groups may have come to share it.
    by_template: dict[str, tuple[list[LogEvent], ...]] = {}
    for (index, event), group in zip(placed, groups, strict=True):
        events = by_template.get(group.template)
        if events is None:
            events = by_template[group.template] = tuple([] for _ in range(windows))
        events[index].append(event)
    for said, events in by_template.items():
        template = ": ".join(filter(None, (said, cause)))
        found = tuple(signature_of(level, template, part) if part else None for part in events)
        yield Common(found, events)
