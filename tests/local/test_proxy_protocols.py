"""What passes through the proxy as it is: streams, uploads, WebSocket, TLS and TCP."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import socket
import ssl
import threading
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from tests.patience import until

APP = """
import asyncio, hashlib, json, os
from aiohttp import web

go = asyncio.Event()

async def say(request):
    return web.json_response({"headers": {k.lower(): v for k, v in request.headers.items()}})

async def events(request):
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(request)
    await answer.write(b"data: 1\\n\\n")
    await go.wait()
    await answer.write(b"data: 2\\n\\n")
    return answer

async def release(request):
    go.set()
    return web.Response(text="gone on")

async def upload(request):
    seen, size = hashlib.sha256(), 0
    async for part in request.content.iter_any():
        seen.update(part)
        size += len(part)
    framed = ("content-length", "transfer-encoding")
    framing = [k.lower() for k in request.headers if k.lower() in framed]
    return web.json_response({"size": size, "sha256": seen.hexdigest(), "framing": framing})

async def early(request):
    return web.Response(status=413, text="too much")

async def download(request):
    return web.Response(body=b"x" * 8_000_000)

async def websocket(request):
    ws = web.WebSocketResponse(protocols=["chat"])
    await ws.prepare(request)
    await ws.send_str("hello")
    async for message in ws:
        if message.data == "bye":
            await ws.close(code=4001)
        else:
            await ws.send_str("echo " + message.data)
    return ws

OK = b"HTTP/1.1 200 OK\\r\\n"
ODD = {
    b"/interim": b"HTTP/1.1 103 Early Hints\\r\\nlink: x\\r\\n\\r\\n"
    + OK + b"content-length: 2\\r\\n\\r\\nok",
    b"/trailers": OK + b"transfer-encoding: chunked\\r\\ntrailer: x-t\\r\\n\\r\\n"
    b"2\\r\\nok\\r\\n0\\r\\nx-t: 1\\r\\n\\r\\n",
    b"/closed": OK + b"\\r\\nuntil the end",
    b"/short": OK + b"content-length: 10\\r\\n\\r\\nshort",
    b"/junk": b"no HTTP at all\\r\\n\\r\\n",
    b"/nothing": b"HTTP/1.1 204 No Content\\r\\n\\r\\n",
}

async def odd(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(ODD[head.split()[1]])
    writer.close()

async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write(b"end")
    writer.close()

async def main():
    app = web.Application(client_max_size=1 << 30)
    app.add_routes([
        web.get("/", say), web.get("/events", events), web.get("/go", release),
        web.post("/upload", upload), web.post("/early", early),
        web.get("/download", download), web.get("/ws", websocket),
    ])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT_8080"])).start()
    await asyncio.start_server(echo, "127.0.0.1", int(os.environ["PORT_7000"]))
    await asyncio.start_server(odd, "127.0.0.1", int(os.environ["PORT_9000"]))
    print("listening", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


PORTS = {80: "http", 443: "https", 5432: "tcp", 5433: "tls", 8090: "http"}


def service(internal_port, *ports, **more):
    ports = [{"port": port, "handlers": list(handlers)} for port, *handlers in ports]
    return {"protocol": "tcp", "internal_port": internal_port, "ports": ports, **more}


@pytest.fixture(scope="module")
def served(module_client):
    check = {"type": "http", "path": "/", "interval": "1s", "grace_period": "60s"}
    machine = module_client.create(
        ["python", "-c", APP],
        services=[
            service(8080, (80, "http"), (443, "tls", "http"), checks=[check]),
            service(7000, (5432,), (5433, "tls")),
            service(9000, (8090, "http")),
        ],
    )
    until(lambda: module_client.is_healthy(machine))
    return module_client


@pytest.fixture(scope="module")
def ports(served):
    return {port: urlsplit(url) for port, url in served.platform.ports(served.app).items()}


@pytest.fixture(scope="module")
def trusting(served, ports):  # noqa: ARG001 - the file is there once ports were asked for
    return ssl.create_default_context(cafile=served.platform.ca_file)


def test_each_public_port_has_a_door_of_its_own(served, ports):
    assert {port: url.scheme for port, url in ports.items()} == PORTS
    assert len({url.port for url in ports.values()}) == len(PORTS)
    assert served.platform.app_url(served.app) == ports[80].geturl()


def test_an_event_is_passed_on_when_it_comes(served):
    with served.proxy.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: 1"
        assert served.proxy.get("/go").text == "gone on"
        assert [line for line in lines if line] == ["data: 2"]


def test_uploads_keep_their_framing_and_every_byte(served):
    body = bytes(range(256)) * 12_000
    known = served.proxy.post("/upload", content=body).json()
    assert known == {
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "framing": ["content-length"],
    }
    parts = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
    chunked = served.proxy.post("/upload", content=parts).json()
    assert chunked == {**known, "framing": ["transfer-encoding"]}


def test_an_answer_before_the_end_of_the_upload_arrives_and_the_connection_goes_on(served):
    def parts():
        for _ in range(40):
            yield b"x" * 100_000

    for _ in range(3):
        assert served.proxy.post("/early", content=parts()).status_code == 413
        assert served.proxy.get("/").status_code == 200


def test_a_slow_client_holds_back_what_it_is_sent_and_gets_it_whole(served):
    with served.proxy.stream("GET", "/download") as answer:
        assert sum(len(part) for part in answer.iter_raw(1000)) == 8_000_000


def test_a_client_that_asks_first_is_told_to_go_on(served):
    with raw_connection(served) as peer:
        peer.sendall(
            b"POST /upload HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
        )
        assert peer.recv(1000).startswith(b"HTTP/1.1 100 ")
        peer.sendall(b"abc")
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        assert json.load(answer)["size"] == 3


def test_requests_in_one_breath_are_answered_in_their_order(served):
    with raw_connection(served) as peer:
        peer.sendall(b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\nHEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
        first = http.client.HTTPResponse(peer, method="GET")
        first.begin()
        assert (first.status, len(first.read())) == (404, 14)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 70_000, 431),
        (
            b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST /upload HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
    ids=["no HTTP", "too long a head", "two lengths", "a body that is none"],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(served, sent, status):
    with raw_connection(served) as peer:
        peer.sendall(sent)
        answer = b"".join(iter(lambda: peer.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 %d " % status)


def test_odd_answers_reach_the_client_as_plain_ones(ports):
    with httpx.Client(base_url=ports[8090].geturl(), trust_env=False, timeout=90) as odd:
        assert odd.get("/interim").text == "ok"
        trailers = odd.get("/trailers")
        assert (trailers.text, "trailer" in trailers.headers) == ("ok", False)
        assert odd.get("/closed").text == "until the end"
        assert odd.get("/nothing").status_code == 204


@pytest.mark.parametrize("path", ["/short", "/junk"])
def test_an_answer_that_is_none_is_502(served, ports, path):
    assert httpx.get(ports[8090].geturl() + path, trust_env=False, timeout=90).status_code == 502
    assert "[PU02]" in served.messages(provider="proxy")[-1]


def test_a_websocket_is_a_tunnel_in_both_directions(ports):
    async def talk():
        url = f"{ports[80].geturl()}/ws"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, protocols=["chat"]) as ws,
        ):
            assert ws.protocol == "chat"
            assert await ws.receive_str(timeout=60) == "hello"
            await ws.send_str("x" * 300_000)
            assert await ws.receive_str(timeout=60) == "echo " + "x" * 300_000
            await ws.ping()
            await ws.send_str("bye")
            await ws.receive(timeout=60)
            assert ws.close_code == 4001

    asyncio.run(talk())


def test_a_websocket_by_tls_is_a_tunnel_too(ports, trusting):
    url = ports[443]
    with (
        socket.create_connection((url.hostname, url.port), timeout=60) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as peer,
    ):
        peer.sendall(
            b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        received = b""
        while not received.endswith(b"\x81\x05hello"):
            received += peer.recv(1000)
    assert received.startswith(b"HTTP/1.1 101 ")


def test_https_shows_a_certificate_of_the_local_authority(served, ports, trusting):
    url = ports[443].geturl()
    with httpx.Client(verify=trusting, trust_env=False, timeout=90) as client:
        headers = client.get(url).json()["headers"]
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-ssl"] == "on"
    assert headers["x-forwarded-port"] == str(ports[443].port)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(url, trust_env=False, timeout=90)
    with socket.create_connection((ports[443].hostname, ports[443].port), timeout=60) as plain:
        name = f"{served.app}.fly.dev"
        with trusting.wrap_socket(plain, server_hostname=name) as peer:
            assert peer.version() == "TLSv1.3"


@pytest.mark.parametrize("port", [5432, 5433])
def test_bytes_go_to_one_machine_and_back_until_both_sides_end(ports, trusting, port):
    async def talk():
        tls = trusting if port == 5433 else None
        reader, writer = await asyncio.open_connection(
            ports[port].hostname, ports[port].port, ssl=tls
        )
        sent = bytes(range(256)) * 4000
        writer.write(sent)
        assert await asyncio.wait_for(reader.readexactly(len(sent)), 60) == sent
        if writer.can_write_eof():
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 60) == b"end"
        writer.close()
        with contextlib.suppress(ssl.SSLError):
            await writer.wait_closed()

    asyncio.run(talk())


def test_a_machine_reaches_any_port_by_connect(served):
    program = (
        "import http.client, os, sys, urllib.parse as u, base64;"
        "proxy = u.urlsplit(os.environ['https_proxy']);"
        "c = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=60);"
        "user = base64.b64encode((proxy.username + ':').encode()).decode();"
        "c.set_tunnel(sys.argv[1], 7000, {'Proxy-Authorization': 'Basic ' + user});"
        "c.connect(); c.sock.sendall(b'ping'); print(c.sock.recv(100))"
    )
    caller = served.create(["sleep", "1000"])
    done = served.exec(caller, "python", "-S", "-c", program, f"{served.app}.internal")
    assert "b'ping'" in done["stdout"], done
    nobody = served.exec(caller, "python", "-S", "-c", program, "nobody.internal")
    assert "502" in nobody["stderr"]


def test_many_clients_at_once_get_their_own_answers(served):
    failures = []

    def ask(number):
        with httpx.Client(base_url=served.proxy.base_url, trust_env=False, timeout=90) as client:
            for turn in range(20):
                mark = f"{number}-{turn}"
                seen = client.get("/", headers={"x-mark": mark}).json()["headers"]["x-mark"]
                failures.extend([(mark, seen)] if seen != mark else [])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@contextlib.contextmanager
def raw_connection(client):
    base = client.proxy.base_url
    with socket.create_connection((base.host, base.port), timeout=60) as peer:
        yield peer
