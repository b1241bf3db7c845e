"""Which of Fly's APIs a call is to, and what is recorded of it: pure."""

import re

from pytest_sre.fly.answers import Answer, Call
from pytest_sre.fly.retries import Cut
from pytest_sre.recording.rows import PlatformCall

_APIS = (
    (re.compile(r"/api/v1/(?:apps/[^/\s]+/)?releases\b"), "releases API"),
    (re.compile(r"/api/v1/apps/[^/\s]+/logs\b"), "logs API"),
    (re.compile(r"/graphql\b"), "GraphQL API"),
    (re.compile(r"/prometheus/"), "metrics API"),
    (re.compile(r"/v1/"), "Machines API"),
)


def api_of(text: str) -> str:
    """Name the API that a path, or a text with a URL, is about; ``API`` where that is not seen."""
    return next((name for pattern, name in _APIS if pattern.search(text)), "API")


def call_row(call: Call, outcome: Answer | Cut, *, at: float, total_s: float) -> PlatformCall:
    """Describe one try of a call and what came of it.

    Args:
        call: what was asked.
        outcome: what came.
        at: when it was asked, Unix seconds.
        total_s: how long it took, seconds.
    """
    status, error = (0, outcome.reason) if isinstance(outcome, Cut) else (outcome.status, "")
    return PlatformCall(
        at=at,
        api=api_of(call.path),
        method=call.method,
        path=call.path,
        status=status,
        error=error,
        total_s=total_s,
    )
