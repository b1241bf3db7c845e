import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.probes.faults import fault_of
from pytest_sre.probes.requests import HttpRequest, shown_url


@pytest.mark.parametrize(
    ("error", "kind", "own"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "dns", True),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"), "dns", True),
        (socket.gaierror(socket.EAI_NONAME, "Name not known"), "dns-nxdomain", False),
        (OSError(errno.ENETUNREACH, "unreachable"), "network", True),
        (OSError(errno.EHOSTUNREACH, "no route"), "network", True),
        (OSError(errno.EMFILE, "too many open files"), "network", True),
        (OSError(errno.EADDRNOTAVAIL, "no port left"), "network", True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "refused", False),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "reset", False),
        (BrokenPipeError(errno.EPIPE, "pipe"), "reset", False),
        (TimeoutError(), "timeout", False),
        (OSError(errno.ETIMEDOUT, "timed out"), "timeout", False),
        (ssl.SSLError(1, "[SSL: UNSUPPORTED_PROTOCOL]"), "tls", False),
        (ValueError("garbage"), "protocol", False),
    ],
    ids=lambda value: value.args[1] if isinstance(value, OSError) and value.args else None,
)
def test_each_error_has_its_kind_and_its_side(error, kind, own):
    fault = fault_of(error)

    assert (kind, own) == (fault.kind, fault.own)


def test_a_timeout_while_the_name_is_resolved_is_our_dns():
    assert fault_of(TimeoutError(), resolving=True)[:2] == ("dns", True)


def test_a_wrapped_error_is_classified_by_its_cause():
    wrapped = RuntimeError("connection failed")
    wrapped.__cause__ = OSError(errno.ENETUNREACH, "unreachable")

    assert fault_of(wrapped)[:2] == ("network", True)


def test_no_route_by_ipv6_does_not_excuse_a_refusal_by_ipv4():
    both = OSError("Multiple exceptions: [Errno 101] unreachable, [Errno 111] refused")

    assert fault_of(both)[:2] == ("refused", False)


def test_no_route_to_any_address_is_our_own_fault():
    assert fault_of(OSError("Multiple exceptions: [Errno 101] a, [Errno 113] b")).own


@given(st.text(max_size=2_000))
def test_any_error_text_becomes_one_short_line(text):
    shown = fault_of(ValueError(text)).text

    assert 0 < len(shown) <= 200
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@shop.example/x",
        "https://shop.example/x?a=1&access_token=s3cret",
        "https://shop.example/x?X-Signature=s3cret#part",
        "https://shop.example/x?API_KEY=s3cret&b=2",
    ],
)
def test_a_secret_in_a_url_is_not_shown(url):
    assert "s3cret" not in shown_url(url)
    assert "shop.example/x" in shown_url(url)


@pytest.mark.parametrize(
    "url", ["https://shop.example/x?page=2", "http://[::1]:80/", "https://a/@b"]
)
def test_a_url_without_a_secret_is_shown_as_it_is(url):
    assert shown_url(url) == url


@pytest.mark.parametrize("change", [{"method": "POST"}, {"method": "DELETE"}, {"method": "get"}])
def test_a_probe_refuses_what_has_side_effects(change):
    with pytest.raises(ValueError, match="no side effects"):
        HttpRequest(url="http://127.0.0.1/", **change)


@pytest.mark.parametrize("url", ["/healthz", "ftp://host/", "", "shop.example"])
def test_a_probe_refuses_what_is_no_http_url(url):
    with pytest.raises(ValueError, match=r"absolute http\(s\) URL"):
        HttpRequest(url=url)
