"""The names of the server's files, and how they are written and removed."""

import shutil
from pathlib import Path

PLATFORM_FILE = "platform.json"
PIDS_FILE = "pids.json"
LOG_FILE = "server.log"
CA_FILE = "ca.pem"
VOLUMES = "volumes"
SNAPSHOTS = "snapshots"
TEMPORARY = "tmp"
GUEST_FILES = "files"
FLYCTL = "flyctl"
METRICS = "metrics"
ALERTS = "alerts"
COMPILED = "compiled"
BEGINNINGS = "beginnings"
CLOCKS = "clocks"
_FOLDERS = (
    VOLUMES,
    SNAPSHOTS,
    TEMPORARY,
    GUEST_FILES,
    FLYCTL,
    METRICS,
    ALERTS,
    COMPILED,
    BEGINNINGS,
    CLOCKS,
)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, so that a reader sees all of it or none."""
    partial = path.with_name(f"{path.name}.partial")
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    partial.replace(path)


def remove_files(directory: Path) -> None:
    """Remove what a server made in its state directory, and the directory when it is empty."""
    for name in (PLATFORM_FILE, PIDS_FILE, LOG_FILE, CA_FILE):
        (directory / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        shutil.rmtree(directory / name, ignore_errors=True)
    if not any(directory.iterdir()):
        directory.rmdir()
