"""The probes as a test uses them: one sync call a look, each look recorded."""

import statistics
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from pytest_sre.fly.fleet import FlyApp, FlyMachine
from pytest_sre.probes.answers import DnsResult, ServiceResult, TcpResult, TlsResult
from pytest_sre.probes.http import HttpProber
from pytest_sre.probes.loop import BackgroundLoop
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S, HttpRequest
from pytest_sre.probes.results import HttpResult, Results
from pytest_sre.recording.rows import Row
from pytest_sre.verdict import Inconclusive, NotAsked

Place = FlyMachine | FlyApp | str


class Probe:
    """Looks at a target from outside. A probe has no side effect and never retries by itself.

    Args:
        loop: what the probes run on.
        prober: what makes HTTP requests.
        write: where each exchange is recorded.
        test: the node id of the test that asks.
    """

    def __init__(
        self,
        loop: BackgroundLoop,
        prober: HttpProber,
        *,
        write: Callable[[Row], None],
        test: str,
    ) -> None:
        self._loop, self._prober, self._write, self._test = loop, prober, write, test

    def http(
        self,
        place: Place,
        path: str = "/",
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> HttpResult:
        """Make one request and say what came back. Redirects are not followed.

        Args:
            place: a Machine (asked through the proxy, and it alone), an app, or a URL.
            path: the path, with its query.
            method: GET, HEAD or OPTIONS.
            headers: more request headers.
            timeout_s: for the whole request.
        """
        request = _request(place, path, method, headers, timeout_s)
        return self._send([request])[0]

    def each(self, place: Place, paths: Iterable[str]) -> Results:
        """Ask one place for several paths at once."""
        return self._send([_request(place, path) for path in paths])

    def every(self, app: FlyApp, path: str, *, headers: dict[str, str] | None = None) -> Results:
        """Ask every Machine of an app that the proxy routes to for a path, all at once."""
        return self._send([_request(machine, path, headers=headers) for machine in app.serving])

    def revision(self, machine: FlyMachine) -> str:
        """Ask the app on a Machine which build it is.

        Raises:
            NotAsked: the settings do not say where the app reports it, or the Machine is not
                reached from outside.
            Inconclusive: the answer has no such key.
            AssertionError: the answer is not JSON.
        """
        reported = machine.app.reports
        if reported.path is None:
            raise NotAsked("sre.toml has no [release] path: the app does not report its revision")
        if not machine.serves:
            raise NotAsked(f"{machine.group} has no public service that could report a revision")
        seen = self.http(machine, reported.path)
        assert seen.ok, repr(seen)
        return str(seen.value(reported.key))

    def latency_by_region(self, app: FlyApp, *, samples: int) -> dict[str, float]:
        """Time the first health endpoint of the Machines of each region, or ``/`` without one.

        Args:
            app: the app.
            samples: requests a region.

        Returns:
            The median of the answers, in seconds, by region; regions without one are left out.
        """
        by_region: dict[str, list[HttpRequest]] = {}
        for machine in app.serving:
            request = _request(machine, next(iter(machine.health_paths), "/"))
            by_region.setdefault(machine.region, []).append(request)
        is_checked = any(machine.health_paths for machine in app.serving)
        timed = {
            region: self._send((requests * samples)[:samples], at_once=4)
            for region, requests in by_region.items()
        }
        return {
            region: statistics.median(result.timings.total_s for result in results)
            for region, results in timed.items()
            if all(result.ok or (not is_checked and result.was_answered) for result in results)
        }

    def tcp(self, host: str, port: int, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> TcpResult:
        """Open and close a TCP connection."""
        from pytest_sre.probes.tcp import probe_tcp

        return self._loop.run(probe_tcp(host, port, timeout_s=timeout_s))

    def tls(self, place: FlyApp | str, port: int = 443, *, ca: str | None = None) -> TlsResult:
        """Make a TLS handshake and look at the certificate.

        Args:
            place: an app, or a host's name.
            port: the port, when the place is a host's name.
            ca: a PEM file of authorities to trust instead of the system's.
        """
        from pytest_sre.probes.tls import probe_tls

        if isinstance(place, FlyApp):
            parts = urlsplit(place.url)
            return self._loop.run(probe_tls(parts.hostname or "", parts.port or 443, ca=ca))
        return self._loop.run(probe_tls(place, port, ca=ca))

    def dns(self, name: str, record: str = "A", *, resolver: str | None = None) -> DnsResult:
        """Look up the records of a type that a name has."""
        from pytest_sre.probes.dns import probe_dns

        return self._loop.run(probe_dns(name, record, resolver=resolver))

    def postgres(self, dsn: str) -> ServiceResult:
        """Connect to a Postgres server and read one row; needs the extra ``postgres``."""
        from pytest_sre.probes.postgres import probe_postgres

        return self._loop.run(probe_postgres(dsn))

    def redis(self, url: str) -> ServiceResult:
        """Ping a Redis server; needs the extra ``redis``."""
        from pytest_sre.probes.redis import probe_redis

        return self._loop.run(probe_redis(url))

    def s3(
        self, bucket: str, key: str | None = None, *, endpoint_url: str | None = None
    ) -> ServiceResult:
        """Ask whether a bucket, or an object in it, can be reached; needs the extra ``s3``."""
        from pytest_sre.probes.s3 import probe_s3

        return self._loop.run(probe_s3(bucket, key, endpoint_url=endpoint_url))

    def _send(self, requests: list[HttpRequest], *, at_once: int = 100) -> Results:
        if not requests:
            raise Inconclusive("there was no Machine to ask")
        results = self._loop.run(self._prober.every(requests, concurrency=at_once))
        for result in results:
            self._write(result.exchange(source="probe", test=self._test))
        return Results(results)


def _request(
    place: Place,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> HttpRequest:
    machine = place if isinstance(place, FlyMachine) else None
    app = machine.app if machine else place
    return HttpRequest(
        url=f"{app.url if isinstance(app, FlyApp) else str(app).rstrip('/')}{path}",
        method=method,
        machine=machine.id if machine else "",
        label=machine.label if machine else "",
        region=machine.region if machine else "",
        app=app.name if isinstance(app, FlyApp) else "",
        headers=headers or {},
        timeout_s=timeout_s,
    )
