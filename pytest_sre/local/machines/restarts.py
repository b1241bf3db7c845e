"""What happens after a Machine's process ended by itself."""

from dataclasses import dataclass
from typing import Final

from pytest_sre.fly.config import Restart

_MB: Final = 1024 * 1024
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0


@dataclass(frozen=True)
class Exit:
    """How a process ended.

    Args:
        return_code: as ``subprocess`` gives it: negative for a signal.
        oom_killed: it was killed for using more memory than its Machine has.
        at: Unix seconds.
    """

    return_code: int
    oom_killed: bool
    at: float

    @property
    def exit_code(self) -> int:
        """As a shell gives it: 128 + the signal's number when a signal ended it."""
        return self.return_code if self.return_code >= 0 else 128 - self.return_code

    @property
    def signal(self) -> int:
        """The signal that ended it; 0 for none."""
        return max(0, -self.return_code)

    @property
    def message(self) -> str:
        """The line that a Machine's log has of it."""
        if self.signal:
            return f"Main child exited with signal: {self.signal}"
        return f"Main child exited normally with code: {self.exit_code}"


def should_restart(policy: Restart | None, ended: Exit, restarts: int) -> bool:
    """Whether the restart policy starts the process again.

    Args:
        policy: the Machine's; on-failure with 10 retries when not stated.
        ended: how the process ended.
        restarts: how often it was started again already.
    """
    policy = policy or Restart()
    if policy.policy == "always":
        return True
    return is_failure(policy, ended) and restarts < policy.max_retries


def is_failure(policy: Restart | None, ended: Exit) -> bool:
    """Whether the end counts as a failure that the policy retries."""
    return (policy or Restart()).policy == "on-failure" and ended.exit_code != 0


def pause_s(restarts: int) -> float:
    """How long to wait before starting again, in seconds: 0.2, doubling to 5."""
    return min(_FIRST_PAUSE_S * 2.0 ** min(restarts, 10), _LONGEST_PAUSE_S)


def out_of_memory_message(pid: int, used_bytes: int, memory_mb: int) -> str:
    """The line that a Machine's log has of a process that was killed for its memory."""
    return (
        f"Out of memory: Killed process {pid} (using {used_bytes / _MB:.0f} MB of {memory_mb} MB)"
    )
