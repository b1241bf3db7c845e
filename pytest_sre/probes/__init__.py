"""Probes: one observation each, without side effects, returned as a value.

Deciding is apart from talking: `faults`, `outcome`, `results`, `answers`, `documents` and
`requests` are pure; `http`, `tcp`, `tls`, `dns`, `postgres`, `redis` and `s3` each talk through
one library, which is imported when the probe is first used. `loop` runs them from synchronous
code, and `eventually` asks again.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_sre.probes.answers import DnsResult, ServiceResult, TcpResult, TlsResult
    from pytest_sre.probes.dns import probe_dns
    from pytest_sre.probes.http import HttpProber
    from pytest_sre.probes.loop import BackgroundLoop
    from pytest_sre.probes.outcome import Outcome
    from pytest_sre.probes.postgres import probe_postgres
    from pytest_sre.probes.redis import probe_redis
    from pytest_sre.probes.requests import HttpRequest
    from pytest_sre.probes.results import HttpResult, Results, Timings
    from pytest_sre.probes.s3 import probe_s3
    from pytest_sre.probes.tcp import probe_tcp
    from pytest_sre.probes.tls import probe_tls

_HOMES = {
    "BackgroundLoop": "loop",
    "DnsResult": "answers",
    "HttpProber": "http",
    "HttpRequest": "requests",
    "HttpResult": "results",
    "Outcome": "outcome",
    "Results": "results",
    "ServiceResult": "answers",
    "TcpResult": "answers",
    "Timings": "results",
    "TlsResult": "answers",
    "probe_dns": "dns",
    "probe_postgres": "postgres",
    "probe_redis": "redis",
    "probe_s3": "s3",
    "probe_tcp": "tcp",
    "probe_tls": "tls",
}

__all__ = [
    "BackgroundLoop",
    "DnsResult",
    "HttpProber",
    "HttpRequest",
    "HttpResult",
    "Outcome",
    "Results",
    "ServiceResult",
    "TcpResult",
    "Timings",
    "TlsResult",
    "probe_dns",
    "probe_postgres",
    "probe_redis",
    "probe_s3",
    "probe_tcp",
    "probe_tls",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
