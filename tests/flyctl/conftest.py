"""A platform with a small app on it, and the flyctl that is on this machine, if there is one."""

import contextlib
import os
import re
import shutil
import subprocess
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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
        base_url=platform.api_url, headers=headers, trust_env=False, timeout=90
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


@pytest.fixture(scope="module")
def flyctl(platform: LocalPlatform, tmp_path_factory: pytest.TempPathFactory) -> Flyctl:
    binary = os.environ.get("FLYCTL") or shutil.which("flyctl") or shutil.which("fly")
    if binary is None:
        pytest.skip("no flyctl: it is neither on PATH nor named by FLYCTL")
    return Flyctl(binary, platform, tmp_path_factory.mktemp("home"))


def mismatches_of(shape: Any, found: Any, at: str = "answer") -> list[str]:
    """Where a value is not of a shape.

    A shape is a type, a pattern that a whole text matches, an object with the keys that must be
    there, ``[shape]`` for a list of one or more, ``[shape, ...]`` for a list, a tuple of shapes
    that are all good, or a value.
    """
    match shape:
        case dict():
            return _of_object(shape, found, at)
        case [each] | [each, types.EllipsisType()] if isinstance(shape, list):
            return _of_list(each, found, len(shape) == 1, at)
        case tuple():
            tried = [mismatches_of(each, found, at) for each in shape]
            return [] if [] in tried else tried[0]
        case re.Pattern():
            fits = isinstance(found, str) and shape.fullmatch(found)
            return [] if fits else [f"{at}: expected {shape.pattern}, found {found!r}"]
        case type():
            # In Go a number is no boolean, and a whole number has no fraction.
            fits = type(found) is shape
            return [] if fits else [f"{at}: expected {shape.__name__}, found {found!r}"]
    return [] if shape == found else [f"{at}: expected {shape!r}, found {found!r}"]


def _of_object(shape: dict[str, Any], found: Any, at: str) -> list[str]:
    if not isinstance(found, dict):
        return [f"{at}: expected an object, found {found!r}"]
    missing = [f"{at}.{key}: missing" for key in shape if key not in found]
    there = [
        mismatch
        for key in shape
        if key in found
        for mismatch in mismatches_of(shape[key], found[key], f"{at}.{key}")
    ]
    return missing + there


def _of_list(shape: Any, found: Any, not_empty: bool, at: str) -> list[str]:
    if not isinstance(found, list) or (not_empty and not found):
        return [f"{at}: expected a list, found {found!r}"]
    return [
        mismatch
        for index, each in enumerate(found)
        for mismatch in mismatches_of(shape, each, f"{at}[{index}]")
    ]


@pytest.fixture(scope="session")
def mismatches() -> Callable[..., list[str]]:
    return mismatches_of


def answered_as(answer: httpx.Response, shape: Any = None, status: int = 200) -> Any:
    """What was answered, which has a status and a shape."""
    assert answer.status_code == status, answer.text
    found = answer.json() if answer.content else None
    assert shape is None or mismatches_of(shape, found) == []
    return found


@pytest.fixture(scope="session")
def answered() -> Callable[..., Any]:
    return answered_as


@dataclass(frozen=True)
class Walk:
    """What a first deploy left: two Machines; and what was answered on the way."""

    machines: tuple[str, ...]
    answers: dict[str, Any]
    definition: dict[str, Any]


def machine_body(group: str, release: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {
        "config": {
            "env": {"FLY_PROCESS_GROUP": group, "PRIMARY_REGION": "iad"},
            "init": {"cmd": ["python", "-S", "-E", "web.py"]},
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
            "metadata": {
                "fly_flyctl_version": "2026.8.21",
                "fly_platform_version": "v2",
                "fly_process_group": group,
                "fly_release_id": release["id"],
                "fly_release_version": str(release["version"]),
            },
            "image": "registry.local/till:v1",
            **config,
        },
        "region": "iad",
        "skip_secrets": False,
    }


SERVICE = {
    "protocol": "tcp",
    "internal_port": 8080,
    "autostop": False,
    "ports": [{"port": 80, "handlers": ["http"]}, {"port": 443, "handlers": ["http", "tls"]}],
    "checks": [
        {
            "type": "http",
            "interval": "1s",
            "timeout": "2s",
            "grace_period": "5s",
            "method": "GET",
            "path": "/",
        }
    ],
    "force_instance_key": None,
}
DEFINITION = {
    "app": "walk",
    "primary_region": "iad",
    "deploy": {"release_command": "python -S -E migrate.py"},
    "processes": {"web": "python -S -E web.py"},
}


@pytest.fixture(scope="module")
def walk(api: httpx.Client) -> Walk:
    """A first deploy with a release command, by the calls that flyctl makes, in its order."""
    made = {"name": "walk", "org_slug": "personal", "network": ""}
    answered_as(api.post("/v1/apps", params={"wait": "true"}, json=made), status=201)
    values = {"values": {"COLOR": "blue"}}
    answers = {"secrets": answered_as(api.post("/v1/apps/walk/secrets", json=values))}
    asked = {"app_name": "walk", "builder_type": "depot.dev", "strategies_available": ["Local"]}
    build = answers["build"] = answered_as(api.post("/api/v1/builds", json=asked))
    finished = {"build_id": build["id"], "app_name": "walk", "status": "completed"}
    answers["finished"] = answered_as(api.post("/api/v1/builds/finish", json=finished))
    wanted = {
        "app_name": "walk",
        "build_id": build["id"],
        "definition": DEFINITION,
        "image": "registry.local/till:v1",
        "strategy": "ROLLING",
    }
    answers["release"] = answered_as(api.post("/api/v1/releases", json=wanted), status=201)
    release = answers["release"]["release"]
    path = f"/api/v1/releases/{release['id']}"
    answers["running"] = answered_as(api.patch(path, json={"metadata": None, "status": "running"}))
    answers["release command"] = run_release_command(api, release)
    machines = tuple(launch(api, release) for _ in range(2))
    info = {"post_deployment_info": {"flyctl_version": "2026.8.21", "error": ""}}
    answers["complete"] = answered_as(
        api.patch(path, json={"metadata": info, "status": "complete"})
    )
    return Walk(machines, answers, DEFINITION)


def run_release_command(api: httpx.Client, release: dict[str, Any]) -> dict[str, Any]:
    """Run it as flyctl does: created, stopped, started, destroyed, and read after that."""
    body = machine_body(
        "fly_app_release_command",
        release,
        init={"cmd": ["python", "-S", "-E", "migrate.py"]},
        auto_destroy=True,
        restart={"policy": "no"},
        dns={"skip_registration": True},
    )
    made = answered_as(api.post("/v1/apps/walk/machines", json={**body, "skip_launch": True}))
    path = f"/v1/apps/walk/machines/{made['id']}"

    def wait(state: str) -> httpx.Response:
        return api.get(f"{path}/wait", params={"state": state, "timeout": "60"})

    # It was created and never started: flyctl takes that for stopped.
    answered_as(wait("stopped"))
    answered_as(api.post(f"{path}/start"))
    # A command may end before anybody saw it run.
    wait("started")
    assert wait("destroyed").status_code in {200, 404}
    return dict(answered_as(api.get(path)))


def launch(api: httpx.Client, release: dict[str, Any]) -> str:
    body = machine_body("web", release, services=[SERVICE])
    made = answered_as(api.post("/v1/apps/walk/machines", json=body))
    path = f"/v1/apps/walk/machines/{made['id']}"
    answered_as(api.get(f"{path}/wait", params={"state": "started", "timeout": "60"}))
    deadline = time.monotonic() + 60
    while not all(check["status"] == "passing" for check in api.get(path).json()["checks"]):
        assert time.monotonic() < deadline, api.get(path).text
        time.sleep(0.02)
    return str(made["id"])
