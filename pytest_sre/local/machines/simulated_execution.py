"""A Machine without a process: its script answers, writes lines and ends in its stead."""

import asyncio
import contextlib
import math
import signal
import time
from typing import Final

import msgspec

from pytest_sre.local.faults.kinds import SlowBoot
from pytest_sre.local.logbook import Origin
from pytest_sre.local.machines.check_plans import CheckPlan
from pytest_sre.local.machines.checks import comes_to_an_end
from pytest_sre.local.machines.environment import internal_ports
from pytest_sre.local.machines.execution import Surroundings
from pytest_sre.local.machines.process import MachineProcess
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.restarts import Exit, out_of_memory_message
from pytest_sre.local.machines.scripted_checks import check_script, next_change_s
from pytest_sre.local.machines.state import Refused
from pytest_sre.local.scripts import Reply, Script, lines_said, reply_to

_LOOK_AGAIN_S: Final = 0.5
_MB: Final = 1024 * 1024
_HALTING: Final = frozenset({signal.SIGSTOP, signal.SIGCONT})


def _now() -> float:
    """Seconds on the clock by which the event loop sleeps."""
    return asyncio.get_running_loop().time()


class _Run:
    """From one start to its end; times are of the event loop's clock."""

    __slots__ = (
        "end",
        "frozen_at",
        "is_stopping",
        "lines_said",
        "open",
        "over",
        "play",
        "quiet",
        "since",
    )

    def __init__(self) -> None:
        self.since = _now()
        self.over = asyncio.Event()
        self.end: Exit | None = None
        self.play: asyncio.Task[None] | None = None
        self.frozen_at: float | None = None
        self.is_stopping = False
        self.lines_said = 0
        self.open = 0
        self.quiet = asyncio.Event()
        self.quiet.set()

    @property
    def age_s(self) -> float:
        return (self.frozen_at or _now()) - self.since

    @property
    def is_open(self) -> bool:
        return self.frozen_at is None and not self.is_stopping and self.end is None

    def finish(self, return_code: int, *, oom_killed: bool = False) -> None:
        if self.end is None:
            self.end = Exit(return_code, oom_killed=oom_killed, at=time.time())
            self.over.set()


class SimulatedExecution:
    """Plays the script of one Machine's image, once or again.

    It costs no process, no socket, and no timer once the script has nothing more to come.

    Args:
        record: the Machine; its image has a script.
        around: what it shares with others.
    """

    process: MachineProcess | None = None

    def __init__(self, record: MachineRecord, around: Surroundings) -> None:
        self.visitors: set[int] = set()
        self._record = record
        self._around = around
        self._script = Script()
        self._run: _Run | None = None

    async def start(self) -> Exit | None:
        """Begin the script; see ``Execution``."""
        record = self._record
        script = record.blueprint.image.simulated or Script()
        slow = record.faults.strike(SlowBoot, record.site)
        listens_from_s = script.listens_from_s + (slow.delay_s if slow else 0.0)
        self._script = msgspec.structs.replace(script, listens_from_s=listens_from_s)
        record.ports = dict.fromkeys(internal_ports(record.settings), 0)
        self._log("init", "Preparing to run: `a script` (simulated)")
        self._run = _Run()
        self._go_on(self._run)
        return None

    async def ended(self, stop: tuple[int, float] | None = None) -> Exit | None:
        """Wait for the script's end; see ``Execution``."""
        run = self._run
        if run is None:
            return None
        if stop:
            await self._stop(run, *stop)
        await run.over.wait()
        self._forget(run)
        if run.end:
            self._log("init", run.end.message)
        return run.end

    async def kill(self) -> None:
        """End it at once."""
        await self.ended((signal.SIGKILL, 0))

    async def check(self) -> None:
        """Keep the results of its checks as long as the script can change them."""
        record, run, script = self._record, self._run, self._script
        self._around.checks.expect(record)
        plans = record.blueprint.plans
        if run is None or not plans:
            return
        at_s = run.age_s
        while True:
            if not comes_to_an_end(record):
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            for plan in plans:
                self._check(plan, at_s)
            coming = [next_change_s(script, plan, at_s) for plan in plans]
            at_s = min(coming)
            if at_s == math.inf:
                return
            await asyncio.sleep(at_s - run.age_s)

    def adopt(self, command: int, since_at: float) -> None:
        """Find nothing: no command can be executed beside a script; see ``Execution``."""

    @property
    def beside(self) -> list[int]:
        """None; see ``Execution``."""
        return []

    def signal(self, number: int) -> None:
        """End it as the signal ends a process that does nothing about it.

        Raises:
            ValueError: the signal halts a process, which a script cannot be.
        """
        if number in _HALTING:
            raise ValueError(f"machine {self._record.id} is simulated: no signal halts it")
        if self._run:
            self._run.finish(-number)

    @property
    def goes_on(self) -> bool:
        """It plays, and its end has not come."""
        return self._run is not None and self._run.end is None

    def out_of_memory(self, used_bytes: int) -> None:
        """End it as a process that used too much memory."""
        if self._run:
            message = out_of_memory_message(1, used_bytes, self._record.memory_mb)
            self._log("runner", message, "error")
            self._run.finish(-signal.SIGKILL, oom_killed=True)

    def crash(self, exit_code: int) -> None:
        """End it as a process that ends by itself."""
        if self._run:
            self._run.finish(exit_code)

    def freeze(self) -> None:
        """Stop the script's clock."""
        if self._run:
            self._run.frozen_at = _now()
            if self._run.play:
                self._run.play.cancel()

    def thaw(self) -> None:
        """Let the script's clock go on."""
        run = self._run
        if run and run.frozen_at is not None:
            run.since += _now() - run.frozen_at
            run.frozen_at = None
            self._go_on(run)

    def variables(self) -> dict[str, str]:
        """Nothing can be executed beside a script; see ``Execution``."""
        raise Refused(
            412, f"machine {self._record.id} is simulated: no command can be executed in it"
        )

    def clean_up(self) -> None:
        """Give back what it used."""
        self._record.ports = {}

    async def respond(self, method: str, path: str) -> Reply:
        """Answer a request, after the time that the answer takes.

        Args:
            method: in upper case.
            path: without the query.

        Raises:
            ConnectionRefusedError: it does not listen.
            ConnectionResetError: it ended before the answer was complete.
        """
        run, script = self._run, self._script
        if run is None or not run.is_open or run.age_s < script.listens_from_s:
            raise ConnectionRefusedError(f"machine {self._record.id} does not listen")
        reply = reply_to(script, method, path, run.age_s)
        if reply.log:
            self._log("app", reply.log)
        if reply.latency_s:
            await self._take(run, reply.latency_s)
        return reply

    async def _take(self, run: _Run, latency_s: float) -> None:
        run.open += 1
        run.quiet.clear()
        try:
            async with asyncio.timeout(latency_s):
                await run.over.wait()
        except TimeoutError:
            return
        finally:
            run.open -= 1
            if not run.open:
                run.quiet.set()
        raise ConnectionResetError(f"machine {self._record.id} ended")

    def _check(self, plan: CheckPlan, at_s: float) -> None:
        passed, output = check_script(self._script, plan, at_s)
        in_grace = at_s < plan.grace_s
        self._around.checks.note(
            self._record, plan, passed=passed, output=output, in_grace=in_grace
        )

    def _go_on(self, run: _Run) -> None:
        if self._script.end or run.lines_said < len(self._script.lines):
            run.play = asyncio.create_task(self._play(run))

    async def _play(self, run: _Run) -> None:
        """Write what the script says, and end when it says so."""
        script = self._script
        for line in lines_said(script)[run.lines_said :]:
            await asyncio.sleep(line.at_s - run.age_s)
            self._log("app", line.message, line.level)
            run.lines_said += 1
        if script.end:
            await asyncio.sleep(script.end.at_s - run.age_s)
            if script.end.oom_killed:
                self.out_of_memory(self._record.memory_mb * _MB)
            run.finish(script.end.exit_code)

    async def _stop(self, run: _Run, number: int, timeout_s: float) -> None:
        """Let open requests finish, and end; killed when that takes too long."""
        run.is_stopping = True
        if number != signal.SIGKILL:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await asyncio.sleep(self._script.stop_s)
                    await run.quiet.wait()
                run.finish(0)
        run.finish(-signal.SIGKILL)

    def _forget(self, run: _Run) -> None:
        if run.play:
            run.play.cancel()
        self._run = None
        self._record.ports = {}

    def _log(self, provider: str, message: str, level: str = "info") -> None:
        origin = Origin(self._record.id, self._record.region)
        self._around.logbook.write(message, provider=provider, level=level, origin=origin)
