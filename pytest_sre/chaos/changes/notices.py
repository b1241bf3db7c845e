"""The notice that tells others whose turn it is to perturb a target.

It is left, and renewed, by whoever takes the turn; as a change it is written down, so that the
guardian of a process that was killed takes it away.
"""

from pytest_sre.chaos.changes.change import ChangeStruct, NotInjected
from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.errors import NotFound


class LeftNotice(ChangeStruct, frozen=True, tag="left-notice"):
    """A key of a Machine's metadata.

    Attributes:
        app: the app's name.
        machine: the Machine's id.
        key: the notice's.
    """

    app: str
    machine: str
    key: str

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"leave the notice {self.key} on Machine {self.machine}"

    @property
    def by_hand(self) -> tuple[str, ...]:
        """None are needed: nobody heeds it for longer than a minute."""
        return ()

    def make(self, _hands: Hands) -> None:
        """Refuse: it is left with the time until which it counts, which is not known here."""
        raise NotInjected("a notice is left by who takes the turn")

    def undo(self, hands: Hands) -> None:
        """Take it away, where it still is."""
        if not self.is_undone(hands):
            hands.fly.delete_metadata(self.app, self.machine, self.key)

    def is_undone(self, hands: Hands) -> bool:
        """Whether it is not there; also when its Machine is gone."""
        try:
            return self.key not in hands.fly.metadata(self.app, self.machine)
        except NotFound:
            return True
