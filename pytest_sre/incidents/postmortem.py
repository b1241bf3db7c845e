"""Drafts a post-mortem: what is measured is written, what people know is asked for. Pure.

Detection is from the first failure that was recorded to the opening of the incident; mitigation
and recovery count from that first failure, too, or from the opening where none is recorded.
Source: its parts follow the example in Google's SRE Book, appendix D.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Final

from pytest_sre.incidents.blame import NOBODY
from pytest_sre.incidents.impact import Impact, measure
from pytest_sre.incidents.life import Incident
from pytest_sre.incidents.log import Entry
from pytest_sre.incidents.memory import KnownCause, Memory, exact_text
from pytest_sre.incidents.recorded import RecordedRun
from pytest_sre.incidents.timeline import timeline, write_timeline
from pytest_sre.issues.body import LABEL, fingerprint_label
from pytest_sre.issues.fingerprint import fingerprint
from pytest_sre.issues.values import Create
from pytest_sre.redaction import inline, title

POSTMORTEM: Final = "post-mortem"
_NOT_MEASURED: Final = "not measured"
_SHOWN_MACHINES: Final = 20


@dataclass(frozen=True)
class Facts:
    """What a post-mortem is drafted from.

    Attributes:
        incident: it.
        entries: its log.
        runs: what runs recorded in its time, oldest first.
        error_ratio: which share of requests may fail on its target; None when not known.
        until_at: when it was resolved, or now, Unix seconds.
        spent: objectives, and which share of its error budget each lost in this time.
    """

    incident: Incident
    entries: tuple[Entry, ...]
    runs: tuple[RecordedRun, ...]
    error_ratio: float | None
    until_at: float
    spent: tuple[tuple[str, float], ...] = ()


def postmortem_fingerprint(memory: Memory) -> str:
    """The fingerprint of an incident's post-mortem."""
    return fingerprint("post-mortem", memory.fingerprint)


def draft(facts: Facts, clean: Callable[[str], str]) -> Create:
    """Write the draft.

    Args:
        facts: what is known.
        clean: takes secrets out of a text.
    """
    memory = facts.incident.memory
    impact = measure(facts.runs, facts.error_ratio)
    template = Template(files(__package__).joinpath("postmortem.md").read_text("utf-8"))
    body = template.substitute(
        title=inline(memory.title),
        number=facts.incident.issue.number,
        summary=_summary(facts, impact),
        impact=_impact(facts, impact),
        timeline=write_timeline(timeline(memory.opened_at, facts.entries, facts.runs, clean)),
        response=_response(facts, impact),
        factors="\n".join(map(_factor, memory.causes)) or "- _no cause is known to the incident_",
        well="\n".join(_well(facts, impact)) or "- _nothing of it could be measured_",
        actions="\n".join(_actions(memory, impact)),
    )
    name = postmortem_fingerprint(memory)
    labels = (LABEL, POSTMORTEM, fingerprint_label(name), *(f"app:{app}" for app in memory.apps))
    marked = f"<!-- pytest-sre:postmortem {name} -->\n\n{body}"
    return Create(name, title(f"Post-mortem (draft): {memory.title}"), marked, labels)


def _summary(facts: Facts, impact: Impact) -> str:
    memory = facts.incident.memory
    apps = ", ".join(map(inline, memory.apps)) or "an app that is not known"
    on = f" on {inline(memory.target)}" if memory.target else ""
    lasted = duration_text(facts.until_at - (impact.began_at or memory.opened_at))
    end = "It lasted" if memory.resolved_at else "It is not resolved, and has lasted"
    stated = f" {inline(memory.impact)}." if memory.impact else ""
    return (
        f"{inline(memory.title)}: {apps}{on}, of severity {memory.severity}.{stated}"
        f" {end} {lasted}. _In two or three sentences: what users noticed, and why._"
    )


def _impact(facts: Facts, impact: Impact) -> str:
    shown = ", ".join(impact.machines[:_SHOWN_MACHINES])
    named = f" ({shown})" if impact.machines else ""
    ratio, bad = facts.error_ratio, impact.bad_minutes
    beyond = f"minutes with more than {ratio:.4g} of requests failed" if ratio is not None else ""
    rows = [
        ("requests that failed", f"{impact.failed} of {impact.requests}"),
        ("minutes with failed requests", f"{impact.failing_minutes} of {impact.minutes}"),
        (beyond or "minutes out of objective", _NOT_MEASURED if bad is None else f"{bad}"),
        ("Machines affected", f"{len(impact.machines)}{named}"),
    ]
    measured = [(name, value if impact.runs else _NOT_MEASURED) for name, value in rows]
    spent = ", ".join(f"{share:.1%} of {inline(name)}" for name, share in facts.spent)
    nothing = f"{_NOT_MEASURED}: no events of an objective are kept of this time"
    measured.append(("error budget spent", spent or nothing))
    table = "\n".join(f"| {name} | {value} |" for name, value in measured)
    runs = "1 recorded run" if impact.runs == 1 else f"{impact.runs} recorded runs"
    told = f"This is what {runs} observed; between runs nobody looked."
    return f"{told}\n\n| | |\n| --- | --- |\n{table}"


def _response(facts: Facts, impact: Impact) -> str:
    memory = facts.incident.memory
    began = exact_text(impact.began_at) if impact.began_at else "not recorded"
    rows = [
        ("first failure recorded", began),
        ("opened", exact_text(memory.opened_at)),
        ("time to detect", _span(impact.began_at, memory.opened_at)),
        ("time to acknowledge", _span(memory.opened_at, memory.acknowledged_at)),
        ("time to mitigate", _span(_start(memory, impact), memory.recovered_at)),
        ("time to recover", _span(_start(memory, impact), memory.resolved_at)),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        f"| | |\n| --- | --- |\n{table}\n\n"
        "Detected: from the first failure to the opening. Acknowledged: from the opening."
        " Mitigated: from the first failure until a run saw all causes well."
        " Recovered: from the first failure until it was resolved."
    )


def _start(memory: Memory, impact: Impact) -> float:
    return min(impact.began_at or memory.opened_at, memory.opened_at)


def _span(begin_at: float | None, end_at: float) -> str:
    if not begin_at or not end_at:
        return _NOT_MEASURED
    return duration_text(max(0.0, end_at - begin_at))


def duration_text(seconds: float) -> str:
    """A duration in seconds for people: its two largest units, such as ``1 h 5 min``."""
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    left, parts = round(seconds), list[str]()
    for name, size in units:
        count, left = divmod(left, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _factor(cause: KnownCause) -> str:
    number = f" (#{cause.number})" if cause.number else ""
    return f"- {inline(cause.title)}{number}"


def _well(facts: Facts, impact: Impact) -> Iterator[str]:
    memory = facts.incident.memory
    if impact.began_at and impact.began_at <= memory.opened_at:
        yield f"- It was found {_span(impact.began_at, memory.opened_at)} after it began to show."
    if memory.acknowledged_at:
        after = _span(memory.opened_at, memory.acknowledged_at)
        yield f"- Somebody took it on {after} after it was opened."


def _actions(memory: Memory, impact: Impact) -> Sequence[str]:
    what = inline(memory.causes[0].title if memory.causes else memory.title)
    detected = _span(impact.began_at, memory.opened_at)
    recovered = _span(_start(memory, impact), memory.recovered_at or memory.resolved_at)
    wanted = (
        ("prevent", f"_what keeps “{what}” from users?_"),
        ("detect", f"_what would have shown it sooner (it took: {detected})?_"),
        ("mitigate", f"_what would have made it shorter (it took: {recovered})?_"),
    )
    return [f"- [ ] **{kind}**: {question} (owner: {NOBODY})" for kind, question in wanted]
