"""What the commands about chaos share: a fleet, who perturbs it and is killed, and what is left."""

import contextlib
import multiprocessing
import os
import random
import secrets
import shutil
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import httpx
import psutil
from front import Front

from pytest_sre.chaos.actions import (
    Action,
    CordonMachines,
    DegradeNetwork,
    KillMachines,
    LoseRegion,
    Partition,
    PlatformFault,
    RestartMachines,
    Scale,
    StopMachines,
    SuspendMachines,
    Which,
)
from pytest_sre.local import Image, LocalPlatform, Script
from pytest_sre.local.places import by_hand_dir
from pytest_sre.undo.files import undo_dir

APP, TARGET = "shop", "local"
SIMULATED, REAL = "registry.local/simulated:1", "registry.local/real:1"
PATIENCE_S = 60.0
MARK = "PYTEST_SRE_CONTRACT"
"""The variable by which all processes of one that perturbs are found again."""
_LOOK_AGAIN_S = 0.01
_ANY_WEB = Which(group="web", count=1)
ACTIONS: tuple[Action, ...] = (
    StopMachines(which=_ANY_WEB),
    StopMachines(which=Which(group="web", share=1.0)),
    SuspendMachines(which=_ANY_WEB),
    CordonMachines(which=Which(group="web", count=2)),
    KillMachines(which=Which(group="worker")),
    RestartMachines(which=_ANY_WEB),
    LoseRegion(region="iad"),
    Scale(group="web", count=1),
    Scale(group="web", count=4),
)
SELF_ENDING: tuple[Action, ...] = (
    DegradeNetwork(which=_ANY_WEB, to="client", latency_s=0.2),
    Partition(which=_ANY_WEB, to="client"),
    PlatformFault(fault="check-hang", which=_ANY_WEB),
)
# Before anything is injected, a guardian is made to stand.
PHASES = ("before", "injecting", "active", "undoing", "after")


@dataclass(frozen=True)
class Seen:
    """A fleet's state, as far as chaos may change it."""

    machines: Mapping[str, tuple[str, bool, tuple[tuple[str, str], ...]]]
    faults: tuple[str, ...]
    leases: tuple[str, ...]

    def differs(self, other: "Seen") -> str:
        """Say what is not as in the other; empty when all is."""
        told = [
            f"{machine}: {self.machines.get(machine)} is not {other.machines.get(machine)}"
            for machine in sorted({*self.machines, *other.machines})
            if self.machines.get(machine) != other.machines.get(machine)
        ]
        told += [f"fault {each}" for each in self.faults] if self.faults != other.faults else []
        told += [f"lease {each}" for each in self.leases] if self.leases != other.leases else []
        return "; ".join(told)


class Fleet:
    """An app on a local platform that outlives whoever perturbs it, behind a `Front`.

    Attributes:
        root: the project's folder, with its ``.sre``.
        platform: what the app is on.
        front: stands before it, and is found as the project's platform that was started by hand.
        before: the app's state when it was made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.platform = LocalPlatform.up(root / "platform")
        self._http = httpx.Client(
            base_url=self.platform.api_url,
            headers={"authorization": f"Bearer {self.platform.token}"},
            trust_env=False,
            timeout=PATIENCE_S,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        self.front = Front(self.platform, by_hand_dir(root))
        self._deploy()
        self.before = self.seen()

    def begin_anew(self) -> None:
        """Forget what is left, and have other Machines."""
        for path in undo_dir(self.root).glob("*.json"):
            path.unlink()
        self.platform.clear_faults()
        self.replace_machines()

    def replace_machines(self) -> None:
        """Destroy all its Machines and make others, as a deploy may; they are then its state."""
        for machine in self.seen().machines:
            self.ask("DELETE", f"{MACHINES}/{machine}", params={"force": "true"})
        self._make_machines()
        self.before = self.seen()

    def _deploy(self) -> None:
        real = self.root / "real"
        real.mkdir()
        self.platform.register_image(Image(SIMULATED, simulated=Script()))
        self.platform.register_image(Image(REAL, str(real), {"worker": "sleep 86400"}))
        self.ask("POST", "/v1/apps", json={"name": APP})
        self._make_machines()

    def _make_machines(self) -> None:
        for group, region in (
            ("web", "iad"),
            ("web", "iad"),
            ("web", "ams"),
            ("store", "iad"),
            ("worker", "ams"),
        ):
            config = {
                "image": REAL if group == "worker" else SIMULATED,
                "metadata": {"fly_process_group": group, "fly_platform_version": "v2"},
                "restart": {"policy": "always"},
            }
            self.ask("POST", MACHINES, json={"region": region, "config": config})
        self.until(lambda: {state for state, _, _ in self.seen().machines.values()} == {"started"})

    def seen(self) -> Seen:
        """Look at it, past the front."""
        machines = self.ask("GET", MACHINES).json()
        faults = self.ask("GET", "/_local/faults").json()["faults"]
        return Seen(
            {
                each["id"]: (
                    each["state"],
                    each["cordoned"],
                    tuple(sorted(each["config"].get("metadata", {}).items())),
                )
                for each in machines
            },
            tuple(each["kind"] for each in faults),
            tuple(each["id"] for each in machines if each.get("lease")),
        )

    def differs(self) -> str:
        """Say what is not as it was; empty when all is."""
        return self.seen().differs(self.before)

    @property
    def intents(self) -> tuple[str, ...]:
        """What the journal holds."""
        return tuple(sorted(path.name for path in undo_dir(self.root).glob("*.json")))

    def ask(self, method: str, path: str, **told: Any) -> httpx.Response:
        """Call the platform's API, past the front."""
        return self._http.request(method, path, **told).raise_for_status()

    @staticmethod
    def until(holds: Callable[[], object], within_s: float = PATIENCE_S) -> bool:
        """Ask again and again; whether it held in time."""
        ends = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > ends:
                return False
            time.sleep(_LOOK_AGAIN_S)
        return True

    def close(self) -> None:
        self._http.close()
        self.front.close()
        self.platform.stop()


MACHINES = f"/v1/apps/{APP}/machines"


@contextmanager
def fleet() -> Iterator[Fleet]:
    """A fleet in a folder of its own."""
    root = Path(tempfile.mkdtemp(prefix="contract-"))
    try:
        made = Fleet(root)
        try:
            yield made
        finally:
            made.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


@dataclass(frozen=True)
class Told:
    """What one that perturbs is told.

    Attributes:
        root: the project's folder.
        handle: where it finds the platform.
        action: what it does.
        seed: which Machines are chosen.
        mark: by which its processes are found again.
        undo_timeout_s: for how long undoing is tried.
    """

    root: Path
    handle: Path
    action: Action
    seed: int
    mark: str
    undo_timeout_s: float = 30.0


class Perturber:
    """A process that injects, holds and undoes, each when it is told to go on."""

    def __init__(self, told: Told, before: Callable[[], None] | None = None) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        self._process = processes().Process(target=perturb, args=(told, theirs, before))
        self._process.start()
        theirs.close()
        self._mark = told.mark

    def reach(self, phase: str) -> None:
        """Let it go on until it is in a phase.

        Raises:
            SystemExit: it ended, or did not get there in time.
        """
        while True:
            if not self._ours.poll(PATIENCE_S):
                raise SystemExit(f"no {phase!r} within {PATIENCE_S:g} s")
            try:
                found = self._ours.recv()
            except EOFError:
                raise SystemExit(f"what perturbs ended before {phase!r}") from None
            if isinstance(found, BaseException):
                raise SystemExit(f"what perturbs failed before {phase!r}: {found!r}")
            if found == phase:
                self._ours.send("go")
                return
            self._ours.send("go")

    def processes(self) -> list[psutil.Process]:
        """Give all that it started and that still runs, wherever they hang now."""
        return marked(self._mark)

    def kill(self) -> float:
        """Kill it, -9, and nothing else; when that was."""
        at = time.monotonic()
        self._process.kill()
        self._process.join()
        return at

    def kill_all(self) -> float:
        """Kill it and all that it started, at once; when that was."""
        others = self.processes()
        for each in others:
            with contextlib.suppress(psutil.Error):
                each.suspend()
        at = time.monotonic()
        self._process.kill()
        for each in (*others, *self.processes()):
            with contextlib.suppress(psutil.Error):
                each.kill()
        self._process.join()
        return at


def marked(mark: str) -> list[psutil.Process]:
    """Give the processes whose environment has a mark."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if each.environ().get(MARK) == mark and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def perturb(told: Told, marks: Connection, before: Callable[[], None] | None) -> None:
    """Inject, hold, undo; says which phase it enters, and waits to be told to go on.

    Args:
        told: what to do.
        marks: where it says so.
        before: called first, to take something out.
    """
    from pytest_sre.chaos.guardian.standing import standing_guardian
    from pytest_sre.chaos.hands import hands_of
    from pytest_sre.chaos.injecting import Injector
    from pytest_sre.chaos.planning import changes_of
    from pytest_sre.undo.files import Journal

    os.environ[MARK] = told.mark

    def enter(phase: str) -> None:
        marks.send(phase)
        marks.recv()

    try:
        if before:
            before()
        with hands_of(str(told.handle)) as hands:
            injector = Injector(
                hands,
                Journal(undo_dir(told.root)),
                run=told.mark,
                target=TARGET,
                undo_timeout_s=told.undo_timeout_s,
                tell=lambda _: None,
            )
            fleet = hands.fly.machines(APP)
            changes = changes_of(told.action, fleet, app=APP, seed=told.seed, local=True)
            enter("before")
            standing_guardian(
                undo_dir(told.root), run=told.mark, undo_timeout_s=told.undo_timeout_s
            )
            enter("injecting")
            injection = injector.inject(told.action, changes)
            enter("active")
            enter("undoing")
            undone = injection.undo()
            assert undone.clean, undone
            enter("after")
            marks.recv()
    except EOFError:
        pass
    except BaseException as error:  # noqa: BLE001 - whoever waits is told
        marks.send(RuntimeError(f"{type(error).__name__}: {error}"))


def processes() -> ForkServerContext:
    """Processes that begin within milliseconds: all that is heavy is loaded once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["__main__", "pytest_sre.chaos.injecting", "pytest_sre.chaos.planning"]
    )
    return context


def new_mark() -> str:
    return secrets.token_hex(6)


def shuffled_rounds(
    count: int, actions: tuple[Action, ...], chance: random.Random
) -> list[tuple[Action, str, float]]:
    """Give an action, a phase and a moment in it, from 0 to 1, for each round, all as often."""
    rounds = [
        (actions[number % len(actions)], PHASES[number % len(PHASES)], chance.random())
        for number in range(count)
    ]
    chance.shuffle(rounds)
    return rounds
