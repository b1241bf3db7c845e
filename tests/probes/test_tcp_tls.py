import datetime as dt
import socket
import ssl
import warnings

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.probes import probe_tcp, probe_tls
from pytest_sre.probes.answers import matches_host
from pytest_sre.verdict import Inconclusive


async def idle(reader, _writer):
    await reader.read()


@pytest.fixture
def look(serve, run, authority_file, server_tls):
    """Serve a certificate and look at it as ``localhost``."""

    def at(certificate, tls=None, **asked):
        port = serve(idle, tls or server_tls(certificate))
        return run(probe_tls("127.0.0.1", port, **{"server_name": "localhost", **asked}))

    return lambda certificate, tls=None, **asked: at(
        certificate, tls, **{"ca": authority_file, **asked}
    )


def test_an_open_port_is_ok(serve, run):
    result = run(probe_tcp("127.0.0.1", serve(idle)))

    assert result.ok
    assert 0 < result.total_s < 30


def test_a_closed_port_is_refused(run):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        result = run(probe_tcp("127.0.0.1", held.getsockname()[1]))

    assert (result.ok, result.error_kind) == (False, "refused")
    assert "connection refused" in repr(result)


def test_a_name_our_dns_cannot_resolve_is_inconclusive(run, monkeypatch):
    def down(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", down)
    result = run(probe_tcp("shop.test", 80))

    with pytest.raises(Inconclusive, match="our DNS"):
        _ = result.ok


def test_a_good_certificate_is_described(look, authority):
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    result = look(authority.issue_cert("localhost", "127.0.0.1", not_after=expires))

    assert result.ok
    assert (result.chain_ok, result.hostname_ok) == (True, True)
    assert result.names == ("localhost", "127.0.0.1")
    assert 29.9 < result.days_left < 30.1
    assert result.protocol in {"TLSv1.2", "TLSv1.3"}
    assert result.cipher
    assert "trustme" in result.issuer


def test_an_expired_certificate_is_not_ok_and_says_since_when(look, authority):
    expired = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
    result = look(authority.issue_cert("localhost", not_after=expired))

    assert (result.ok, result.chain_ok, result.hostname_ok) == (False, False, True)
    assert -3.1 < result.days_left < -2.9
    assert "expired" in result.error


def test_a_certificate_for_another_host_has_a_good_chain(look, authority):
    result = look(authority.issue_cert("other.test"))

    assert (result.ok, result.chain_ok, result.hostname_ok) == (False, True, False)
    assert result.names == ("other.test",)


def test_an_expired_certificate_for_another_host_is_wrong_twice(look, authority):
    expired = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
    result = look(authority.issue_cert("other.test", not_after=expired))

    assert (result.ok, result.chain_ok, result.hostname_ok) == (False, False, False)


def test_a_certificate_of_an_unknown_authority_is_still_described(look):
    result = look(trustme.CA().issue_cert("localhost"))

    assert (result.ok, result.chain_ok, result.hostname_ok) == (False, False, True)
    assert result.days_left > 0


@pytest.mark.skipif(not ssl.HAS_TLSv1_1, reason="this OpenSSL is built without TLS 1.1")
def test_an_old_protocol_is_not_ok_and_is_named(look, authority, server_tls):
    certificate = authority.issue_cert("localhost")
    tls = server_tls(certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    result = look(certificate, tls)

    assert (result.ok, result.protocol, result.error_kind) == (False, "TLSv1.1", "tls")


def test_a_port_that_does_not_speak_tls_has_no_days_left(serve, run):
    async def greet(reader, writer):
        writer.write(b"220 mail.test ESMTP\r\n")
        await writer.drain()
        await reader.read()

    result = run(probe_tls("127.0.0.1", serve(greet), "localhost"))

    assert (result.ok, result.error_kind, result.chain_ok) == (False, "tls", None)
    with pytest.raises(AssertionError, match="no certificate was seen"):
        _ = result.days_left


def test_a_port_that_never_shakes_hands_is_a_timeout(serve, run):
    result = run(probe_tls("127.0.0.1", serve(idle), "localhost", timeout_s=0.3))

    assert (result.ok, result.error_kind) == (False, "timeout")


@pytest.mark.parametrize(
    ("names", "host", "matches"),
    [
        (["shop.example"], "SHOP.example.", True),
        (["*.shop.example"], "www.shop.example", True),
        (["*.shop.example"], "a.b.shop.example", False),
        (["*.shop.example"], "shop.example", False),
        (["*"], "localhost", False),
        (["*.example"], "shop.test", False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["*.0.0.1"], "10.0.0.1", False),
        (["2001:db8::1"], "2001:0db8:0::1", True),
        ([], "shop.example", False),
    ],
)
def test_a_name_covers_a_host_as_clients_have_it(names, host, matches):
    assert matches_host(names, host) is matches


@given(st.lists(st.text(max_size=10)), st.text(max_size=10))
def test_any_names_are_compared_without_an_error(names, host):
    assert matches_host([*names, host], host)
