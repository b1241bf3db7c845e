"""What ``pytest-sre load worker`` does; the command line prints what is returned."""

from collections.abc import Mapping

from pytest_sre.load.remote.asked import read_address
from pytest_sre.load.remote.joining import NotJoinedError, end_within, serve
from pytest_sre.load.remote.secret import secret_in
from pytest_sre.local.commands import Outcome
from pytest_sre.targets.durations import parse_duration_s

_USAGE = 4
_WAITS_S = 600.0


def work(master: str, name: str, lasts: str, environment: Mapping[str, str]) -> Outcome:
    """Join a session and make a share of its loads until it ends.

    Args:
        master: where the session listens, ``HOST:PORT``.
        name: of this worker, for reports.
        lasts: after what time it ends, whatever happens, such as ``6h``.
        environment: has the secret that both know.

    Returns:
        Exit code 0 when it had worked for a session, 1 when there was none, 4 for a mistake.
    """
    try:
        host, port = read_address(master)
        lasts_s = parse_duration_s(lasts)
        secret = secret_in(environment)
    except ValueError as error:
        return Outcome(_USAGE, (str(error),))
    end_within(lasts_s)
    try:
        waits_s = min(_WAITS_S, lasts_s)
        serve(host, port, secret, name=name, waits_s=waits_s)
    except NotJoinedError as error:
        return Outcome(1, (str(error),))
    return Outcome(0, (f"the session at {master} ended",))
