"""What a log says, and how often: its lines grouped into signatures."""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence

from pytest_sre.logs.drain import Drain
from pytest_sre.logs.lines import read_line
from pytest_sre.recording.rows import LogLine

_SAMPLES = 3

_Lines = list[LogLine]


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """Lines of one level that say the same thing.

    Attributes:
        id: the same wherever level and template are, in any run and any process.
        level: debug, info, warning, error or critical.
        template: what the lines share, such as ``order <n> failed: <*>``.
        count: how many lines.
        first_at: when the first was printed, Unix seconds.
        last_at: when the last was printed, Unix seconds.
        machines: the ids of the Machines that printed them.
        samples: the first of them, as printed; at most three that differ.
    """

    id: str
    level: str
    template: str
    count: int
    first_at: float
    last_at: float
    machines: tuple[str, ...]
    samples: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Common:
    """What one signature is in each of several windows of a log; None where it is absent."""

    windows: tuple[Signature | None, ...]
    lines: tuple[Sequence[LogLine], ...]


def signatures(lines: Iterable[LogLine]) -> list[Signature]:
    """Group a log's lines; every line is in exactly one signature.

    Returns:
        The signatures, most frequent first.
    """
    found = [one for common in compared(list(lines)) for one in common.windows if one]
    return sorted(found, key=lambda one: (-one.count, one.first_at, one.level, one.template))


def compared(*windows: Sequence[LogLine]) -> list[Common]:
    """Group the lines of several windows of a log together, so that their signatures agree.

    Templates grow more general as lines come. Grouped apart, one message could have two
    templates; grouped together it has one, and so one id. Each level is grouped by itself: an
    error is never taken for the informational line that it resembles.
    """
    by_level: dict[str, list[tuple[int, LogLine]]] = {}
    for index, lines in enumerate(windows):
        for line in lines:
            by_level.setdefault(line.level, []).append((index, line))
    return [
        common
        for level, placed in by_level.items()
        for common in _of_level(level, placed, len(windows))
    ]


def text_of(line: LogLine) -> str:
    """What a line says, without its time and level."""
    return read_line(line.message, line.level).text


def signature_of(level: str, template: str, lines: Sequence[LogLine]) -> Signature:
    """The signature of lines, of which there is at least one."""
    ordered = sorted(lines, key=lambda line: line.at)
    samples = dict.fromkeys(line.message for line in ordered)
    return Signature(
        id=hashlib.blake2b(
            f"{level}\n{template}".encode(errors="replace"), digest_size=8
        ).hexdigest(),
        level=level,
        template=template,
        count=len(ordered),
        first_at=ordered[0].at,
        last_at=ordered[-1].at,
        machines=tuple(sorted({line.machine for line in ordered if line.machine})),
        samples=tuple(samples)[:_SAMPLES],
    )


def _of_level(level: str, placed: Sequence[tuple[int, LogLine]], windows: int) -> Iterable[Common]:
    groups = Drain().groups(text_of(line) for _, line in placed)
    # By template, and only now: it is final, and two groups may have come to share it.
    by_template: dict[str, tuple[_Lines, ...]] = {}
    for (index, line), group in zip(placed, groups, strict=True):
        lines = by_template.get(group.template)
        if lines is None:
            lines = by_template[group.template] = tuple([] for _ in range(windows))
        lines[index].append(line)
    for template, lines in by_template.items():
        found = tuple(signature_of(level, template, part) if part else None for part in lines)
        yield Common(found, lines)
