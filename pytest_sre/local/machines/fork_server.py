"""The process from which Machines of a warm image are forked: ``python fork_server.py FD``.

A process that it forked tells at its end, when that comes in order, which libraries it had loaded.
Those are loaded here before the next one is forked, but never the app's own code: a Machine's
process does at its start what it would do anyway, without the wait for its libraries. It imports
nothing but the standard library, and nothing of this package.

On the socket ``FD`` each byte with three descriptors asks for a process: a file that says in JSON
what to run, and where its output and its errors go. The answers are lines of JSON: ``{"pid": …}``
for each request in turn, ``{"ended": pid, "code": …}`` for each end. When the socket is closed it
kills all that it has forked, and ends.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

FIRST_OTHER_FD = 3


def serve(asked: socket.socket) -> Callable[[], None] | None:
    """Fork processes until nobody asks any more.

    Returns:
        What a forked process is to run; None in the process that forked it, at its end.
    """
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    forked: set[int] = set()
    while True:
        ready, _, _ = select.select([asked.fileno(), waking], [], [])
        if waking in ready:
            os.read(waking, 512)
        if asked.fileno() in ready:
            said, descriptors, _, _ = socket.recv_fds(asked, 1, 3)
            if not said:
                break
            run = _fork(asked, descriptors, forked)
            if run:
                return run
        _tell_of_ends(asked, forked)
    for pid in forked:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return None


def _fork(
    asked: socket.socket, descriptors: list[int], forked: set[int]
) -> Callable[[], None] | None:
    with os.fdopen(descriptors[0]) as file:
        wanted = json.load(file)
    _warm_up(wanted)
    waiting, ready = os.pipe()
    pid = os.fork()
    if not pid:
        # Its number may soon be another file's.
        asked.detach()
        return _become(wanted, descriptors[1:])
    forked.add(pid)
    for each in (*descriptors[1:], ready):
        os.close(each)
    # Closed by it once it leads a session of its own, and can be signalled as a group.
    os.read(waiting, 1)
    os.close(waiting)
    _tell(asked, {"pid": pid})
    return None


def _tell_of_ends(asked: socket.socket, forked: set[int]) -> None:
    while forked:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        if pid in forked:
            forked.discard(pid)
            _tell(asked, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(asked: socket.socket, told: dict[str, int]) -> None:
    with suppress(OSError):
        asked.sendall(json.dumps(told).encode() + b"\n")


def _become(wanted: dict[str, Any], outputs: list[int]) -> Callable[[], None]:
    """Be the Machine's process from now on; what it is to run."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for given, own in zip([nothing, *outputs], (0, 1, 2), strict=True):
        os.dup2(given, own)
    os.closerange(FIRST_OTHER_FD, os.sysconf("SC_OPEN_MAX"))
    _settle_in(wanted)
    gc.unfreeze()
    return lambda: _run(wanted)


def _settle_in(wanted: dict[str, Any]) -> None:
    """Take over the environment and the directory."""
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    os.chdir(wanted["directory"])
    script = wanted["script"]
    sys.path.insert(0, str(Path(script).resolve().parent) if script else wanted["directory"])


def _run(wanted: dict[str, Any]) -> None:
    sys.argv = [wanted["script"] or wanted["module"], *wanted["arguments"]]
    try:
        if wanted["script"]:
            runpy.run_path(wanted["script"], run_name="__main__")
        else:
            runpy.run_module(wanted["module"], run_name="__main__", alter_sys=True)
    finally:
        with suppress(OSError):
            _tell_what_is_loaded(wanted)


_warmed: dict[str, int] = {}


def _warm_up(wanted: dict[str, Any]) -> None:
    """Load the libraries that an earlier process of the same module had loaded at its end."""
    path = _loaded_file(wanted)
    try:
        written_ns = path.stat().st_mtime_ns
        names = path.read_text("utf-8").split()
    except OSError:
        return
    if _warmed.get(path.name) == written_ns:
        return
    _warmed[path.name] = written_ns
    for name in names:
        # What cannot be loaded here is loaded by the process, or fails there.
        with suppress(BaseException):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _tell_what_is_loaded(wanted: dict[str, Any]) -> None:
    """Write down which modules this process has loaded that are not the app's own."""
    root = wanted["directory"]
    names = [name for name, module in list(sys.modules.items()) if _is_library(module, root)]
    path = _loaded_file(wanted)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text("\n".join(names), "utf-8")
    partial.replace(path)


def _loaded_file(wanted: dict[str, Any]) -> Path:
    name = quote(wanted["module"] or wanted["script"], safe="")
    return Path(sys.pycache_prefix or "", f"{name}.loaded")


def _is_library(module: ModuleType, root: str) -> bool:
    file: str = getattr(module, "__file__", None) or ""
    return bool(file) and ("site-packages" in file or not file.startswith(f"{root}/"))


if __name__ == "__main__":
    # What is compiled, the app's own code, too, is kept with the platform's other files.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = sys.argv[2]
    Path(sys.argv[2]).mkdir(exist_ok=True)
    run = serve(socket.socket(fileno=int(sys.argv[1])))
    if run:
        run()
