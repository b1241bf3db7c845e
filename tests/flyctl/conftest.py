"""A platform with a small app on it, and the flyctl that is on this machine, if there is one."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pytest_sre.local.flyctl import flyctl_variables
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform

# Standard library only, and no site-packages: it listens within some 100 ms.
WEB = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["RELEASE"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

port = int(os.environ["PORT"])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

MIGRATE = """
import os
print("migrated by", os.environ["RELEASE"], flush=True)
raise SystemExit(int(os.environ.get("MIGRATION", "0")))
"""

FLY_TOML = """
app = "{app}"
primary_region = "iad"

[deploy]
release_command = "python -S -E migrate.py"

[processes]
web = "python -S -E web.py"

[http_service]
internal_port = 8080
auto_stop_machines = "off"
processes = ["web"]

[[http_service.checks]]
method = "GET"
path = "/"
interval = "1s"
timeout = "2s"
grace_period = "5s"
"""


@pytest.fixture(scope="session")
def app_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's code, without a fly.toml."""
    root = tmp_path_factory.mktemp("till")
    (root / "web.py").write_text(WEB)
    (root / "migrate.py").write_text(MIGRATE)
    return root


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, app_root: Path) -> Iterator[LocalPlatform]:
    """A platform that knows three releases of the app: v1, v2, and one that cannot migrate."""
    state_dir = tmp_path_factory.mktemp("state") / "local"
    with contextlib.closing(LocalPlatform.start(state_dir)) as started:
        for release, env in (("v1", {}), ("v2", {}), ("stuck", {"MIGRATION": "3"})):
            digits = release.encode().hex().ljust(64, "0")
            image = Image(
                f"registry.local/till:{release}",
                str(app_root),
                env={"RELEASE": release, **env},
                digest=f"sha256:{digits}",
            )
            started.register_image(image)
        yield started
        started.stop()


@pytest.fixture(scope="session")
def api(platform: LocalPlatform) -> Iterator[httpx.Client]:
    """The platform's API, with the headers that flyctl sends."""
    headers = {
        "authorization": f"Bearer {platform.token}",
        "user-agent": "flyctl/2026.8.21 (interactive=false; parent=other)",
        "fly-client-interactive": "false",
        "fly-client-parent": "other",
        "accept-encoding": "gzip",
    }
    with httpx.Client(
        base_url=platform.api_url, headers=headers, trust_env=False, timeout=20
    ) as client:
        yield client


class Flyctl:
    """The flyctl of this machine, pointed to the platform."""

    def __init__(self, binary: str, platform: LocalPlatform, home: Path) -> None:
        self._binary = binary
        self._home = home
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LOG_LEVEL": "warn",
            "NO_COLOR": "1",
            **flyctl_variables(platform.api_url, platform.token, platform.state_dir),
        }

    def __call__(self, *arguments: str, app: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end; in the folder of an app's fly.toml when one is named."""
        folder = self._home / app
        if app and not folder.exists():
            folder.mkdir()
            (folder / "fly.toml").write_text(FLY_TOML.format(app=app))
        return subprocess.run(
            [self._binary, *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def deploy(self, app: str, release: str, *more: str) -> subprocess.CompletedProcess[str]:
        # What flyctl asks 8.8.8.8 about the app's name takes a minute, and finds nothing.
        return self(
            "deploy",
            f"--image=registry.local/till:{release}",
            "--dns-checks=false",
            "--smoke-checks=false",
            *more,
            app=app,
        )


@pytest.fixture(scope="session")
def flyctl(platform: LocalPlatform, tmp_path_factory: pytest.TempPathFactory) -> Flyctl:
    binary = os.environ.get("FLYCTL") or shutil.which("flyctl") or shutil.which("fly")
    if binary is None:
        pytest.skip("no flyctl: it is neither on PATH nor named by FLYCTL")
    return Flyctl(binary, platform, tmp_path_factory.mktemp("home"))
