"""Is the app reached as users reach it: quickly, over TLS, with the headers that protect them?"""

import pytest

from pytest_sre import FlyApp, Inconclusive, NotAsked, Probe

LATENCY_PROBES = 20
CERTIFICATE_DAYS = 14

pytestmark = pytest.mark.sre(severity="high", runbook="edge.md")


def _public_https(fly_app: FlyApp) -> None:
    _public(fly_app)
    if not fly_app.url.startswith("https://"):
        raise NotAsked(f"{fly_app.url} has no TLS")


def _public(fly_app: FlyApp) -> None:
    if not fly_app.serving:
        raise NotAsked(f"{fly_app.name} has no public service")


def test_certificate_is_valid(fly_app: FlyApp, probe: Probe) -> None:
    """The certificate is trusted, names the host, and lasts for two more weeks."""
    _public_https(fly_app)
    seen = probe.tls(fly_app)
    seen.require_observed()
    assert seen.chain_ok, seen.error
    assert seen.hostname_ok, seen.error
    assert seen.days_left >= CERTIFICATE_DAYS


def test_protocol_is_current(fly_app: FlyApp, probe: Probe) -> None:
    """The edge speaks TLS 1.2 or newer."""
    _public_https(fly_app)
    seen = probe.tls(fly_app)
    seen.require_observed()
    assert seen.protocol in {"TLSv1.2", "TLSv1.3"}


def test_http_redirects_to_https(fly_app: FlyApp, probe: Probe) -> None:
    """Whoever comes without TLS is sent to it, where fly.toml asks for that."""
    _public_https(fly_app)
    if not fly_app.forces_https:
        raise NotAsked("fly.toml does not set force_https")
    seen = probe.http("http://" + fly_app.url.removeprefix("https://"), "/")
    assert seen.status in {301, 302, 307, 308}
    assert seen.headers.get("location", "").startswith("https://")


@pytest.mark.sre(severity="medium", runbook="edge.md")
def test_security_headers(fly_app: FlyApp, probe: Probe) -> None:
    """Answers forbid content sniffing, and over TLS tell browsers to stay on it."""
    _public(fly_app)
    seen = probe.http(fly_app, "/")
    sniffing = seen.headers.get("x-content-type-options", "").lower()
    assert sniffing == "nosniff", f"{seen!r} lacks the header x-content-type-options: nosniff"
    if fly_app.url.startswith("https://"):
        has_hsts = "strict-transport-security" in seen.headers
        assert has_hsts, f"{seen!r} lacks the header strict-transport-security"


def test_latency_in_every_region(fly_app: FlyApp, probe: Probe) -> None:
    """Each region's Machines answer the first health endpoint within the limit, as the median."""
    _public(fly_app)
    by_region = probe.latency_by_region(fly_app, samples=LATENCY_PROBES)
    if not by_region:
        raise Inconclusive(f"no Machine of {fly_app.name} could be timed")
    limit_s = fly_app.objectives.latency_p95_s
    assert {region: s for region, s in by_region.items() if s > limit_s} == {}
