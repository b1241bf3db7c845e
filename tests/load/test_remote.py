"""Load by workers that join over TCP: the rate is shared exactly, and so are the latencies."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pytest_sre.load import driving
from pytest_sre.load.frames import Frame
from pytest_sre.load.latencies import histogram
from pytest_sre.load.plan import LoadPlan, constant
from pytest_sre.load.remote import mustering
from pytest_sre.load.remote.asked import External
from pytest_sre.load.remote.mustering import ExternalCrew, Muster
from pytest_sre.verdict import Inconclusive

JOURNEYS = Path(__file__).parent / "journeys.py"
SECRET = "a secret of these tests"
COMMAND = [sys.executable, "-c", "from pytest_sre.cli import main; raise SystemExit(main())"]
WITHIN_S = 120


def worker_process(port: int, name: str, *more: str, secret: str = SECRET) -> subprocess.Popen[str]:
    told = ["load", "worker", "--master", f"127.0.0.1:{port}", "--name", name, *more]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [*COMMAND, *told],
        env=environment | {"SRE_LOAD_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def crew_of(*workers: tuple[str, ...]) -> Iterator[tuple[ExternalCrew, list[psutil.Popen]]]:
    """Workers that have joined, and their processes."""
    crew = ExternalCrew(External(len(workers), port=0), SECRET.encode())
    muster = crew._muster = Muster("127.0.0.1", 0, SECRET.encode())
    processes = [worker_process(muster.port, *told) for told in workers]
    try:
        yield crew, processes
    finally:
        crew.close()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            try:
                process.communicate(timeout=WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@pytest.fixture(scope="module")
def four() -> Iterator[tuple[ExternalCrew, list[psutil.Popen]]]:
    with crew_of(*((f"w{number}",) for number in range(4))) as made:
        yield made


def plan_of(rate: float = 20, duration_s: float = 2, journey: str = "well") -> LoadPlan:
    return LoadPlan(workload=constant(rate, duration_s), mix={journey: 1.0})


def test_four_workers_make_the_load_of_one_and_their_latencies_are_pooled(app, four):
    crew, processes = four
    before = app.asked.total()
    frames: list[Frame] = []

    result = driving.drive(
        plan_of(), app.url, journey_files=[JOURNEYS], crew=crew, watch=frames.append
    )

    assert (result.reason, result.runs().planned, result.runs().done) == ("complete", 40, 40)
    assert result.runs().unsent == 0
    assert app.asked.total() - before == 80
    for process in processes:
        assert SECRET not in " ".join(psutil.Process(process.pid).cmdline())
    pooled = sorted(
        index
        for frame in frames
        for one in frame.tallies
        if not one.request
        for index, count in one.intended.items()
        for _ in range(count)
    )
    assert len(pooled) == 40
    for percent in (50, 90, 95, 99, 100):
        at = pooled[max(0, -(-len(pooled) * percent // 100) - 1)]
        assert result.runs().percentile_s(percent) == histogram(({at: 1},)).percentile_s(100)


def test_the_same_workers_make_the_next_load_after_one_that_was_stopped(app, four):
    crew, processes = four

    stopped = driving.drive(
        plan_of(20, 600),
        app.url,
        journey_files=[JOURNEYS],
        crew=crew,
        watch=lambda frame: "enough" if frame.tallies else None,
    )
    after = driving.drive(plan_of(8, 1), app.url, journey_files=[JOURNEYS], crew=crew)

    assert (stopped.reason, stopped.troubles) == ("aborted", ())
    assert (after.reason, after.troubles) == ("complete", ())
    assert (after.runs().planned, after.runs().done) == (8, 8)
    assert [process.poll() for process in processes] == [None] * 4


def test_a_journey_that_nobody_knows_makes_no_load(app, four):
    crew, _ = four

    with pytest.raises(Inconclusive, match="there is no journey 'missing'"):
        driving.drive(plan_of(journey="missing"), app.url, journey_files=[JOURNEYS], crew=crew)


def when_begun(act: Callable[[], None]) -> Callable[[Frame], None]:
    """Do something once, as soon as something of the load was done."""
    first = itertools.count()

    def watch(frame: Frame) -> None:
        if any(one.done for one in frame.tallies) and next(first) == 0:
            act()

    return watch


def test_a_worker_that_dies_is_named_and_its_share_was_not_sent(app):
    with crew_of(("alive",), ("dead",)) as (crew, processes):
        killed_at: list[float] = []

        def watch(frame: Frame) -> str | None:
            if not killed_at and any(one.done for one in frame.tallies):
                processes[1].kill()
                killed_at.append(time.monotonic())
            is_long_ago = killed_at and time.monotonic() > killed_at[0] + 3
            return "enough" if is_long_ago else None

        result = driving.drive(
            plan_of(20, 600), app.url, journey_files=[JOURNEYS], crew=crew, watch=watch
        )

    assert result.troubles == ("load worker dead lost its connection",)
    # For three seconds at least it would have begun ten a second.
    assert result.runs().unsent >= 20
    assert "arrivals were not sent" in " ".join(result.doubts)
    with pytest.raises(Inconclusive, match="load worker dead lost its connection"):
        result.require_conclusive()


def test_a_worker_that_says_nothing_any_more_is_named(app, monkeypatch):
    monkeypatch.setattr(driving, "SILENCE_S", 3.0)
    with crew_of(("mute",)) as (crew, (process,)):
        result = driving.drive(
            plan_of(5, 600),
            app.url,
            journey_files=[JOURNEYS],
            crew=crew,
            watch=when_begun(lambda: process.send_signal(signal.SIGSTOP)),
        )

    assert result.troubles == ("load worker mute said nothing for 3 s and was killed",)


def test_a_worker_ends_when_its_time_is_over_whatever_it_does(app):
    with crew_of(("brief", "--for", "6s")) as (crew, (process,)):
        try:
            result = driving.drive(plan_of(5, 600), app.url, journey_files=[JOURNEYS], crew=crew)
            troubles: tuple[str, ...] = result.troubles
        except Inconclusive:
            # A machine so busy that it had not begun by then.
            troubles = ("load worker brief lost its connection",)

        assert troubles == ("load worker brief lost its connection",)
        assert process.wait(WITHIN_S) == -signal.SIGALRM


def test_a_worker_that_is_gone_is_waited_for_again(app, monkeypatch):
    monkeypatch.setattr(mustering, "_JOIN_S", 0.5)
    with crew_of(("gone",)) as (crew, (process,)):
        crew._muster.gather(1, WITHIN_S)
        process.kill()
        process.wait()

        with pytest.raises(Inconclusive, match="expected 1 load workers, found 0"):
            driving.drive(plan_of(), app.url, journey_files=[JOURNEYS], crew=crew)


def test_a_worker_ends_with_the_session_and_so_does_what_it_began(app):
    with crew_of(("done",)) as (crew, (process,)):
        driving.drive(plan_of(5, 1), app.url, journey_files=[JOURNEYS], crew=crew)
        crew.close()

        assert process.wait(WITHIN_S) == 0
        assert "ended" in process.stdout.read()


def test_nobody_joins_without_the_secret(monkeypatch):
    with Muster("127.0.0.1", 0, SECRET.encode()) as muster:
        stranger = worker_process(muster.port, "stranger", secret="another secret of theirs")
        silent = socket.create_connection(("127.0.0.1", muster.port))
        rude = socket.create_connection(("127.0.0.1", muster.port))
        rude.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        monkeypatch.setattr(mustering, "_TRUST_S", 0.5)
        while stranger.poll() is None:
            assert muster.gather(1, 0.5) == ()
        silent.close()
        rude.close()
    _, said = stranger.communicate(timeout=WITHIN_S)

    assert stranger.returncode == 1
    assert "knows the same secret" in said
    assert "another secret of theirs" not in said


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_worker_without_a_secret_says_how_to_make_one(secret):
    process = worker_process(5557, "w", secret=secret)
    _, said = process.communicate(timeout=WITHIN_S)

    assert process.returncode == 4
    assert "expected a secret of at least 16 characters in SRE_LOAD_SECRET" in said
    assert "openssl rand" in said


def test_workers_that_do_not_come_are_inconclusive(app, monkeypatch):
    monkeypatch.setattr(mustering, "_JOIN_S", 0.1)
    with (
        contextlib.closing(ExternalCrew(External(2, port=0), SECRET.encode())) as crew,
        pytest.raises(Inconclusive, match=r"expected 2 load workers, found 0") as raised,
    ):
        driving.drive(plan_of(), app.url, journey_files=[JOURNEYS], crew=crew)

    assert "pytest-sre load worker --master 127.0.0.1:" in raised.value.reason


def test_an_address_that_is_taken_is_told():
    with (
        Muster("127.0.0.1", 0, b"s" * 16) as muster,
        pytest.raises(Inconclusive, match=r"expected to listen for load workers at 127\.0\.0\.1"),
    ):
        Muster("127.0.0.1", muster.port, b"s" * 16)
