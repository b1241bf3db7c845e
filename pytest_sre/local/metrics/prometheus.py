"""A real Prometheus as a child of the server: started, asked, given rules, and ended with it."""

import re
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from pytest_sre.local.files import METRICS, write_whole
from pytest_sre.local.metrics.child import Child, Program, Question, Reply
from pytest_sre.local.metrics.configuration import RULES, configuration, interval_s
from pytest_sre.local.pids import PidFile

_RETENTION: Final = "1d"
_SAID: Final = re.compile(r'\berr="((?:[^"\\]|\\.)*)"')
_MOST_SAID: Final = 3
_RESEND_S: Final = 5
PROGRAM: Final = Program(
    label="Prometheus",
    names=("prometheus",),
    install="apt-get install prometheus, brew install prometheus",
    ready="Server is ready to receive web requests",
)


class RulesRefused(Exception):  # noqa: N818 - an answer, not a fault
    """Prometheus does not take the rules; the text is what it said of them."""


class Prometheus:
    """The child. Where the program is missing, all it answers is 503 and what to install.

    Args:
        directory: the server's state directory.
        pids: the file of processes that must not outlive the server.
        session: the HTTP client.
    """

    def __init__(self, directory: Path, pids: PidFile, session: aiohttp.ClientSession) -> None:
        self._child = Child(PROGRAM, directory / METRICS, pids, session)
        self._child.on_line = self._listen
        self._every_s = interval_s(0)
        self._api = ""
        self._token = ""
        self._alertmanager = ""
        self._rules: Mapping[str, str] = {}
        self._said: list[str] = []

    def start(self, api_url: str, token: str) -> None:
        """Begin to start it; nothing is waited for.

        Args:
            api_url: the platform's API, where it reads what it keeps.
            token: opens the API.
        """
        self._api, self._token = urlsplit(api_url).netloc, token
        self._child.start(
            self._write_configuration,
            f"--config.file={self._file}",
            f"--storage.tsdb.path={self._child.directory / 'data'}",
            f"--storage.tsdb.retention.time={_RETENTION}",
            "--web.listen-address=127.0.0.1:0",
            # It says whether it took a new configuration only when asked by HTTP.
            "--web.enable-lifecycle",
            # It finds Alertmanager some seconds late, and may have sent the first alert by then.
            f"--rules.alert.resend-delay={_RESEND_S}s",
        )

    def fit(self, machine_count: int) -> None:
        """Have metrics read less often once there are many Machines."""
        every_s = interval_s(machine_count)
        if self._child.is_ready and every_s > self._every_s:
            self._every_s = every_s
            self._write_configuration()
            self._child.signal(signal.SIGHUP)

    async def close(self, *, at_once: bool) -> None:
        """End it, and remove what it kept.

        Args:
            at_once: kill it, rather than ask it first.
        """
        await self._child.close(at_once=at_once)

    async def ask(self, question: Question) -> Reply:
        """Pass a call on, and its answer back."""
        return await self._child.ask(question)

    async def wait(self) -> str:
        """Wait until it serves.

        Returns:
            Why it does not; empty when it does.
        """
        return await self._child.wait()

    async def load(self, rules: Mapping[str, str], alertmanager: str) -> None:
        """Evaluate these rules, in place of those before, as often as metrics are read.

        Args:
            rules: the texts of rule files, by a name for each.
            alertmanager: host and port that alerts are sent to; empty for nowhere.

        Raises:
            RulesRefused: it does not take them, and goes on with those before.
        """
        before = self._rules, self._alertmanager
        self._rules, self._alertmanager = rules, alertmanager
        self._said.clear()
        reply = await self._reload()
        if reply.status == 200:
            return
        said = "\n".join(self._said[:_MOST_SAID]) or reply.body.decode("utf-8", "replace")
        self._rules, self._alertmanager = before
        await self._reload()
        raise RulesRefused(said.replace(f"{self._child.directory / RULES}/", ""))

    async def _reload(self) -> Reply:
        self._write_configuration()
        return await self._child.ask(Question("POST", "/-/reload"))

    def _write_configuration(self) -> None:
        folder = self._child.directory / RULES
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in self._rules.items():
            write_whole(folder / name, text.encode())
        stated = configuration(self._api, self._token, self._every_s, self._alertmanager)
        write_whole(self._file, stated)

    @property
    def _file(self) -> Path:
        return self._child.directory / "prometheus.yml"

    def _listen(self, line: str) -> None:
        if "level=error" in line and (found := _SAID.search(line)):
            self._said.append(found[1].replace('\\"', '"'))
