"""A real Prometheus with a past: samples of days, written as blocks by promtool."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from pytest_sre.fly.metrics import Prometheus
from pytest_sre.targets.objectives import Objective, Observed

DAY_S = 86_400.0
EVERY_S = 1800
DAYS = 4
READY_S = 60.0


def objective(**changes: object) -> Objective:
    """An availability of 99 % over 7 days, observed, unless said otherwise."""
    fields: dict[str, object] = {
        "name": "checkout",
        "kind": "availability",
        "source": Observed(),
        "good_ratio": 0.99,
        "window_s": 7 * DAY_S,
    }
    return Objective(**{**fields, **changes})  # type: ignore[arg-type]


def samples(end_at: int) -> Iterator[str]:
    """OpenMetrics of the past: a failure in a hundred requests, a restart a day.

    ``spotty`` has no samples from 3 days to one day ago, ``odd`` is not a number now.
    """
    times = range(end_at - int(DAYS * DAY_S), end_at + 1, EVERY_S)
    series: dict[str, list[str]] = {}
    steps_a_life = int(DAY_S / EVERY_S)
    for step, at in enumerate(times):
        life = step % steps_a_life
        for status, each in (("200", 99), ("500", 1)):
            line = f'requests_total{{status="{status}"}} {life * each} {at}'
            series.setdefault("requests", []).append(line)
            if not DAY_S < end_at - at < 3 * DAY_S:
                line = f'spotty_total{{status="{status}"}} {step * each} {at}'
                series.setdefault("spotty", []).append(line)
        series.setdefault("odd", []).append(f"odd {'NaN' if at > end_at - 7200 else step} {at}")
        series.setdefault("debt", []).append(f"debt {-step} {at}")
    kinds = {"requests": "counter", "spotty": "counter", "odd": "gauge", "debt": "gauge"}
    for name, lines in series.items():
        yield f"# TYPE {name} {kinds[name]}"
        # OpenMetrics wants the samples of one series together.
        yield from sorted(lines, key=lambda line: line.rsplit(" ", 2)[0])
    yield "# EOF"


@pytest.fixture(scope="package")
def past_until() -> int:
    return int(time.time()) // EVERY_S * EVERY_S


@pytest.fixture(scope="package")
def prometheus(tmp_path_factory: pytest.TempPathFactory, past_until: int) -> Iterator[Prometheus]:
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        pytest.skip("needs prometheus and promtool on the PATH")
    folder = tmp_path_factory.mktemp("past")
    (folder / "past.txt").write_text("\n".join(samples(past_until)) + "\n", encoding="utf-8")
    (folder / "prometheus.yml").write_text("{}\n", encoding="utf-8")
    made = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "past.txt", "data"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert made.returncode == 0, made.stderr
    server = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=60d",
            "--web.listen-address=127.0.0.1:0",
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    reader = Lines(server)
    try:
        with Prometheus.at(f"http://{reader.address()}") as client:
            yield client
    finally:
        server.kill()
        server.wait()
        reader.join()


class Lines(threading.Thread):
    """Reads what the server says, so that it never waits to say it."""

    def __init__(self, server: "subprocess.Popen[str]") -> None:
        super().__init__(daemon=True)
        self._server, self._said = server, list[str]()
        self.start()

    def run(self) -> None:
        assert self._server.stderr
        with self._server.stderr:
            self._said.extend(self._server.stderr)

    def address(self) -> str:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            text = "".join(self._said)
            listens = re.search(r'msg="Listening on".*\baddress=(\S+)', text)
            if listens and "Server is ready to receive web requests" in text:
                return listens[1]
            assert self._server.poll() is None, text
            time.sleep(0.05)
        raise AssertionError("".join(self._said))
