"""Acts inside a Machine, by commands that are executed there: made, undone and read back."""

import hashlib
import re
import shlex
from collections.abc import Sequence
from typing import Final, TypedDict

import msgspec

from pytest_sre.chaos.actions import Acting
from pytest_sre.chaos.changes import scripts
from pytest_sre.chaos.changes.change import MachineChange, NotInjected
from pytest_sre.chaos.changes.machines import find_machine
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.errors import NotFound, PreconditionFailed
from pytest_sre.fly.models import ExecResult, Machine

_DIGITS: Final = 8
_DIGEST: Final = re.compile(r"[0-9a-f]{8}")
_MAKE_TIMEOUT_S: Final = 20.0
_UNDO_TIMEOUT_S: Final = 10.0
# How a program ends that cannot be found, or cannot be executed, and what is said then; memory and
# processes that are short have the same codes.
_NO_PROGRAM: Final = frozenset({126, 127})
_NO_SHELL: Final = re.compile(r"no such file|not found|permission denied", re.IGNORECASE)
_SHUT_DOWN: Final = frozenset({"created", "stopped", "failed"})


class InsideFields(TypedDict):
    """What each act inside a Machine says of it."""

    app: str
    machine: str
    group: str
    region: str
    mark: str
    lasts_s: float


class InsideChange(MachineChange, frozen=True, kw_only=True):
    """An act inside one Machine, which ends by itself there.

    Attributes:
        mark: by which it is found there; nothing else in the Machine has it.
        lasts_s: when it ends by itself, seconds.
    """

    mark: str
    lasts_s: float

    @property
    def digest(self) -> str:
        """The hexadecimal digits at the end of its mark."""
        digits = self.mark.rpartition("-")[2]
        if not _DIGEST.fullmatch(digits):
            raise ValueError(f"expected a mark that ends with digits, found {self.mark[:80]!r}")
        return digits

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        raise NotImplementedError

    @property
    def deed(self) -> scripts.Deed:
        """What is executed."""
        raise NotImplementedError

    @property
    def outlives_a_stop(self) -> bool:
        """Whether it is still there when the Machine was stopped and started."""
        return False

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        command = shlex.quote(shlex.join(scripts.undoing(self.deed, self.mark)))
        return (f"fly machine exec {self.machine} {command} --app {self.app}",)

    def make(self, hands: Hands) -> None:
        """Do it, and have it end by itself.

        Raises:
            NotInjected: a tool is missing, or something is in the way.
        """
        command = scripts.making(self.deed, self.mark, self.lasts_s)
        result = hands.fly.exec(self.app, self.machine, command, timeout_s=_MAKE_TIMEOUT_S)
        if result.exit_code != 0 or not _ends_with(result, scripts.MADE):
            raise NotInjected(f"{self.described}: {_why(result)}")

    def undo(self, hands: Hands) -> None:
        """Undo it; what a Machine is started anew without needs none."""
        self._execute(hands, scripts.undoing(self.deed, self.mark))

    def is_undone(self, hands: Hands) -> bool:
        """Read back whether nothing of it is left in the Machine."""
        result = self._execute(hands, scripts.reading(self.deed, self.mark))
        if result is None or _has_no_shell(result):
            return True
        if not _ends_with(result, scripts.READ):
            raise PreconditionFailed(
                f"to hear what is left of: {self.described}", _why(result), self.label
            )
        return result.stdout.split() == [scripts.READ]

    def _execute(self, hands: Hands, command: Sequence[str]) -> ExecResult | None:
        """Execute a command; None when the Machine is gone, or is off and remembers nothing."""
        try:
            return hands.fly.exec(self.app, self.machine, command, timeout_s=_UNDO_TIMEOUT_S)
        except NotFound:
            return None
        except PreconditionFailed:
            found = find_machine(hands, self.app, self.machine)
            if found and (self.outlives_a_stop or found.state not in _SHUT_DOWN):
                raise
            return None


def inside_fields(action: Acting, machine: Machine, scene: Scene) -> InsideFields:
    """Give what an act inside a Machine says of it.

    The same action in the same Machine has the same mark, so that it cannot be on twice.
    """
    content = msgspec.json.encode([action, machine.id], order="deterministic")
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return InsideFields(
        **scene.fields_of(machine), mark=f"sre-{machine.id}-{digest}", lasts_s=action.lasts_s
    )


def _ends_with(result: ExecResult, word: str) -> bool:
    return result.stdout.split()[-1:] == [word]


def _why(result: ExecResult) -> str:
    """Say why a script did not do it: what it says, or how it ended."""
    if _has_no_shell(result):
        return "the image has no shell to execute it with"
    said = " ".join((result.stdout + " " + result.stderr).split())
    return said[:300] or f"it ended with exit code {result.exit_code}"


def _has_no_shell(result: ExecResult) -> bool:
    said = _NO_SHELL.search(result.stdout + result.stderr)
    return result.exit_code in _NO_PROGRAM and said is not None
