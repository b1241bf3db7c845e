"""What happened in an incident, in the order it did: its log and what runs recorded. Pure."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pytest_sre.incidents.impact import Minute, events, is_failed, is_unwanted, minutes
from pytest_sre.incidents.log import Entry
from pytest_sre.incidents.memory import exact_text
from pytest_sre.incidents.recorded import RecordedRun
from pytest_sre.issues.body import time_of
from pytest_sre.recording.rows import EventSeen, MachineSeen, TestRun
from pytest_sre.redaction import inline, markdown

_MOST: Final = 100
_LONGEST: Final = 300
_NAMED: Final = 5
_MINUTE_S: Final = 60.0
_BAKE: Final = "bake"
_ITEM: Final = re.compile(r"(:?)\s*\n\s*[-*] ")


@dataclass(frozen=True)
class Moment:
    """Something that happened.

    Attributes:
        at: when, Unix seconds.
        source: who says so: log, run, deploy, requests or Machine.
        text: Markdown of one line in which nothing foreign is live.
        worth: which are left out first when there are too many: the lowest.
    """

    at: float
    source: str
    text: str
    worth: int


def timeline(
    opened_at: float,
    entries: Sequence[Entry],
    runs: Sequence[RecordedRun],
    clean: Callable[[str], str],
) -> tuple[Moment, ...]:
    """Merge all that is known, oldest first.

    Args:
        opened_at: when the incident was opened, Unix seconds.
        entries: its log.
        runs: what runs recorded, oldest first.
        clean: takes secrets out of a text.
    """
    found = (
        Moment(opened_at, "log", "The incident was opened.", 3),
        *(_entry(entry, clean) for entry in entries),
        *(_verdict(run) for run in runs),
        *_deploys(runs),
        *_failing(minutes(runs)),
        *_machines(runs),
        *_spans(runs),
    )
    return tuple(sorted(found, key=lambda moment: moment.at))


def write_timeline(moments: Sequence[Moment]) -> str:
    """Write a timeline as a list; of too many moments, those that say least are left out."""
    kept = sorted(range(len(moments)), key=lambda n: (-moments[n].worth, n))[:_MOST]
    lines = [_line(moments[number]) for number in sorted(kept)]
    if len(moments) > len(kept):
        lines.append(f"- and {len(moments) - len(kept)} more that say less")
    return "\n".join(lines)


def _line(moment: Moment) -> str:
    return f"- {exact_text(moment.at)} · {moment.source} · {moment.text}"


def _entry(entry: Entry, clean: Callable[[str], str]) -> Moment:
    listed = _ITEM.sub(lambda found: ": " if found[1] else "; ", entry.text)
    said = " ".join(markdown(clean(listed)).replace("<", "&lt;").split())
    cut = said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
    return Moment(entry.at, "log" if entry.is_ours else "comment, after", cut, 3)


def _verdict(run: RecordedRun) -> Moment:
    failed = dict.fromkeys(_function(test) for test in run.tests if is_failed(test))
    share = f"{sum(map(is_failed, run.tests))} of {len(run.tests)} tests failed"
    some = f": {_some([*failed])}" if failed else ""
    at = max((test.at for test in run.tests), default=run.began_at)
    return Moment(at, "run", f"{inline(run.verdict or 'no verdict')}, {share}{some}", 2)


def _function(test: TestRun) -> str:
    return test.test.partition("[")[0].rpartition("::")[2]


def _deploys(runs: Sequence[RecordedRun]) -> Iterator[Moment]:
    """When a release of an app was first seen."""
    releases: dict[str, str] = {}
    for machine in (each for run in runs for each in run.machines):
        release = _release(machine)
        if releases.get(machine.app, release) != release:
            was = releases[machine.app]
            text = f"{inline(machine.app)} is on {inline(release)}, was on {inline(was)}"
            yield Moment(machine.at, "deploy", text, 2)
        releases[machine.app] = release


def _release(machine: MachineSeen) -> str:
    version = f"v{machine.release_version} " if machine.release_version else ""
    return f"{version}({machine.image})"


def _failing(by_minute: Sequence[Minute]) -> Iterator[Moment]:
    """Stretches of minutes, one after the other, in which requests failed."""
    failing = [minute for minute in by_minute if minute.failed]
    stretches = groupby(enumerate(failing), key=lambda each: each[1].at - each[0] * _MINUTE_S)
    for _, numbered in stretches:
        stretch = [minute for _, minute in numbered]
        failed = sum(minute.failed for minute in stretch)
        requests = sum(minute.requests for minute in stretch)
        until = time_of(stretch[-1].at + _MINUTE_S)[:5]
        text = f"{failed} of {requests} requests failed until {until}"
        yield Moment(stretch[0].at, "requests", text, 2)


def _machines(runs: Sequence[RecordedRun]) -> Iterator[Moment]:
    """Machine events; the same of several Machines in one minute are one."""
    grouped: dict[tuple[float, str], list[EventSeen]] = {}
    for event in events(runs):
        grouped.setdefault((event.at // _MINUTE_S, _what(event)), []).append(event)
    for (_, what), group in grouped.items():
        first = group[0]
        named = _some([*dict.fromkeys(event.machine for event in group)])
        text = f"{inline(what)} of {inline(first.app)}: {named}"
        yield Moment(first.at, "Machine", text, 2 if is_unwanted(first) else 0)


def _what(event: EventSeen) -> str:
    if event.oom_killed:
        return f"{event.app}: out of memory"
    code = "" if event.exit_code is None else f", exit code {event.exit_code}"
    asked = ", as asked" if event.requested_stop else ""
    return f"{event.type} ({event.status}{code}{asked})"


def _spans(runs: Sequence[RecordedRun]) -> Iterator[Moment]:
    """The bakes; that the log was read, too, is no news."""
    for span in (span for run in runs for span in run.spans if span.name == _BAKE):
        text = f"{inline(span.name)} until {time_of(span.ended_at)}"
        yield Moment(span.at, "run", text, 1)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(inline, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
