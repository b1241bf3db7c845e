"""What every observation has in common: when it was made, how long it took, whether it failed."""

from typing import Self

import msgspec

from pytest_sre.probes.faults import Fault, own_cause
from pytest_sre.verdict import Inconclusive


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One observation.

    ``at`` is when it began (Unix seconds), ``total_s`` how long it took. ``error_kind`` is
    empty when what was asked for came; ``error`` says in one line what came instead.
    ``own_fault`` is true when that is due to our side: our DNS, our network, our credentials.
    """

    at: float
    total_s: float = 0.0
    error_kind: str = ""
    error: str = ""
    own_fault: bool = False

    def __bool__(self) -> bool:
        return self.ok

    @property
    def ok(self) -> bool:
        """Whether it was as expected; what a bare ``assert result`` asks.

        Raises:
            Inconclusive: when the fault is our own, since the app was not observed.
        """
        self.require_observed()
        return self._is_good()

    def require_observed(self) -> None:
        """Raise when our own fault kept us from seeing the app.

        Raises:
            Inconclusive: then.
        """
        if self.own_fault:
            raise Inconclusive(f"{self!r} says nothing", cause=own_cause(self.error_kind))

    def failed_by(self, fault: Fault, total_s: float) -> Self:
        """Return the same observation, ended by a fault after that many seconds."""
        return msgspec.structs.replace(
            self, total_s=total_s, error_kind=fault.kind, error=fault.text, own_fault=fault.own
        )

    def _is_good(self) -> bool:
        return not self.error_kind


def shown_time(seconds: float) -> str:
    """Return a duration as a person reads it: ``12 ms``, ``3.4 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
