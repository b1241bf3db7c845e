"""The faults that a test, or an experiment, has in the target: begun, on record, undone, proven."""

import json
import secrets
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import msgspec

from pytest_sre.chaos.actions import Action, kind_of
from pytest_sre.chaos.changes.change import Change, ChangeStruct
from pytest_sre.chaos.ends import require_ends
from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.injecting import Injection, Injector, NotClean, Undone
from pytest_sre.chaos.permission import require_allowed
from pytest_sre.chaos.planning import app_of, changes_of
from pytest_sre.chaos.radius import reach_of
from pytest_sre.recording.rows import Perturbation
from pytest_sre.targets import Target

_SHOWN: Final = 3


class Fault:
    """One action that was done to the target.

    Attributes:
        action: what was asked for.
        row: what is on record of it.
    """

    def __init__(self, injection: Injection, row: Perturbation, taken: ExitStack) -> None:
        self.action, self.row = injection.action, row
        self._injection, self._taken, self._lock = injection, taken, threading.Lock()
        self._undone: Undone | None = None

    def __repr__(self) -> str:
        return f"<{self.row.described}>"

    @property
    def machines(self) -> tuple[str, ...]:
        """The ids of the Machines it was done to."""
        return self.row.machine_ids

    @property
    def made_at(self) -> float:
        """When it was done, Unix seconds."""
        return self.row.made_at

    @property
    def undone(self) -> Undone | None:
        """What came of undoing it; None before."""
        return self._undone

    def undo(self) -> bool:
        """Undo it, and read back that it is undone; whether nobody had known before.

        Threads that ask at once wait for the one that does it.
        """
        undone = self._injection.undo()
        with self._lock:
            if self._undone is not None:
                return False
            self._undone = undone
            self.row = msgspec.structs.replace(
                self.row,
                undone_at=self._injection.undone_at or time.time(),
                clean=undone.clean,
                left="\n".join(undone.by_hand),
            )
            if undone.clean:
                self._taken.close()
            return True


class Faults:
    """Those of one test, or of one experiment.

    Args:
        ground: where.
        target: keeps all of them within what it allows; the ground's when None.
        experiment: the id of the experiment they belong to, if any.
    """

    def __init__(
        self,
        ground: Ground,
        *,
        target: Target | None = None,
        experiment: str = "",
    ) -> None:
        target = target or ground.settings.target
        self._ground, self._experiment, self._target = ground, experiment, target
        self._injector = Injector(
            ground.hands,
            ground.journal,
            run=ground.run,
            target=target.name,
            undo_timeout_s=target.chaos.undo_timeout_s,
            tell=ground.tell,
        )
        self.all: list[Fault] = []
        self._stuck: list[Undone] = []

    @property
    def open(self) -> tuple[Fault, ...]:
        """Those that nobody has seen to be undone yet, the last first."""
        return tuple(fault for fault in reversed(self.all) if fault.undone is None)

    def begin(self, action: Action) -> Fault:
        """Do it. When this returns it is done, and on record.

        Raises:
            NotInjected: it could not be done; nothing of it is left.
            NotClean: it could not be done, and it is not proven that nothing of it is left.
            NotAsked: it may not be done to this app.
            Inconclusive: it would reach too far; nothing was done.
            FlyError: the platform does not list the Machines; nothing was done.
            LocalPlatformError: the same, of the local platform.
        """
        ground = self._ground
        app = app_of(action, ground.app)
        require_allowed(ground.settings.target, app)
        require_ends(action, ground.hands)
        fleet = ground.hands.fly.machines(app)
        local = ground.hands.local is not None
        changes = changes_of(action, fleet, app=app, seed=ground.seed, local=local)
        reach = reach_of(changes, fleet, app=app, lasts_s=action.lasts_s)
        with ExitStack() as taken:
            taken.enter_context(ground.radius.taking(self._target, reach))
            return self._inject(action, changes, app, taken)

    def _inject(
        self, action: Action, changes: Sequence[Change], app: str, taken: ExitStack
    ) -> Fault:
        ground = self._ground
        row = Perturbation(
            at=time.time(),
            perturbation=secrets.token_hex(6),
            kind=kind_of(action),
            described=described(changes),
            app=app,
            machines=json.dumps(machines_of(changes)),
            test=ground.test,
            experiment=self._experiment,
        )
        try:
            injection = self._injector.inject(action, changes)
        except NotClean as error:
            self._stuck.append(error.undone)
            taken.pop_all()
            self._tell_undone(_left(row, error.undone), error.undone)
            raise
        row = msgspec.structs.replace(row, made_at=time.time())
        fault = Fault(injection, row, taken.pop_all())
        self.all.append(fault)
        ground.write(row)
        ground.note(f"Chaos on purpose: {row.described}.", row.made_at)
        return fault

    def end(self, fault: Fault) -> None:
        """Undo a fault, and put on record whether that is proven."""
        if fault.undo() and fault.undone:
            self._tell_undone(fault.row, fault.undone)

    def end_all(self) -> None:
        """Undo all that is open, the last first; each is tried, whatever befalls another."""
        # One that takes its time keeps no other from being undone, nor does telling of it.
        self._injector.hasten()
        news: list[Fault] = []
        errors: list[Exception] = []
        for fault in self.open:
            try:
                news += [fault] if fault.undo() else []
            except Exception as error:  # noqa: BLE001 - the others are to be undone yet
                errors.append(error)
        # A signal that came when something was just done may have kept it from us.
        strays = self._injector.undo_all()
        for fault in news:
            if fault.undone:
                self._tell_undone(fault.row, fault.undone)
        errors += [NotClean(undone) for undone in strays if not undone.clean]
        if errors:
            raise errors[0]

    @property
    def unclean(self) -> tuple[Undone, ...]:
        """What is not proven to be undone, of all that was begun."""
        undone = [each.undone for each in self.all if each.undone]
        return (*self._stuck, *(each for each in undone if not each.clean))

    def require_clean(self) -> None:
        """Pass when nothing of what was done is left; call it when nothing is open.

        Raises:
            NotClean: that is not proven.
        """
        unclean = self.unclean
        if unclean:
            raise NotClean(
                Undone(
                    clean=False,
                    took_s=max(each.took_s for each in unclean),
                    left=tuple(line for each in unclean for line in each.left),
                    by_hand=tuple(line for each in unclean for line in each.by_hand),
                )
            )

    def _tell_undone(self, row: Perturbation, undone: Undone) -> None:
        self._ground.write(row)
        said = f"Chaos undone: {row.described}."
        if not undone.clean:
            commands = "\n".join(f"    {command}" for command in undone.by_hand)
            said = f"Chaos NOT undone: {row.described}. By hand:\n\n{commands}"
        self._ground.note(said, row.undone_at)


def _left(row: Perturbation, undone: Undone) -> Perturbation:
    """Put on record what could be made in part only, and is not proven to be undone."""
    by_hand = "\n".join(undone.by_hand)
    return msgspec.structs.replace(row, made_at=row.at, undone_at=time.time(), left=by_hand)


def described(changes: Sequence[Change]) -> str:
    """Say in a line what changes do."""
    shown = [change.described for change in changes[:_SHOWN]]
    more = [f"and {len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
    return ", ".join([*shown, *more])


def machines_of(changes: Sequence[Change]) -> tuple[str, ...]:
    """Give the ids of the Machines that changes are made to."""
    perturbed = (each.perturbs for each in changes if isinstance(each, ChangeStruct))
    return tuple(dict.fromkeys(filter(None, perturbed)))
