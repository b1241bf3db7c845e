"""No chaos without a way back: refused before anything is done, and on every doubt."""

import contextlib
import math
import os
import signal
import threading
import time

import pytest

from pytest_sre.chaos.deploying import deploy_under_way
from pytest_sre.chaos.permission import require_allowed
from pytest_sre.chaos.radius import Reach, require_within
from pytest_sre.chaos.readiness import Readiness, Terms
from pytest_sre.chaos.stopping import (
    StopButton,
    heeding_signal,
    press,
    stop_file,
    stop_file_of_all,
    stop_file_of_run,
)
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.models import Release
from pytest_sre.turns.purposes import CHAOS
from pytest_sre.turns.taking import take_turn
from pytest_sre.undo.files import Journal
from pytest_sre.verdict import Inconclusive, NotAsked
from tests.chaos.rules.conftest import machine
from tests.patience import until

DEADLINE_S = 60.0
OTHERS = "sre-chaos-of-another-run"
SILENT = FlyError("an answer", "none within 10 s", "GET /v1/apps/shop/machines")
ALLOWED = """
[targets.prod]
allow = ["observe", "chaos"]
[targets.prod.limits]
chaos-apps = ["shop"]
"""
FLEET = [machine("148e21"), machine("39a0b2"), machine("77aa00", region="fra")]
ONE = {"machines": (FLEET[0],), "lasts_s": 60}


class Platform:
    """What chaos would be done to; counts who asks it for what."""

    def __init__(self):
        self.kept, self.asked, self.acts = {}, [], []
        self.fails = None

    def notices(self):
        return self._ask("notices", dict(self.kept))

    def leave(self, key, text):
        self._ask("leave", None)
        self.kept[key] = text

    def remove(self, key):
        self.kept.pop(key, None)

    def _ask(self, what, answer):
        self.asked.append(what)
        if self.fails:
            raise self.fails
        return answer


class Field:
    """All that a test can change about what is looked at."""

    def __init__(self, read_target, root, others):
        self.read_target, self.root, self.others = read_target, root, others
        self.platform, self.journal = Platform(), Journal(root / ".sre" / "undo")
        self.text, self.typed, self.environ = ALLOWED, "prod", {}
        self.deploy, self.label = "", lambda: ""
        self.budgets, self.steady = lambda: {"checkout": 0.5}, lambda: None
        self.app, self.reach, self.lasts_s = "shop", ONE, 60.0
        self.folder = root / ".sre" / "turns"

    def turn(self, lasts_s):
        return take_turn(
            CHAOS, self.folder, "prod", run="run-1", lasts_s=lasts_s, board=self.platform
        )

    def deploying(self):
        if isinstance(self.deploy, Exception):
            raise self.deploy
        return self.deploy

    def readiness(self):
        self.target = self.read_target(self.text, chaos_on=self.typed)
        self.button = StopButton(self.root, self.environ, "run-1")
        terms = Terms(
            target=self.target,
            run="run-1",
            journal=self.journal,
            button=self.button.pressed,
            turn=self.turn,
            deploying=self.deploying,
            budgets=lambda: self.budgets(),
            steady=lambda: self.steady(),
            label=lambda: self.label(),
        )
        return Readiness(terms)

    def perturb(self):
        with self.readiness().ready(self.lasts_s):
            require_allowed(self.target, self.app)
            require_within(self.target, Reach(app=self.app, fleet=FLEET, **self.reach))
            self.platform.acts.append("kill")


@pytest.fixture
def field(read_target, tmp_path):
    with contextlib.ExitStack() as others:
        yield Field(read_target, tmp_path, others)


def test_with_all_in_order_it_is_done(field):
    field.perturb()

    assert field.platform.acts == ["kill"]
    assert field.platform.kept == {}


def raising(error):
    def ask():
        raise error

    return ask


def set_to(**changes):
    def change(field):
        vars(field).update(changes)

    return change


def states(old, new):
    return set_to(text=ALLOWED.replace(old, new))


def limits(line):
    return set_to(text=f"{ALLOWED}{line}\n")


def write_stop_file(field):
    press(stop_file(field.root))


def stop_all(field):
    field.environ = {"XDG_STATE_HOME": str(field.root / "state")}
    press(stop_file_of_all(field.environ))


def stop_by_variable(field):
    field.environ = {"PYTEST_SRE_STOP": "halt"}
    (field.root / "halt").write_text("")


def make_button_unreadable(field):
    stop_file(field.root).mkdir(parents=True)


def leave_intent(field, target="prod"):
    field.journal.intend("stop-machine", run="run-0", target=target, what={}).leave()


def hold_intent(field):
    kept = field.journal.intend("chaos", run="run-0", target="prod", what={})
    field.others.callback(kept.leave)


def leave_broken_intent(field):
    field.journal.folder.mkdir(parents=True)
    (field.journal.folder / "stop-machine-1.json").write_bytes(b'{"id": "stop-')


def block(folder):
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")


def hold_lock(field):
    other = take_turn(CHAOS, field.folder, "prod", run="run-2", lasts_s=60, board=Platform())
    field.others.enter_context(other)


def leave_notice(field):
    field.platform.kept[OTHERS] = f"{time.time() + 60:.0f} run-2"


LOCAL, ASKING = "asks nobody", "asks the platform"

REFUSALS = {
    "no permission": (LOCAL, states('"observe", "chaos"', '"observe"'), "is not allowed on prod"),
    "denied": (LOCAL, states('allow = ["observe", "chaos"]', 'deny = ["chaos"]'), "denies chaos"),
    "its name not typed": (LOCAL, set_to(typed=""), "--sre-chaos-on=prod"),
    "too long": (LOCAL, set_to(lasts_s=61.0), "at most 60 s on prod, found 61 s"),
    "the stop file": (LOCAL, write_stop_file, "pytest-sre chaos go"),
    "the stop file of all projects": (LOCAL, stop_all, "pytest-sre chaos go --all"),
    "the stop file of a variable": (LOCAL, stop_by_variable, "PYTEST_SRE_STOP"),
    "a stop file that cannot be read": (LOCAL, make_button_unreadable, "Is a directory"),
    "an unresolved journal": (LOCAL, leave_intent, "pytest-sre recover"),
    "an unresolved journal of nobody knows whom": (
        LOCAL,
        lambda field: leave_intent(field, ""),
        "pytest-sre recover",
    ),
    "an intent that a guardian holds": (ASKING, hold_intent, "found 1 that are being undone now"),
    "a broken intent": (LOCAL, leave_broken_intent, "found 1: broken"),
    "a journal that cannot be": (
        LOCAL,
        lambda field: block(field.journal.folder),
        "/.sre/undo, found: Not a directory",
    ),
    "no place for locks": (LOCAL, lambda field: block(field.folder), "/.sre/turns, found: File ex"),
    "another run here": (
        LOCAL,
        hold_lock,
        "no other chaos on prod, found that of the run run-2, p",
    ),
    "another run elsewhere": (ASKING, leave_notice, "found that of the run run-2, until"),
    "a platform that is silent": (
        ASKING,
        lambda field: setattr(field.platform, "fails", SILENT),
        "expected to know whose turn it is; nothing was perturbed",
    ),
    "the stop label": (ASKING, set_to(label=lambda: "issue 7 says stop"), "issue 7 says stop"),
    "a tracker that is silent": (
        ASKING,
        set_to(label=raising(ConnectionError("refused"))),
        "expected to know whether chaos is stopped; nothing was perturbed\nrefused",
    ),
    "a deploy": (ASKING, set_to(deploy="v12 of shop is running"), "found: v12 of shop is running"),
    "releases that nobody tells": (
        ASKING,
        set_to(deploy=SILENT),
        "expected to know whether a deploy is under way; nothing was perturbed",
    ),
    "a budget that is nearly spent": (
        ASKING,
        set_to(budgets=lambda: {"checkout": 0.05, "search": 0.9}),
        "expected 10 % of each error budget to be left on prod, found 5.0 % of checkout\n",
    ),
    "a budget that is overspent": (
        ASKING,
        set_to(budgets=lambda: {"checkout": -2.0}),
        "found -200.0 % of checkout",
    ),
    "a budget that is no number": (
        ASKING,
        set_to(budgets=lambda: {"checkout": math.nan}),
        "found nan % of checkout",
    ),
    "a budget that nobody knows": (
        ASKING,
        set_to(budgets=raising(Inconclusive("no event of its window is known"))),
        "no event of its window is known",
    ),
    "metrics that are silent": (
        ASKING,
        set_to(budgets=raising(SILENT)),
        "of which chaos-min-budget in [targets.prod.limits] asks for some",
    ),
    "a target that is unwell": (
        ASKING,
        set_to(steady=raising(AssertionError("web-ams-148e21 is stopped\nand more"))),
        "to be well before anything is perturbed, found:\nweb-ams-148e21 is stopped",
    ),
    "a look that crashes": (ASKING, set_to(steady=raising(KeyError("up"))), "found:\n'up'"),
    "a look that cannot decide": (
        ASKING,
        set_to(steady=raising(Inconclusive("nothing was answered"))),
        "nothing was answered",
    ),
    "another app": (ASKING, set_to(app="other"), "not allowed on the app other of prod"),
    "too many Machines": (
        ASKING,
        set_to(reach={**ONE, "machines": tuple(FLEET[:2])}),
        "at most 1 Machine perturbed at once",
    ),
    "too many regions": (
        ASKING,
        lambda field: (
            limits("chaos-machines = 9\nchaos-share = 1")(field),
            set_to(reach={**ONE, "machines": tuple(FLEET[1:])})(field),
        ),
        "at most 1 of the regions on prod, found ams, fra",
    ),
    "too large a share": (
        ASKING,
        lambda field: (
            limits("chaos-machines = 9")(field),
            set_to(reach={**ONE, "machines": tuple(FLEET[:2])})(field),
        ),
        "found 2 of 3 Machines",
    ),
    "the last healthy Machine": (
        ASKING,
        lambda field: (
            limits("chaos-machines = 9\nchaos-share = 1\nchaos-regions = 9")(field),
            set_to(reach={**ONE, "machines": tuple(FLEET)})(field),
        ),
        "expected a healthy Machine of the group web to be left",
    ),
}


@pytest.mark.parametrize(("when", "spoil", "says"), REFUSALS.values(), ids=REFUSALS.keys())
def test_whatever_speaks_against_it_nothing_is_done(field, when, spoil, says):
    spoil(field)

    with pytest.raises((Inconclusive, NotAsked)) as refused:
        field.perturb()

    assert says in refused.value.reason
    assert len(refused.value.reason.splitlines()) <= 4
    assert field.platform.acts == []
    assert set(field.platform.kept) <= {OTHERS}
    if when == LOCAL:
        assert field.platform.asked == []


def test_what_was_left_on_another_target_is_no_hindrance(field):
    leave_intent(field, "staging")

    field.perturb()

    assert field.platform.acts == ["kill"]


def test_budgets_are_not_asked_for_where_none_has_to_be_left(field):
    limits("chaos-min-budget = 0")(field)
    field.budgets = raising(SILENT)

    field.perturb()


def test_a_signal_stops_it(field):
    readiness = field.readiness()
    with heeding_signal(stop_file_of_run(field.root, "run-1")), readiness.ready(60):
        assert readiness.stopped() == ""
        os.kill(os.getpid(), signal.SIGUSR1)
        assert "SIGUSR1" in readiness.stopped()


def test_what_stops_it_while_it_is_on(field):
    readiness = field.readiness()
    with readiness.ready(60):
        press(stop_file(field.root))
        assert "pytest-sre chaos go" in readiness.stopped()
        with pytest.raises(Inconclusive, match="chaos is stopped"), readiness.ready(60):
            pytest.fail("something more was begun")
        stop_file(field.root).unlink()
        assert readiness.stopped() == ""


def test_a_label_stops_it_while_it_is_on(field):
    said = [""]
    field.label = lambda: said[0]
    readiness = field.readiness()
    with readiness.ready(60):
        said[0] = "issue 7 says stop"
        assert until(readiness.stopped) == "issue 7 says stop"


def test_a_turn_that_is_lost_stops_it(field):
    readiness = field.readiness()
    with readiness.ready(60):
        field.platform.kept.clear()
        assert until(readiness.stopped).startswith("the turn for chaos on prod is lost")
    assert readiness.stopped() == ""


def test_blocks_within_a_block_share_its_turn(field):
    readiness = field.readiness()
    with readiness.ready(60):
        with readiness.ready(30):
            assert len(field.platform.kept) == 1
        assert len(field.platform.kept) == 1
    assert field.platform.kept == {}
    with readiness.ready(60):
        pass


def test_the_turn_lasts_until_the_last_thread_has_left(field):
    readiness, inside, leave = field.readiness(), threading.Event(), threading.Event()

    def stay():
        with readiness.ready(60):
            inside.set()
            leave.wait(DEADLINE_S)

    staying = threading.Thread(target=stay)
    with readiness.ready(60):
        staying.start()
        assert inside.wait(DEADLINE_S)
    assert len(field.platform.kept) == 1
    leave.set()
    staying.join(DEADLINE_S)
    assert field.platform.kept == {}


def test_only_the_newest_release_counts():
    old, new = Release(version=3, status="running"), Release(version=4, status="complete")

    assert deploy_under_way("shop", [old, new], FLEET) == ""
    assert deploy_under_way("shop", [], []) == ""
    pending = Release(version=5, status="pending")
    assert deploy_under_way("shop", [new, pending], FLEET) == "the release v5 of shop is pending"
    assert "v6" in deploy_under_way("shop", [Release(version=6, in_progress=True)], FLEET)
    changing = [FLEET[0], machine("39a0b2", state="replacing")]
    assert deploy_under_way("shop", [new], changing).endswith("being changed: web-ams-39a0b2")
