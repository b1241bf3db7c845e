"""GitHub's limits, with figures that a test can reach."""

import time
from dataclasses import dataclass, field


@dataclass
class Limits:
    """How much may be asked; what was refused is counted.

    Attributes:
        primary: requests per window; ``window_s`` long.
        writes_per_min: creations of content, beyond which the secondary limit answers.
        retry_after_s: what the secondary limit tells to wait; None when it does not say.
        status: of the secondary limit's answer, 403 or 429.
        refused: times (Unix seconds) of refused requests.
        violations: requests that came although GitHub had said when to come again.
    """

    primary: int = 5_000
    window_s: float = 3_600.0
    writes_per_min: int = 80
    retry_after_s: int | None = 60
    status: int = 403
    refused: list[float] = field(default_factory=list)
    violations: int = 0
    used: int = 0
    reset_at: float = 0.0
    _writes: list[float] = field(default_factory=list)
    _not_before: float = 0.0

    def answer(self, *, is_write: bool) -> tuple[int, str, dict[str, str]] | None:
        """Count a request; status, message and headers when it is one too many."""
        now = time.time()
        if now < self._not_before:
            self.violations += 1
        if now >= self.reset_at:
            self.used, self.reset_at = 0, now + self.window_s
        self.used += 1
        if self.used > self.primary:
            return self._refuse(now, self.reset_at, 403, "API rate limit exceeded for user ID 1.")
        if is_write:
            self._writes = [at for at in self._writes if at > now - 60]
            if len(self._writes) >= self.writes_per_min:
                return self._secondary(now)
            self._writes.append(now)
        return None

    def forgive(self) -> None:
        """Take the request back: what has not changed since it was last told does not count."""
        self.used -= 1

    def exhaust(self) -> None:
        """Use up the primary limit of this window."""
        self.used, self.reset_at = self.primary, time.time() + self.window_s

    def headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(self.primary),
            "x-ratelimit-remaining": str(max(0, self.primary - self.used)),
            "x-ratelimit-used": str(min(self.used, self.primary)),
            "x-ratelimit-reset": str(int(self.reset_at) + 1),
            "x-ratelimit-resource": "core",
        }

    def _secondary(self, now: float) -> tuple[int, str, dict[str, str]]:
        wait_s = self.retry_after_s
        told = {"retry-after": str(wait_s)} if wait_s is not None else {}
        message = "You have exceeded a secondary rate limit. Please wait a few minutes."
        status, message, _ = self._refuse(now, now + (wait_s or 0), self.status, message)
        return status, message, told

    def _refuse(
        self, now: float, not_before: float, status: int, message: str
    ) -> tuple[int, str, dict[str, str]]:
        self.refused.append(now)
        # A clock's tick less: what waits exactly as long as it was told keeps to it.
        self._not_before = max(self._not_before, not_before - 0.05)
        return status, message, {}
