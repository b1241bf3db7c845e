"""The wheel, in an environment of its own, does what the checkout does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Long enough for a sample that can be called healthy, shorter than the default.
BAKE = "--sre-bake=12s"

FLY_TOML = """
app = "hello"
primary_region = "ams"
[processes]
app = "python app.py"
[http_service]
internal_port = 8080
[[http_service.checks]]
path = "/health"
interval = "5s"
timeout = "2s"
grace_period = "5s"
"""

APP = """
import os, http.server

class Hello(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("x-content-type-options", "nosniff")
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *args):
        pass

address = ("127.0.0.1", int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, Hello).serve_forever()
"""

OWN_SUITE = """
def test_says_hello(fly_app, probe):
    assert probe.http(fly_app, "/").text == "hello"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of a fresh environment in which only the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    _run(build, folder)
    (wheel,) = folder.glob("*.whl")
    _run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], folder)
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    # Much of what is installed is never imported here, and need not be compiled.
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python"]
    _run([*pip, "install", "--quiet", "--no-compile", wheel], folder)
    return scripts


@pytest.fixture
def their_repository(tmp_path: Path) -> Path:
    """Somebody else's repository: an app, its fly.toml, and a suite of their own."""
    (tmp_path / "fly.toml").write_text(FLY_TOML)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_hello.py").write_text(OWN_SUITE)
    return tmp_path


@pytest.mark.timeout(600)
def test_demo_verifies_the_shop_in_an_empty_folder(scripts: Path, tmp_path: Path) -> None:
    quickly = f"{BAKE} -k 'not chaos'"
    ended = _run([scripts / "pytest-sre", "demo"], tmp_path, PYTEST_ADDOPTS=quickly)
    assert "HEALTHY  shop v1" in ended.stdout
    assert (tmp_path / "chaos" / "slow-store.yaml").is_file()
    assert (tmp_path / "docs" / "runbooks" / "slow-store.md").is_file()
    assert (tmp_path / "fly.toml").is_file()
    again = _run([scripts / "pytest-sre", "demo"], tmp_path, expect=4)
    assert "expected an empty folder" in again.stderr


def test_suites_are_copied_to_be_edited(scripts: Path, their_repository: Path) -> None:
    _run([scripts / "pytest-sre", "suites", "--copy", "suites"], their_repository)
    health = their_repository / "suites" / "health" / "test_checks.py"
    health.write_text("def test_mine(fly_app):\n    assert fly_app.name == 'hello'\n")
    listed = _run([scripts / "pytest", "--sre-target=local", "--co", "-q"], their_repository).stdout
    assert "suites/health/test_checks.py::test_mine" in listed
    assert "test_checks_pass" not in listed, "the copy replaces the shipped suite"
    assert listed.count("::test_deploy_is_complete") == 1


@pytest.mark.timeout(600)
def test_their_app_is_verified_on_both_platforms(scripts: Path, their_repository: Path) -> None:
    local = _run([scripts / "pytest", "--sre-target=local", BAKE], their_repository)
    assert "HEALTHY  hello v1" in local.stdout
    assert "hello 1/1" in local.stdout, "their own suite is run too"

    _run([scripts / "pytest-sre", "local", "up"], their_repository)
    try:
        status = _run([scripts / "pytest-sre", "local", "status", "--json"], their_repository)
        prod = _run(
            [scripts / "pytest", "--sre-target=prod", BAKE],
            their_repository,
            **_as_fly(their_repository, json.loads(status.stdout)),
        )
    finally:
        _run([scripts / "pytest-sre", "local", "down"], their_repository)
    assert "HEALTHY  hello v1" in prod.stdout
    assert "on prod" in prod.stdout


def test_chosen_suites_are_run(scripts: Path, their_repository: Path) -> None:
    (their_repository / "pytest.ini").write_text("[pytest]\nsre_suites = release\n")
    command = [scripts / "pytest", "--sre-target=local", "--co", "-q"]
    listed = _run(command, their_repository).stdout
    assert "test_deploy_is_complete" in listed
    assert "test_says_hello" in listed
    assert "test_checks_pass" not in listed


def _as_fly(root: Path, status: dict[str, Any]) -> dict[str, str]:
    """Make the stand-in be Fly.io for the target ``prod``."""
    (app,) = status["apps"]
    url = app["url"]
    (root / "sre.toml").write_text(f'[targets.prod]\nurl = "{url}"\n')
    token = json.loads((root / ".sre" / "local" / "by-hand" / "platform.json").read_text())["token"]
    api = status["url"]
    return {
        "FLY_API_TOKEN": token,
        "FLY_FLAPS_BASE_URL": api,
        "FLY_API_BASE_URL": api,
        "FLY_UIEX_BASE_URL": api,
    }


def _run(
    command: list[object], cwd: Path, *, expect: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == expect, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended
