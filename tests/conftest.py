"""What all tests of the plugin share: they reach nothing but this machine, and always end."""

import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest_plugins = ["pytester"]

# For what hangs; a busy machine may take minutes for what takes seconds.
TIMEOUT_S = 300

# What takes longest begins first, so that no process is left with it in the end; but not all at
# once of what leaves the processors no rest.
LONGEST = (
    "drills/test_filing.py",
    "drills/test_nothing_left.py",
    "packaging/test_wheel.py",
    "chaos",
    "drills/test_false_green.py",
    "drills/test_bad_days.py",
    "drills/test_releases.py",
    "plugin/test_command_line.py",
    "simulated/test_leaks.py",
    "plugin/test_against_fly.py",
    "plugin/test_verdicts.py",
    "plugin/test_xdist.py",
    "issues/test_github_contract.py",
    "probes/test_services.py",
    "simulated/test_model.py",
    "local",
    "metrics",
    "shop",
    "drills",
    "plugin",
)
# More than half of the time tests wait: for a process to start, or a bake to end.
WAITING = 3

hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
# A gate says the same of the same code: there, half as many examples, which are not drawn anew.
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("ci"), max_examples=50)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell that starts a job in the background has it ignore Ctrl-C, and all that it starts, too.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return next((n for n, name in enumerate(LONGEST) if path.startswith(name)), len(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """More than there are processors, for ``-n auto``."""
    return (os.cpu_count() or 1) + WAITING


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process: many share a platform, or one run of pytest."""
    if any(".py" in each for each in config.args):
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """Refuse connections to anything but loopback, and hide credentials that are for real."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    for name in [name for name in os.environ if name.startswith(("FLY_", "GITHUB_"))]:
        patch.delenv(name)
    yield
    patch.undo()


def _guarded(connect):
    def guarded(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}, which is not loopback")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
