"""What log files say at error level that others did not."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_sre.logs.error_lines import Alike, ErrorLines
from pytest_sre.logs.events import LogEvent
from pytest_sre.logs.novelty import unseen
from pytest_sre.logs.rules import shipped_secrets
from pytest_sre.logs.samples import sample_of
from pytest_sre.logs.signatures import Signature, grouped, signature_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """What logs say that their baseline did not.

    Attributes:
        lines: how many lines were looked at.
        bytes: how many bytes, decompressed.
        baseline_lines: how many lines of the baseline were looked at.
        ungrouped: how many errors are of too many kinds to be grouped; they are counted only.
        new: the signatures that the baseline never had, most frequent first; their samples are
            shortened and without secrets.
        skipped: how many lines were not looked at: none, ever.
    """

    lines: int
    bytes: int
    baseline_lines: int
    ungrouped: int
    new: tuple[Signature, ...]
    skipped: int = 0


def compare(baseline: ErrorLines, current: ErrorLines) -> Comparison:
    """Compare the errors of logs with those of a baseline; of an empty one, all are new."""
    known = [event for alike in baseline.alike for event in alike.events]
    by_first = {id(alike.events[0]): alike for alike in current.alike}
    odd = unseen(known, [event for alike in by_first.values() for event in alike.events])
    found = [
        _whole(signature_of(level, template, events), events, by_first)
        for level, template, events in grouped(odd)
    ]
    return Comparison(
        lines=current.lines,
        bytes=current.size_bytes,
        baseline_lines=baseline.lines,
        ungrouped=current.ungrouped,
        new=tuple(sorted(found, key=lambda one: (-one.count, one.first_at, one.template))),
    )


def _whole(
    signature: Signature,
    events: Sequence[LogEvent],
    by_first: Mapping[int, Alike],
) -> Signature:
    """The signature with what was counted beside its events, fit to be shown."""
    secrets = shipped_secrets()
    alike = [by_first[id(event)] for event in events if id(event) in by_first]
    return dataclasses.replace(
        signature,
        template=sample_of(signature.template, secrets),
        count=signature.count + sum(one.more for one in alike),
        lines=signature.lines + sum(one.more_lines for one in alike),
        samples=tuple(sample_of(sample, secrets) for sample in signature.samples),
    )
