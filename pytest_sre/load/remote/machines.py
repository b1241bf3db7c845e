"""Workers in Machines that are started for a load, and removed whatever happens.

They are in an app of their own, so that they are no Machines of the target: they have none of its
secrets, get none of its traffic, and no suite judges them. The app is removed as a whole. Should
that fail, or this process be killed: it is in the journal before it is there, and each worker ends
by itself when its connection or its time is over, which destroys its Machine.
"""

import contextlib
import math
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import Dns, Guest, MachineConfig, MachineInit, Restart
from pytest_sre.fly.errors import FlyError, NotFound
from pytest_sre.load.remote.mustering import Muster, RemoteWorker, at_work
from pytest_sre.load.remote.sealing import SECRET_VARIABLE
from pytest_sre.load.workers import Worker
from pytest_sre.undo.files import Journal, Kept
from pytest_sre.verdict import Inconclusive

KIND: Final = "load-machines"
PREFIX: Final = "sre-load-"
RUN_KEY: Final = "sre-load-run"

_NAME = re.compile(rf"{PREFIX}[0-9a-f]{{12}}")
_COMMAND = ("pytest-sre", "load", "worker")
# Shared processors are throttled, which would be seen as latencies of the target.
_GUEST = Guest(cpu_kind="performance", cpus=1, memory_mb=2_048)
_JOIN_S = 180.0
_LEAST_S = 900.0
_SPARE_S = 120.0
_CAUSE = "load workers"
# Fly's resolver in each private network. Nothing is sent to it.
_PRIVATE_RESOLVER = ("fdaa::3", 53)
_PRIVATE = "fdaa:"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where Machines of workers are started, and from what.

    Attributes:
        organization: that they belong to.
        image: that has pytest-sre and what journeys import.
        regions: how many in each.
        host: the address of this machine that they join; found out when empty.
        platform: by which a later process finds a local platform; empty for Fly itself.
        run: which run this is.
        target: the target's name.
    """

    organization: str
    image: str
    regions: Mapping[str, int]
    host: str
    platform: str
    run: str
    target: str

    @property
    def names(self) -> Sequence[tuple[str, str]]:
        """The region and the name of each worker."""
        return [
            (region, f"{region}-{number}")
            for region, count in self.regions.items()
            for number in range(count)
        ]


class MachineCrew:
    """A crew of workers in Machines, which stay from one load to the next.

    Args:
        fly: the platform's client.
        place: tells where they are started; asked when they are.
        journal: where it is written down before.
        tell: told in a line what takes time.
        warn: told in a line what could not be removed.
    """

    starts_s = _JOIN_S + _SPARE_S

    def __init__(
        self,
        fly: Fly,
        place: Callable[[], Place],
        journal: Journal,
        *,
        tell: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self._fly, self._place_of, self._journal = fly, place, journal
        self._tell, self._warn = tell, warn
        self._muster: Muster | None = None
        self._kept: Kept | None = None
        self._count, self._ends_s = 1, 0.0

    @contextlib.contextmanager
    def at_work(self, lasts_s: float) -> Iterator[Sequence[Worker]]:
        """Start the Machines, unless they are there and last long enough.

        Raises:
            Inconclusive: they could not be started, or did not join.
            FlyError: the platform refuses.
        """
        workers = self._muster.workers if self._muster else ()
        if len(workers) < self._count or self._ends_s < time.monotonic() + lasts_s:
            self.close()
            try:
                workers = self._started(lasts_s)
            except BaseException:
                self.close()
                raise
        with at_work(workers):
            yield workers

    def close(self) -> None:
        """Remove the Machines, as far as the platform lets us; the rest stays in the journal."""
        if self._muster:
            self._muster.close()
            self._muster = None
        kept, self._kept = self._kept, None
        if kept is None:
            return
        try:
            remove_workers(self._fly, kept.intent.what["app"])
            kept.done()
        except (FlyError, OSError) as error:
            kept.leave()
            self._warn(f"load workers were not removed; run: pytest-sre recover\n{error}")

    def _started(self, lasts_s: float) -> Sequence[RemoteWorker]:
        place = self._place_of()
        self._count = len(place.names)
        limit_s = math.ceil(max(_LEAST_S, lasts_s) + _JOIN_S + _SPARE_S)
        secret = secrets.token_urlsafe(32)
        muster = self._muster = Muster(place.host or own_private_address(), 0, secret.encode())
        app = f"{PREFIX}{secrets.token_hex(6)}"
        self._kept = self._intended(place, app)
        self._tell(f"starting {self._count} load workers in {', '.join(place.regions)}")
        self._fly.create_app(app, place.organization)
        self._ends_s = time.monotonic() + limit_s
        for region, name in place.names:
            config = _config(place, name, secret, muster.address, limit_s)
            self._fly.create_machine(app, config, region=region, name=name)
        joined = muster.gather(self._count, _JOIN_S)
        if len(joined) < self._count:
            raise Inconclusive(self._who_is_missing(app, joined), cause=_CAUSE)
        return joined

    def _intended(self, place: Place, app: str) -> Kept:
        what = {"app": app, "platform": place.platform}
        try:
            return self._journal.intend(KIND, run=place.run, target=place.target, what=what)
        except OSError as error:
            raise Inconclusive(
                f"expected to write down in .sre/undo what is to be removed, found: {error}\n"
                "no Machine was started; make the folder writable",
                cause="own disk",
            ) from None

    def _who_is_missing(self, app: str, joined: Sequence[Worker]) -> str:
        there = {worker.name.rpartition(" ")[2] for worker in joined}
        states = [
            f"{machine.name} in {machine.region} ({machine.state})"
            for machine in self._fly.machines(app, include_deleted=True)
            if machine.name not in there
        ]
        return (
            f"expected {self._count} load workers, found {len(joined)} within "
            f"{_JOIN_S:g} s; missing: {', '.join(states[:5]) or 'Machines that are gone'}\n"
            "its image must have this version of pytest-sre, and reach this machine"
        )


def remove_workers(fly: Fly, app: str) -> None:
    """Remove an app of workers with all its Machines; one that is not there is removed already.

    Raises:
        FlyError: the platform refuses, or the app is still there.
        ValueError: the name is none of such an app.
    """
    if not _NAME.fullmatch(app):
        raise ValueError(f"expected an app {PREFIX}…, found {app!r}: it is not removed")
    with contextlib.suppress(NotFound):
        for machine in fly.machines(app):
            with contextlib.suppress(NotFound):
                fly.destroy_machine(app, machine.id, force=True)
        fly.delete_app(app, force=True)


def own_private_address() -> str:
    """Find this machine's address in Fly's private network. Nothing is sent.

    Raises:
        Inconclusive: it is not in that network.
    """
    address = ""
    # Where there is no IPv6, there is no such network.
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked,
    ):
        asked.connect(_PRIVATE_RESOLVER)
        address = str(asked.getsockname()[0])
    if address.startswith(_PRIVATE):
        return address
    raise Inconclusive(
        "expected this machine in the organization's private network, since load workers in "
        f"Machines join it there; found {address or 'no way to it'}\n"
        "see fly wireguard create, or run this on a Machine",
        cause=_CAUSE,
    )


def _config(place: Place, name: str, secret: str, address: str, limit_s: int) -> MachineConfig:
    told = ("--master", address, "--name", name, "--for", f"{limit_s}s")
    return MachineConfig(
        image=place.image,
        env={SECRET_VARIABLE: secret},
        metadata={RUN_KEY: place.run, "fly_process_group": "load"},
        init=MachineInit(exec=[*_COMMAND, *told]),
        guest=_GUEST,
        restart=Restart(policy="no"),
        auto_destroy=True,
        dns=Dns(skip_registration=True),
    )
