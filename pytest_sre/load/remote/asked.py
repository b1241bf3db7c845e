"""Which workers the user asks for: ``--sre-load-workers``. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_WORKERS: Final = 50
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 5557

_EXPECTED: Final = "4, 4@HOST:PORT, or fly:iad=2,ams=2"
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - refused
_REGION = re.compile(r"[a-z]{3}")


@dataclass(frozen=True)
class External:
    """Workers that join by themselves: ``pytest-sre load worker --master HOST:PORT``.

    Attributes:
        count: how many.
        host: the address that is listened at, and no other.
        port: there.
    """

    count: int
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT


@dataclass(frozen=True)
class InMachines:
    """Workers in Machines that are started for the purpose: how many in each region."""

    regions: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(self.regions.values())


Asked = External | InMachines


def read_workers(text: str) -> Asked:
    """Read what was asked for.

    Raises:
        ValueError: it cannot be understood; the text says what can.
    """
    kind, colon, rest = text.partition(":")
    asked = _machines(rest) if colon and kind == "fly" else _external(text)
    if not 1 <= asked.count <= MOST_WORKERS:
        raise ValueError(f"expected 1 to {MOST_WORKERS} load workers, found {asked.count}")
    return asked


def read_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``, or ``[fdaa::1]:PORT``.

    Raises:
        ValueError: it is none.
    """
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    is_plain = bare != host or ":" not in host
    if not (colon and bare and is_plain and port.isascii() and port.isdigit()):
        raise ValueError(f"expected HOST:PORT, found {text!r}")
    if bare in _EVERYWHERE:
        raise ValueError(f"expected one address, found {bare}, which stands for all")
    if not 0 < int(port[:6]) < 65_536:
        raise ValueError(f"expected a port from 1 to 65535, found {port}")
    return bare, int(port)


def _external(text: str) -> External:
    count, at, address = text.partition("@")
    try:
        host, port = read_address(address) if at else (DEFAULT_HOST, DEFAULT_PORT)
    except ValueError as error:
        raise ValueError(f"--sre-load-workers={text}: {error}\nsuch as {_EXPECTED}") from None
    return External(_count(count, text), host, port)


def _machines(text: str) -> InMachines:
    regions: dict[str, int] = {}
    for part in text.split(","):
        region, _, count = part.partition("=")
        if not _REGION.fullmatch(region) or region in regions:
            raise ValueError(
                f"--sre-load-workers=fly:{text}: expected a region once, such as iad, "
                f"found {region!r}\nsuch as {_EXPECTED}"
            )
        regions[region] = _count(count or "1", f"fly:{text}")
    return InMachines(regions)


def _count(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 6):
        raise ValueError(
            f"--sre-load-workers={whole}: expected a number of workers, found {text!r}\n"
            f"such as {_EXPECTED}"
        )
    return int(text)
