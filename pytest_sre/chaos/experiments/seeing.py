"""What chaoslib reports, as words. Pure, but for the clock."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Final, cast

from pytest_sre.chaos.experiments.words import Acted, Phase, ProbeSeen, StateSeen, Status, Steady

_OURS: Final = "pytest_sre.chaos.fly."
_SHOWN: Final = 300
_CLASSES: Final = re.compile(r"^(chaoslib\.exceptions\.ActivityFailed: )?(pytest_sre\.[\w.]+: )?")
_FIRST_BAD_STATUS: Final = 400

Run = Mapping[str, object]
"""How chaoslib reports on an activity: its `Run`."""


def state_seen(phase: Phase, state: Mapping[str, object] | None) -> StateSeen:
    """Say how the steady state was found.

    Args:
        phase: when.
        state: chaoslib's report on it.
    """
    runs = cast("Sequence[Run]", (state or {}).get("probes", ()))
    return StateSeen(at=time.time(), phase=phase, probes=tuple(_probe(run) for run in runs))


def acted(phase: Phase, activity: Mapping[str, object], run: Run) -> Acted:
    """Say how an activity of the method or of the rollbacks ended."""
    took_s = cast("float", run.get("duration", 0.0))
    return Acted(
        at=time.time() - took_s,
        phase=phase,
        name=str(activity.get("name", "")),
        kind=str(activity.get("type", "")),
        status=_status(activity, run),
        said=_said(run),
        took_s=took_s,
        is_ours=_is_ours(activity),
    )


def _probe(run: Run) -> ProbeSeen:
    activity = cast("Mapping[str, object]", run["activity"])
    steady: Steady = "met" if run.get("tolerance_met") else "off"
    if run.get("status") != "succeeded" and _is_ours(activity):
        # Ours give a value for what an app does wrong; one that raises could not see.
        steady = "unknown"
    return ProbeSeen(name=str(activity.get("name", "")), steady=steady, said=_said(run))


def _provider(activity: Mapping[str, object]) -> Mapping[str, object]:
    return cast("Mapping[str, object]", activity.get("provider") or {})


def _is_ours(activity: Mapping[str, object]) -> bool:
    return str(_provider(activity).get("module", "")).startswith(_OURS)


def _status(activity: Mapping[str, object], run: Run) -> Status:
    if run.get("status") != "succeeded":
        return "failed"
    output = run.get("output")
    code = output.get("status") if isinstance(output, Mapping) else None
    kind = _provider(activity).get("type")
    # For chaoslib a command that fails, and an error for an answer, are successes.
    if activity.get("type") == "action" and isinstance(code, int):
        if kind == "process" and code != 0:
            return "failed"
        if kind == "http" and code >= _FIRST_BAD_STATUS:
            return "failed"
    return "succeeded"


def _said(run: Run) -> str:
    raised = run.get("exception")
    if isinstance(raised, Sequence) and raised and not isinstance(raised, str):
        # The last line names chaoslib's own class, then that of the error.
        text = _CLASSES.sub("", str(raised[-1]).strip())
    elif run.get("status") is None:
        text = "it broke off"
    else:
        text = repr(run.get("output"))
    shown = " ".join(text.split())
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
