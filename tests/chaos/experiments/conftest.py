"""Experiments as files."""

import copy
import json

import pytest

from pytest_sre.chaos.experiments.reading import read_experiment

ACTIONS = "pytest_sre.chaos.fly.actions"
PROBES = "pytest_sre.chaos.fly.probes"


def calling(module: str, func: str, **arguments: object) -> dict[str, object]:
    called: dict[str, object] = {"type": "python", "module": module, "func": func}
    return called | ({"arguments": arguments} if arguments else {})


def action(func: str, module: str = ACTIONS, **arguments: object) -> dict[str, object]:
    provider = calling(module, func, **arguments)
    return {"type": "action", "name": func, "provider": provider}


def probe(
    func: str, tolerance: object = True, module: str = PROBES, **arguments: object
) -> dict[str, object]:
    provider = calling(module, func, **arguments)
    return {"type": "probe", "name": func, "tolerance": tolerance, "provider": provider}


def stated(**terms: object) -> list[dict[str, object]]:
    return [{"name": "pytest-sre", "blast-radius": {"machines": 1, "seconds": 20}, **terms}]


# A whole experiment; tests change a part of it.
EXPERIMENT = {
    "title": "lose a web Machine",
    "description": "the others carry on",
    "configuration": {"group": "web", "count": 1},
    "steady-state-hypothesis": {
        "title": "the shop sells",
        "probes": [probe("journey_passes", name="checkout")],
    },
    "method": [action("stop_machines", group="${group}", count="${count}")],
    "rollbacks": [action("undo_all")],
    "extensions": stated(),
}


def experiment(**changed: object) -> dict[str, object]:
    """The whole experiment, with other parts; a name's dashes are written as underscores."""
    made = copy.deepcopy(EXPERIMENT)
    made |= {name.replace("_", "-"): value for name, value in changed.items()}
    return made


@pytest.fixture
def read(tmp_path):
    """Write a document as JSON, or a text as YAML, and read it."""

    def read(document, name="it"):
        is_text = isinstance(document, str)
        path = tmp_path / f"{name}.{'yaml' if is_text else 'json'}"
        path.write_text(document if is_text else json.dumps(document, indent=1), encoding="utf-8")
        return read_experiment(path, tmp_path)

    return read
