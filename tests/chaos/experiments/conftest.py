"""Experiments as files."""

import contextlib
import copy
import json

import psutil
import pytest

from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.chaos.experiments.running import run_experiment
from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.guardian.standing import dismiss_guardians
from pytest_sre.chaos.hands import hands_of
from pytest_sre.recording.rows import Perturbation
from pytest_sre.targets import load_settings
from pytest_sre.turns.noticeboard import MachineBoard, board_machine
from pytest_sre.turns.notices import key_prefix
from pytest_sre.turns.purposes import CHAOS
from pytest_sre.undo.files import Journal, undo_dir
from tests.plugin.conftest import processes_about
from tests.plugin.conftest import shared as shared  # noqa: PLC0414 - a fixture

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


@pytest.fixture(scope="module")
def hands(shared):
    """What acts on the platform of the shared project."""
    with hands_of(str(shared.root / ".sre/local/by-hand")) as found:
        yield found
    dismiss_guardians()


class Stage:
    """The shared project's platform as ground for experiments, and all that was told of them."""

    def __init__(self, root, hands) -> None:
        self.root, self.hands = root, hands
        self.rows, self.lines, self.stop = [], [], ""
        self.asked_s = []
        self.settings = load_settings(root, "local")
        self.ground = Ground(
            settings=self.settings,
            hands=hands,
            journal=Journal(undo_dir(root)),
            app="tiny",
            run="run-1",
            seed=1,
            test="chaos/it.json::it",
            ready=self.ready,
            stopped=lambda: self.stop,
            write=self.rows.append,
            tell=self.lines.append,
        )

    @contextlib.contextmanager
    def ready(self, lasts_s):
        self.asked_s.append(lasts_s)
        yield

    def run(self, document, **values):
        folder = self.root / "experiments"
        folder.mkdir(exist_ok=True)
        path = folder / "it.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return run_experiment(read_experiment(path, self.root), self.ground, values=values)

    @property
    def perturbations(self):
        """The newest row of each."""
        found = [row for row in self.rows if isinstance(row, Perturbation)]
        return list({row.perturbation: row for row in found}.values())

    def is_clean(self) -> bool:
        left = self.ground.journal.left()
        machines = self.hands.fly.machines("tiny")
        changed = [m for m in machines if m.state != "started" or m.cordoned]
        return not changed and not left


@pytest.fixture
def stage(shared, hands):
    """A stage that is as it was found when the test ends."""
    made = Stage(shared.root, hands)
    assert made.is_clean()
    yield made
    assert made.is_clean()
    assert at_play() == []


def at_play(root=None):
    """The processes that play an experiment: of a project, or those that this process began."""
    among = processes_about(root) if root else psutil.Process().children(recursive=True)
    return [process for process in among if "experiments.child" in _told(process)]


def _told(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def cordoned(hands) -> list[str]:
    """The Machines of the shared project that are cordoned."""
    return [m.id for m in hands.fly.machines("tiny") if m.cordoned]


def forget_turns(hands) -> None:
    """Do not wait until nobody heeds the turn of a killed process any more: it takes a minute."""
    board = MachineBoard(hands.fly, "tiny", board_machine(hands.fly.machines("tiny")))
    for key in board.notices():
        if key.startswith(key_prefix(CHAOS)):
            board.remove(key)
