"""nginx as a proxy in front of one address, which ours is compared with, or as a bare server."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    {upstream}
    server {{ listen 127.0.0.1:{port}; location / {{ {answer} }} }}
}}
"""
_UPSTREAM = "upstream app {{ server {address}; keepalive 64; keepalive_requests 1000000; }}"
_PASS_ON = """
    proxy_pass http://app;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
"""
_SAY_OK = 'return 200 "ok";'
_READY_S = 10.0


@contextmanager
def nginx_before(url: str, core: int) -> Iterator[str | None]:
    """Run nginx with one worker on one core; its address, or None when there is no nginx.

    Args:
        url: where it sends requests to.
        core: the number of the core that it may use.
    """
    upstream = _UPSTREAM.format(address=urlsplit(url).netloc)
    with _nginx(_PASS_ON, upstream) as found:
        if found is None:
            yield None
            return
        url, process = found
        main = psutil.Process(process.pid)
        for each in (main, *main.children()):
            each.cpu_affinity([core])
        yield url


@contextmanager
def nginx_saying_ok() -> Iterator[str | None]:
    """Run nginx with one worker that answers all with two bytes; None when there is no nginx."""
    with _nginx(_SAY_OK) as found:
        yield found[0] if found else None


@contextmanager
def _nginx(answer: str, upstream: str = "") -> Iterator[tuple[str, subprocess.Popen[bytes]] | None]:
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder, socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        reserved.close()
        file = Path(folder) / "nginx.conf"
        settings = {"folder": folder, "port": port, "upstream": upstream, "answer": answer}
        file.write_text(_CONFIGURATION.format(**settings))
        process = subprocess.Popen(
            [program, "-c", str(file)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _await_listening(port)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait()


def _await_listening(port: int) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"nginx did not listen on port {port} within {_READY_S:g} s")
