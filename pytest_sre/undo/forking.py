"""Keeps to this process what must be let go of when it ends.

A child that was forked has what its parent had open, and may live on when that is killed: a lock
would be held, and a pipe kept open, by one that knows nothing of them.
"""

import contextlib
import os
import threading
import weakref
from typing import IO, Any, Final

_LOCK: Final = threading.Lock()
_OWN: Final[weakref.WeakSet[IO[Any]]] = weakref.WeakSet()


def keep_from_children(file: IO[Any]) -> None:
    """Have it closed in every child that is forked from now on.

    One that is started by another program's name has no files of ours in any case.
    """
    with _LOCK:
        _OWN.add(file)


def _let_go() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for file in list(_OWN):
        # Its object is the child's as well, and will close the number: so that stays taken.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, file.fileno(), inheritable=False)
    os.close(nowhere)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
    os.register_at_fork(after_in_child=_let_go)
