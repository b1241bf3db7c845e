"""A bake that is carried out: real requests, a real recording, and nothing that can kill it."""

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_sre.bake.plan import BakePlan, Endpoint
from pytest_sre.bake.watch import SPAN, BakeWatch
from pytest_sre.fly.errors import Unreachable
from pytest_sre.journeys import Journey
from pytest_sre.journeys.run import JourneyRunner
from pytest_sre.probes.http import HttpProber
from pytest_sre.probes.loop import BackgroundLoop
from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import Exchange, JourneyRun, OwnFault, Span
from pytest_sre.verdict import Inconclusive
from tests.patience import until


class Shop(http.server.BaseHTTPRequestHandler):
    """Answers every GET, /broken with a 500."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


Bakes = Callable[..., BakeWatch]


@pytest.fixture
def recorder(tmp_path) -> Iterator[Recorder]:
    with Recorder(tmp_path / "run.sqlite") as recorder:
        yield recorder


@pytest.fixture
def recording(recorder) -> Iterator[Recording]:
    with Recording(recorder.path) as recording:
        yield recording


@pytest.fixture
def bakes(shop_url, recorder) -> Iterator[Bakes]:
    """Makes bakes of the shop; those still under way are stopped in the end."""
    made: list[BakeWatch] = []
    with contextlib.ExitStack() as ends:
        loop = ends.enter_context(BackgroundLoop())

        async def prober() -> HttpProber:
            return HttpProber()

        probing = loop.run(prober())
        ends.callback(lambda: loop.run(probing.close()))
        ends.callback(lambda: [bake.stop() for bake in made])

        def make(window_s=0.6, paths=("/healthz",), journeys=(), looks=(), rate=20.0) -> BakeWatch:
            endpoints = tuple(Endpoint("shop", "m1", "iad", shop_url + path) for path in paths)
            names = tuple(journey.name for journey in journeys)
            made.append(
                BakeWatch(
                    BakePlan(
                        window_s, endpoints, names, rate if paths else 0, 20.0 if names else 0
                    ),
                    journeys={journey.name: journey for journey in journeys},
                    runner=lambda write: JourneyRunner(
                        shop_url, app="shop", source="bake", write=write
                    ),
                    looks=looks,
                    loop=loop,
                    prober=probing,
                    recorder=recorder,
                )
            )
            return made[-1]

        yield make


def carry_out(bake: BakeWatch) -> None:
    bake.start()
    until(lambda: bake.is_over)
    bake.stop()


def test_endpoints_and_journeys_are_recorded_with_the_window_they_were_seen_in(bakes, recording):
    browse = Journey("browse", lambda client: client.get("/items"))
    bake = bakes(paths=("/healthz", "/broken"), journeys=[browse])

    carry_out(bake)

    (span,) = recording.rows(Span, name=SPAN)
    probes = recording.rows(Exchange, source="bake", journey="")
    runs = recording.rows(JourneyRun)
    assert span.ended_at - span.at >= 0.6
    assert {(one.url.rpartition("/")[2], one.status, one.ok) for one in probes} == {
        ("healthz", 200, True),
        ("broken", 500, False),
    }
    assert {(one.machine, one.app, one.region) for one in probes} == {("m1", "shop", "iad")}
    assert runs
    assert all(run.ok and run.journey == "browse" and run.source == "bake" for run in runs)
    assert len(recording.rows(Exchange, journey="browse")) == len(runs)
    assert all(one.at >= span.at - 0.01 for one in probes)
    assert bake.progress.requests == recording.count(Exchange)
    assert bake.progress.failed == sum(not one.ok for one in probes)


def test_the_rate_is_kept(bakes, recording):
    carry_out(bakes(window_s=1.0, rate=10.0))

    assert 1 <= recording.count(Exchange) <= 12


def test_a_bake_that_is_stopped_early_ends_at_once_and_is_recorded_as_short(bakes, recording):
    bake = bakes(window_s=600.0)
    bake.start()
    bake.stop()

    assert bake.is_over
    (span,) = recording.rows(Span, name=SPAN)
    assert span.ended_at - span.at < 60


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    "error",
    [AssertionError("no order"), ZeroDivisionError("1/0"), SystemExit(0)],
    ids=lambda error: type(error).__name__,
)
def test_a_journey_that_raises_is_a_failed_run_and_the_bake_goes_on(bakes, recording, error):
    bake = bakes(window_s=600.0, journeys=[Journey("buy", lambda _: _raise(error))])
    bake.start()
    until(lambda: recording.count(JourneyRun) > 1 and recording.count(Exchange))
    bake.stop()

    runs = recording.rows(JourneyRun)
    assert {run.ok for run in runs} == {False}
    assert runs[0].error == f"{type(error).__name__}: {error}"
    assert recording.rows(Exchange)[-1].ok


def test_a_journey_that_calls_pytest_fail_does_not_kill_the_bake(bakes, recording):
    bake = bakes(window_s=600.0, journeys=[Journey("buy", lambda _: pytest.fail("no order"))])
    bake.start()
    until(lambda: recording.count(JourneyRun))
    bake.stop()

    assert recording.rows(JourneyRun)[0].error == "Failed: no order"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Unreachable("an answer", "none", "GET /v1/apps"), "platform api"),
        (Inconclusive("no release is known", cause="platform release"), "platform release"),
    ],
    ids=["platform-silent", "no-release"],
)
def test_a_look_that_the_platform_does_not_answer_is_our_fault_not_the_apps(
    bakes, recording, error, cause
):
    looked: list[int] = []
    bake = bakes(looks=[lambda: _raise(error), lambda: looked.append(1)])

    carry_out(bake)

    faults = recording.rows(OwnFault)
    assert {fault.cause for fault in faults} == {cause}
    assert faults[0].detail == str(error)
    assert looked, "one look that fails must not keep the others from being made"
    assert all(exchange.ok for exchange in recording.rows(Exchange))


def test_the_inside_is_looked_at_before_and_after_the_window(bakes, recording):
    looked_at: list[float] = []
    bake = bakes(looks=[lambda: looked_at.append(time.time())])

    carry_out(bake)

    (span,) = recording.rows(Span, name=SPAN)
    assert looked_at[0] <= span.at
    assert looked_at[-1] >= span.at + 0.6


def test_with_nothing_to_ask_the_window_still_passes(bakes, recording):
    carry_out(bakes(window_s=0.3, paths=()))

    assert recording.count(Exchange) == 0
    assert recording.count(Span, name=SPAN) == 1
