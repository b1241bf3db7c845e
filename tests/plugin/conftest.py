"""A tiny app on a local platform, and pytest run against it as a user runs it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from listener import Listener

from pytest_sre.recording import Recording
from pytest_sre.recording.rows import TestRun

DEADLINE_S = 240.0

# Its import takes longer than most runs do.
_WITHOUT = ("-p", "no:hypothesispytest")

FLY_TOML = """
app = "tiny"
primary_region = "iad"
kill_timeout = 2

[processes]
web = "python -S -E web.py"
worker = "python -S -E worker.py"

[http_service]
internal_port = 8080
processes = ["web"]
auto_stop_machines = "off"

[[http_service.checks]]
method = "GET"
path = "/healthz"
interval = "200ms"
timeout = "2s"
grace_period = "10s"
"""

SRE_TOML = """
[bake]
# Enough requests for a verdict on 5 % of slow ones too, with a spare half on a busy machine.
error-ratio = 0.04

[release]
path = "/version"

[targets.local]
platform = "local"
allow = ["observe", "load", "chaos"]
deny = ["deploy"]

[targets.local.machines]
web = { iad = 1, ams = 1 }
"""

# Standard library only, and no site-packages: it listens within some 100 ms.
WEB_PY = """
import http.server, json, os

asked = set()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        path = self.path.partition("?")[0]
        first_time = self.path not in asked
        asked.add(self.path)
        status = 500 if path == "/broken" or (path == "/flaky" and first_time) else 200
        if status == 500:
            print("no answer for", self.path, flush=True)
        if path == "/complaint":
            print("ERROR the cupboard is bare", flush=True)
        self.answer(status)

    def answer(self, status):
        about = {"revision": os.environ["REVISION"], "machine": os.environ["FLY_MACHINE_ID"]}
        body = json.dumps(about).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("x-content-type-options", "nosniff")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
print("listening", flush=True)
server.serve_forever()
"""

WORKER_PY = """
import signal
print("waiting for work", flush=True)
signal.pause()
"""

JOURNEYS_PY = """
from pytest_sre import journey

@journey("home")
def home(client):
    assert client.get("/").status_code == 200
"""

FILES = {
    "fly.toml": FLY_TOML,
    "sre.toml": SRE_TOML,
    "web.py": WEB_PY,
    "worker.py": WORKER_PY,
    "journeys.py": JOURNEYS_PY,
}


class Outcome(pytest.RunResult):
    """How a run ended, and the recording it left."""

    def __init__(
        self, done: "subprocess.CompletedProcess[str]", duration_s: float, recording: Path | None
    ) -> None:
        super().__init__(
            done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), duration_s
        )
        self.text = done.stdout + done.stderr
        self.path = recording

    @property
    def block(self) -> list[str]:
        """The lines of the verdict's block."""
        starts = [i for i, line in enumerate(self.outlines) if " release verdict " in line]
        assert len(starts) == 1, f"expected one verdict, found {len(starts)} in:\n{self.text}"
        return self.outlines[starts[0] + 1 :]

    @property
    def verdict(self) -> str:
        """The block's first word."""
        return self.block[0].split()[0]

    def lines_of(self, word: str) -> list[str]:
        """The block's lines that begin with a word, without it."""
        lines = [line.strip() for line in self.block]
        return [line.removeprefix(word).strip() for line in lines if line.split()[:1] == [word]]

    @contextlib.contextmanager
    def recording(self) -> Iterator[Recording]:
        """What the run recorded."""
        assert self.path, f"no recording was left:\n{self.text}"
        with Recording(self.path) as recording:
            yield recording

    @property
    def verdicts(self) -> dict[str, str]:
        """The recorded verdict of each test, by the name of the test."""
        with self.recording() as recording:
            return {row.test.rpartition("::")[2]: row.verdict for row in recording.rows(TestRun)}


class Project:
    """A user's project with the tiny app in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.write(**FILES)

    def write(self, **files: str) -> "Project":
        """Write files, by path."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self

    def suite(self, name: str, source: str) -> str:
        """Write a suite outside ``suites/``; its path, to be given to ``verify``."""
        self.write(**{f"own/{name}/test_{name}.py": source})
        return f"own/{name}"

    def pytest(self, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
        """Run pytest here, in a process of its own."""
        before = set(self.recordings)
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_WITHOUT, *arguments],
            cwd=self.root,
            env={**clean_environment(), **(env or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=DEADLINE_S,
            check=False,
        )
        said = re.search(r"^  evidence (.*)$", done.stdout, re.MULTILINE)
        found = [self.root / said[1]] if said else sorted(set(self.recordings) - before)
        return Outcome(done, time.monotonic() - started, found[0] if found else None)

    def verify(self, *arguments: str, target: str = "local", **options: Any) -> Outcome:
        """Run pytest against a target, with a bake too short to matter unless one is given."""
        short = () if any("--sre-bake" in one for one in arguments) else ("--sre-bake=100ms",)
        return self.pytest(f"--sre-target={target}", *short, *arguments, **options)

    @property
    def recordings(self) -> list[Path]:
        """The recordings that are there, oldest first."""
        return sorted((self.root / ".sre" / "runs").glob("*.sqlite"))

    @property
    def processes(self) -> list[psutil.Process]:
        """The processes that belong to this project."""
        return processes_about(self.root)

    def by_hand(self, command: str) -> None:
        """Run ``pytest-sre local up`` or ``down`` here."""
        self.command("local", command)

    def command(self, *words: str) -> str:
        """Run ``pytest-sre`` here, which has to succeed; what it says."""
        run = "from pytest_sre.cli import main; import sys; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", run, *words],
            cwd=self.root,
            env=clean_environment(),
            check=True,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        ).stdout


def clean_environment() -> dict[str, str]:
    """The environment without what would change how pytest or the plugin behave."""
    unwanted = ("FLY_", "PYTEST_", "COV_", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "CI")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    return {**kept, "COLUMNS": "160", "PYTHONDONTWRITEBYTECODE": "1"}


def processes_about(folder: Path) -> list[psutil.Process]:
    """The processes that work in a folder, or were given it on their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                words = [*process.cmdline(), process.cwd()]
                found += [process] * any(str(folder) in word for word in words)
    return found


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No run of a module may leave a process behind."""
    base = tmp_path_factory.getbasetemp()
    before = {process.pid for process in processes_about(base)}
    yield
    left = [process for process in processes_about(base) if process.pid not in before]
    assert [process.cmdline() for process in left] == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose platform is up already, so that a run takes a second.

    It lasts as long as a module: an idle one takes more than to start another.

    Each test brings a suite of its own and gives its path; nothing may break the app.
    """
    project = Project(tmp_path_factory.mktemp("shared-project"))
    project.by_hand("up")
    yield project
    project.by_hand("down")
    assert project.processes == []
    shutil.rmtree(project.root)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own, with no platform up."""
    made = Project(tmp_path / "project")
    yield made
    assert made.processes == []


@pytest.fixture(scope="module")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of the module's own, with no platform up."""
    made = Project(tmp_path_factory.mktemp("project"))
    yield made
    assert made.processes == []


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A place that nobody may come to."""
    with contextlib.closing(Listener()) as made:
        yield made
