import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs.events import events_of
from pytest_sre.logs.signatures import compared, signatures
from pytest_sre.recording.rows import LogLine

LEVELS = ("debug", "info", "warning", "error", "critical")
TEXTS = st.text(max_size=30) | st.lists(st.sampled_from(["a", "b", "1", "2s", "x=3"])).map(" ".join)


def line(message: str, at: float = 1.0, machine: str = "m1", level: str = "error") -> LogLine:
    return LogLine(at=at, app="shop", machine=machine, region="iad", level=level, message=message)


LINES = st.lists(
    st.builds(line, TEXTS, at=st.floats(0, 9), level=st.sampled_from(LEVELS)), max_size=30
)


@given(LINES)
def test_every_line_is_in_exactly_one_signature(lines: list[LogLine]) -> None:
    found = signatures(lines)

    assert sum(one.lines for one in found) == len(lines)
    assert len({one.id for one in found}) == len(found)
    for level in LEVELS:
        expected = sum(one.level == level for one in lines)
        assert sum(one.lines for one in found if one.level == level) == expected


@given(LINES, LINES)
def test_windows_grouped_together_keep_their_lines_and_agree_on_ids(
    one: list[LogLine], other: list[LogLine]
) -> None:
    found = compared(events_of(one), events_of(other))

    for index, lines in enumerate((one, other)):
        seen = [common.windows[index] for common in found]
        assert sum(part.lines for part in seen if part) == len(lines)
    for common in found:
        assert len({part.id for part in common.windows if part}) == 1


def test_a_signature_says_how_often_when_where_and_how() -> None:
    found = signatures(
        [line(f"order {n} failed", at=float(n), machine=f"m{n % 2}") for n in (5, 3, 9, 7, 3)]
    )

    assert len(found) == 1
    assert (found[0].template, found[0].count) == ("order <n> failed", 5)
    assert (found[0].first_at, found[0].last_at) == (3.0, 9.0)
    assert found[0].machines == ("m1",)
    assert found[0].samples == ("order 3 failed", "order 5 failed", "order 7 failed")


def test_an_error_is_not_taken_for_the_informational_line_it_resembles() -> None:
    quiet = [line(f"order {n} sent to store in iad", level="info") for n in range(1000)]
    found = signatures([*quiet, line("order 7 lost to store in iad", level="error")])

    assert [(one.level, one.count) for one in found] == [("info", 1000), ("error", 1)]


def test_short_lines_are_counted() -> None:
    found = signatures([line("panic: oops"), line("panic: oops"), line("x"), line("")])

    assert {one.template: one.count for one in found} == {"panic: oops": 2, "x": 1, "": 1}


def test_what_json_and_plain_lines_say_is_what_counts() -> None:
    found = signatures(
        [line('{"level":"error","msg":"order 7 lost"}'), line("ERROR: order 8 lost")]
    )

    assert [(one.template, one.count) for one in found] == [("order <n> lost", 2)]


def test_ids_are_the_same_in_another_process() -> None:
    script = (
        "from pytest_sre.logs.signatures import signatures\n"
        "from pytest_sre.recording.rows import LogLine\n"
        "about = dict(at=1, app='', machine='', region='')\n"
        "line = LogLine(**about, level='error', message='order 9 lost')\n"
        "print(signatures([line])[0].id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == signatures([line("order 7 lost")])[0].id
    assert signatures([line("order 7 lost", level="critical")])[0].id != done.stdout.strip()
