"""What a test does to its target: ``with chaos.kill_machine(fly_app, region="ams"): ...``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, Unpack

from pytest_sre.chaos.actions import (
    Action,
    BadSecret,
    CordonMachines,
    CpuPressure,
    DegradeNetwork,
    DependencyOutage,
    DeployRelease,
    DiskFull,
    DnsFailure,
    KillMachines,
    LoseRegion,
    MemoryPressure,
    Partition,
    PlatformFault,
    RestartLoop,
    RestartMachines,
    Scale,
    SkewClock,
    StopMachines,
    SuspendMachines,
)
from pytest_sre.chaos.arguments import require_in_range, require_known
from pytest_sre.chaos.asked import Asked
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.experiments.result import ExperimentResult
from pytest_sre.chaos.faults import Fault
from pytest_sre.chaos.meant import Lasting, Meant, Place, app_named, lasting_s, which_of
from pytest_sre.chaos.steadiness import Look, wait_until_steady
from pytest_sre.chaos.watched import WatchedFaults
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.verdict import Inconclusive

Doing = AbstractContextManager[Fault]
"""Does something when it is entered, and undoes it, proven, when it is left in whatever way."""


Play = Callable[[str, Mapping[str, object]], ExperimentResult]
"""Runs an experiment by its name, with parameters."""

_Said = ParamSpec("_Said")


def _action(
    planned: Callable[Concatenate["Chaos", _Said], Action],
) -> Callable[Concatenate["Chaos", _Said], Doing]:
    """Have what plans an action give it to be done in a block, once its arguments make sense."""

    @wraps(planned)
    def asked(self: "Chaos", /, *args: _Said.args, **kwargs: _Said.kwargs) -> Doing:
        # At once, where the test asks for it.
        require_known(planned, kwargs)
        action = planned(self, *args, **kwargs)
        require_in_range(action, planned.__name__)
        return self._ask(planned.__name__, action)

    return asked


class Chaos:
    """What one test does to its target; all of it is undone, and proven to be, when it ends.

    Each of these gives a context manager: what it does is done when the block begins. Several may
    be open at once, within the target's blast radius. Which Machines are meant is said by ``any=``,
    ``share=``, ``group=``, ``region=`` and ``ids=`` (`chaos.meant.Meant`), or by a ``fly_machine``.
    Arguments that make no sense are a TypeError or a ValueError at once, before any block; what is
    asked for and never entered fails a test that passes otherwise. Entering the block raises, with
    nothing done:

    - NotAsked where the target does not allow chaos;
    - Inconclusive where it would reach too far, where it is another's turn or the target is not
      ready for it, or where it cannot be done there (NOT INJECTED).

    Leaving it raises `NotClean` where it is not proven that nothing is left.

    Args:
        faults: those of the test.
        look: looks whether the target is in its steady state.
        play: runs an experiment by its name, with parameters.
    """

    def __init__(self, faults: WatchedFaults, look: Look, play: Play) -> None:
        self._faults, self._look, self._play = faults, look, play
        self._asked = Asked()

    @_action
    def kill_machine(
        self, place: Place = "", *, signal: str = "SIGKILL", **meant: Unpack[Meant]
    ) -> Action:
        """Send the main process of Machines a signal; their restart policy decides what follows."""
        which = which_of(place, meant)
        return KillMachines(which=which, signal=signal, lasts_s=lasting_s(meant))

    @_action
    def stop_machine(self, place: Place = "", **meant: Unpack[Meant]) -> Action:
        """Stop Machines in order, as a deploy or an operator would."""
        return StopMachines(which=which_of(place, meant), lasts_s=lasting_s(meant))

    @_action
    def suspend_machine(self, place: Place = "", **meant: Unpack[Meant]) -> Action:
        """Freeze Machines with their memory."""
        return SuspendMachines(which=which_of(place, meant), lasts_s=lasting_s(meant))

    @_action
    def restart_machine(self, place: Place = "", **meant: Unpack[Meant]) -> Action:
        """Restart Machines, once."""
        return RestartMachines(which=which_of(place, meant), lasts_s=lasting_s(meant))

    @_action
    def restart_loop(
        self, place: Place = "", *, every: Duration = "2s", **meant: Unpack[Meant]
    ) -> Action:
        """Kill Machines again and again, until the block ends."""
        which, every_s = which_of(place, meant), parse_duration_s(every)
        return RestartLoop(which=which, every_s=every_s, lasts_s=lasting_s(meant))

    @_action
    def cordon_machine(self, place: Place = "", **meant: Unpack[Meant]) -> Action:
        """Take Machines out of the proxy's routing; they go on running."""
        return CordonMachines(which=which_of(place, meant), lasts_s=lasting_s(meant))

    @_action
    def lose_region(self, region: str, place: Place = "", **lasting: Unpack[Lasting]) -> Action:
        """Stop and cordon all Machines of a region at once."""
        app = app_named(place)
        return LoseRegion(region=region, app=app, lasts_s=lasting_s(lasting))

    @_action
    def scale(
        self, group: str, count: int, place: Place = "", **lasting: Unpack[Lasting]
    ) -> Action:
        """Have so many Machines of a process group; afterwards as many as before."""
        app = app_named(place)
        return Scale(group=group, count=count, app=app, lasts_s=lasting_s(lasting))

    @_action
    def latency(
        self,
        place: Place = "",
        *,
        by: Duration,
        jitter: Duration = 0.0,
        to: str = "anywhere",
        **meant: Unpack[Meant],
    ) -> Action:
        """Delay what goes between Machines and ``to``, each way.

        Args:
            place: the app, or the Machine.
            by: how long, such as ``"300ms"``, or seconds.
            jitter: by how much that varies.
            to: ``anywhere``, ``client``, ``outside``, ``app:NAME``, ``group:APP/GROUP``,
                ``machine:ID``; on Fly also ``host:NAME``.
            meant: which Machines.
        """
        return DegradeNetwork(
            which=which_of(place, meant),
            to=to,
            latency_s=parse_duration_s(by),
            jitter_s=parse_duration_s(jitter),
            lasts_s=lasting_s(meant),
        )

    @_action
    def loss(
        self, place: Place = "", *, ratio: float, to: str = "anywhere", **meant: Unpack[Meant]
    ) -> Action:
        """Lose this share, from 0 to 1, of what goes between Machines and ``to``; see latency."""
        which = which_of(place, meant)
        return DegradeNetwork(which=which, to=to, loss_ratio=ratio, lasts_s=lasting_s(meant))

    @_action
    def bandwidth(
        self, place: Place = "", *, bytes_s: float, to: str = "anywhere", **meant: Unpack[Meant]
    ) -> Action:
        """Let no more than so many bytes a second pass between Machines and ``to``; see latency."""
        which = which_of(place, meant)
        return DegradeNetwork(
            which=which, to=to, bandwidth_bytes_s=bytes_s, lasts_s=lasting_s(meant)
        )

    @_action
    def partition(
        self, place: Place = "", *, to: str = "anywhere", **meant: Unpack[Meant]
    ) -> Action:
        """Let nothing pass between Machines and ``to``, and tell nobody; see latency."""
        return Partition(which=which_of(place, meant), to=to, lasts_s=lasting_s(meant))

    @_action
    def dns_failure(
        self, place: Place = "", *, hosts: Sequence[str] = (), **meant: Unpack[Meant]
    ) -> Action:
        """Resolve no name in Machines, or none of ``hosts``."""
        which = which_of(place, meant)
        return DnsFailure(which=which, hosts=tuple(hosts), lasts_s=lasting_s(meant))

    @_action
    def cpu_pressure(
        self, place: Place = "", *, processors: int = 1, **meant: Unpack[Meant]
    ) -> Action:
        """Burn so many processors inside Machines."""
        which = which_of(place, meant)
        return CpuPressure(which=which, processors=processors, lasts_s=lasting_s(meant))

    @_action
    def memory_pressure(
        self, place: Place = "", *, megabytes: int, **meant: Unpack[Meant]
    ) -> Action:
        """Hold so much memory inside Machines."""
        which = which_of(place, meant)
        return MemoryPressure(which=which, megabytes=megabytes, lasts_s=lasting_s(meant))

    @_action
    def disk_full(self, place: Place = "", *, path: str = "", **meant: Unpack[Meant]) -> Action:
        """Leave no room on the disk of Machines at a path; the root when empty."""
        return DiskFull(which=which_of(place, meant), path=path, lasts_s=lasting_s(meant))

    @_action
    def outage(self, to: str, place: Place = "", **meant: Unpack[Meant]) -> Action:
        """Have what Machines depend on refuse them: ``group:APP/GROUP``, ``app:`` or ``host:``."""
        which = which_of(place, meant)
        return DependencyOutage(to=to, which=which, lasts_s=lasting_s(meant))

    @_action
    def bad_secret(
        self, name: str, place: Place = "", *, restore_from: str, **lasting: Unpack[Lasting]
    ) -> Action:
        """Give an app a wrong value for a secret, and restart its Machines.

        Args:
            name: the secret's.
            place: the app.
            restore_from: the environment variable that holds the right value; the platform never
                shows it.
            lasting: how long.
        """
        app, lasts_s = app_named(place), lasting_s(lasting)
        return BadSecret(name=name, restore_from=restore_from, app=app, lasts_s=lasts_s)

    @_action
    def skew_clock(
        self, place: Place = "", *, by: float = 3600.0, **meant: Unpack[Meant]
    ) -> Action:
        """Set the clock of Machines off by so many seconds; behind when negative."""
        return SkewClock(which=which_of(place, meant), by_s=by, lasts_s=lasting_s(meant))

    @_action
    def deploy(
        self,
        place: Place = "",
        *,
        image: str = "",
        release: str = "",
        **lasting: Unpack[Lasting],
    ) -> Action:
        """Deploy an image, or locally ``releases/NAME.toml``; the former release comes back."""
        app, lasts_s = app_named(place), lasting_s(lasting)
        return DeployRelease(app=app, image=image, release=release, lasts_s=lasts_s)

    @_action
    def platform_fault(
        self,
        fault: str,
        place: Place = "",
        *,
        told: dict[str, str | int | float] | None = None,
        **meant: Unpack[Meant],
    ) -> Action:
        """Make a fault of the local platform, as ``pytest-sre local fault`` knows them."""
        which = which_of(place, meant)
        return PlatformFault(fault=fault, which=which, told=told or {}, lasts_s=lasting_s(meant))

    def experiment(self, name: str, **values: object) -> ExperimentResult:
        """Run an experiment of ``chaos/NAME.yaml``, or of the file with this path.

        It ends undone, and the steady state was looked at before, during and after it.

        Args:
            name: such as ``lose-a-region``.
            values: its parameters, where they are to be other than its file says.

        Returns:
            What it showed, with the time of recovery; it held.

        Raises:
            AssertionError: it deviated, a condition ended it, or not all of it is undone.
            Inconclusive: nothing could be injected, or it was stopped from outside.
            NotAsked: the target does not allow it; nothing was done.
            ConfigError: its file has a mistake.
            TypeError: it has no such parameter; nothing was done.
            ValueError: a value is not of the type that its file has; nothing was done.
        """
        result = self._play(name, values)
        result.require()
        return result

    def recovers(self, within: Duration = "30s") -> float:
        """Wait until the steady state holds again: Machines well, journeys walked.

        In the block of a fault this asks whether the app recovers in spite of it.

        Args:
            within: how long that may take, such as ``"20s"``, or seconds.

        Returns:
            How long it took, seconds.

        Raises:
            AssertionError: it does not hold again; says which condition does not.
            Inconclusive: that could not be seen from here.
        """
        return wait_until_steady(self._faults.looked(self._look), within_s=parse_duration_s(within))

    def abort_when(self, condition: Callable[[], str]) -> None:
        """Undo everything, within two seconds, once a condition of the test's own says why.

        Args:
            condition: asked 0.1 s after each answer; gives an empty text while all is well. One
                that raises counts as met; of Inconclusive, nothing is decided by it.
        """
        self._faults.end_when("a condition of the test", condition)

    def require_begun(self) -> None:
        """Pass when all that the test asked for was begun.

        Raises:
            Inconclusive: something was not: its ``with`` was forgotten, so nothing was tested.
        """
        self._asked.require_begun()

    def _ask(self, name: str, action: Action) -> Doing:
        return self._doing(self._asked.ask(f"chaos.{name}(...)"), action)

    @contextmanager
    def _doing(self, number: int, action: Action) -> Iterator[Fault]:
        self._asked.begin(number)
        try:
            fault = self._faults.begin(action)
        except NotInjected as refused:
            raise Inconclusive(f"NOT INJECTED: {refused}", cause="not injected") from refused
        with self._faults.ending(fault):
            yield fault
