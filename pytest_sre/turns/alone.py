"""Has who perturbs a target be alone with it, while others of the same run wait."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from pytest_sre.undo.forking import keep_from_children


@contextlib.contextmanager
def beside_others(file: Path, *, alone: bool) -> Iterator[None]:
    """Look at a target beside others, or perturb it alone; waits until that is possible.

    Args:
        file: the same one for all of a run; it is made.
        alone: whether nobody else is to be in such a block meanwhile.

    Raises:
        OSError: the file cannot be made.
    """
    with file.open("ab") as opened:
        keep_from_children(opened)
        fcntl.flock(opened, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
