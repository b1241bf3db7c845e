"""The Machine's documented state machine: what a call may do in which state."""

from typing import Final, Literal, get_args

State = Literal[
    "created",
    "starting",
    "started",
    "stopping",
    "stopped",
    "suspending",
    "suspended",
    "restarting",
    "replacing",
    "destroying",
    "destroyed",
    "failed",
]
Verb = Literal[
    "start", "stop", "restart", "suspend", "update", "destroy", "signal", "exec", "cordon"
]

SETTLED: Final[frozenset[State]] = frozenset(
    {"created", "started", "stopped", "suspended", "failed", "destroyed"}
)

_STOPPED: Final[frozenset[State]] = frozenset({"created", "stopped", "suspended", "failed"})

_ALLOWED: Final[dict[Verb, frozenset[State]]] = {
    "start": _STOPPED | {"started", "starting"},
    "stop": _STOPPED | {"started", "starting", "stopping", "restarting"},
    "restart": _STOPPED | {"started"},
    "suspend": frozenset({"started", "suspended"}),
    "update": _STOPPED | {"started", "starting", "restarting"},
    "destroy": _STOPPED,
    "signal": frozenset({"started"}),
    "exec": frozenset({"started"}),
    "cordon": frozenset(get_args(State)) - {"destroyed"},
}

_NEXT: Final[dict[State, frozenset[State]]] = {
    "created": frozenset({"starting", "stopped", "destroying"}),
    "starting": frozenset(
        {"started", "restarting", "stopping", "stopped", "replacing", "failed", "destroying"}
    ),
    "started": frozenset(
        {"stopping", "stopped", "suspending", "restarting", "replacing", "destroying"}
    ),
    "stopping": frozenset({"stopped", "destroying"}),
    "stopped": frozenset({"starting", "destroying"}),
    "suspending": frozenset({"suspended", "destroying"}),
    "suspended": frozenset({"starting", "stopping", "stopped", "destroying"}),
    "restarting": frozenset({"starting", "stopping", "replacing", "destroying"}),
    "replacing": frozenset({"starting", "stopped", "destroying"}),
    "failed": frozenset({"starting", "stopped", "destroying"}),
    "destroying": frozenset({"destroyed"}),
    "destroyed": frozenset(),
}


class Refused(Exception):  # noqa: N818 - the platform's answer, not an error of ours
    """The call is not allowed in the Machine's state.

    Args:
        status: the HTTP status to answer.
        text: the platform's text.
        kind: the machine-readable status beside the text, when there is one.
    """

    def __init__(self, status: int, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.kind = kind


def check_allowed(verb: Verb, state: State, *, force: bool = False) -> None:
    """Refuse a call that the state does not allow.

    Args:
        verb: what is asked for.
        state: the Machine's state now.
        force: for ``destroy`` only: also from a state that is not stopped.

    Raises:
        Refused: 404 for a destroyed Machine, 412 otherwise.
    """
    if state == "destroyed":
        raise Refused(404, "machine not found")
    if state in _ALLOWED[verb] or (verb == "destroy" and force):
        return
    if verb == "destroy":
        raise Refused(
            412, f"failed_precondition: unable to destroy machine, not currently stopped: '{state}'"
        )
    raise Refused(412, f"unable to {verb} machine from current state: '{state}'")


def is_next(state: State, new: State) -> bool:
    """Whether a Machine may go from one state straight to the other."""
    return new in _NEXT[state]


def satisfies(state: State, wanted: str) -> bool:
    """Whether waiting for ``wanted`` ends in this state.

    A Machine that was created and never launched counts as stopped; ``settled`` is any state
    that does not pass by itself.
    """
    if wanted == "settled":
        return state in SETTLED
    return state == wanted or (wanted == "stopped" and state == "created")
