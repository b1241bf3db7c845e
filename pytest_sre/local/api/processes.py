"""Calls about the processes inside a Machine: running a command beside them, listing them."""

import asyncio
import contextlib
import shlex
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, machine_of, read_body, route
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.machines.process import kill_group
from pytest_sre.local.machines.state import check_allowed

_LONGEST_EXEC_S: Final = 30
_LONGEST_OUTPUT: Final = 1024 * 1024
_CHUNK: Final = 65536
_SORTED_BY: Final = ("pid", "command", "directory", "cpu", "rss", "rtime", "stime")


class _Exec(msgspec.Struct):
    command: list[str] | None = None
    cmd: str | None = None
    container: str | None = None
    machine: bool | None = None
    stdin: str | None = None
    timeout: int | None = None

    def argv(self) -> list[str]:
        """What to execute.

        Raises:
            ValueError: nothing, or what cannot be executed.
        """
        if self.container and self.machine:
            raise ValueError("container and machine are mutually exclusive")
        if self.container:
            raise ValueError(f"container not found: {self.container[:40]!r}")
        argv = self.command or shlex.split(self.cmd or "")
        if not argv or not argv[0]:
            raise ValueError("command is required")
        if any("\0" in word for word in argv):
            raise ValueError("command has a NUL character")
        return argv

    def limit_s(self) -> int:
        """How long it may take: what was asked for, at most 30 seconds."""
        if (self.timeout or 0) < 0:
            raise ValueError(f"invalid timeout {self.timeout}: expected seconds")
        return min(self.timeout or _LONGEST_EXEC_S, _LONGEST_EXEC_S)


def process_routes() -> list[BaseRoute]:
    """The routes of this file."""
    machine = "/v1/apps/{app}/machines/{machine}"
    return [route(f"{machine}/exec", post=_exec), route(f"{machine}/ps", get=_ps)]


async def _exec(request: Request) -> Response:
    wanted = await read_body(request, _Exec)
    argv, limit_s = wanted.argv(), wanted.limit_s()
    # fly-go sends no nonce with it, so that a lease cannot be in its way.
    lifecycle = machine_of(request)
    check_allowed("exec", lifecycle.record.state)
    return answer(await _executed(lifecycle, argv, (wanted.stdin or "").encode(), limit_s))


async def _executed(
    lifecycle: Lifecycle, argv: list[str], stdin: bytes, limit_s: int
) -> dict[str, Any]:
    """Run a command as the Machine's processes run; what leaves its session goes on."""
    began_at = time.time()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=lifecycle.execution.variables(),
            cwd=Path(lifecycle.record.blueprint.image.root),
            start_new_session=True,
        )
    except OSError as error:
        text = f"{argv[0]}: {error.strerror or error}\n"
        return {"exit_code": 127, "exit_signal": None, "stdout": "", "stderr": text}
    lifecycle.execution.visitors.add(process.pid)
    try:
        async with asyncio.timeout(limit_s):
            output, errors, _ = await asyncio.gather(
                _beginning(process.stdout), _beginning(process.stderr), _feed(process.stdin, stdin)
            )
            await process.wait()
    except TimeoutError:
        raise ApiError(408, f"deadline_exceeded: command did not end in {limit_s}s") from None
    finally:
        kill_group(process.pid)
        lifecycle.execution.visitors.discard(process.pid)
        await process.wait()
        lifecycle.execution.adopt(process.pid, began_at)
    code = process.returncode or 0
    return {
        "exit_code": code if code >= 0 else 128 - code,
        "exit_signal": -code if code < 0 else None,
        "stdout": output.decode("utf-8", "replace"),
        "stderr": errors.decode("utf-8", "replace"),
    }


async def _feed(pipe: asyncio.StreamWriter | None, data: bytes) -> None:
    """Write all to a command, unless it ends before it has read it."""
    if pipe is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(data)
        await pipe.drain()
    pipe.close()


async def _beginning(pipe: asyncio.StreamReader | None) -> bytes:
    """The first megabyte of what a command writes; it may go on writing."""
    kept = bytearray()
    while pipe and (chunk := await pipe.read(_CHUNK)):
        kept += chunk[: _LONGEST_OUTPUT - len(kept)]
    return bytes(kept)


async def _ps(request: Request) -> Response:
    lifecycle = machine_of(request)
    process = lifecycle.execution.process
    internal = {host: port for port, host in lifecycle.record.ports.items()}
    found = _process_tree(process.pid, internal) if process else []
    key, order = request.query_params.get("sort_by"), request.query_params.get("order") or "asc"
    if key not in (None, "", *_SORTED_BY) or order not in ("asc", "desc"):
        raise ValueError(f"expected sort_by {', '.join(_SORTED_BY)}, order asc or desc")
    if key:
        found.sort(key=lambda each: each[key], reverse=order == "desc")
    return answer(found)


def _process_tree(pid: int, internal: dict[int, int]) -> list[dict[str, Any]]:
    try:
        main = psutil.Process(pid)
        processes = [main, *main.children(recursive=True)]
    except psutil.Error:
        return []
    return [view for each in processes if (view := _process_view(each, internal))]


def _process_view(process: psutil.Process, internal: dict[int, int]) -> dict[str, Any] | None:
    """A process, or None when it has ended.

    Args:
        process: the process.
        internal: the internal port that each port given to the Machine stands for. A listener
            there is shown on the internal port of all addresses, where it would be on Fly.
    """
    try:
        times = process.cpu_times()
        listening = [
            {"proto": "tcp", "address": _address(each.laddr.ip, each.laddr.port, internal)}
            for each in process.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        ]
        return {
            "pid": process.pid,
            "command": shlex.join(process.cmdline()),
            "directory": process.cwd(),
            "cpu": 0,
            "rss": process.memory_info().rss,
            "rtime": int(times.user * 1000),
            "stime": int(times.system * 1000),
            "listen_sockets": listening,
        }
    except psutil.Error:
        return None


def _address(ip: str, port: int, internal: dict[int, int]) -> str:
    return f"0.0.0.0:{internal[port]}" if port in internal else f"{ip}:{port}"
