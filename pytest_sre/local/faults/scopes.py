"""What a fault concerns: everything, unless it says an app, Machine, region, group or endpoint."""

from fnmatch import fnmatchcase
from typing import Final

import msgspec

# The APIs by name, as patterns of "METHOD /path"; the first that fits names a call's API.
ENDPOINTS: Final = {
    "releases": ("* /api/v1/apps/*/releases*", "* /api/v1/releases*"),
    "logs": ("* /api/v1/apps/*/logs*",),
    "metrics": ("* /prometheus/*",),
    "graphql": ("* /graphql*",),
    "machines": ("* /v1/*",),
}


class Site(msgspec.Struct, frozen=True):
    """Where something happens; what is empty is not known, or does not apply."""

    app: str = ""
    machine: str = ""
    region: str = ""
    group: str = ""
    endpoint: str = ""


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fault concerns; what is empty is not restricted.

    ``machine`` may be the beginning of an id, as tests and tables show it. ``endpoint`` is the
    name of an API (see ``ENDPOINTS``) or a pattern of ``METHOD /path`` with ``*``, such as
    ``GET /v1/apps/*/machines``; it restricts faults of APIs only.
    """

    app: str = ""
    machine: str = ""
    region: str = ""
    group: str = ""
    endpoint: str = ""

    def covers(self, site: Site) -> bool:
        """Whether something that happens there is concerned."""
        return (
            self.app in ("", site.app)
            and self.region in ("", site.region)
            and self.group in ("", site.group)
            and (not self.machine or site.machine.startswith(self.machine))
            and _fits(self.endpoint, site.endpoint)
        )

    def __str__(self) -> str:
        stated = [
            f"{name} {value}" for name in self.__struct_fields__ if (value := getattr(self, name))
        ]
        return ", ".join(stated) or "everything"


def _fits(pattern: str, endpoint: str) -> bool:
    if not pattern:
        return True
    return any(fnmatchcase(endpoint, each) for each in ENDPOINTS.get(pattern, (pattern,)))
