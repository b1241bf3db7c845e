"""What the calls to the platform's APIs say of its day: pure."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_sre.recording.rows import PlatformCall

_TOO_MANY = 429
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Trouble:
    """One of the platform's APIs that did not do its work.

    Attributes:
        api: its name, such as ``Machines API``.
        calls: all calls that were made to it, tries counted one by one.
        failed: those of them that were refused, broke or were not answered.
    """

    api: str
    calls: int
    failed: tuple[PlatformCall, ...]

    @property
    def cause(self) -> str:
        """The key of the verdicts that it makes inconclusive."""
        return f"platform {self.api}"

    def __str__(self) -> str:
        first, last = _clock(self.failed[0].at), _clock(self.failed[-1].at)
        when = f"at {first}" if first == last else f"{first} to {last}"
        where, _ = Counter(f"{c.method} {c.path}" for c in self.failed).most_common(1)[0]
        times = "call" if self.calls == 1 else "calls"
        return f"Fly's {self.api} {_came(self.failed)} of {self.calls} {times}, {when} UTC: {where}"


def troubles(calls: Iterable[PlatformCall]) -> tuple[Trouble, ...]:
    """Give the APIs that were in trouble, the one with most failed calls first."""
    by_api: dict[str, list[PlatformCall]] = {}
    for call in sorted(calls, key=lambda call: call.at):
        by_api.setdefault(call.api, []).append(call)
    found = (
        Trouble(api, len(made), tuple(call for call in made if is_platform_fault(call)))
        for api, made in by_api.items()
    )
    return tuple(sorted((t for t in found if t.failed), key=lambda t: -len(t.failed)))


def is_platform_fault(call: PlatformCall) -> bool:
    """Whether the API did not do its work: it was silent, too busy, or failed itself."""
    return call.status in {0, _TOO_MANY} or call.status >= _SERVER_ERROR


def _came(failed: Sequence[PlatformCall]) -> str:
    """Say what came instead of answers, the commonest first: ``answered 503 to 12``."""
    counts = Counter(call.status for call in failed).most_common()
    silent = [f"gave no answer to {count}" for status, count in counts if not status]
    answered = [f"{status} to {count}" for status, count in counts if status]
    spoken = [f"answered {' and '.join(answered)}"] if answered else []
    return " and ".join([*spoken, *silent])


def _clock(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%H:%M:%S")
