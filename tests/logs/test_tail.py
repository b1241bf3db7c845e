"""No line is lost and none given twice, however badly a server serves its pages."""

from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_sre.fly.models import LogEntry
from pytest_sre.logs import LogTail
from pytest_sre.logs.source import LATE_S

NS = 1_000_000_000
SINCE_NS = 100 * NS


class CutError(Exception):
    """The server did not answer."""


@dataclass
class Server:
    """A log that grows, served by a plan of misbehaviour; when the plan is used up, well.

    Each step of the plan says how the next page is served: ``cut`` fails it, ``short`` gives a
    part of it, ``empty`` nothing, ``again`` the page before once more, ``shuffled`` in another
    order.
    """

    inclusive: bool
    page: int
    plan: list[str]
    lines: list[tuple[int, str, str]] = field(default_factory=list)
    last: tuple[list[LogEntry], str] = ([], "")

    def __call__(self, token: str) -> tuple[list[LogEntry], str]:
        step = self.plan.pop(0) if self.plan else "well"
        if step == "cut":
            raise CutError
        if step == "empty":
            return [], token
        if step == "again" and self.last[1]:
            return self.last
        start = int(token)
        found = sorted(
            line for line in self.lines if line[0] > start or (self.inclusive and line[0] == start)
        )[: self.page]
        if step == "short":
            found = found[: max(len(found) // 2, 1)]
        next_token = str(found[-1][0]) if found else token
        if step == "shuffled":
            found.reverse()
        self.last = ([_entry(*line) for line in found], next_token)
        return self.last


def _entry(at_ns: int, machine: str, message: str) -> LogEntry:
    # As the API is read: whole microseconds.
    return LogEntry(at=at_ns // 1_000 / 1e6, machine=machine, message=message)


def drain(tail: LogTail, server: Server) -> list[str]:
    """Poll until nothing comes any more, and no longer than a plan can last."""
    said = []
    quiet = 0
    for _ in range(200):
        is_planned = bool(server.plan)
        try:
            lines = tail.poll()
        except CutError:
            continue
        said += [f"{line.machine} {line.message}" for line in lines]
        quiet = 0 if lines or is_planned else quiet + 1
        if quiet > 2:
            return said
    raise AssertionError("the tail never came to rest")


STEPS = st.sampled_from(["well", "cut", "short", "empty", "again", "shuffled"])
MS = 1_000_000


@st.composite
def rounds(draw):
    """Lines by the poll before which they come; late ones come up to `LATE_S` behind others."""
    now_ns, number, found = SINCE_NS + NS, 0, []
    for _ in range(draw(st.integers(1, 4))):
        now_ns += draw(st.integers(0, 8_000)) * MS
        lines = []
        for _ in range(draw(st.integers(0, 12))):
            late_ns = draw(st.integers(0, int(LATE_S * 1000) - 1)) * MS
            at_ns = max(now_ns - late_ns, SINCE_NS + NS)
            lines.append((at_ns + number, draw(st.sampled_from(["m1", "m2"])), f"line {number}"))
            number += 1
        found.append(lines)
        now_ns = max([now_ns, *(line[0] for line in lines)])
    return found


@given(rounds(), st.booleans(), st.integers(3, 8), st.lists(STEPS, max_size=12))
@example([[(SINCE_NS + NS, "m1", "line 0")]], False, 3, ["empty", "empty", "empty"])
def test_lines_are_given_once_whatever_the_pages_are_like(batches, inclusive, page, plan):
    server = Server(inclusive, page, plan)
    tail = LogTail(server, "shop", since_at=SINCE_NS / NS)
    said = []
    for batch in batches:
        server.lines += batch
        said += drain(tail, server)

    assert sorted(said) == sorted(f"{machine} {text}" for _, machine, text in server.lines)


def test_a_clock_that_runs_ahead_hides_no_line_of_others():
    """A line from the future moves the token there; what comes meanwhile is read all the same."""
    now_s = 200.0
    server = Server(inclusive=False, page=100, plan=[])
    tail = LogTail(server, "shop", since_at=100.0, now=lambda: now_s)
    server.lines = [(150 * NS, "m1", "a"), (9_000 * NS, "m2", "from the future")]
    said = drain(tail, server)
    for _ in range(3):
        now_s += 60.0
        server.lines.append((int((now_s - 40) * NS), "m1", f"at {now_s:g}"))
        said += drain(tail, server)

    assert said == ["m1 a", "m2 from the future", "m1 at 260", "m1 at 320", "m1 at 380"]


def test_lines_that_say_the_same_within_a_microsecond_are_all_given():
    server = Server(inclusive=False, page=100, plan=[])
    server.lines = [(150 * NS + n, "m1", "again") for n in range(3)]
    tail = LogTail(server, "shop", since_at=100.0)

    assert drain(tail, server) == ["m1 again"] * 3


def test_looking_back_does_not_keep_a_busy_log_from_going_on():
    """Of a log with more lines in the time looked back over than a poll reads."""
    lines = [(SINCE_NS + number * 10_000, "m1", f"{number}") for number in range(1, 20_001)]
    tail = LogTail(_paged(lines), "shop", since_at=SINCE_NS / NS)
    given_lines = []
    for _ in range(8):
        given_lines += tail.poll(pages=10)

    assert len(given_lines) == len({line.message for line in given_lines}) == 20_000


def _paged(lines):
    """Pages of a log with a line each 10 µs, by index and not by search."""

    def page(token):
        start = max((int(token) - SINCE_NS) // 10_000, 0)
        found = lines[start : start + 500]
        return [_entry(*line) for line in found], str(found[-1][0]) if found else token

    return page
