"""Plays an experiment with chaoslib, in the main thread of a process of its own.

Tried with chaoslib 1.44; what of it is used is in 1.45 alike. It swallows Ctrl-C, and up to 1.44
SIGTERM, runs on after an action that raised, and plays no rollbacks after an error of its own:
none of that is relied upon here.
"""

import copy
import signal
import threading
import time
from types import FrameType
from typing import Any, Final

from chaoslib import substitute
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid, run_experiment
from chaoslib.hypothesis import run_steady_state_hypothesis
from chaoslib.rollback import run_rollbacks
from chaoslib.run import EventHandlerRegistry, RunEventHandler
from chaoslib.types import Schedule, Strategy

from pytest_sre.chaos.experiments.functions import journeys_of
from pytest_sre.chaos.experiments.line import Line
from pytest_sre.chaos.experiments.seeing import acted, state_seen
from pytest_sre.chaos.experiments.words import Begun, Broke, Phase
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.journeys import JourneyFileError
from pytest_sre.verdict import Inconclusive

_SETTINGS: Final = {"runtime": {"rollbacks": {"strategy": "always"}}}
_POLL_S: Final = 0.2
_HALTING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)

# What chaoslib's format has is anything.
Json = dict[str, Any]


class Player(RunEventHandler):  # type: ignore[misc]
    """Plays one experiment, and tells of all that happens.

    Args:
        experiment: its document.
        values: what its parameters are instead of what it says.
        continuously: every how many seconds the steady state is looked at during the method.
        line: where it is told.
        sight: what probes look at.
    """

    def __init__(
        self,
        experiment: Json,
        values: Json,
        continuously: float | None,
        line: Line,
        sight: Sight,
    ) -> None:
        self._experiment, self._values, self._line = experiment, values, line
        self._sight = sight
        self._continuously = continuously
        probes = experiment["steady-state-hypothesis"]["probes"]
        self._probes = {id(probe) for probe in probes}
        self._phase: Phase = "before"
        self._halted = ""
        self._configuration: Json = {}
        self._secrets: Json = {}
        self._rolled_back = False

    def play(self) -> Json | None:
        """Play it, with its rollbacks whatever happens; give its journal, if there is one."""
        self._line.on_halt = self.halt
        strategy = Strategy.DEFAULT if self._continuously is None else Strategy.CONTINUOUS
        journal: Json | None = None
        try:
            ensure_experiment_is_valid(self._experiment)
            journal = run_experiment(
                self._experiment,
                settings=copy.deepcopy(_SETTINGS),
                experiment_vars=(dict(self._values), None),
                strategy=strategy,
                schedule=Schedule(self._continuously or 1.0),
                event_handlers=[self],
            )
        except ChaosException as error:
            self._line.say(Broke(why=f"chaostoolkit refuses it: {error}"))
        except BaseException as error:  # noqa: BLE001 - a tolerance that raises ends chaoslib
            self._line.say(Broke(why=self._halted or f"{type(error).__name__}: {error}"))
        if journal and journal["status"] == "interrupted":
            # chaoslib is as content with that as with any other end.
            self._line.say(Broke(why=self._halted or "it was interrupted"))
        self._roll_back()
        return journal

    def recover(self, within_s: float) -> None:
        """Look whether the steady state holds, again and again until it does."""
        stated = self._experiment["steady-state-hypothesis"]
        plain = {"steady-state-hypothesis": {k: v for k, v in stated.items() if k != "controls"}}
        until = time.monotonic() + within_s
        while True:
            looked = time.monotonic()
            state = run_steady_state_hypothesis(
                plain, self._configuration, self._secrets, None, EventHandlerRegistry()
            )
            seen = state_seen("recovery", state)
            self._line.say(seen)
            if seen.steady == "met" or looked >= until:
                return
            time.sleep(_POLL_S)

    def halt(self, why: str) -> None:
        """End what is being played now, from any thread; the rollbacks are played."""
        self._halted = self._halted or why
        main = threading.main_thread()
        if self._phase not in ("rollbacks", "recovery") and main.ident is not None:
            signal.pthread_kill(main.ident, signal.SIGINT)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._halted = self._halted or f"stopped by {signal.Signals(number).name}"
        self._end_if_halted()

    def _end_if_halted(self) -> None:
        """End chaoslib's run by the one exception that neither it nor activities swallow."""
        is_main = threading.current_thread() is threading.main_thread()
        if self._halted and is_main and self._phase not in ("rollbacks", "recovery"):
            raise KeyboardInterrupt(self._halted)

    def _roll_back(self) -> None:
        """Play the rollbacks that chaoslib did not come to."""
        began, self._phase = self._phase, "rollbacks"
        if self._rolled_back or began == "before":
            return
        registry = EventHandlerRegistry()
        registry.register(self)
        foreground = [dict(each, background=False) for each in self._experiment["rollbacks"]]
        experiment = dict(self._experiment, rollbacks=foreground)
        for _ in run_rollbacks(
            experiment, self._configuration, self._secrets, None, None, registry, []
        ):
            continue

    # What chaoslib tells.

    def running(
        self, experiment: Json, journal: Json, configuration: Json, secrets: Json, *_: object
    ) -> None:
        """Take over its signals: it has set its own by now. End what could not see."""
        del journal
        self._configuration, self._secrets = configuration, secrets
        for number in _HALTING:
            signal.signal(number, self._on_signal)
        try:
            filled = substitute(experiment, configuration, secrets)
            self._sight.require_journeys(journeys_of(filled))
        except (Inconclusive, JourneyFileError) as error:
            self._halted = self._halted or str(error)
        self._end_if_halted()

    def hypothesis_before_completed(self, experiment: Json, state: Json, journal: Json) -> None:
        """Tell of the steady state before the method."""
        del experiment, journal
        self._line.say(state_seen("before", state))

    def start_method(self, experiment: Json) -> None:
        """Know that the method begins."""
        del experiment
        self._phase = "method"

    def continuous_hypothesis_iteration(self, iteration_index: int, state: Json) -> None:
        """Tell of the steady state during the method."""
        del iteration_index
        self._line.say(state_seen("method", state))

    def start_hypothesis_after(self, experiment: Json) -> None:
        """Know that the method is over."""
        del experiment
        self._phase = "after"

    def hypothesis_after_completed(self, experiment: Json, state: Json, journal: Json) -> None:
        """Tell of the steady state after the method, before anything is undone."""
        del experiment, journal
        self._line.say(state_seen("after", state))

    def start_rollbacks(self, experiment: Json) -> None:
        """Know that the rollbacks begin."""
        del experiment
        self._phase = "rollbacks"

    def rollbacks_completed(self, experiment: Json, journal: Json) -> None:
        """Know that they were played."""
        del experiment, journal
        self._rolled_back = True

    def start_activity(self, activity: Json) -> None:
        """Tell that an activity begins, unless all is to end."""
        self._end_if_halted()
        if not self._is_of_state(activity):
            self._line.say(Begun(phase=self._phase, name=str(activity.get("name", ""))))

    def activity_completed(self, activity: Json, run: Json) -> None:
        """Tell how an activity ended."""
        if not self._is_of_state(activity):
            self._line.say(acted(self._phase, activity, run))
        self._end_if_halted()

    def _is_of_state(self, activity: Json) -> bool:
        """Whether it is a probe of the steady state, which is told of as a whole."""
        by_method = self._phase == "method" and (
            threading.current_thread() is threading.main_thread()
        )
        return id(activity) in self._probes and not by_method
