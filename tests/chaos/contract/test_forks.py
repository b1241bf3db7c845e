"""Whoever is killed may have children that live on, with copies of all that it had open."""

import subprocess
import sys
from pathlib import Path

import psutil
from perturbing import MARK, new_mark

# Its child lives on, as one does that a test began to serve something.
FORKING = """
import os, sys, time
from pathlib import Path
from pytest_sre.chaos.actions import StopMachines, Which
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.undo.files import Journal, undo_dir

root, handle, run = sys.argv[1:]
with hands_of(handle) as hands:
    injector = Injector(hands, Journal(undo_dir(Path(root))), run=run, target="local")
    action = StopMachines(which=Which(group="web", count=1))
    fleet = hands.fly.machines("shop")
    injector.inject(action, changes_of(action, fleet, app="shop", seed=1, local=True))
    child = os.fork()
    if child:
        print(child, flush=True)
    time.sleep(600)
"""


def test_the_fault_of_one_that_was_killed_is_undone_though_its_child_lives_on(
    perturbed, monkeypatch
):
    mark = new_mark()
    monkeypatch.setenv(MARK, mark)
    handle = str(perturbed.front.folder)
    command = [sys.executable, "-W", "ignore", "-c", FORKING, str(perturbed.root), handle, mark]
    home = str(Path(__file__).parents[3])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home) as runner:
        assert runner.stdout is not None
        child = psutil.Process(int(runner.stdout.readline()))
        try:
            assert perturbed.differs()

            runner.kill()

            assert perturbed.until(lambda: not perturbed.differs() and not perturbed.intents)
            assert child.is_running()
        finally:
            runner.kill()
            child.kill()
