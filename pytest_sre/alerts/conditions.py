"""The conditions that ought to wake or call somebody, and which of them a rule is about. Pure.

Decided by the metrics, labels and functions that an expression asks for, by their names: what a
project's own metric means beyond its name cannot be seen here.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal

from pytest_sre.alerts.expressions import Call, Expression, Selector, inside, selectors

Condition = Literal[
    "error-rate",
    "latency",
    "unavailability",
    "disk",
    "restarts",
    "certificate",
    "budget-burn",
]
MEANINGS: Final[dict[Condition, str]] = {
    "error-rate": "a high rate of errors",
    "latency": "slow answers",
    "unavailability": "something that no longer answers, runs or is measured",
    "disk": "a disk that fills",
    "restarts": "processes that restart",
    "certificate": "a certificate that is about to end",
    "budget-burn": "an error budget that burns too fast",
}
CONDITIONS: Final[tuple[Condition, ...]] = tuple(MEANINGS)

_ERROR: Final = re.compile(r"error|fail|5xx|exception")
_ERROR_LABEL: Final = re.compile(r"status|code|result|outcome|success|error|exception|reason")
_GOOD_ANSWER: Final = re.compile(
    r"^(?:ok|success\w*|true|\^?[1-4](?:[x.\[\\(]|\d\d))", re.IGNORECASE
)
_REQUESTS: Final = re.compile(r"request|response|http|grpc|rpc|call|journey|probe|job|task|message")
_DURATION: Final = re.compile(r"duration|latency|seconds|milliseconds|_ms(_|$)|response_time")
_UP: Final = re.compile(r"(^|_)up$|probe_success|available|health|ready")
_DISK: Final = re.compile(r"filesystem|volume.*(used|avail|free|capacity)|disk.*(used|free|avail)")
_RESTARTS: Final = re.compile(r"restart|exit_code|exit_oom|oom_kill|start_time_seconds|crash")
_CERTIFICATE: Final = re.compile(
    r"(cert|ssl|tls|x509).*(expir|not_after|earliest|valid)|expir.*cert"
)
_BURN: Final = re.compile(r"burn|error_budget|slo[:_]")
_ABSENCE: Final = frozenset({"absent", "absent_over_time"})
_CAUSE: Final = re.compile(
    r"cpu|load(_average|1|5|15)(_|$)|mem(ory)?_|_memory|heap|goroutine|thread|filefd|_fds"
    r"|net_(recv|sent)|network|disk_(io|sectors|read|writ)|concurrency|connections|cache|(^|_)gc_"
)


def conditions(expression: Expression, labels: Iterable[str] = ()) -> frozenset[Condition]:
    """Say which conditions an expression asks for.

    Args:
        expression: with recorded metrics resolved to what they record.
        labels: the names of the rule's own labels.
    """
    found = set(_of_names(expression))
    if _measures_latency(expression):
        found.add("latency")
    if any(_is_error(each) for each in selectors(expression)):
        found.add("error-rate")
    calls = [each.function for each in inside(expression) if isinstance(each, Call)]
    if _ABSENCE & set(calls):
        found.add("unavailability")
    if "slo" in labels or _burns(expression):
        found.add("budget-burn")
    return frozenset(found)


def causes(expression: Expression) -> list[str]:
    """Name the metrics that tell of a cause inside the system, such as CPU, not of its users."""
    return sorted({each.metric for each in selectors(expression) if _CAUSE.search(each.metric)})


def _of_names(expression: Expression) -> Iterable[Condition]:
    patterns: dict[Condition, re.Pattern[str]] = {
        "unavailability": _UP,
        "disk": _DISK,
        "restarts": _RESTARTS,
        "certificate": _CERTIFICATE,
        "budget-burn": _BURN,
    }
    names = [each.metric.lower() for each in selectors(expression)]
    return [name for name, pattern in patterns.items() if any(map(pattern.search, names))]


def _measures_latency(expression: Expression) -> bool:
    return any(
        _DURATION.search(each.metric.lower())
        and (each.metric.endswith(("_bucket", "_sum")) or "quantile" in _labels(each))
        for each in selectors(expression)
    )


def _is_error(selector: Selector) -> bool:
    name = selector.metric.lower()
    if _ERROR.search(name):
        return True
    return bool(_REQUESTS.search(name)) and any(
        _ERROR_LABEL.search(each.label)
        and bool(_GOOD_ANSWER.search(each.value)) == (each.operator in ("!=", "!~"))
        and each.value != ""
        for each in selector.matchers
    )


def _labels(selector: Selector) -> set[str]:
    return {each.label for each in selector.matchers}


def _burns(expression: Expression) -> bool:
    """Whether errors are compared over a long and a short range at once."""
    ranges = {each.range_s for each in selectors(expression) if _is_error(each)}
    return len(ranges - {None}) > 1
