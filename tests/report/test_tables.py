"""What is shown of foreign text: on its line, within its width, and without power."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pytest_sre.fly.fleet import Spread
from pytest_sre.fly.models import Check, Event, EventRequest, ExitEvent
from pytest_sre.judge.causes import Cause, Failure
from pytest_sre.judge.conclusion import Tally, conclude
from pytest_sre.logs.errors import error_groups
from pytest_sre.logs.events import events_of
from pytest_sre.logs.novelty import rate_changed
from pytest_sre.logs.signatures import signatures
from pytest_sre.recording.rows import Exchange, LogLine
from pytest_sre.report.block import Seen, verdict_block
from pytest_sre.report.explaining import explain
from pytest_sre.report.tables import clean, clock, exchanges_table, log_excerpt, table
from pytest_sre.verdict import Verdict

WIDTH = 120
hostile = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\nb\r\nc", "\x9b2J", "[bold]x[/]"]
    ),
)


def is_harmless(text: str) -> bool:
    """Nothing in it acts on a terminal, or reorders what is shown."""
    return not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in text if c != "\n")


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(hostile, min_size=n, max_size=n), min_size=1, max_size=5)
    )
)
def test_a_table_has_a_line_a_row_and_never_exceeds_its_width(rows):
    titles = [f"column {n}" for n in range(len(rows[0]))]

    lines = table(titles, rows).split("\n")

    assert len(lines) == 1 + len(rows)
    assert max(map(cell_len, lines)) <= WIDTH
    assert all(map(is_harmless, lines))
    assert all(title in lines[0] for title in titles)


def test_narrow_columns_are_shown_whole_and_the_last_gives_way():
    shown = table(("Machine", "status", "what came"), [("web-iad-148e21", "503", "x" * 500)])

    assert "web-iad-148e21" in shown
    assert "503" in shown
    assert shown.endswith("…")


def test_markup_in_foreign_text_is_shown_as_it_is():
    assert "[bold red]x[/]" in table(("a",), [("[bold red]x[/]",)])


@given(hostile, st.integers(1, 80))
def test_cleaned_text_is_one_harmless_line_within_its_width(text, width):
    shown = clean(text, width)

    assert len(shown) <= width
    assert is_harmless(shown)
    assert "\n" not in shown


def test_cleaned_text_keeps_what_can_be_read():
    assert clean("café \t 日本\n№ 5", 40) == "café 日本 № 5"
    assert clean("abcdef", 4) == "abc…"


def test_requests_are_shown_by_machine_with_what_came():
    about = {"at": 1.0, "source": "probe", "app": "shop", "method": "GET"}
    failed = Exchange(
        **about,
        url="http://shop/readyz?x=1",
        machine="148e21aa",
        region="iad",
        status=503,
        total_s=0.0123,
        body_head="store\nis \x1b[31mdown",
    )
    refused = Exchange(**about, url="http://shop", error_kind="refused", error="no one there")

    titles, first, second = exchanges_table(
        [failed, refused], {"148e21aa": "web-iad-148e21"}
    ).splitlines()

    assert titles.split() == ["Machine", "region", "request", "status", "time", "what", "came"]
    assert first.split()[:7] == ["web-iad-148e21", "iad", "GET", "/readyz", "503", "12", "ms"]
    assert first.endswith("store is [31mdown")
    assert second.split() == ["shop", "GET", "/", "refused", "-", "no", "one", "there"]


def test_log_lines_are_shown_with_their_time_in_utc():
    about = {"app": "shop", "machine": "m1", "region": "iad", "level": "error"}
    lines = [LogLine(at=1_769_860_800.0, message='{"msg":"no \\u001b[2Jstore"}', **about)]

    assert log_excerpt("log of web-iad-m1 (UTC):", events_of(lines), 3) == (
        "log of web-iad-m1 (UTC):\n  12:00:00 error    no [2Jstore\n  and 3 more"
    )
    assert clock(0) == "00:00:00"


SEEN = Seen(
    releases=("shop v2 (shop:v2) on prod, 3 Machines in ams, iad", "jobs v7 on prod, no Machine"),
    requests=200,
    failed=5,
    p95_s=0.0421,
    bake_s=30.0,
    log_lines=77,
    flakes=("probe passed at try 2, at first: 503",),
    evidence=".sre/runs/x.sqlite",
)


def test_the_block_says_verdict_causes_doubts_sizes_and_evidence():
    failed = Failure("test_x", Verdict.UNHEALTHY, "no", severity="critical")
    unsure = Failure("test_y", Verdict.INCONCLUSIVE, "dns", cause="own dns")
    causes = [Cause("web exits by itself", (failed, failed)), Cause("own dns", (unsure,))]
    suites = {
        "health": Tally(healthy=3, unhealthy=2),
        "bake": Tally(inconclusive=1),
        "edge": Tally(not_asked=4, interrupted=1),
    }

    block = verdict_block(conclude(suites, causes, gaps=["the run was stopped"]), SEEN)

    assert block == [
        "UNHEALTHY  shop v2 (shop:v2) on prod, 3 Machines in ams, iad",
        "           jobs v7 on prod, no Machine",
        "  because  web exits by itself  [2 tests, critical]",
        "  unsure   own dns  [1 test]",
        "  unsure   the run was stopped",
        "  unsure   nothing was tested in edge: 1 interrupted",
        "  tested   bake 0/1, health 3/5 (4 not asked of this target, 1 interrupted)",
        "  seen     200 requests, 5 failed (2.5%), p95 42 ms; 77 log lines; bake of 30.0 s",
        "  flaky    probe passed at try 2, at first: 503",
        "  evidence .sre/runs/x.sqlite",
    ]


def test_a_run_that_saw_nothing_says_so():
    nothing = Seen((), 0, 0, 0.0, 0.0, 0, (), "x")

    first, *rest = verdict_block(conclude({}, []), nothing)

    assert first == "INCONCLUSIVE  no app"
    assert "  tested   nothing" in rest
    assert "  seen     0 requests; 0 log lines; no bake" in rest


def test_many_causes_are_counted_instead_of_listed():
    failed = Failure("test_x", Verdict.UNHEALTHY, "no")
    causes = [Cause(f"cause {n}", (failed,)) for n in range(50)]

    block = verdict_block(conclude({"a": Tally(unhealthy=50)}, causes), SEEN)

    assert len(block) < 30
    shown = sum("because" in line for line in block)
    assert f"  and      {50 - shown} more causes" in block


@given(hostile, hostile, hostile)
def test_nothing_foreign_in_the_block_acts_on_the_terminal(title, gap, release):
    cause = Cause(title, (Failure("test_x", Verdict.UNHEALTHY, title),))
    seen = Seen((release,), 1, 0, 0.1, 1.0, 1, (gap,), "x")

    block = verdict_block(conclude({"a": Tally(unhealthy=1)}, [cause], gaps=[gap]), seen)

    assert all(is_harmless(line) and "\n" not in line for line in block)


def test_a_spread_that_is_not_as_expected_names_the_machines_that_differ():
    spread = Spread([("web-iad-1", "v2"), ("web-iad-2", "v1\x1b[2J"), ("worker-iad-3", "v2")])

    summary, titles, *rows = explain("==", spread, {"v2"})

    assert summary == "expected every Machine to show v2, found 1 that do not"
    assert titles.split() == ["Machine", "shows"]
    assert [row.split() for row in rows] == [["web-iad-2", "v1", "[2J"]]
    assert explain("==", Spread([]), {"v2"}) == ["expected some Machine to show v2, found none"]


def test_lists_of_what_should_not_be_there_are_tables():
    ending = EventRequest(ExitEvent(exit_code=137, oom_killed=True))
    about = {"app": "shop", "machine": "m1", "region": "iad", "level": "error"}
    lines = [LogLine(at=0.0, message="ERROR no store", **about)] * 2
    errors = error_groups(lines)

    cases = {
        "expected no check that fails, found 1": [Check("ready", "critical", "no\nstore")],
        "expected no exit, found 1": [Event(type="exit", timestamp=1000, request=ending)],
        "expected no kind of error, found 1": errors,
        "expected no line that says this, found 1": signatures(lines),
        "expected no line that is more frequent, found 1": rate_changed(
            lines, lines * 9, baseline_s=60.0, current_s=60.0
        ),
    }
    for summary, found in cases.items():
        first, _, row = explain("==", found, [])
        assert first == summary
        assert any(words in row for words in ("no store", "out of memory"))


def test_texts_are_listed_cleaned():
    assert explain("==", ["web in iad: expected 2,\x1b[2J found 1"], []) == [
        "expected none, found 1",
        "web in iad: expected 2, [2J found 1",
    ]


def test_what_is_not_ours_is_left_to_pytest():
    check = Check("ready", "critical")
    for operator, left, right in [
        ("==", [1, 2], []),
        ("==", [check, "x"], []),
        ("==", [], []),
        ("==", [check], [check]),
        ("!=", [check], []),
        ("in", "a", "b"),
        ("==", {1}, {2}),
    ]:
        assert explain(operator, left, right) is None
