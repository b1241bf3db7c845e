"""The server process: ``python -m pytest_sre.local.server --state-dir DIR``.

With ``--death-fd N`` it lives as long as whoever started it; with ``--detach`` it goes on in the
background. When it is ready it writes ``DIR/platform.json`` and one line to its standard output.
It ends, with all its Machines, on SIGTERM, on SIGINT, when asked by its API, and at once when the
other end of ``--death-fd`` is closed: when whoever started it is gone, however it ended.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pytest_sre import __version__
from pytest_sre.local.api import build_api
from pytest_sre.local.faults.flapping import flap_checks
from pytest_sre.local.faults.settling import keep_settled
from pytest_sre.local.faults.strikes import strike_processes
from pytest_sre.local.files import CA_FILE, PIDS_FILE, PLATFORM_FILE, remove_files, write_whole
from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.machines.checks import open_session
from pytest_sre.local.machines.memory import guard_memory
from pytest_sre.local.metrics.alerting import Alerting
from pytest_sre.local.metrics.alertmanager import Alertmanager
from pytest_sre.local.metrics.prometheus import Prometheus
from pytest_sre.local.pids import reap
from pytest_sre.local.proxy.autostop import stop_idle_machines
from pytest_sre.local.proxy.balancer import Balancer
from pytest_sre.local.proxy.certificates import Authority
from pytest_sre.local.proxy.delivery import Edges
from pytest_sre.local.proxy.doors import Doors
from pytest_sre.local.proxy.internal import InternalProxy
from pytest_sre.local.proxy.listener import Listener
from pytest_sre.local.proxy.streams import Stream, StreamListener
from pytest_sre.local.proxy.upstream import Connections


class Server:
    """The platform, from its first listener to its last.

    Args:
        directory: the state directory; exists.
        death_fd: a pipe whose end is the server's end; None when it lives on by itself.
    """

    def __init__(self, directory: Path, death_fd: int | None) -> None:
        self._directory = directory
        self._death_fd = death_fd
        self._token = f"fo1_{secrets.token_urlsafe(32)}"
        self._started_at = time.time()
        self._ended = asyncio.Event()
        self._at_once = False
        self._session = open_session()
        self._apps: dict[str, App] = {}
        self._internal = StreamListener(self._serve_machine)
        internal_url = f"http://127.0.0.1:{self._internal.port}"
        self._fleet = Fleet(directory, self._apps, self._session, internal_url)
        self._connections = Connections()
        self._edges = Edges(self._fleet.network, self._connections, {})
        self._doors: dict[str, Doors] = {}
        self._internal_proxy = InternalProxy(self._apps, self._doors, self._edges)
        self._authority = Authority(directory / CA_FILE)
        self._prometheus = Prometheus(directory, self._fleet.pids, self._session)
        self._alertmanager = Alertmanager(directory, self._fleet.pids, self._session)
        self._closing: set[asyncio.Task[None]] = set()
        self._api = Listener(
            build_api(
                self._fleet,
                self._token,
                alerting=Alerting(self._prometheus, self._alertmanager),
                open_app=self._open_app,
                close_app=self._close_app,
                open_ports=self._open_ports,
                shut_down=self._ended.set,
            )
        )

    async def run(self) -> None:
        """Serve until told to end, then leave nothing behind."""
        async with self._session:
            await self._serve()
        remove_files(self._directory)

    async def _serve(self) -> None:
        self._watch_for_the_end()
        await self._internal.start()
        self._api.start()
        background = [
            asyncio.create_task(guard_memory(self._fleet.lifecycles)),
            asyncio.create_task(strike_processes(self._fleet.faults, self._fleet.lifecycles)),
            asyncio.create_task(flap_checks(self._fleet.faults, self._fleet.lifecycles)),
            asyncio.create_task(keep_settled(self._fleet.settle_faults)),
            asyncio.create_task(stop_idle_machines(self._balancers)),
        ]
        self._announce()
        _say_ready()
        self._prometheus.start(self._api.url, self._token)
        await self._ended.wait()
        for task in background:
            task.cancel()
        await asyncio.gather(
            self._end_machines(),
            self._prometheus.close(at_once=self._at_once),
            self._alertmanager.close(at_once=self._at_once),
        )
        await self._fleet.fork_servers.close()
        await asyncio.gather(*self._closing, *(each.close() for each in self._listeners()))
        self._connections.close()

    def _watch_for_the_end(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._ended.set)
        loop.add_signal_handler(signal.SIGINT, self._ended.set)
        if self._death_fd is not None:
            loop.add_reader(self._death_fd, self._orphaned, self._death_fd)

    def _orphaned(self, death_fd: int) -> None:
        if os.read(death_fd, 1):
            return
        asyncio.get_running_loop().remove_reader(death_fd)
        self._at_once = True
        for lifecycle in self._fleet.lifecycles():
            if lifecycle.execution.process:
                lifecycle.execution.process.kill()
        self._ended.set()

    async def _open_app(self, app: App) -> None:
        doors = Doors(app, self._edges, self._authority)
        await doors.open()
        self._doors[app.name] = doors
        self._edges.balancers[app.name] = doors.edge.balancer
        self._announce()

    async def _serve_machine(self, stream: Stream) -> None:
        await self._internal_proxy.serve_stream(stream)

    async def _open_ports(self, app: App) -> dict[int, str]:
        doors = self._doors.get(app.name)
        return await doors.open_all() if doors else {}

    async def _close_app(self, app: App) -> None:
        await asyncio.gather(*(each.close(at_once=True) for each in app.machines.values()))
        doors = self._doors.pop(app.name)
        del self._edges.balancers[app.name]
        doors.stop_accepting()
        closing = asyncio.create_task(doors.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self._announce()

    async def _end_machines(self) -> None:
        lifecycles = self._fleet.lifecycles()
        await asyncio.gather(*(each.close(at_once=self._at_once) for each in lifecycles))

    def _balancers(self) -> list[Balancer]:
        return list(self._edges.balancers.values())

    def _listeners(self) -> list[Listener | StreamListener | Doors]:
        return [self._api, self._internal, *self._doors.values()]

    def _announce(self) -> None:
        """Write down where everything is, for whoever looks into the state directory."""
        content = {
            "url": self._api.url,
            "token": self._token,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "version": __version__,
            "apps": {name: self._apps[name].url for name in self._doors},
        }
        write_whole(self._directory / PLATFORM_FILE, msgspec.json.encode(content))


def _say_ready() -> None:
    """Tell whoever reads the standard output, then let go of it."""
    # Whoever waits for it may be gone by now; then the end of --death-fd ends the server.
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), b'{"ready": true}\n')
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


async def _serve(directory: Path, death_fd: int | None) -> None:
    await Server(directory, death_fd).run()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server until it ends."""
    parser = argparse.ArgumentParser(prog="python -m pytest_sre.local.server")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--death-fd", type=int)
    parser.add_argument("--detach", action="store_true")
    given = parser.parse_args(arguments)
    if given.detach and os.fork():
        os._exit(0)
    directory: Path = given.state_dir.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    reap(directory / PIDS_FILE)
    asyncio.run(_serve(directory, given.death_fd))


if __name__ == "__main__":
    main()
