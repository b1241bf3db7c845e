"""What was seen while a schedule was played: who asked for what, and what came of it. Values.

The outcomes are Jepsen's: an operation is invoked, and then it is ok, it fails, which means that it
certainly has not happened, or it is indeterminate (info).
Source: https://github.com/jepsen-io/jepsen/blob/main/doc/tutorial/06-refining.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """What came of an operation."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One operation of one user.

    Attributes:
        operation: its name.
        began_at: when it was invoked, Unix seconds.
        ended_at: when its outcome was known, Unix seconds.
        outcome: what came of it.
        item: by which name the app acknowledged it; empty when it did not.
        why: what the user was told instead.
    """

    operation: str
    began_at: float
    ended_at: float
    outcome: Outcome
    item: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request of a user, as the app's answer tells who served it.

    Attributes:
        sent_at: when it was sent, Unix seconds.
        machine: the id of the Machine; empty when the answer does not tell.
    """

    sent_at: float
    machine: str


@dataclass(frozen=True, kw_only=True)
class Cordoned:
    """A time in which a Machine was out of the proxy's routing, Unix seconds."""

    machine: str
    from_at: float
    until_at: float


@dataclass(frozen=True, kw_only=True)
class Played:
    """How a schedule went.

    Attributes:
        invocations: what users did, in the order in which they began.
        readable: how often each acknowledged item could be read at the end; None where the app did
            not say.
        healed_at: when the last fault was healed, Unix seconds.
        recovered_s: how long after that all was well again, seconds; None when it was not within
            the time there was, or nobody asked.
        errors: what the log says of errors, one text for each kind.
        requests: who served users, as far as answers tell.
        cordoned: which Machines were not to be asked when.
        not_injected: the faults that could not be injected, and why.
    """

    invocations: tuple[Invocation, ...] = ()
    readable: Mapping[str, int | None] = field(default_factory=lambda: MappingProxyType({}))
    healed_at: float = 0.0
    recovered_s: float | None = None
    errors: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    cordoned: tuple[Cordoned, ...] = ()
    not_injected: tuple[str, ...] = ()
