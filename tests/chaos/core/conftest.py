"""A local platform that outlives who disturbs it, with an app of four Machines that just sleep."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pytest_sre.chaos.guardian.standing import dismiss_guardians
from pytest_sre.chaos.hands import Hands, hands_of
from pytest_sre.chaos.injecting import Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import MachineConfig, MachineInit, Restart
from pytest_sre.fly.models import Machine
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.run.platforms import by_hand_dir
from pytest_sre.undo.files import Journal

APP = "shop"
PLACES = (("web", "ams"), ("web", "ams"), ("web", "fra"), ("worker", "ams"))
CONFIG = MachineConfig(
    image="registry.local/sleeper:1",
    init=MachineInit(exec=["sleep", "100000"]),
    restart=Restart(policy="always"),
)
RUN = "run-1"


class Fleet:
    """The app's Machines, and whether they are as they should be."""

    def __init__(self, hands: Hands, journal: Journal) -> None:
        self.hands, self.journal, self.fly = hands, journal, hands.fly

    def machines(self) -> list[Machine]:
        return self.fly.machines(APP)

    def injector(self, **more) -> Injector:
        return Injector(self.hands, self.journal, run=RUN, target="local", **more)

    def changes(self, action):
        return changes_of(action, self.machines(), app=APP, seed=3, local=True)

    def inject(self, action, **more):
        return self.injector(**more).inject(action, self.changes(action))

    def create(self, group: str, region: str) -> Machine:
        return create(self.fly, group, region)

    def state(self, machine_id: str) -> str:
        return self.fly.machine(APP, machine_id).state

    def wrong(self) -> list[str]:
        """What is not as it was in the beginning."""
        there = self.machines()
        wrong = [f"{m.id} is {m.state}" for m in there if m.state != "started"]
        wrong += [f"{m.id} is cordoned" for m in there if m.cordoned]
        wrong += [f"{m.id} has {key}" for m in there for key in self.tags(m)]
        count = [] if len(there) == len(PLACES) else [f"{len(there)} Machines"]
        return wrong + count + [path.name for path in self.files()]

    def files(self) -> list[Path]:
        return sorted(self.journal.folder.glob("*"))

    def tags(self, machine: Machine) -> list[str]:
        return [key for key in machine.settings.metadata if key.startswith("sre-undo-")]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project whose app runs on the platform."""
    root = tmp_path_factory.mktemp("project")
    (root / "fly.toml").write_text(f'app = "{APP}"\n')
    return root


@pytest.fixture(scope="module")
def platform(tmp_path_factory, project) -> Iterator[LocalPlatform]:
    started = LocalPlatform.up(by_hand_dir(project))
    try:
        image = Image("registry.local/sleeper:1", str(tmp_path_factory.mktemp("app")))
        started.register_image(image)
        with hands_of(str(started.state_dir)) as hands:
            hands.fly.create_app(APP, "personal")
            for group, region in PLACES:
                create(hands.fly, group, region)
        yield started
    finally:
        started.stop()


def create(fly: Fly, group: str, region: str) -> Machine:
    config = MachineConfig(
        image=CONFIG.image,
        init=CONFIG.init,
        restart=CONFIG.restart,
        metadata={"fly_process_group": group},
    )
    made = fly.create_machine(APP, config, region=region)
    fly.wait(APP, made.id, "started")
    return made


@pytest.fixture
def fleet(platform: LocalPlatform, tmp_path: Path) -> Iterator[Fleet]:
    """The fleet; whatever a test does with it, it is as it was afterwards."""
    with hands_of(str(platform.state_dir)) as hands:
        # Nothing is late here; a guardian waits as long as it has to elsewhere.
        fleet = Fleet(replace(hands, in_flight_s=0.1), Journal(tmp_path / "undo"))
        assert fleet.wrong() == []
        yield fleet
        platform.clear_faults()
        dismiss_guardians()
        assert fleet.wrong() == []


@pytest.fixture
def forks(fleet, platform):
    """Starts processes that disturb the fleet."""
    program = Path(__file__).with_name("runner.py")
    command = [sys.executable, str(program), str(platform.state_dir), str(fleet.journal.folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield lambda how: fork(process, how)
        process.stdin.close()


def fork(process, how: str) -> tuple[int, list[str]]:
    process.stdin.write(f"{how}\n")
    process.stdin.flush()
    pid = int(process.stdout.readline())
    said = []
    last = "begun" if how == "loop" else "held"
    while last not in said:
        said.append(process.stdout.readline().strip())
        assert said[-1], "it ended"
    return pid, said


@pytest.fixture
def guardians() -> Callable[[Path], list[psutil.Process]]:
    """Finds the guardians of a journal."""

    def find(folder: Path) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if str(folder) in line and any("guardian.watching" in part for part in line):
                found.append(process)
        return found

    return find
