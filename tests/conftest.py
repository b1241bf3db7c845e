"""What all tests of the plugin share: they reach nothing but this machine, and always end."""

import ipaddress
import os
import socket
from collections.abc import Iterator

import hypothesis
import pytest

pytest_plugins = ["pytester"]

# For what hangs; a busy machine may take minutes for what takes seconds.
TIMEOUT_S = 300

hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


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
