"""One test a Machine, an app, a journey: what the tests of a run are made for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_sre.run.run import Run

Choice = tuple[str | None, str]

# What a test is made for when there is nothing to make it for: its fixture then says why.
NONE: Choice = (None, "none")


def parametrize(metafunc: pytest.Metafunc, run: "Run | None") -> None:
    """Make the tests of one test function.

    Without a run, or with nothing to choose from, one test is made, which its fixture skips or
    calls inconclusive with the reason.
    """
    wanted = set(metafunc.fixturenames)
    if "fly_machine" in wanted:
        machines = [(machine.id, machine.label) for machine in run.machines] if run else []
        _make(metafunc, "fly_machine", machines)
    elif "fly_app" in wanted and run and len(run.apps) > 1:
        _make(metafunc, "fly_app", [(name, name) for name in run.apps])
    if "journey_name" in wanted:
        names = sorted(run.known_journeys) if run else []
        _make(metafunc, "journey_name", [(name, name) for name in names])


def _make(metafunc: pytest.Metafunc, fixture: str, choices: Sequence[Choice]) -> None:
    values, ids = zip(*(choices or [NONE]), strict=True)
    metafunc.parametrize(fixture, list(values), ids=list(ids), indirect=True)
