"""Following the log of real Machines while they are restarted: no line lost, none twice."""

import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import MachineConfig, MachineInit, Restart, StopConfig
from pytest_sre.fly.errors import PreconditionFailed
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.logs import LogTail
from pytest_sre.run.platforms import client_of

APP = "talker"
LINES = 400
# Two of three lines are the same as the one before: only their number of times tells.
TALKER = f"""
import time
print("begin", flush=True)
for number in range({LINES}):
    print("again" if number % 3 else "line %d" % number, flush=True)
    if number % 20 == 0:
        time.sleep(0.02)
print("end", flush=True)
"""
ENDED = LINES + 2


@pytest.fixture(scope="module")
def fly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fly]:
    folder: Path = tmp_path_factory.mktemp("platform")
    with LocalPlatform.start(folder / "state") as platform:
        platform.register_image(Image(ref="registry.local/talker:1", root="/"))
        with client_of(platform) as fly:
            fly.create_app(APP, "personal")
            yield fly


def run_of(messages: list[str]) -> list[list[str]]:
    """What each run of a Machine's process said."""
    runs: list[list[str]] = []
    for message in messages:
        if message == "begin":
            runs.append([])
        runs[-1].append(message)
    return runs


def expected(count: int) -> list[str]:
    said = ["again" if number % 3 else f"line {number}" for number in range(LINES)]
    return ["begin", *said, "end"][:count]


def restart_in_its_midst(fly: Fly, machine: str) -> None:
    """Restart a Machine while it talks; one that has just ended by itself is waited for."""
    while True:
        fly.wait(APP, machine, "started")
        with contextlib.suppress(PreconditionFailed):
            fly.restart(APP, machine)
            return


class Listener:
    """What the Machines of the app said, by Machine, as far as the tail was read."""

    def __init__(self, fly: Fly, since_at: float) -> None:
        self._tail = LogTail(lambda token: fly.logs(APP, next_token=token), APP, since_at=since_at)
        self.said: dict[str, list[str]] = defaultdict(list)

    def listen(self) -> None:
        for line in self._tail.poll():
            if line.provider == "app":
                self.said[line.machine].append(line.message)

    def listen_until_begun(self, machine: str, runs: int) -> None:
        deadline = time.monotonic() + 60.0
        while self.said[machine].count("begin") < runs:
            assert time.monotonic() < deadline
            self.listen()


def test_every_line_of_machines_that_restart_is_read_once(fly: Fly) -> None:
    config = MachineConfig(
        image="registry.local/talker:1",
        init=MachineInit(cmd=["python", "-S", "-E", "-c", TALKER]),
        restart=Restart(policy="always"),
        # By SIGINT, a Python that has only begun would end with a traceback.
        stop_config=StopConfig(signal="SIGTERM"),
    )
    listener = Listener(fly, since_at=time.time())
    machines = [fly.create_machine(APP, config, region=region).id for region in ("ams", "iad")]

    # A process that was killed before its first line leaves no trace to count.
    for restarts in (1, 2):
        for machine in machines:
            listener.listen_until_begun(machine, restarts)
            restart_in_its_midst(fly, machine)
    for machine in machines:
        listener.listen_until_begun(machine, 3)
    for machine in machines:
        fly.stop(APP, machine)
        fly.wait(APP, machine, "stopped")
    listener.listen()

    for machine in machines:
        runs = run_of(listener.said[machine])
        assert len(runs) >= 3
        for run in runs:
            assert run == expected(len(run))
        # A whole run ends with its last line; the process was killed in others.
        assert max(map(len, runs)) <= ENDED
        assert re.fullmatch(r"begin|again|end|line \d+", listener.said[machine][-1])
