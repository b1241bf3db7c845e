"""Explains a comparison that failed as a table of what was seen, instead of a repr."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from pytest_sre.fly.fleet import Spread
from pytest_sre.fly.models import Check, Event
from pytest_sre.logs.errors import ErrorGroup
from pytest_sre.logs.lines import read_line
from pytest_sre.logs.novelty import RateChange
from pytest_sre.logs.scan import Finding
from pytest_sre.logs.signatures import Signature
from pytest_sre.probes.results import HttpResult
from pytest_sre.report.tables import clean, clock, table

_SHOWN = 20
_WIDE = 90

Titles = tuple[str, ...]


def _check(check: Check) -> Titles:
    return check.name, check.status, clean(check.output, _WIDE)


def _event(event: Event) -> Titles:
    ended = event.ended
    code = str(ended.exit_code) if ended else ""
    why = "out of memory" if ended and ended.oom_killed else ""
    return clock(event.at), event.type, code, why


def _errors(group: ErrorGroup) -> Titles:
    said = read_line(group.sample, "").text
    return f"{group.count}×", f"{len(group.machines)}", clock(group.first_at), clean(said, _WIDE)


def _signature(found: Signature) -> Titles:
    said = read_line(found.samples[0], found.level).text
    count, machines = f"{found.count}×", f"{len(found.machines)}"
    return count, found.level, machines, clock(found.first_at), clean(said, _WIDE)


def _rate(change: RateChange) -> Titles:
    rise = "new" if change.baseline_count == 0 else f"{change.factor:.1f}×"
    return rise, *_signature(change.signature)


def _finding(found: Finding) -> Titles:
    rule, said = found.rule, clean(found.samples[0], _WIDE) if found.samples else ""
    return f"{found.count}×", rule.severity, rule.id, f"{found.machines}", said


def _answer(result: HttpResult) -> Titles:
    what = result.error if result.error_kind else result.text
    place, asked = result.place, f"{result.method} {result.path}"
    return place, result.region, asked, result.seen, clean(what, _WIDE // 2)


_SIGNATURE = ("count", "level", "Machines", "first (UTC)", "line")
_TABLES: Mapping[type, tuple[str, Titles, Callable[..., Titles]]] = {
    Check: ("check that fails", ("check", "status", "output"), _check),
    Event: ("exit", ("when (UTC)", "event", "exit code", "why"), _event),
    ErrorGroup: ("kind of error", ("times", "Machines", "first (UTC)", "line"), _errors),
    Signature: ("line that says this", _SIGNATURE, _signature),
    RateChange: ("line that is more frequent", ("rise", *_SIGNATURE), _rate),
    Finding: ("finding", ("lines", "severity", "rule", "Machines", "line"), _finding),
    HttpResult: (
        "answer that fails",
        ("Machine", "region", "request", "answer", "what came"),
        _answer,
    ),
}


def explain(operator: str, left: object, right: object) -> list[str] | None:
    """Explain why ``left == right`` does not hold, where we know what they are.

    Returns:
        Lines for a person, the first a summary; None for values that are not ours.
    """
    if operator != "==":
        return None
    if isinstance(left, Spread) and isinstance(right, AbstractSet):
        return _explain_spread(left, right)
    if isinstance(left, list) and left and right == []:
        return _explain_list(left)
    return None


def _explain_spread(spread: Spread, expected: AbstractSet[object]) -> list[str]:
    wanted = clean(", ".join(sorted(map(str, expected))), _WIDE)
    odd = sorted((m, value) for m, value in spread.shown if value not in expected)
    if not odd:
        return [f"expected some Machine to show {wanted}, found none"]
    summary = f"expected every Machine to show {wanted}, found {len(odd)} that do not"
    return [summary, *table(("Machine", "shows"), odd).splitlines()]


def _explain_list(found: Sequence[object]) -> list[str] | None:
    if all(isinstance(one, str) for one in found):
        shown_texts = (clean(str(one), 2 * _WIDE) for one in found[:_SHOWN])
        return [f"expected none, found {len(found)}", *shown_texts]
    kind = type(found[0])
    known = _TABLES.get(kind)
    if known is None or any(type(one) is not kind for one in found):
        return None
    name, titles, row = known
    shown = table(titles, [row(one) for one in found[:_SHOWN]])
    return [f"expected no {name}, found {len(found)}", *shown.splitlines()]
