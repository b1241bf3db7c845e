"""Wrong secrets. The right value is in nobody's hands but the environment's and the platform's.

The platform shows digests only. So that undoing can be proven, the right value and the wrong one
are each set under a name of our own as well while the change lasts, and their digests are compared;
on a platform whose digests tell equal values apart the change is refused. The list of digests may
be behind: it counts only when it has what was set last.
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final

from pytest_sre.chaos.actions import BadSecret
from pytest_sre.chaos.changes.change import Change, ChangeStruct, NotInjected
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.changes.versions import all_run, renew, those_left
from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.errors import NotFound, PreconditionFailed

WRONG: Final = "wrong-on-purpose"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


class WrongSecret(ChangeStruct, frozen=True, tag="wrong-secret"):
    """Give a secret a wrong value, and have Machines run with it.

    Attributes:
        app: the app's name.
        name: the secret's.
        restore_from: the environment variable that holds the right value.
        machines: the ids of the Machines that ran.
    """

    app: str
    name: str
    restore_from: str
    machines: tuple[str, ...]

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"wrong value of secret {self.name} of {self.app}"

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        return (
            f'fly secrets set {self.name}="${self.restore_from}" --app {self.app}',
            f"fly secrets unset {' '.join(self._marks)} --app {self.app}",
        )

    @property
    def carrier(self) -> tuple[str, str] | None:
        """The first of the Machines, if there are any."""
        return (self.app, min(self.machines)) if self.machines else None

    @property
    def _right(self) -> str:
        return f"SRE_RIGHT_{self.name}"

    @property
    def _wrong(self) -> str:
        return f"SRE_WRONG_{self.name}"

    @property
    def _at_hand(self) -> str:
        return f"SRE_AT_HAND_{self.name}"

    @property
    def _marks(self) -> tuple[str, ...]:
        """The names of our own."""
        return self._right, self._wrong, self._at_hand

    def make(self, hands: Hands) -> None:
        """Set it to the wrong value, and have the Machines run with that.

        Raises:
            NotInjected: the right value is not at hand, or is another one than the platform's.
        """
        value = os.environ.get(self.restore_from)
        if not value:
            raise NotInjected(
                f"expected the value of secret {self.name} in ${self.restore_from}, found none\n"
                "without it the secret could not be restored"
            )
        there = self._digests(hands)
        if there is None or self.name not in there:
            raise NotInjected(f"expected a secret {self.name} of {self.app}, found none")
        if self._right in there:
            raise NotInjected(f"{self.described}: it is on already")
        version = hands.fly.set_secrets(self.app, {self._right: value})
        there = self._digests(hands, version) or {}
        if there.get(self.name) != there.get(self._right):
            hands.fly.unset_secrets(self.app, [self._right])
            raise NotInjected(
                f"expected ${self.restore_from} to hold the value of secret {self.name},"
                " found another digest"
            )
        version = hands.fly.set_secrets(self.app, {self._wrong: WRONG, self.name: WRONG})
        self._hand_out(hands, version)

    def undo(self, hands: Hands) -> None:
        """Set it to the right value, unless somebody has set it anew, and hand that out.

        Raises:
            PreconditionFailed: the right value is not at hand, or the list of secrets is behind.
        """
        value = os.environ.get(self.restore_from)
        marks = {self._wrong: WRONG} | ({self._at_hand: value} if value else {})
        try:
            version = hands.fly.set_secrets(self.app, marks)
        except NotFound:
            return
        there = self._digests_with(hands, version, marks)
        is_wrong = there.get(self.name) == there[self._wrong]
        if is_wrong:
            version = self._restore(hands, value, there)
        if is_wrong or self._right in there:
            self._hand_out(hands, version)
        hands.fly.unset_secrets(self.app, self._marks)

    def is_undone(self, hands: Hands) -> bool:
        """Whether it has the right value, and the Machines run."""
        there = self._digests(hands)
        if there is None:
            return True
        return there.keys().isdisjoint(self._marks) and all_run(hands, self.app, self.machines)

    def _restore(self, hands: Hands, value: str | None, there: Mapping[str, str]) -> int:
        if not value:
            raise self._not_at_hand("none")
        right = there[self._at_hand]
        if there.get(self._right, right) != right:
            raise self._not_at_hand("another value")
        # By the mark a try after this one sees that Machines may run with the wrong value still.
        version = hands.fly.set_secrets(self.app, {self._right: value, self.name: value})
        if self._digests_with(hands, version, [self._right]).get(self.name) != right:
            raise self._is_behind(f"the right value of {self.name}")
        return version

    def _not_at_hand(self, found: str) -> PreconditionFailed:
        return PreconditionFailed(
            f"the right value of secret {self.name} of {self.app} in ${self.restore_from}",
            found,
            "this process's environment",
            f"set it: {self.by_hand[0]}",
        )

    def _hand_out(self, hands: Hands, version: int) -> None:
        for machine in those_left(hands, self.app, self.machines):
            renew(hands, self.app, machine, machine.settings, min_secrets_version=version or None)

    def _digests_with(self, hands: Hands, version: int, names: Iterable[str]) -> dict[str, str]:
        """The digests of the app's secrets, of which some were set just now."""
        there = self._digests(hands, version) or {}
        for name in names:
            if name not in there:
                raise self._is_behind(name)
        return there

    def _is_behind(self, what: str) -> PreconditionFailed:
        return PreconditionFailed(
            f"{what} of {self.app}, which was just set", "none", "the list of the app's secrets"
        )

    def _digests(self, hands: Hands, version: int = 0) -> dict[str, str] | None:
        """The digests of the app's secrets by their names; None when the app is gone."""
        try:
            listed = hands.fly.secrets(self.app, min_version=version or None)
        except NotFound:
            return None
        return {each.name: each.digest for each in listed}


def plan_bad_secret(action: BadSecret, scene: Scene) -> tuple[Change, ...]:
    """Give a secret a wrong value.

    Raises:
        NotInjected: no Machine runs, or a name is none.
    """
    for name in (action.name, action.restore_from):
        if not _NAME.fullmatch(name):
            raise NotInjected(f"expected letters, digits and _ for a name, found {name[:60]!r}")
    if not scene.running:
        raise NotInjected(f"expected Machines of {scene.app} that run, found none")
    return (
        WrongSecret(
            app=scene.app,
            name=action.name,
            restore_from=action.restore_from,
            takes_s=scene.slow_call_s,
            machines=tuple(machine.id for machine in scene.running),
        ),
    )
