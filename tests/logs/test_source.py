from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.models import LogEntry
from pytest_sre.logs import LogTail

Page = tuple[list[LogEntry], str]


def entry(at: float, message: str = "a", machine: str = "m1", **fields: str) -> LogEntry:
    return LogEntry(at=at, message=message, machine=machine, **fields)


class FakeLogs:
    """A log in pages; the next one begins at the last line's time, that line included or not."""

    def __init__(self, entries: Sequence[LogEntry], page: int = 3, *, inclusive: bool) -> None:
        self.entries = list(entries)
        self.page = page
        self.inclusive = inclusive
        self.tokens: list[str] = []

    def __call__(self, token: str) -> Page:
        self.tokens.append(token)
        start = int(token)
        rest = [
            entry
            for entry in self.entries
            if _ns(entry) > start or (self.inclusive and _ns(entry) == start)
        ]
        found = rest[: self.page]
        return found, str(_ns(found[-1])) if found else ""


def _ns(entry: LogEntry) -> int:
    return int(entry.at * 1_000_000_000)


@pytest.mark.parametrize("inclusive", [True, False])
@given(st.lists(st.integers(101, 200), unique=True, max_size=20), st.integers(0, 20))
def test_each_line_is_given_once_however_pages_meet(
    inclusive: bool, seconds: list[int], late: int
) -> None:
    entries = [entry(float(second), f"line {second}") for second in sorted(seconds)]
    logs = FakeLogs(entries[:late], inclusive=inclusive)
    tail = LogTail(logs, "shop", since_at=100.0)
    given_lines = tail.poll()
    logs.entries = entries
    given_lines += tail.poll()

    assert [line.message for line in given_lines] == [entry.message for entry in entries]
    assert tail.poll() == []


def test_the_first_page_is_asked_for_from_the_deploy_on_and_older_lines_are_left_out() -> None:
    def logs(token: str) -> Page:
        tokens.append(token)
        return [entry(99.9, "before"), entry(100.0, "at"), entry(100.5, "after")], "100500000000"

    tokens: list[str] = []
    lines = LogTail(logs, "shop", since_at=100.0).poll()

    assert tokens[0] == "100000000000"
    assert [line.message for line in lines] == ["at", "after"]


def test_lines_become_rows_with_the_level_they_say() -> None:
    entries = [
        entry(101.0, "ERROR: boom", machine="m2", level="info", region="iad", provider="app"),
        entry(102.0, "[PR04] no candidate", level="error", provider="proxy"),
        entry(103.0, "up", level="info"),
    ]
    lines = LogTail(FakeLogs(entries, inclusive=True), "shop", since_at=100.0).poll()

    assert [(line.level, line.provider) for line in lines] == [
        ("error", "app"),
        ("error", "proxy"),
        ("info", "app"),
    ]
    first = lines[0]
    assert (first.at, first.app, first.machine, first.region) == (101.0, "shop", "m2", "iad")
    assert first.message == "ERROR: boom"


def test_two_machines_may_say_the_same_at_the_same_time() -> None:
    entries = [entry(101.0, machine="m1"), entry(101.0, machine="m2")]
    lines = LogTail(FakeLogs(entries, inclusive=True), "shop", since_at=100.0).poll()

    assert [line.machine for line in lines] == ["m1", "m2"]


def test_lines_read_before_a_page_failed_are_given_by_the_next_poll() -> None:
    class UnreachableError(Exception):
        pass

    def failing(token: str) -> Page:
        if len(logs.tokens) == 1:
            logs.tokens.append("failed")
            raise UnreachableError
        return logs(token)

    logs = FakeLogs([entry(101.0 + number, f"{number}") for number in range(6)], inclusive=False)
    tail = LogTail(failing, "shop", since_at=100.0)

    with pytest.raises(UnreachableError):
        tail.poll()
    assert [line.message for line in tail.poll()] == ["0", "1", "2", "3", "4", "5"]


def test_a_log_that_never_ends_does_not_hold_a_poll() -> None:
    def endless(token: str) -> Page:
        at = int(token) / 1e9 + 1
        return [entry(at)], str(int(at * 1e9))

    tail = LogTail(endless, "shop", since_at=100.0)

    first, second = tail.poll(), tail.poll()
    assert first
    assert second[0].at > first[-1].at


def test_what_was_given_is_not_remembered_for_ever() -> None:
    def busy(token: str) -> Page:
        start = int(token) // 1_000_000_000
        return [entry(start + number / 1000) for number in range(1, 1001)], str(
            (start + 1) * 1_000_000_000
        )

    tail = LogTail(busy, "shop", since_at=100.0)

    assert len(tail.poll()) == 50_000
    assert len(tail._given) <= 10_000
