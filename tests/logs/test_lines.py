import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs import read_line

LEVELS = {"debug", "info", "warning", "error", "critical"}

JSON_LINES = [
    ('{"level":"error","msg":"boom"}', "error", "boom"),
    ('{"severity":"WARNING","message":"slow"}', "warning", "slow"),
    ('{"lvl":"crit","msg":"gone"}', "critical", "gone"),
    ('{"levelname":"INFO","message":"up"}', "info", "up"),
    ('{"log.level":"fatal","message":"gone"}', "critical", "gone"),
    ('{"level":10,"msg":"a"}', "debug", "a"),
    ('{"level":20,"msg":"a"}', "debug", "a"),
    ('{"level":30,"msg":"a"}', "info", "a"),
    ('{"level":40,"msg":"a"}', "warning", "a"),
    ('{"level":50,"msg":"a"}', "error", "a"),
    ('{"level":60,"msg":"a"}', "critical", "a"),
    ('{"level":"50","msg":"a"}', "error", "a"),
    ('{"level":7,"msg":"a"}', "info", "a"),
    ('{"level":true,"msg":"a"}', "info", "a"),
    ('{"level":"error"}', "error", '{"level":"error"}'),
    ('{"msg":"ERROR: boom"}', "error", "boom"),
    ('{"message":"no level here"}', "info", "no level here"),
    ('{"level":"info","msg":"ERROR: quoted from elsewhere"}', "info", None),
    ('{"level":"error","msg":', "info", '{"level":"error","msg":'),
]
LOGFMT_LINES = [
    ('level=error msg="db is gone"', "error", "db is gone"),
    ('time=2026-01-01T10:00:00Z level=WARN msg="a \\"quoted\\" word"', "warning", None),
    ("2026-01-01T10:00:00Z level=error msg=boom", "error", "boom"),
    ("msg=ok lvl=dbug level=debug", "debug", "ok"),
    ("GET /search?level=error 200", "info", "GET /search?level=error 200"),
    ("the option level=error was set", "info", "the option level=error was set"),
]
TEXT_LINES = [
    ("ERROR: boom", "error", "boom"),
    ("error: boom", "error", "boom"),
    ("[error] boom", "error", "boom"),
    ("<Warning>: low space", "warning", "low space"),
    ("WARN  low space", "warning", "low space"),
    ("INFO:     127.0.0.1:1 - GET / 200", "info", "127.0.0.1:1 - GET / 200"),
    ("ERROR:root:boom", "error", "boom"),
    ("2026-01-01 10:00:00,123 ERROR boom", "error", "boom"),
    ("2026-01-01T10:00:00.123456789Z [error] boom", "error", "boom"),
    ("2026-01-01 10:00:00,123 - shop.web - ERROR - boom", "error", "boom"),
    ("[2026-01-01 10:00:00 +0000] [12] [CRITICAL] boom", "critical", "boom"),
    ("2026/01/01 10:00:00 [error] 7#7: boom", "error", "boom"),
    ("2026-01-01 10:00:00 UTC [123] FATAL:  no such role", "critical", "no such role"),
    ("10:00:00 DEBUG a", "debug", "a"),
    ("\x1b[31mERROR\x1b[0m: boom", "error", "boom"),
    ("Traceback (most recent call last):", "error", "Traceback (most recent call last):"),
    ("panic: nil map", "error", "panic: nil map"),
    ("ERROR", "error", None),
    ("error handling is on", "info", "error handling is on"),
    ("errors: 0", "info", "errors: 0"),
    ("ERRORS were not found", "info", "ERRORS were not found"),
    ("informed: nobody", "info", "informed: nobody"),
    ("2026-01-01 10:00:00 user saw ERROR page", "info", "user saw ERROR page"),
    ("", "info", ""),
]


@pytest.mark.parametrize(("line", "level", "text"), JSON_LINES + LOGFMT_LINES + TEXT_LINES)
def test_a_line_says_its_level_and_text(line: str, level: str, text: str | None) -> None:
    read = read_line(line, "info")

    assert read.level == level
    if text is not None:
        assert read.text == text


@pytest.mark.parametrize(
    ("platform_level", "level"),
    [("error", "error"), ("WARN", "warning"), ("", "info"), ("never heard of", "info")],
)
def test_a_line_without_level_has_that_of_the_platform(platform_level: str, level: str) -> None:
    assert read_line("listening on 8080", platform_level).level == level
    assert read_line('{"msg":"listening"}', platform_level).level == level
    assert read_line('{"level":"unheard","msg":"a"}', platform_level).level == level
    assert read_line("INFO: up", platform_level).level == "info"


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "line",
    [
        f'{{"level":"info","trace_id":"{TRACE}"}}',
        f'{{"traceId":"{TRACE}"}}',
        f'{{"traceparent":"00-{TRACE}-00f067aa0ba902b7-01"}}',
        f"level=info trace_id={TRACE}",
        f"ERROR: order lost (trace-id: {TRACE})",
    ],
)
def test_a_trace_id_is_found(line: str) -> None:
    assert read_line(line, "info").trace_id == TRACE


@given(st.text(st.characters(exclude_categories=())), st.text(max_size=9))
def test_any_text_has_a_known_level(line: str, platform_level: str) -> None:
    assert read_line(line, platform_level).level in LEVELS


FRAGMENTS = st.sampled_from(
    ["{", "}", '"', "\\", "=", "level", "level=", "msg=", "ERROR", "[", "]", ":", " ", "- ",
     "2026-01-01", " 10:00:00", "\x1b[", "\udc80", "\x00", "panic", "1", "{}", '{"level":']
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_text_that_looks_like_a_log_line_has_a_known_level(line: str) -> None:
    assert read_line(line, "info").level in LEVELS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["level", "msg", "trace_id", "severity"]), JSON))
def test_json_of_any_shape_has_a_known_level(fields: dict) -> None:
    read = read_line(json.dumps(fields), "info")

    assert read.level in LEVELS
    assert isinstance(read.text, str)
    assert isinstance(read.trace_id, str)


@given(
    level=st.sampled_from([("DEBUG", "debug"), ("WARNING", "warning"), ("ERROR", "error")]),
    words=st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1).map(" ".join),
)
def test_all_formats_of_one_event_read_the_same(level: tuple[str, str], words: str) -> None:
    word, expected = level
    lines = [
        json.dumps({"level": word, "msg": words}),
        f'level={word} msg="{words}"',
        f"{word}: {words}",
        f"[{word}] {words}",
        f"2026-01-01 10:00:00,000 {word} {words}",
    ]

    assert {read_line(line, "info")[:2] for line in lines} == {(expected, words)}


def test_hostile_lines_take_no_longer_than_others() -> None:
    for line in ('a="' * 100_000, "[" * 300_000, " - a" * 100_000, '{"a":' * 100_000 + "}"):
        assert read_line(line, "info").level == "info"
