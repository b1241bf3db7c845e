"""Acts for experiments under ``chaos run``: in chaostoolkit's own process, with no run of ours.

What keeps a run from doing harm is here, too: permission and limits of sre.toml, turns, the stop
button, the journal, the guardian. All is undone when the process ends, whatever ends it.
"""

import atexit
import logging
import os
import secrets
import threading
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final, Self

from pytest_sre.chaos.aborting import AbortWatch, Condition, overdue
from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.faults import Faults
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.fly.standing import NotUndone
from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.hands import Hands, hands_of
from pytest_sre.chaos.injecting import NotClean
from pytest_sre.chaos.permission import TYPED_VARIABLE
from pytest_sre.chaos.readiness import Readiness
from pytest_sre.chaos.stopping import StopButton
from pytest_sre.chaos.terms import terms_of
from pytest_sre.local.places import by_hand_dir
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.slo.measuring.windows import Windows
from pytest_sre.targets import Settings, load_settings
from pytest_sre.undo.files import Journal, undo_dir

TARGET_VARIABLE: Final = "PYTEST_SRE_TARGET"
_log = logging.getLogger("chaostoolkit")


class Alone:
    """Acts on a target, and undoes it when it is told to, and at the end of the process.

    Args:
        settings: the target's.
        hands: by what.
        opened: what is to be closed at the end.
    """

    def __init__(self, settings: Settings, hands: Hands, opened: ExitStack) -> None:
        run = f"chaos-run-{secrets.token_hex(4)}"
        self._settings, self._opened = settings, opened
        self._sight = Sight(settings, hands)
        journal = Journal(undo_dir(settings.root))
        button = StopButton(settings.root, os.environ)
        self._readiness = Readiness(
            terms_of(
                settings,
                hands,
                journal,
                run=run,
                button=button.pressed,
                budgets=self._budgets,
            )
        )
        self._faults = Faults(self._ground(hands, journal, run))
        self._watch = AbortWatch(self._trip)
        self._watch.add(Condition("the stop button", self._readiness.stopped))
        self._lock = threading.Lock()
        self._has_begun = False

    @classmethod
    def from_environment(cls) -> Self:
        """Find the target: that of the environment's PYTEST_SRE_TARGET, or ``local``.

        Raises:
            ConfigError: there is a mistake in sre.toml.
            FlyError: there is no token.
            NotInjected: no local platform runs.
        """
        name = os.environ.get(TARGET_VARIABLE, "") or "local"
        typed = os.environ.get(TYPED_VARIABLE, "")
        settings = load_settings(Path.cwd(), name, chaos_on=typed)
        with ExitStack() as opened:
            hands = opened.enter_context(_hands(settings))
            made = cls(settings, hands, opened.pop_all())
        atexit.register(made.end)
        return made

    @property
    def sight(self) -> Sight:
        """What probes look at."""
        return self._sight

    def act(self, action: Action) -> str:
        """Do it.

        Raises:
            NotInjected: all was ended before.
            NotAsked: the target does not allow it.
            Inconclusive: it would reach too far, or the target is not ready for it.
        """
        with self._lock:
            if self._watch.why:
                raise NotInjected(f"all was ended and undone: {self._watch.why}")
            self._begin()
            fault = self._faults.begin(action)
        if self._watch.why:
            # It came to an end while this was being done.
            self._faults.end_all()
        return fault.row.described

    def undo_all(self) -> str:
        """Undo all, and prove it.

        Raises:
            NotUndone: something is left.
        """
        count = len(self._faults.open)
        self._faults.end_all()
        try:
            self._faults.require_clean()
        except NotClean as error:
            raise NotUndone(str(error)) from None
        return f"{count} undone" if count else "nothing was left to undo"

    def end(self) -> None:
        """Undo what is left, at the end of the process; what cannot be is told, and kept."""
        try:
            _log.info(self.undo_all())
        except Exception as error:  # noqa: BLE001 - nobody is left to raise it to
            _log.critical(str(error))
        finally:
            self._opened.close()

    def _begin(self) -> None:
        """Have the turn, and be watched, from the first action on."""
        if self._has_begun:
            return
        lasts_s = self._settings.target.chaos.lasts_s
        self._opened.enter_context(self._readiness.ready(lasts_s))
        self._watch.add(overdue(lasts_s))
        self._opened.enter_context(self._watch)
        self._has_begun = True

    def _trip(self, why: str) -> None:
        _log.critical("all is undone: %s", why)
        self._faults.end_all()

    def _budgets(self) -> Mapping[str, float]:
        windows = Windows(self._settings, self._sight.metrics)
        return {each.name: windows.budget(each).remaining for each in self._settings.objectives}

    def _ground(self, hands: Hands, journal: Journal, run: str) -> Ground:
        settings = self._settings
        return Ground(
            settings=settings,
            hands=hands,
            journal=journal,
            app=settings.target.apps[0].name,
            run=run,
            seed=zlib.crc32(run.encode()),
            test="",
            ready=self._readiness.ready,
            stopped=self._readiness.stopped,
            write=lambda _row: None,
            tell=lambda line: _log.info(line) if line else None,
        )


def _hands(settings: Settings) -> AbstractContextManager[Hands]:
    if settings.target.platform == "fly":
        return hands_of("")
    folder = by_hand_dir(settings.root)
    local = LocalPlatform.attach(folder)
    if local is None:
        raise NotInjected("no local platform runs here; start one by: pytest-sre local up")
    local.close()
    return hands_of(str(folder))
