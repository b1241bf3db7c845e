"""What a simulated Machine does instead of running a process: its script, and what follows from it.

Times in a script are seconds since the Machine was started; they begin again at each start.
"""

import math
from typing import Annotated, Final

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0, le=30 * 24 * 3600)]
Status = Annotated[int, msgspec.Meta(ge=200, le=599)]

_LONGEST: Final = 1000


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is answered to requests for a path and all below it.

    Args:
        path: where it holds; of several that fit the longest path is taken.
        method: the only one it holds for; all when empty.
        status: the HTTP status.
        body: the body, as text.
        headers: the headers beside the length.
        latency_s: how long the answer takes.
        log: the line that the app writes as it takes such a request; none when empty.
        from_s: since when it holds; of several for the same path the latest is taken.
    """

    path: str = "/"
    method: str = ""
    status: Status = 200
    body: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    latency_s: Seconds = 0.0
    log: str = ""
    from_s: Seconds = 0.0

    def fits(self, method: str, path: str, at_s: float) -> bool:
        """Whether it is for such a request, at that time."""
        below = self.path if self.path.endswith("/") else f"{self.path}/"
        return (
            self.from_s <= at_s
            and self.method.upper() in ("", method)
            and (path == self.path or path.startswith(below))
        )


class ScriptedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line that the app writes once after each start."""

    message: str
    at_s: Seconds = 0.0
    level: str = "info"


class ScriptedEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the app ends by itself after each start."""

    at_s: Seconds = 0.0
    exit_code: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    oom_killed: bool = False


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a simulated Machine does.

    Args:
        replies: its answers, to health checks too; all others are 404.
        listens_from_s: until then it refuses connections.
        stop_s: how long it takes to stop when it is asked to.
        lines: what it writes.
        end: how it ends by itself; it runs on when there is none.
    """

    replies: Annotated[tuple[Reply, ...], msgspec.Meta(max_length=_LONGEST)] = (Reply(),)
    listens_from_s: Seconds = 0.0
    stop_s: Seconds = 0.0
    lines: Annotated[tuple[ScriptedLine, ...], msgspec.Meta(max_length=_LONGEST)] = ()
    end: ScriptedEnd | None = None


_NOT_FOUND: Final = Reply(status=404, body="not found\n")


def reply_to(script: Script, method: str, path: str, at_s: float) -> Reply:
    """What the script answers.

    Args:
        script: the script.
        method: of the request, in upper case.
        path: of the request, without its query.
        at_s: seconds since the start.
    """
    fitting = [reply for reply in script.replies if reply.fits(method, path, at_s)]
    return max(fitting, key=_precedence, default=_NOT_FOUND)


def _precedence(reply: Reply) -> tuple[int, bool, float]:
    return len(reply.path), bool(reply.method), reply.from_s


def changes_s(script: Script) -> tuple[float, ...]:
    """When its answers change, in seconds since the start; sorted, none twice."""
    times = {script.listens_from_s, *(reply.from_s for reply in script.replies)}
    return tuple(sorted(times - {0.0}))


def lines_said(script: Script) -> tuple[ScriptedLine, ...]:
    """What is written until the script ends, in that order."""
    end_s = script.end.at_s if script.end else math.inf
    until_end = (line for line in script.lines if line.at_s <= end_s)
    return tuple(sorted(until_end, key=lambda line: line.at_s))
