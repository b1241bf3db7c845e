"""Fly's documented rate limits as token buckets, one for each kind of call and what it is about.

Source: "Rate limits" in Fly's documentation of the Machines API: one call a second for each action
and Machine (or app, where no Machine is meant), three at once; five a second and ten at once to
get a Machine; a hundred deletions of apps a minute.
"""

import re
from dataclasses import dataclass
from typing import Final

_MOST_BUCKETS: Final = 10_000


@dataclass(frozen=True)
class Rate:
    """How often something may be done: ``per_s`` in the long run, ``burst`` at once."""

    per_s: float
    burst: int


ACTION: Final = Rate(1.0, 3)
GET_MACHINE: Final = Rate(5.0, 10)
DELETE_APP: Final = Rate(100 / 60, 100)

_APP: Final = re.compile(r"/v1/apps/(?P<app>[^/]+)(?P<rest>/.*)?")
_ITEM: Final = re.compile(r"/(?P<kind>machines|volumes)/(?P<id>[^/]+)(?P<rest>/.*)?")
_SECOND_WORD: Final = re.compile(r"(/[a-z_]+)(/[^/]+)?(/[a-z]+)?")


@dataclass(frozen=True)
class Limited:
    """What a call counts towards: calls of the same action about the same thing, and its rate."""

    action: str
    about: str
    rate: Rate


def limited(method: str, path: str) -> Limited | None:
    """What a call counts towards; None when nothing limits it."""
    in_app = _APP.fullmatch(path)
    if in_app is None:
        return None
    app, rest = in_app["app"], in_app["rest"] or ""
    if not rest:
        deletes = method == "DELETE"
        return Limited("DELETE /apps", "", DELETE_APP) if deletes else Limited(method, app, ACTION)
    item = _ITEM.fullmatch(rest)
    if item:
        action = f"{method} /{item['kind']}{_without_key(item['rest'] or '')}"
        rate = GET_MACHINE if action == "GET /machines" else ACTION
        return Limited(action, f"{app} {item['id']}", rate)
    return Limited(f"{method} {_without_key(rest)} of the app", app, ACTION)


def _without_key(rest: str) -> str:
    """``/metadata/colour`` and ``/metadata/size`` are one action, as are two secrets."""
    words = _SECOND_WORD.fullmatch(rest)
    return rest if words is None else words[1] + (words[3] or "")


class Bucket:
    """Lets through what a rate allows.

    Args:
        rate: how often.
        now: a clock's time, in seconds; the bucket is full then.
    """

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, now: float) -> float:
        """Let one through.

        Args:
            now: the clock's time; an earlier one than before counts as the same.

        Returns:
            0 when it was let through, else the seconds until one will be.
        """
        self._fill(now)
        # A rounding error must not make one wait a whole turn longer than it was told to.
        if self._tokens >= 1 - 1e-9:
            self._tokens = max(0.0, self._tokens - 1)
            return 0.0
        return (1 - self._tokens) / self._rate.per_s

    def is_full(self, now: float) -> bool:
        """Whether it is as if nothing had ever been let through."""
        self._fill(now)
        return self._tokens >= self._rate.burst

    def _fill(self, now: float) -> None:
        passed_s = max(0.0, now - self._at)
        self._tokens = min(float(self._rate.burst), self._tokens + passed_s * self._rate.per_s)
        self._at = max(self._at, now)


class RateLimits:
    """All buckets of a platform. Off until ``switch`` is called.

    Attributes:
        enabled: whether calls are limited.
        refused: how many calls were refused since it was switched on.
    """

    def __init__(self) -> None:
        self.enabled = False
        self.refused = 0
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def switch(self, *, enabled: bool) -> None:
        """Switch it on or off; either way nothing counts that was before."""
        self.enabled = enabled
        self.refused = 0
        self._buckets.clear()

    def wait_s(self, method: str, path: str, now: float) -> float:
        """Count a call.

        Args:
            method: of the request.
            path: of the request.
            now: a clock's time, in seconds.

        Returns:
            0 when it may go on, else the seconds until such a call may.
        """
        limit = limited(method, path) if self.enabled else None
        if limit is None:
            return 0.0
        if len(self._buckets) >= _MOST_BUCKETS:
            self._forget_full(now)
        bucket = self._buckets.setdefault((limit.action, limit.about), Bucket(limit.rate, now))
        wait_s = bucket.take(now)
        self.refused += wait_s > 0
        return wait_s

    def _forget_full(self, now: float) -> None:
        left = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)}
        self._buckets = left if len(left) < _MOST_BUCKETS else {}
