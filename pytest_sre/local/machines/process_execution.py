"""How a Machine's process is run: its command, environment, ports and volumes, and its end."""

import asyncio
import os
import shlex
import shutil
import signal
import time
from pathlib import Path
from typing import Final

import psutil

from pytest_sre.local.faults.kinds import SlowBoot
from pytest_sre.local.files import GUEST_FILES, TEMPORARY, VOLUMES
from pytest_sre.local.logbook import Origin
from pytest_sre.local.machines import environment
from pytest_sre.local.machines.execution import CannotRunError, Surroundings
from pytest_sre.local.machines.guest_files import write_files
from pytest_sre.local.machines.left_behind import is_same, left_behind
from pytest_sre.local.machines.process import MachineProcess, kill_group
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.restarts import Exit, out_of_memory_message

_COMMAND_NOT_FOUND: Final = 127


class ProcessExecution:
    """Runs the process of one Machine, once or again.

    Args:
        record: the Machine.
        around: what it shares with others.
    """

    def __init__(self, record: MachineRecord, around: Surroundings) -> None:
        self.process: MachineProcess | None = None
        self.visitors: set[int] = set()
        self._stayers: list[psutil.Process] = []
        self._record = record
        self._around = around
        self._spawning: asyncio.Task[None] | None = None
        self._oom = False
        self._crashed_with: int | None = None

    async def start(self) -> Exit | None:
        """Start the process.

        Returns:
            Its end, when the command cannot be executed; None when it runs.

        Raises:
            CannotRunError: there is nothing to execute.
        """
        command = self._command()
        self._log("init", f"Preparing to run: `{shlex.join(command)}`")
        try:
            self._take_ports_and_directories()
        except OSError as error:
            raise CannotRunError(f"cannot make the machine's files: {error}") from None
        # Given up half-way, the process would run on and belong to nobody.
        self._spawning = asyncio.create_task(self._spawn(command))
        try:
            await asyncio.shield(self._spawning)
        except OSError as error:
            self._log("init", f"Error: failed to spawn command: {command[0]}: {error.strerror}")
            self._log("init", f"does `{command[0]}` exist and is it executable?")
            return Exit(_COMMAND_NOT_FOUND, oom_killed=False, at=time.time())
        return None

    async def ended(self, stop: tuple[int, float] | None = None) -> Exit | None:
        """Wait until the process has ended; None when none runs.

        Args:
            stop: end it, with this signal, and kill it after this many seconds.
        """
        if self._spawning:
            await asyncio.wait([self._spawning])
        process = self.process
        if process is None:
            return None
        return_code = await (process.stop(*stop) if stop else process.wait())
        self._forget(process)
        if self._crashed_with is not None:
            return_code = self._crashed_with
        ended = Exit(return_code, oom_killed=self._oom, at=time.time())
        self._log("init", ended.message)
        return ended

    async def check(self) -> None:
        """Make its checks until cancelled."""
        await self._around.checks.run(self._record)

    def adopt(self, command: int, since_at: float) -> None:
        """Look for what a command that was executed in it left running."""
        self._around.clocks.forget(self._record, [command])
        known = {self.process.pid if self.process else 0, *self.beside}
        for stayer in left_behind(self._record.id, since_at):
            if stayer.pid in known:
                continue
            if self.process is None:
                # The Machine has ended meanwhile, and what was begun in it ends with it.
                kill_group(stayer.pid)
                continue
            self._stayers.append(stayer)
            self._around.pids.add(stayer.pid)

    @property
    def beside(self) -> list[int]:
        """The processes beside its own: of commands, and what these left running."""
        self._stayers = [each for each in self._stayers if is_same(each)]
        return [*self.visitors, *(each.pid for each in self._stayers)]

    def signal(self, number: int) -> None:
        """Send a signal to its main process."""
        if self.process:
            self.process.signal_main(number)

    @property
    def goes_on(self) -> bool:
        """It runs, and was not killed as by a crash or for its memory."""
        return self.process is not None and self._crashed_with is None and not self._oom

    def freeze(self) -> None:
        """Halt all processes of the group where they are."""
        if self.process:
            self.process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        if self.process:
            self.process.signal(signal.SIGCONT)

    def out_of_memory(self, used_bytes: int) -> None:
        """Kill it for using more memory than it has."""
        if self.process is None or self._oom:
            return
        self._oom = True
        self._log(
            "runner",
            out_of_memory_message(self.process.pid, used_bytes, self._record.memory_mb),
            level="error",
        )
        self.process.kill()

    def crash(self, exit_code: int) -> None:
        """Kill it, and say that it ended by itself."""
        if self.process:
            self._crashed_with = exit_code
            self.process.kill()

    async def kill(self) -> None:
        """End the process at once, and wait until it has."""
        await self.ended((signal.SIGKILL, 0))

    def clean_up(self) -> None:
        """Give back what the Machine used; it will not run again."""
        self._around.ports.give_back(self._record.ports)
        self._around.clocks.drop(self._record)
        for directory in (self._temporary, self._files):
            shutil.rmtree(directory, ignore_errors=True)

    def variables(self) -> dict[str, str]:
        """The environment of its processes."""
        record, around = self._record, self._around
        settings, image = record.settings, record.blueprint.image
        identity = environment.Identity(
            record.app,
            record.id,
            record.region,
            record.group,
            image.ref,
            record.instance_id,
            settings.env.get("PRIMARY_REGION") or around.primary_region(),
        )
        return {
            **environment.base_environment(self._temporary, os.environ),
            **environment.proxy_environment(around.proxy_url, record.id),
            **image.env,
            **record.blueprint.secrets,
            **settings.env,
            **{environment.volume_variable(name): str(path) for name, path in self._volumes()},
            **environment.machine_environment(identity, settings),
            environment.FILES_VARIABLE: str(self._files),
            **environment.port_environment(record.ports),
            **around.clocks.environment(record),
        }

    @property
    def _temporary(self) -> Path:
        return self._around.directory / TEMPORARY / self._record.id

    @property
    def _files(self) -> Path:
        return self._around.directory / GUEST_FILES / self._record.id

    def _volumes(self) -> list[tuple[str, Path]]:
        volumes = self._around.directory / VOLUMES
        return [
            (mount.name or mount.volume or "", volumes / (mount.volume or ""))
            for mount in self._record.settings.mounts
        ]

    def _take_ports_and_directories(self) -> None:
        ports, record = self._around.ports, self._record
        ports.give_back(record.ports)
        record.ports = ports.take(environment.internal_ports(record.settings))
        for _, volume in self._volumes():
            volume.mkdir(parents=True, exist_ok=True)
        # Only volumes outlive a start; all else is as the image has it.
        write_files(self._temporary, ())
        write_files(self._files, record.blueprint.files)

    async def _spawn(self, command: list[str]) -> None:
        # A library that is loaded before all others cannot come later.
        is_off = bool(self._around.clocks.environment(self._record))
        warm = self._record.blueprint.image.warm and not is_off
        spawn = self._around.fork_servers.spawn if warm else MachineProcess.spawn
        self.process = await spawn(
            self._delayed(command),
            environment=self.variables(),
            directory=Path(self._record.blueprint.image.root),
            on_line=lambda line: self._log("app", line),
        )
        self._oom, self._crashed_with = False, None
        self._around.pids.add(self.process.pid)

    def _delayed(self, command: list[str]) -> list[str]:
        """The command, behind a wait when the Machine boots slowly."""
        slow = self._record.faults.strike(SlowBoot, self._record.site)
        wait = ["/bin/sh", "-c", 'sleep "$0"; exec "$@"', f"{slow.delay_s:g}"] if slow else []
        return [*wait, *command]

    def _forget(self, process: MachineProcess) -> None:
        beside = self.beside
        for pid in beside:
            kill_group(pid)
            self._around.pids.remove(pid)
        self._around.clocks.forget(self._record, [process.pid, *beside])
        self._stayers.clear()
        self._around.pids.remove(process.pid)
        self.process = None

    def _command(self) -> list[str]:
        """What it executes: its own command, else the image's for its group."""
        init, image = self._record.settings.init, self._record.blueprint.image
        if not Path(image.root).is_dir():
            raise CannotRunError(f"image {image.ref} has no directory {image.root}")
        if init and init.exec:
            return init.exec
        entrypoint = (init.entrypoint if init else None) or []
        own = init.cmd if init else None
        command = [*entrypoint, *(own or shlex.split(image.commands.get(self._record.group, "")))]
        if not command:
            group = self._record.group
            raise CannotRunError(f"image {image.ref} has no command for process group {group!r}")
        return command

    def _log(self, provider: str, message: str, level: str = "info") -> None:
        origin = Origin(self._record.id, self._record.region)
        self._around.logbook.write(message, provider=provider, level=level, origin=origin)
