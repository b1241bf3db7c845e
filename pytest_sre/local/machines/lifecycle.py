"""A Machine's life: its process started, watched, restarted and stopped as its API is asked."""

import asyncio
import signal
import time
from collections.abc import Coroutine
from typing import Any, Final

from pytest_sre.local.faults.kinds import Capacity, ImagePullFailure, SilentFallback
from pytest_sre.local.logbook import Origin
from pytest_sre.local.machines.execution import CannotRunError, Surroundings
from pytest_sre.local.machines.kinds import execution_of
from pytest_sre.local.machines.records import Blueprint, MachineRecord
from pytest_sre.local.machines.restarts import Exit, is_failure, pause_s, should_restart
from pytest_sre.local.machines.signals import signal_number
from pytest_sre.local.machines.state import Refused, State, check_allowed

_DEFAULT_STOP_SIGNAL: Final = "SIGINT"
_DEFAULT_STOP_TIMEOUT_S: Final = 5.0
_NO_CAPACITY: Final = (
    "could not reserve resource for machine: insufficient memory available to fulfill request"
)


class Lifecycle:
    """Drives one Machine. Calls return at once; the work goes on in the background.

    Args:
        record: the Machine.
        around: what it shares with others.
    """

    def __init__(self, record: MachineRecord, around: Surroundings) -> None:
        self.record = record
        self.execution = execution_of(record, around)
        self._around = around
        self._work: asyncio.Task[None] | None = None
        self._checks: asyncio.Task[None] | None = None
        self._origin = Origin(record.id, record.region)
        self._must_pull = True

    def launch(self, *, skip: bool) -> None:
        """Begin its life: start it, or leave it stopped."""
        record = self.record
        record.add_event("launch", "created", source="user")
        self._around.checks.reset(record)
        self._do(self._settle() if skip else self._run(launched_at=time.time()))

    def require_capacity(self) -> None:
        """Pass when its host has room for it.

        Raises:
            Refused: 412, it has not.
        """
        if self.record.faults.strike(Capacity, self.record.site):
            raise Refused(412, _NO_CAPACITY, "insufficient_capacity")

    def start(self, source: str = "user") -> State:
        """Start it; nothing changes when it runs already.

        Returns:
            The state it was in.

        Raises:
            Refused: not in this state, or its host has no room for it.
        """
        record = self.record
        check_allowed("start", record.state)
        before = record.state
        if before in ("started", "starting"):
            return before
        self.require_capacity()
        record.become("starting")
        self._do(self._run(source, resume=before == "suspended"))
        return before

    def stop(
        self,
        signal_name: str | int | None = None,
        timeout_s: float | None = None,
        source: str = "user",
    ) -> None:
        """Stop it; nothing changes when it is stopped.

        Args:
            signal_name: how to ask it; its configured signal when not given.
            timeout_s: how long it may take; its configured time when not given.
            source: who asks.

        Raises:
            Refused: not in this state.
            ValueError: no such signal.
        """
        record = self.record
        number = self._stop_signal(signal_name)
        check_allowed("stop", record.state)
        if record.state in ("created", "stopped", "failed", "stopping"):
            return
        if record.state == "suspended":
            number = signal.SIGKILL
        record.become("stopping")
        record.add_event("stop", "stopping", source=source)
        self._do(self._stop(number, timeout_s))

    def restart(
        self,
        signal_name: str | int | None = None,
        timeout_s: float | None = None,
        *,
        force: bool = False,
    ) -> None:
        """Stop and start it.

        Args:
            signal_name: how to ask it to stop.
            timeout_s: how long it may take to stop.
            force: kill it at once.

        Raises:
            Refused: not in this state.
            ValueError: no such signal.
        """
        number = signal.SIGKILL if force else self._stop_signal(signal_name)
        record = self.record
        check_allowed("restart", record.state)
        number = signal.SIGKILL if record.state == "suspended" else number
        record.become("restarting" if record.state == "started" else "starting")
        record.add_event("restart", "starting", source="user")
        self._do(self._restart(number, timeout_s))

    def suspend(self) -> None:
        """Freeze its processes; nothing changes when it is suspended.

        Raises:
            Refused: not in this state.
        """
        check_allowed("suspend", self.record.state)
        if self.record.state == "suspended":
            return
        self.record.become("suspending")
        self.record.add_event("suspend", "suspending", source="user")
        if self._work:
            self._work.cancel()
        self._end_checks()
        self.execution.freeze()
        self.record.become("suspended")
        self._log("runner", "Virtual machine has been suspended")

    def update(self, blueprint: Blueprint, *, skip_launch: bool) -> None:
        """Replace its configuration; one that runs is replaced, another stays stopped.

        Raises:
            Refused: not in this state.
        """
        record = self.record
        check_allowed("update", record.state)
        former = record.blueprint, record.instance_id
        self._must_pull = True
        record.add_event("update", "replacing", source="user")
        if record.state in ("started", "starting", "restarting"):
            record.become("replacing")
            record.renew(blueprint)
            self._do(self._replace(former, skip_launch=skip_launch))
            return
        if record.state == "suspended":
            record.become("stopping")
            self._do(self._stop(signal.SIGKILL, 0))
        record.renew(blueprint)
        self._fall_back_silently(*former)
        self._around.checks.reset(record)
        self._log(
            "runner",
            "machine was in a non-started state prior to the update so leaving the new version"
            " stopped",
        )

    def destroy(self, *, force: bool, source: str = "user") -> None:
        """End its life.

        Raises:
            Refused: not in this state, unless forced.
        """
        record = self.record
        check_allowed("destroy", record.state, force=force)
        if record.state == "destroying":
            return
        record.become("destroying")
        record.add_event("destroy", "destroying", source=source)
        self._do(self._destroy())

    def set_cordoned(self, cordoned: bool) -> None:
        """Take it out of the proxy's routing, or put it back.

        Raises:
            Refused: it was destroyed.
        """
        record = self.record
        check_allowed("cordon", record.state)
        if record.cordoned != cordoned:
            record.cordoned = cordoned
            record.add_event("cordon" if cordoned else "uncordon", record.state, source="user")
            record.touch()

    async def close(self, *, at_once: bool, timeout_s: float = 1.0) -> None:
        """The platform ends: stop the process and all background work.

        Args:
            at_once: kill it, rather than ask it first.
            timeout_s: how long it may take when asked.
        """
        self._end_checks()
        if self._work:
            self._work.cancel()
            await asyncio.wait([self._work])
        if at_once or self.record.state == "suspended":
            await self.execution.kill()
        else:
            await self.execution.ended((self._stop_signal(None), timeout_s))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Go on with other work; what was being done is given up."""
        if self._work:
            self._work.cancel()
        self._work = asyncio.create_task(work)

    async def _settle(self) -> None:
        if self.record.state == "created":
            self.record.become("stopped")

    async def _run(
        self, source: str = "flyd", *, resume: bool = False, launched_at: float | None = None
    ) -> None:
        """Run the process, again and again as the restart policy says."""
        record = self.record
        restarts = 0
        ended = await (self._resumed(source) if resume else self._run_once(source, launched_at))
        while ended:
            policy = record.settings.restart
            again = should_restart(policy, ended, restarts)
            record.add_exit(ended, requested=False, restarting=again, restarts=restarts)
            if not again:
                await self._give_up(restarts if is_failure(policy, ended) else 0)
                return
            record.become("restarting")
            await asyncio.sleep(pause_s(restarts))
            restarts += 1
            ended = await self._run_once()

    async def _give_up(self, restarts: int) -> None:
        """Stay stopped after the process ended for good."""
        record = self.record
        if restarts:
            self._log("runner", f"machine has reached its max restart count of {restarts}", "error")
        record.become("stopped")
        if record.settings.auto_destroy:
            record.become("destroying")
            record.add_event("destroy", "destroying")
            await self._destroy()

    async def _run_once(
        self, source: str = "flyd", launched_at: float | None = None
    ) -> Exit | None:
        """Run the process until it ends; None when it cannot be run at all."""
        if self.record.state != "starting":
            self.record.become("starting")
        self.execution = execution_of(self.record, self._around, self.execution)
        try:
            self._pull()
            failed = await self.execution.start()
        except CannotRunError as error:
            self._log("runner", str(error), "error")
            self.record.become("failed")
            return None
        if failed:
            return failed
        if launched_at is not None:
            took_s = time.time() - launched_at
            self._log("runner", f"Machine created and started in {took_s:.3f}s")
        return await self._serve(source)

    async def _resumed(self, source: str) -> Exit | None:
        """Go on with a process that was suspended, until it ends."""
        self.execution.thaw()
        return await self._serve(source)

    async def _serve(self, source: str) -> Exit | None:
        self.record.become("started")
        self.record.add_event("start", "started", source=source)
        self._checks = asyncio.create_task(self.execution.check())
        ended = await self.execution.ended()
        self._end_checks()
        return ended

    async def _stop(self, number: int, timeout_s: float | None) -> None:
        await self._end_process(number, timeout_s)
        self.record.become("stopped")

    async def _end_process(self, number: int, timeout_s: float | None) -> None:
        self._end_checks()
        ended = await self.execution.ended((number, self._stop_timeout_s(timeout_s)))
        if ended:
            self.record.add_exit(ended, requested=True, restarting=False, restarts=0)

    async def _restart(self, number: int, timeout_s: float | None) -> None:
        await self._end_process(number, timeout_s)
        await self._run("user")

    async def _replace(self, former: tuple[Blueprint, str], *, skip_launch: bool) -> None:
        await self._end_process(self._stop_signal(None), None)
        self._fall_back_silently(*former)
        self._around.checks.reset(self.record)
        if skip_launch:
            self.record.become("stopped")
            return
        await self._run()

    def _fall_back_silently(self, former: Blueprint, instance_id: str) -> None:
        """Go on with the former version, when a fault says so; whoever updated is not told."""
        record = self.record
        if record.faults.strike(SilentFallback, record.site):
            self._log("runner", f"Failed to pull image {record.blueprint.image.ref}", "error")
            record.fall_back(former, instance_id)
            self._must_pull = False

    def _pull(self) -> None:
        """Bring the image of a new version to the host.

        Raises:
            CannotRunError: a fault says that it cannot be pulled.
        """
        record, ref = self.record, self.record.blueprint.image.ref
        if not self._must_pull:
            return
        if record.faults.strike(ImagePullFailure, record.site):
            raise CannotRunError(f"Failed to pull image {ref}: MANIFEST_UNKNOWN: manifest unknown")
        self._must_pull = False
        self._log("runner", f"Successfully prepared image {ref}")

    async def _destroy(self) -> None:
        await self._end_process(signal.SIGKILL, 0)
        self.execution.clean_up()
        self.record.become("destroyed")
        self._around.on_destroyed(self.record)

    def _stop_signal(self, given: str | int | None) -> int:
        stop = self.record.settings.stop_config
        configured = stop.signal if stop else None
        return signal_number(given or configured or _DEFAULT_STOP_SIGNAL)

    def _stop_timeout_s(self, given: float | None) -> float:
        stop = self.record.settings.stop_config
        if given is not None:
            return given
        stated_s = stop.timeout_s if stop else None
        return _DEFAULT_STOP_TIMEOUT_S if stated_s is None else stated_s

    def tell_checks_again(self) -> None:
        """Tell what its checks saw last, as faults have it now."""
        self._around.checks.tell_again(self.record)

    def _end_checks(self) -> None:
        if self._checks:
            self._checks.cancel()
            self._checks = None
            self._around.checks.reset(self.record)

    def _log(self, provider: str, message: str, level: str = "info") -> None:
        self._around.logbook.write(message, provider=provider, level=level, origin=self._origin)
