"""A server of the platform's own, whose log says when and where it serves."""

import asyncio
import shlex

import aiohttp
import pytest

from pytest_sre.local.metrics.child import Child, Program
from pytest_sre.local.pids import PidFile

READY, LISTENS = 'msg="Ready"', 'msg="Listening on" address=127.0.0.1:9090'
SERVER = """#!/bin/sh
echo {first}
while [ ! -e "$1" ]; do sleep 0.02; done
echo {second}
exec sleep 100
"""


@pytest.mark.parametrize(("first", "second"), [(LISTENS, READY), (READY, LISTENS)])
def test_it_is_asked_only_once_both_are_known(tmp_path, monkeypatch, first, second):
    server, go_on = tmp_path / "server", tmp_path / "go-on"
    server.write_text(SERVER.format(first=shlex.quote(first), second=shlex.quote(second)))
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    program = Program(label="Server", names=("server",), install="", ready=READY)

    async def start() -> None:
        said: asyncio.Queue[str] = asyncio.Queue()
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            child = Child(program, tmp_path / "its", PidFile(tmp_path / "pids"), session)
            child.on_line = said.put_nowait
            child.start(lambda: None, str(go_on))
            try:
                assert await said.get() == first
                assert not child.is_ready
                go_on.touch()
                assert await child.wait() == ""
                assert child.address == "127.0.0.1:9090"
            finally:
                await child.close(at_once=True)

    asyncio.run(start())
