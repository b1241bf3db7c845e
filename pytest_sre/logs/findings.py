"""What rules find in the lines of a run."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence

import msgspec

from pytest_sre.logs.engines import engine_of
from pytest_sre.logs.files import Chunk
from pytest_sre.logs.rules import Rule
from pytest_sre.logs.scan import Finding, Scan
from pytest_sre.recording.rows import LogLine

_LINES_A_CHUNK = 2_000


def find(
    lines: Sequence[LogLine], rules: Sequence[Rule], ignore: Iterable[re.Pattern[str]] = ()
) -> list[Finding]:
    """What rules find in an app's log, the worst and most frequent first.

    Args:
        lines: the log; a finding's line numbers count them from 1.
        rules: what is looked for.
        ignore: a line in which one of these is found is in no finding.
    """
    scan = Scan(rules, engine_of(rules), ignore)
    scan.begin("log")
    for start in range(0, len(lines), _LINES_A_CHUNK):
        data = b"".join(map(_shipped, lines[start : start + _LINES_A_CHUNK]))
        scan.add(Chunk(data, len(data)))
    return [*scan.report().findings]


def _shipped(line: LogLine) -> bytes:
    """The line as Fly's log shipper writes it, in which a scan knows Machine and time."""
    written = {
        "fly": {"app": {"instance": line.machine}},
        "message": line.message.encode(errors="replace").decode(),
        "timestamp": dt.datetime.fromtimestamp(line.at, dt.UTC).isoformat(),
    }
    return msgspec.json.encode(written) + b"\n"
