"""Names of requests: the method and the path, in which what differs each time is left out."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

OTHER = "other requests"
MOST_NAMES = 100

_LONGEST_WORD = 40
_PORTS = {"http": 80, "https": 443}
_VARYING = re.compile(r"[0-9]|%|@")


@lru_cache(maxsize=4096)
def request_name(method: str, path: str) -> str:
    """Name a request, such as ``GET /orders/{id}``; its query is left out.

    A segment with a digit in it, or a very long one, is taken for one that differs each time,
    except for a version such as ``v2``.
    """
    bare = path.partition("?")[0].partition("#")[0]
    return f"{method} {'/'.join(map(_segment, bare.split('/')))}"


def host_of(url: str) -> str:
    """Name the host of an address, as ``host:port``."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def _segment(segment: str) -> str:
    if re.fullmatch(r"v\d{1,2}", segment):
        return segment
    varies = len(segment) > _LONGEST_WORD or _VARYING.search(segment)
    return "{id}" if varies else segment
