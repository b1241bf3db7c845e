"""A real Alertmanager beside Prometheus, started once rules are loaded; it notifies nobody.

Whatever a project's own routing says, a drill must page no one: here all alerts go to a receiver
that does nothing, and can be read.
"""

from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from pytest_sre.local.files import ALERTS, write_whole
from pytest_sre.local.metrics.child import Child, Program, Question, Reply, unavailable
from pytest_sre.local.pids import PidFile

PROGRAM: Final = Program(
    label="Alertmanager",
    names=("prometheus-alertmanager", "alertmanager"),
    install="apt-get install prometheus-alertmanager, brew install alertmanager",
    ready='msg="Listening on"',
)
_NOBODY: Final = "nobody"
_NOT_ASKED_FOR: Final = "no rules were loaded, so no Alertmanager was started"


class Alertmanager:
    """The child.

    Args:
        directory: the server's state directory.
        pids: the file of processes that must not outlive the server.
        session: the HTTP client.
    """

    def __init__(self, directory: Path, pids: PidFile, session: aiohttp.ClientSession) -> None:
        self._child = Child(PROGRAM, directory / ALERTS, pids, session)

    async def start(self) -> str:
        """Start it, unless it was started before, and wait until it serves.

        Returns:
            Why it does not; empty when it does.
        """
        if not self._child.was_started:
            self._child.start(
                self._write_configuration,
                f"--config.file={self._file}",
                f"--storage.path={self._child.directory / 'data'}",
                "--web.listen-address=127.0.0.1:0",
                # Alone, it needs no port for others of its kind.
                "--cluster.listen-address=",
            )
        return await self._child.wait()

    @property
    def address(self) -> str:
        """Host and port; empty when it does not serve."""
        return self._child.address if self._child.is_ready else ""

    async def ask(self, question: Question) -> Reply:
        """Pass a call on, and its answer back."""
        if not self._child.was_started:
            return unavailable(_NOT_ASKED_FOR)
        return await self._child.ask(question)

    async def close(self, *, at_once: bool) -> None:
        """End it, and remove what it kept.

        Args:
            at_once: kill it, rather than ask it first.
        """
        await self._child.close(at_once=at_once)

    def _write_configuration(self) -> None:
        write_whole(self._file, configuration())

    @property
    def _file(self) -> Path:
        return self._child.directory / "alertmanager.yml"


def configuration() -> bytes:
    """The configuration file, in JSON, which is YAML: every alert at once, to nobody."""
    route = {
        "receiver": _NOBODY,
        "group_by": ["..."],
        "group_wait": "0s",
        "group_interval": "1s",
        "repeat_interval": "1h",
    }
    return msgspec.json.encode({"route": route, "receivers": [{"name": _NOBODY}]})
