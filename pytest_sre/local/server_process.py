"""The server as a process: started, waited for, and told from others."""

import contextlib
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import psutil

from pytest_sre.local.files import LOG_FILE, PLATFORM_FILE

_READY_TIMEOUT_S: Final = 15.0
_LAST_LINES: Final = 2


class LocalPlatformError(Exception):
    """The local platform does not do what it should; the text says what to do."""


class Announced(msgspec.Struct, frozen=True):
    """Where a server is, as it wrote it down."""

    url: str
    token: str
    pid: int
    started_at: float


def spawn(
    state_dir: Path, *arguments: str, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a server.

    Raises:
        LocalPlatformError: one runs there already.
    """
    running = announced_in(state_dir)
    if running is not None and is_server(running):
        raise LocalPlatformError(
            f"expected no local platform in {state_dir}, found process {running.pid}\n"
            "use that one, or stop it first"
        )
    state_dir.mkdir(parents=True, exist_ok=True)
    # Not ``-m``: modules of the directory we happen to be in must not get in the way (-P), and
    # the package is found where this process found it.
    home = str(Path(__file__).parents[2])
    find = f"import sys; sys.path.append({home!r})"
    run = f"{find}; from pytest_sre.local.server import main; main()"
    command = [sys.executable, "-P", "-c", run, "--state-dir", str(state_dir)]
    with (state_dir / LOG_FILE).open("wb") as log:
        return subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=pass_fds,
            start_new_session=True,
        )


def await_ready(child: subprocess.Popen[bytes], state_dir: Path) -> Announced:
    """Wait for the server's one line.

    Raises:
        LocalPlatformError: it did not come within 15 s.
    """
    with contextlib.ExitStack() as held:
        if child.stdout is None:
            raise LocalPlatformError("the server's output was not captured")
        output = held.enter_context(child.stdout)
        until = time.monotonic() + _READY_TIMEOUT_S
        ready, _, _ = select.select([output], [], [], until - time.monotonic())
        said = os.read(output.fileno(), 100) if ready else b""
    announced = announced_in(state_dir) if said else None
    if announced is None:
        found = "nothing within 15 s" if not ready else "its end"
        raise LocalPlatformError(
            f"expected the local platform to start, found {found}\n{_last_words(state_dir)}"
        )
    return announced


def _last_words(state_dir: Path) -> str:
    try:
        lines = (state_dir / LOG_FILE).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_LAST_LINES:])


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill a server, and take note of its end."""
    child.kill()
    child.wait()


def announced_in(state_dir: Path) -> Announced | None:
    """What the server of a state directory wrote down; None when there is nothing to read."""
    try:
        content = (state_dir / PLATFORM_FILE).read_bytes()
        return msgspec.json.decode(content, type=Announced)
    except (OSError, msgspec.DecodeError):
        return None


def is_server(announced: Announced) -> bool:
    """Whether the process is still that server, not another that got its number."""
    try:
        process = psutil.Process(announced.pid)
        older = process.create_time() <= announced.started_at + 1
        return bool(older and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
