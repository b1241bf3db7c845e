"""What the process does that plays one experiment.

chaoslib needs a main thread, and swallows signals, so it has a process of its own. It ends with
the process that runs the experiment, whatever ends that.
"""

import contextlib
import json
from pathlib import Path

import msgspec

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.experiments.line import Line
from pytest_sre.chaos.experiments.words import Ask, AskUndo, Broke, Over, Play, Played
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.fly.standing import NotUndone, stand
from pytest_sre.chaos.hands import hands_of
from pytest_sre.targets import load_settings
from pytest_sre.targets.settings import Permission


class Asking:
    """Has the process that runs the experiment do what is asked for.

    Args:
        line: to it.
        sight: what probes look at.
    """

    def __init__(self, line: Line, sight: Sight) -> None:
        self._line, self._sight = line, sight

    @property
    def sight(self) -> Sight:
        """What probes look at."""
        return self._sight

    def act(self, action: Action) -> str:
        """Have it done.

        Raises:
            NotInjected: it was not.
        """
        answer = self._line.ask(lambda number: Ask(number=number, action=action))
        if not answer.is_done:
            raise NotInjected(answer.text)
        return answer.text

    def undo_all(self) -> str:
        """Have all undone.

        Raises:
            NotUndone: something is left.
        """
        answer = self._line.ask(lambda number: AskUndo(number=number))
        if not answer.is_done:
            raise NotUndone(answer.text)
        return answer.text


def main() -> None:
    """Play the experiment that the first line of standard input tells of."""
    line = Line.taken()
    order = line.order()
    line.listen()
    try:
        _play(order, line)
    except Exception as error:  # noqa: BLE001 - whoever runs the experiment is told
        line.say(Broke(why=f"{type(error).__name__}: {error}"))
    line.say(Over())


def _play(order: Play, line: Line) -> None:
    # Late, since it takes a while, and has the one at the other end wait for nothing.
    from pytest_sre.chaos.experiments.playing import Player

    allow = msgspec.convert(order.allow, type=frozenset[Permission])
    config = Path(order.config) if order.config else None
    settings = load_settings(Path(order.root), order.target, config, allow)
    with contextlib.ExitStack() as opened:
        hands = opened.enter_context(hands_of(order.platform))
        sight = Sight(settings, hands)
        stand(Asking(line, sight))
        document, values = json.loads(order.document), json.loads(order.values)
        player = Player(document, values, order.continuously, line, sight)
        journal = player.play()
        line.say(Played(journal=json.dumps(journal, default=str) if journal else ""))
        asked = line.recover.get()
        if asked:
            player.recover(asked.within_s)
