"""The demo shop in a folder of its own, and pytest run against it as a user runs it."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytest_sre.deploys.rollout import Deployment
from pytest_sre.fly.client import Fly
from pytest_sre.fly.models import Machine
from pytest_sre.local.places import by_hand_dir
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.recording import Recording, RecordingError
from pytest_sre.recording.rows import Row
from pytest_sre.run.platforms import client_of, deploy_locally
from pytest_sre.targets import load_settings

DEADLINE_S = 240.0
SHOP = Path(__file__).parents[2] / "examples" / "shop"

# A verdict on 5 % of errors takes a third of the requests that one on 1 % takes, so that a drill
# can be short and would still be called healthy if the thing it broke went unseen.
SHORT_BAKE = "\n[bake]\nerror-ratio = 0.05\n"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code, and all that it printed."""

    code: int
    text: str

    @property
    def block(self) -> list[str]:
        """The lines of the verdict, stripped; the first names it."""
        assert self.text.count(" release verdict ") == 1, self.text
        _, _, block = self.text.partition(" release verdict ")
        return [line.strip() for line in block.splitlines()[1:] if line.strip()]

    @property
    def verdict(self) -> str:
        """HEALTHY, UNHEALTHY or INCONCLUSIVE."""
        return self.block[0].split()[0]

    def lines(self, word: str) -> list[str]:
        """The lines of the verdict that begin with a word, in lower case, without it."""
        found = (line.partition(" ") for line in self.block)
        return [rest.strip().lower() for first, _, rest in found if first == word]


class Shop:
    """A copy of the demo shop that a user verifies.

    Args:
        root: where the copy is made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(SHOP, root, ignore=shutil.ignore_patterns("__pycache__", ".*"))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace what is once in a file."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} is not once in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add(self, file: str, text: str) -> str:
        """Append to a file, which is made when missing; its name."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as out:
            out.write(text)
        return file

    def spawn(
        self, *arguments: str, target: str = "local", env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """Start ``pytest --sre-target`` here as a terminal does: in a process group of its own."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        return subprocess.Popen(
            [*command, f"--sre-target={target}", *arguments],
            cwd=self.root,
            env={**clean_environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def verify(self, *arguments: str, **options: Any) -> Outcome:
        """Run ``pytest --sre-target`` here to its end."""
        return outcome_of(self.spawn(*arguments, **options))

    @property
    def processes(self) -> list[psutil.Process]:
        """The processes that work here, or were given a path here on their command line."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    words = [*process.cmdline(), process.cwd()]
                    found += [process] * any(str(self.root) in word for word in words)
        return found

    @property
    def files(self) -> set[Path]:
        """The files here, without those of ``.sre``."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*"))
        return {path for path in found if path.parts[0] != ".sre"}

    def recorded(self, row_type: type[Row], **equal: Any) -> int:
        """How many rows of a type the newest run has recorded; 0 when there is none yet."""
        runs = sorted((self.root / ".sre" / "runs").glob("*.sqlite"))
        with contextlib.suppress(RecordingError):
            if runs:
                with Recording(runs[-1]) as recording:
                    return recording.count(row_type, **equal)
        return 0


def outcome_of(process: "subprocess.Popen[str]") -> Outcome:
    """Wait for the end of a run."""
    with process:
        try:
            text, _ = process.communicate(timeout=DEADLINE_S)
        except BaseException:
            process.kill()
            raise
    return Outcome(process.returncode, text)


def clean_environment() -> dict[str, str]:
    """The environment without what would change how pytest or the plugin behave."""
    unwanted = ("FLY_", "PYTEST_", "COV_", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "CI")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    return {**kept, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}


class LiveShop(Shop):
    """A shop whose platform is up, to be broken by its API and verified as it then is."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.add("sre.toml", SHORT_BAKE)

    def up(self) -> None:
        """Start the platform."""
        self.platform = LocalPlatform.up(by_hand_dir(self.root))
        self.fly: Fly = client_of(self.platform)

    def down(self) -> None:
        """Stop the platform."""
        self.fly.close()
        self.platform.stop()

    def deploy(self, release: str | None = None) -> Deployment:
        """Deploy the code as it is, or a release by name."""
        (spec,) = load_settings(self.root, "local").target.apps
        return deploy_locally(self.fly, self.platform, spec, release)

    def machines(self, group: str) -> list[Machine]:
        """The Machines of a process group."""
        return [machine for machine in self.fly.machines("shop") if machine.group == group]

    def exits(self, machine: Machine) -> int:
        """How often a Machine's process ended without having been told to."""
        events = self.fly.machine("shop", machine.id).events
        return sum(event.is_unasked_exit for event in events)

    def is_healthy(self, machine: Machine) -> bool:
        """Whether a Machine is started and its checks pass."""
        now = self.fly.machine("shop", machine.id)
        return now.state == "started" and all(c.status == "passing" for c in now.checks)

    def drill(self, *arguments: str, **options: Any) -> Outcome:
        """Verify what runs, with a bake that is long enough for a verdict."""
        return self.verify("--sre-bake=3s", *arguments, **options)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop of the test's own; nothing may be left running there."""
    made = Shop(tmp_path / "shop")
    yield made
    left = made.processes
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    assert left == []


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveShop]:
    """A shop that is up and well. Who breaks it deploys it anew."""
    with _live(tmp_path_factory.mktemp("live")) as made:
        yield made


@pytest.fixture
def broken(live: LiveShop) -> Iterator[LiveShop]:
    """The live shop for a test that breaks it."""
    yield live
    assert live.deploy().status == "complete"


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[LiveShop], None]], Any]:
    """Bring up a shop of the test's own, whose files or platform are changed first."""

    return lambda change: _live(tmp_path, change)


@contextlib.contextmanager
def _live(folder: Path, change: Callable[[LiveShop], None] | None = None) -> Iterator[LiveShop]:
    made = LiveShop(folder / "shop")
    made.up()
    try:
        if change:
            change(made)
        deployed = made.deploy()
        assert deployed.status == "complete", deployed
        yield made
    finally:
        made.down()
    assert made.processes == []


@pytest.fixture(name="outcome_of")
def _outcome_of() -> "Callable[[subprocess.Popen[str]], Outcome]":
    return outcome_of


@pytest.fixture(scope="session")
def new_shop() -> type[Shop]:
    """Makes a shop in a folder that is not there yet."""
    return Shop
