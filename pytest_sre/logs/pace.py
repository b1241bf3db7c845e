"""How often an app writes lines for the requests that it answers: pure.

Lines come in bursts, several for one request, so bursts are counted and not lines.
"""

import itertools
from collections.abc import Iterable

MUTE = 6.0
"""So many bursts were due and none came: then lines are missing (e^-6 is 1 in 400)."""

_BURST_S = 0.1
_FEWEST_REQUESTS = 20


def bursts(lines_at: Iterable[float]) -> int:
    """Count the moments at which lines came, those within 0.1 s of one another as one.

    Args:
        lines_at: when lines were written, Unix seconds.
    """
    ordered = sorted(lines_at)
    pauses = (after - before for before, after in itertools.pairwise(ordered))
    return bool(ordered) + sum(pause > _BURST_S for pause in pauses)


def bursts_a_request(lines_at: Iterable[float], requests_at: Iterable[float]) -> float | None:
    """Give the bursts of lines that a request leaves; None when too few were made to tell.

    Lines before the first request and after the last are left out.
    """
    asked = sorted(requests_at)
    if len(asked) < _FEWEST_REQUESTS:
        return None
    return bursts(at for at in lines_at if asked[0] <= at <= asked[-1]) / len(asked)
