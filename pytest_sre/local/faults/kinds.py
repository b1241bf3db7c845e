"""The kinds of faults, each with what it can be told: pure values, read from JSON by their tag.

Nothing here says what a fault concerns or how long it lasts; see ``scopes`` and ``registry``.
"""

import math
from typing import Annotated, ClassVar

import msgspec

# A fault lasts at most an hour, so nothing it delays has to wait longer.
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class _Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """One kind of fault.

    ``scopes`` are the words that can restrict it; ``is_counted`` says that it strikes at single
    moments, so that it can be told how often.
    """

    scopes: ClassVar[tuple[str, ...]] = ("app", "machine", "region", "group")
    is_counted: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"expected a finite number for {name}, found {value}")


class Api429(_Kind, frozen=True, tag="api-429"):
    """The API asks to slow down; with ``Retry-After`` when ``retry_after_s`` is given."""

    scopes: ClassVar[tuple[str, ...]] = (*_Kind.scopes, "endpoint")

    retry_after_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] | None = None


class Api5xx(_Kind, frozen=True, tag="api-5xx"):
    """The API answers with a server error."""

    scopes: ClassVar[tuple[str, ...]] = (*_Kind.scopes, "endpoint")

    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 503


class ApiSlow(_Kind, frozen=True, tag="api-slow"):
    """The API answers right, ``delay_s`` later."""

    scopes: ClassVar[tuple[str, ...]] = (*_Kind.scopes, "endpoint")

    delay_s: _Seconds = 2.0


class ApiHang(_Kind, frozen=True, tag="api-hang"):
    """The API takes a call and does not answer while the fault lasts; then it is a 504."""

    scopes: ClassVar[tuple[str, ...]] = (*_Kind.scopes, "endpoint")


class Capacity(_Kind, frozen=True, tag="capacity"):
    """No host has room: creating or starting a Machine is refused with 412."""


class LeaseConflict(_Kind, frozen=True, tag="lease-conflict"):
    """Somebody else holds the lease of every Machine: changing one is refused with 409."""


class ImagePullFailure(_Kind, frozen=True, tag="image-pull-failure"):
    """The host cannot pull the image: what is created or updated is left ``failed``."""


class SilentFallback(_Kind, frozen=True, tag="silent-fallback"):
    """An update is answered with 200, and the Machine goes on with its former version."""


class SlowBoot(_Kind, frozen=True, tag="slow-boot"):
    """A Machine is started and its command is executed ``delay_s`` later."""

    delay_s: _Seconds = 10.0


class CrashLoop(_Kind, frozen=True, tag="crash-loop"):
    """The process ends by itself soon after each start, with this exit code."""

    exit_code: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1


class OutOfMemory(_Kind, frozen=True, tag="oom"):
    """The process is killed for want of memory soon after each start."""


class StaleProxyView(_Kind, frozen=True, tag="stale-proxy-view"):
    """The proxy routes by what it knew of the Machines when the fault began."""

    scopes: ClassVar[tuple[str, ...]] = ("app",)
    is_counted: ClassVar[bool] = False


class HostUnreachable(_Kind, frozen=True, tag="host-unreachable"):
    """The Machine's host does not answer: no call, check or request reaches the Machine.

    Its process goes on, and its configuration is shown as incomplete.
    """

    is_counted: ClassVar[bool] = False


class CheckHang(_Kind, frozen=True, tag="check-hang"):
    """Health checks are not answered: their state stays as it was, or there is none."""

    is_counted: ClassVar[bool] = False


class CheckFlap(_Kind, frozen=True, tag="check-flap"):
    """Health checks fail for ``every_s``, pass as they are for ``every_s``, and so on."""

    is_counted: ClassVar[bool] = False

    every_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 2.0

    def fails(self, at: float) -> bool:
        """Whether a check fails at a Unix time."""
        return int(at / self.every_s) % 2 == 0


class DnsFailure(_Kind, frozen=True, tag="dns-failure"):
    """Machines do not resolve names: those in ``hosts``, or none at all when it is empty."""

    is_counted: ClassVar[bool] = False

    hosts: tuple[str, ...] = ()


class DiskFull(_Kind, frozen=True, tag="disk-full"):
    """Machines can write to no file, as if their disk were full."""

    is_counted: ClassVar[bool] = False


class ClockSkew(_Kind, frozen=True, tag="clock-skew"):
    """The clock of Machines is off by ``by_s``, behind when negative, from their next start on."""

    is_counted: ClassVar[bool] = False

    by_s: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)] = 3600.0


class LogGap(_Kind, frozen=True, tag="log-gap"):
    """Lines written meanwhile are lost."""

    scopes: ClassVar[tuple[str, ...]] = ("app", "machine", "region")


class LogDelay(_Kind, frozen=True, tag="log-delay"):
    """Lines can be read ``delay_s`` after they were written."""

    scopes: ClassVar[tuple[str, ...]] = ("app",)
    is_counted: ClassVar[bool] = False

    delay_s: _Seconds = 10.0


Kind = (
    Api429
    | Api5xx
    | ApiSlow
    | ApiHang
    | Capacity
    | LeaseConflict
    | ImagePullFailure
    | SilentFallback
    | SlowBoot
    | CrashLoop
    | OutOfMemory
    | StaleProxyView
    | HostUnreachable
    | CheckHang
    | CheckFlap
    | DnsFailure
    | DiskFull
    | ClockSkew
    | LogGap
    | LogDelay
)
KINDS: tuple[type[Kind], ...] = Kind.__args__


def kind_name(kind: Kind | type[Kind]) -> str:
    """Give the name by which people know a kind, such as ``api-429``."""
    return str(kind.__struct_config__.tag)
