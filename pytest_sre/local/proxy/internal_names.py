"""Names of the private network: ``web.process.shop.internal`` and its like."""

import re
from dataclasses import dataclass
from typing import Final

_LABEL: Final = r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
_NAME: Final = re.compile(
    rf"""^(?:
        (?P<group>{_LABEL})\.process\.(?P<group_app>{_LABEL})\.internal
      | (?P<machine>[0-9a-f]+)\.vm\.(?P<machine_app>{_LABEL})\.internal
      | (?P<region>[a-z]{{3}})\.(?P<region_app>{_LABEL})\.internal
      | (?P<app>{_LABEL})\.internal
      | (?P<flycast>{_LABEL})\.flycast
    )$""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class InternalName:
    """Which Machines a private name stands for: those of ``app`` that fit what is given."""

    app: str
    group: str | None = None
    machine_id: str | None = None
    region: str | None = None
    by_proxy: bool = False


def parse_internal_name(host: str) -> InternalName | None:
    """Read a host name of the private network; None when it is not one."""
    found = _NAME.match(host.lower().removesuffix("."))
    if found is None:
        return None
    part = found.groupdict()
    if part["flycast"]:
        return InternalName(part["flycast"], by_proxy=True)
    app = part["group_app"] or part["machine_app"] or part["region_app"] or part["app"]
    return InternalName(app, part["group"], part["machine"], part["region"])
