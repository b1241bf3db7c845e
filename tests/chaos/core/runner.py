"""A program that forks processes which disturb the fleet, for tests that kill them.

Each line of standard input is what one of them does: ``hold`` injects and waits to be killed,
``loop`` injects and undoes until it is killed, ``group`` has a process group of its own besides,
``leave`` ends in an ordinary way in the midst of it. It answers with the process id, and each of
them with a line when it has begun.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from pytest_sre.chaos import actions
from pytest_sre.chaos.actions import Which
from pytest_sre.chaos.guardian.standing import standing_guardian
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.undo.files import Journal

ACTIONS = (
    actions.LoseRegion(region="fra"),
    actions.SuspendMachines(which=Which(group="web")),
    actions.Scale(group="worker", count=2),
    actions.KillMachines(which=Which(group="worker")),
)


def say(word: str) -> None:
    os.write(1, f"{word}\n".encode())


def disturb(platform: str, folder: str, how: str) -> None:
    with hands_of(platform) as hands:
        run = f"run-{os.getpid()}"
        injector = Injector(hands, Journal(Path(folder)), run=run, target="local")
        if how == "group":
            guardian = standing_guardian(Path(folder), run=run, undo_timeout_s=30)
            child = subprocess.Popen(["sleep", "100000"], start_new_session=True)
            guardian.watch(child.pid, psutil.Process(child.pid).create_time())
            say(str(child.pid))
        say("begun")
        number = 0
        while True:
            action = ACTIONS[number % len(ACTIONS)]
            number += 1
            fleet = hands.fly.machines("shop")
            changes = changes_of(action, fleet, app="shop", seed=number, local=True)
            injection = injector.inject(action, changes)
            if how != "loop":
                say("held")
            if how == "leave":
                return
            while how != "loop":
                time.sleep(100)
            injection.undo()


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child:
            say(str(child))
            continue
        os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        disturb(*sys.argv[1:], line.strip())
        sys.exit()


if __name__ == "__main__":
    main()
