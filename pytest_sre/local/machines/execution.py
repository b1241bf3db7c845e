"""What a Machine's life asks of whatever runs it: a process, or a script."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.logbook import Logbook
from pytest_sre.local.machines.checks import CheckRunner
from pytest_sre.local.machines.clocks import Clocks
from pytest_sre.local.machines.forking import ForkServers
from pytest_sre.local.machines.process import MachineProcess, Ports
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.restarts import Exit
from pytest_sre.local.pids import PidFile


@dataclass(frozen=True)
class Surroundings:
    """What the Machines of one app share.

    Args:
        directory: the server's state directory.
        logbook: the app's log lines.
        proxy_url: the proxy that knows ``.internal`` names.
        pids: the file of running processes.
        ports: the loopback ports in use.
        checks: runs health checks.
        primary_region: asked when a Machine starts whose configuration names none.
        on_destroyed: told of each Machine that was destroyed.
        faults: what goes wrong on the platform now.
        fork_servers: start the processes of warm images.
        clocks: whose clock is off.
    """

    directory: Path
    logbook: Logbook
    proxy_url: str
    pids: PidFile
    ports: Ports
    checks: CheckRunner
    primary_region: Callable[[], str]
    on_destroyed: Callable[[MachineRecord], None]
    faults: Faults
    fork_servers: ForkServers
    clocks: Clocks


class CannotRunError(Exception):
    """The Machine's image has nothing that could be run; the text says what is missing."""


class Execution(Protocol):
    """Runs one Machine, once or again.

    Attributes:
        process: its process while it runs; always None for a simulated Machine.
        visitors: the processes of commands that are executed beside it.
    """

    process: MachineProcess | None
    visitors: set[int]

    @property
    def goes_on(self) -> bool:
        """It runs, and neither a crash nor its memory has ended it a moment ago."""

    async def start(self) -> Exit | None:
        """Start it.

        Returns:
            Its end, when it ends at once because it cannot be executed; None when it runs.

        Raises:
            CannotRunError: there is nothing to execute.
        """

    async def ended(self, stop: tuple[int, float] | None = None) -> Exit | None:
        """Wait until it has ended; None when it does not run.

        Args:
            stop: end it, with this signal, and kill it after this many seconds.
        """

    async def kill(self) -> None:
        """End it at once, and wait until it has."""

    async def check(self) -> None:
        """Keep the results of its checks, as long as they may change or until cancelled."""

    def adopt(self, command: int, since_at: float) -> None:
        """Look for what a command that was executed beside it left running; it ends with it.

        Args:
            command: its process.
            since_at: when it was begun, Unix seconds.
        """

    @property
    def beside(self) -> list[int]:
        """The processes of commands beside it, and what such commands left running."""

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it does not run."""

    def out_of_memory(self, used_bytes: int) -> None:
        """Kill it for using more memory than it has; nothing happens when it does not run."""

    def crash(self, exit_code: int) -> None:
        """End it as if it had ended by itself; nothing happens when it does not run."""

    def freeze(self) -> None:
        """Halt it where it is."""

    def thaw(self) -> None:
        """Let it go on."""

    def variables(self) -> dict[str, str]:
        """The environment of its processes.

        Raises:
            Refused: it has no processes, and nothing can be executed beside them.
        """

    def clean_up(self) -> None:
        """Give back what the Machine used; it will not run again."""
