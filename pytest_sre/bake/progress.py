"""Where a bake stands, for the line that a person watches."""

from collections import deque
from dataclasses import dataclass, field

from pytest_sre.recording.rows import Exchange

_RECENT = 512


@dataclass
class Progress:
    """Counters of a bake that is under way; its memory is bounded."""

    window_s: float
    started_at: float = 0.0
    requests: int = 0
    failed: int = 0
    _recent_s: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def add(self, exchange: Exchange) -> None:
        """Count one exchange."""
        self.requests += 1
        self.failed += not exchange.ok
        self._recent_s.append(exchange.total_s)

    def line(self, at: float) -> str:
        """Say where the bake stands at a Unix time, in one line."""
        elapsed_s = min(self.window_s, max(0.0, at - self.started_at))
        recent_s = sorted(self._recent_s.copy())
        p95_s = recent_s[int(0.95 * (len(recent_s) - 1))] if recent_s else 0.0
        return (
            f"bake {elapsed_s:.0f} of {self.window_s:.0f} s, {self.requests} requests, "
            f"{self.failed} failed, p95 {p95_s * 1000:.0f} ms"
        )
