"""Calls that do something to a running Machine: start, stop, signal, exec and their like."""

import asyncio
import shlex
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    duration_s,
    flag,
    leased_machine_of,
    machine_of,
    read_body,
    route,
)
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.machines.process import kill_group
from pytest_sre.local.machines.signals import signal_number
from pytest_sre.local.machines.state import check_allowed

_EXEC_TIMEOUT_S: Final = 30.0
_LONGEST_OUTPUT: Final = 1024 * 1024


class _Stop(msgspec.Struct):
    signal: str | int | None = None
    timeout: str | float | None = None


class _Signal(msgspec.Struct):
    signal: str | int


class _Exec(msgspec.Struct):
    command: list[str] | None = None
    cmd: str = ""
    stdin: str = ""
    timeout: float | None = None


def action_routes() -> list[BaseRoute]:
    """The routes of this file."""
    machine = "/v1/apps/{app}/machines/{machine}"
    return [
        route(f"{machine}/start", post=_start),
        route(f"{machine}/stop", post=_stop),
        route(f"{machine}/restart", post=_restart),
        route(f"{machine}/suspend", post=_suspend),
        route(f"{machine}/signal", post=_signal),
        route(f"{machine}/exec", post=_exec),
        route(f"{machine}/cordon", post=_cordon),
        route(f"{machine}/uncordon", post=_uncordon),
        route(f"{machine}/ps", get=_ps),
    ]


async def _start(request: Request) -> Response:
    before = leased_machine_of(request).start()
    return answer({"previous_state": before, "migrated": False, "new_host": ""})


async def _stop(request: Request) -> Response:
    wanted = await read_body(request, _Stop)
    leased_machine_of(request).stop(wanted.signal, duration_s(wanted.timeout))
    return answer({"ok": True})


async def _restart(request: Request) -> Response:
    query = request.query_params
    leased_machine_of(request).restart(
        query.get("signal"), duration_s(query.get("timeout")), force=flag(request, "force_stop")
    )
    return answer({"ok": True})


async def _suspend(request: Request) -> Response:
    leased_machine_of(request).suspend()
    return answer({"ok": True})


async def _signal(request: Request) -> Response:
    lifecycle = leased_machine_of(request)
    number = signal_number((await read_body(request, _Signal)).signal)
    check_allowed("signal", lifecycle.record.state)
    lifecycle.execution.signal(number)
    return answer({"ok": True})


async def _cordon(request: Request) -> Response:
    leased_machine_of(request).set_cordoned(True)
    return answer({"ok": True})


async def _uncordon(request: Request) -> Response:
    leased_machine_of(request).set_cordoned(False)
    return answer({"ok": True})


async def _exec(request: Request) -> Response:
    lifecycle = leased_machine_of(request)
    wanted = await read_body(request, _Exec)
    command = wanted.command or shlex.split(wanted.cmd)
    if not command:
        raise ApiError(400, "invalid_argument: command is required")
    check_allowed("exec", lifecycle.record.state)
    timeout_s = _EXEC_TIMEOUT_S if wanted.timeout is None else wanted.timeout
    return answer(await _executed(lifecycle, command, wanted.stdin.encode(), timeout_s))


async def _executed(
    lifecycle: Lifecycle, command: list[str], stdin: bytes, timeout_s: float
) -> dict[str, Any]:
    """Run a command as the Machine's processes run, and what it left behind."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=lifecycle.execution.variables(),
            cwd=Path(lifecycle.record.blueprint.image.root),
            start_new_session=True,
        )
    except OSError as error:
        text = f"{command[0]}: {error.strerror or error}\n"
        return {"exit_code": 127, "exit_signal": None, "stdout": "", "stderr": text}
    lifecycle.execution.visitors.add(process.pid)
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await process.communicate(stdin)
    except TimeoutError:
        raise ApiError(408, f"deadline_exceeded: command did not end in {timeout_s:g}s") from None
    finally:
        kill_group(process.pid)
        lifecycle.execution.visitors.discard(process.pid)
        await process.wait()
    code = process.returncode or 0
    return {
        "exit_code": code if code >= 0 else 128 - code,
        "exit_signal": -code if code < 0 else None,
        "stdout": output[:_LONGEST_OUTPUT].decode("utf-8", "replace"),
        "stderr": errors[:_LONGEST_OUTPUT].decode("utf-8", "replace"),
    }


async def _ps(request: Request) -> Response:
    lifecycle = machine_of(request)
    process = lifecycle.execution.process
    internal = {host: port for port, host in lifecycle.record.ports.items()}
    return answer(_process_tree(process.pid, internal) if process else [])


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
