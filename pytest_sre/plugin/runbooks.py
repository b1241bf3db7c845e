"""Which runbook a test names, and which tests alert without telling anyone what to do."""

from collections.abc import Iterable
from pathlib import Path

import pytest


def runbook_of(item: pytest.Item) -> Path | None:
    """Find the runbook that a test's ``sre`` marker names, in the nearest ``runbooks/`` folder.

    That may be one of ``docs/``, too.

    Returns:
        Its path, or where it ought to be when there is no such file; None when none is named,
        or a page elsewhere is.
    """
    marker = item.get_closest_marker("sre")
    name = str(marker.kwargs.get("runbook", "")) if marker else ""
    if not name or is_link(name):
        return None
    near = [folder for parent in item.path.parents for folder in (parent, parent / "docs")]
    folders = [folder / "runbooks" for folder in near]
    found = (folder / name for folder in folders if (folder / name).is_file())
    return next(found, item.path.parent / "runbooks" / name)


def is_link(runbook: str) -> bool:
    """Whether a runbook is a page elsewhere."""
    return runbook.startswith(("https://", "http://"))


def unactionable(items: Iterable[pytest.Item]) -> list[str]:
    """Name the critical tests without a runbook, and the runbooks that do not exist."""
    complaints = {}
    for item in items:
        marker = item.get_closest_marker("sre")
        if marker is None:
            continue
        function = item.nodeid.partition("[")[0]
        runbook = runbook_of(item)
        if is_link(str(marker.kwargs.get("runbook", ""))):
            continue
        if runbook is None and marker.kwargs.get("severity") == "critical":
            complaints[function] = f"{function} is critical and names no runbook"
        elif runbook is not None and not runbook.is_file():
            complaints[function] = f"{function} names a runbook that is not there: {runbook.name}"
    return list(complaints.values())
