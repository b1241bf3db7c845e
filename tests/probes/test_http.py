import asyncio
import errno
import gzip
import socket
import threading
from collections.abc import Callable

import pytest

from pytest_sre import __version__
from pytest_sre.probes import BackgroundLoop, HttpProber, HttpRequest
from pytest_sre.verdict import Inconclusive


@pytest.fixture
def prober(background: BackgroundLoop, authority_file):
    async def make():
        return HttpProber(ca=authority_file)

    made = background.run(make())
    yield made
    background.run(made.close())


@pytest.fixture
def get(run, prober) -> Callable:
    def ask(port, path="/", scheme="http", host="127.0.0.1", **fields):
        url = f"{scheme}://{host}:{port}{path}"
        return run(prober.get(HttpRequest(url=url, **fields)))

    return ask


def plain(body=b"ok", *, status="200 OK", extra=b""):
    """Answer each request of a connection alike."""
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n".encode() + extra + b"\r\n"

    async def talk(reader, writer):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + body)
            await writer.drain()

    return talk


def raw(answer):
    """Answer with these very bytes, and hang up."""

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return talk


async def silent(reader, _writer):
    await reader.read()


async def cut(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.fixture
def closed_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_an_answer_carries_all_that_was_seen(serve, get):
    port = serve(plain(b'{"a": 1}', extra=b"Fly-Request-Id: 01J-iad\r\nX-One: 1\r\n"))

    result = get(port, "/readyz?full=1", machine="148e21", app="shop", region="iad")

    assert (result.status, result.ok, result.json) == (200, True, {"a": 1})
    assert (result.machine, result.app, result.region) == ("148e21", "shop", "iad")
    assert result.request_id == "01J-iad"
    assert result.headers["x-one"] == "1"
    assert not result.truncated
    assert 0 < result.timings.connect_s <= result.timings.first_byte_s <= result.total_s < 30
    assert result.timings.tls_s == 0


def test_the_machine_and_the_prober_are_named_to_the_proxy(serve, get):
    heads = []

    async def talk(reader, writer):
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    port = serve(talk)
    get(port, machine="148e21", headers={"X-Mine": "yes"})
    get(port)

    assert "fly-force-instance-id: 148e21\r\n" in heads[0]
    assert "x-mine: yes\r\n" in heads[0]
    assert f"user-agent: pytest-sre/{__version__}\r\n" in heads[0]
    assert "fly-force-instance-id" not in heads[1]


def test_a_connection_that_is_kept_costs_no_connect_time(serve, get):
    port = serve(plain())
    get(port)

    assert get(port).timings.connect_s == 0


def test_a_kept_connection_the_host_has_closed_is_not_a_failure(serve, get):
    port = serve(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"))

    assert [get(port).ok for _ in range(5)] == [True] * 5


def test_a_redirect_is_an_answer(serve, get):
    port = serve(plain(status="301 Moved Permanently", extra=b"location: http://192.0.2.1/\r\n"))

    result = get(port)

    assert (result.status, result.ok) == (301, False)
    assert result.headers["location"] == "http://192.0.2.1/"


def test_cookies_do_not_travel_from_one_probe_to_the_next(serve, get):
    heads = []

    async def talk(reader, writer):
        heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: s=1\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    port = serve(talk)
    get(port, host="localhost")
    get(port, host="localhost")

    assert len(heads) == 2
    assert b"cookie:" not in heads[1]


def test_a_refused_connection_is_a_failure_of_the_app(get, closed_port):
    result = get(closed_port)

    assert (result.status, result.error_kind, result.ok) == (0, "refused", False)


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (cut, "reset"),
        (raw(b""), "reset"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        (raw(b"HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\n"), "protocol"),
        (silent, "timeout"),
    ],
    ids=["cut", "hung up", "another protocol", "a bad header", "silent"],
)
def test_no_answer_has_its_reason(serve, get, talk, kind):
    result = get(serve(talk), timeout_s=0.5 if kind == "timeout" else 60)

    assert (result.status, result.error_kind) == (0, kind)
    assert result.ok is False
    assert result.error


def test_an_answer_that_ends_early_is_not_ok_and_keeps_what_came(serve, get):
    result = get(serve(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")))

    assert (result.status, result.ok, result.error_kind) == (200, False, "reset")
    assert "200, then reset" in repr(result)


def test_an_answer_that_drips_is_bounded_by_the_whole_time(serve, get):
    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    result = get(serve(drip), timeout_s=1.5)

    assert (result.status, result.error_kind, result.ok) == (200, "timeout", False)
    assert 1.5 <= result.total_s < 60


def test_a_body_beyond_the_cap_is_cut_and_said_to_be(serve, get):
    async def endless(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    result = get(serve(endless), timeout_s=60)

    assert (result.ok, result.truncated, len(result.body)) == (True, True, 65_536)


def test_a_body_of_exactly_the_cap_is_whole(serve, get):
    result = get(serve(plain(b"x" * 65_536)))

    assert (result.truncated, len(result.body)) == (False, 65_536)


def test_a_compressed_body_is_read_and_a_broken_one_is_the_apps_failure(serve, get):
    encoding = b"content-encoding: gzip\r\n"
    good = get(serve(plain(gzip.compress(b'{"a": 1}'), extra=encoding)))
    bad = get(serve(plain(b"this is not gzip at all", extra=encoding)))

    assert good.json == {"a": 1}
    assert (bad.ok, bad.error_kind) == (False, "protocol")


def test_a_name_that_does_not_exist_is_not_our_fault(get, monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    result = get(80, host="shop.test")

    assert (result.error_kind, result.ok) == ("dns-nxdomain", False)


def test_a_resolver_that_does_not_answer_is_our_fault(get, monkeypatch):
    def down(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", down)
    result = get(80, host="shop.test")

    assert (result.error_kind, result.own_fault) == ("dns", True)
    with pytest.raises(Inconclusive):
        _ = result.ok


def test_a_resolver_that_hangs_is_our_fault_too(get, monkeypatch):
    released = threading.Event()

    def hang(*_args, **_kwargs):
        released.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        result = get(80, host="shop.test", timeout_s=0.3)
    finally:
        released.set()

    assert (result.error_kind, result.own_fault) == ("dns", True)


def test_the_handshake_is_timed_apart_from_the_connection(serve, get, authority, server_tls):
    tls = server_tls(authority.issue_cert("localhost"))
    result = get(serve(plain(), tls), scheme="https", host="localhost")

    assert result.ok
    assert result.timings.dns_s > 0
    assert result.timings.connect_s > 0
    assert result.timings.tls_s > 0
    phases = result.timings.dns_s + result.timings.connect_s + result.timings.tls_s
    assert phases <= result.timings.first_byte_s <= result.total_s


def test_a_certificate_that_does_not_verify_is_the_apps_failure(serve, get, authority, server_tls):
    tls = server_tls(authority.issue_cert("other.test"))
    result = get(serve(plain(), tls), scheme="https", host="localhost")

    assert (result.status, result.error_kind, result.own_fault) == (0, "tls", False)
    assert "other.test" in result.error or "localhost" in result.error


def test_plain_http_behind_an_https_url_is_a_tls_failure(serve, get):
    async def talk(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read()

    result = get(serve(talk), scheme="https")

    assert (result.error_kind, result.ok) == ("tls", False)


def test_a_secret_in_the_url_is_in_no_text(serve, get):
    port = serve(raw(b"nonsense\r\n\r\n"))
    result = get(port, "/x?token=s3cret", host="user:s3cret@127.0.0.1")

    assert result.error_kind == "protocol"
    assert "s3cret" not in f"{result!r} {result.url} {result.error} {result.exchange('probe')!r}"


def test_many_come_back_in_order_and_never_too_many_at_once(serve, run, prober):
    flying, most = 0, 0

    async def talk(reader, writer):
        nonlocal flying, most
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0.005)
            flying -= 1
            body = head.split()[1]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

    port = serve(talk)
    requests = [HttpRequest(url=f"http://127.0.0.1:{port}/{n}") for n in range(60)]
    results = run(prober.every(requests, concurrency=8))

    assert [result.text for result in results] == [f"/{n}" for n in range(60)]
    assert 2 <= most <= 8


def test_one_dead_machine_among_many_costs_only_its_own_result(serve, run, prober, closed_port):
    port = serve(plain())
    urls = [f"http://127.0.0.1:{p}/" for p in (port, closed_port, port)]
    results = run(prober.every([HttpRequest(url=url) for url in urls]))

    assert [result.ok for result in results] == [True, False, True]


def test_asking_nobody_gives_no_results(run, prober):
    assert run(prober.every([])) == []


def test_a_concurrency_of_none_is_refused_rather_than_empty(run, prober):
    with pytest.raises(ValueError, match="at least 1"):
        run(prober.every([HttpRequest(url="http://127.0.0.1/")], concurrency=0))


def test_a_url_that_cannot_be_requested_is_a_mistake_not_an_outage(run, prober):
    with pytest.raises(ValueError, match="can be requested"):
        run(prober.get(HttpRequest(url="http://")))


def test_too_many_open_files_is_our_own_fault(serve, get, monkeypatch):
    def refuse(*_args):
        raise OSError(errno.EMFILE, "Too many open files")

    port = serve(plain())
    monkeypatch.setattr("pytest_sre.probes.http.socket", refuse)
    result = get(port)

    assert (result.error_kind, result.own_fault) == ("network", True)
