"""Each logger's own format is read for what it names."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs.events import events_of
from pytest_sre.logs.formats import parse_line
from pytest_sre.logs.origins import Origins
from pytest_sre.recording.rows import LogLine, MachineSeen

AT = dt.datetime(2026, 11, 23, 10, 0, 0, 250_000, tzinfo=dt.UTC).timestamp()

# format, line, level, what it says, some of its fields
LINES = [
    ("json", '{"level":50,"time":1795428000250,"pid":7,"msg":"boom"}', "error", "boom", {"pid": 7}),
    (
        "json",
        '{"level":"error","ts":1795428000.25,"caller":"shop/pay.go:12","msg":"boom"}',
        "error",
        "boom",
        {"caller": "shop/pay.go:12"},
    ),
    (
        "json",
        '{"@timestamp":"2026-11-23T10:00:00.250Z","log.level":"ERROR","message":"boom"}',
        "error",
        "boom",
        {},
    ),
    (
        "json",
        '{"asctime":"2026-11-23 10:00:00,250","levelname":"ERROR","message":"boom","user":"zoe"}',
        "error",
        "boom",
        {"user": "zoe"},
    ),
    (
        "json",
        '{"severity":"ERROR","message":"boom","timestamp":{"seconds":1795428000,"nanos":250000000}}',
        "error",
        "boom",
        {},
    ),
    ("json", '{"event":"boom","level":"error","timestamp":1795428000250000}', "error", "boom", {}),
    (
        "json",
        '{"@t":"2026-11-23T10:00:00.25Z","@l":"Error","@m":"boom","Order":7}',
        "error",
        "boom",
        {"Order": 7},
    ),
    (
        "json",
        '{"severityText":"ERROR","body":"boom","timeUnixNano":"1795428000250000000"}',
        "error",
        "boom",
        {},
    ),
    (
        "logfmt",
        'time="2026-11-23T10:00:00.25Z" level=error msg="boom" order=7',
        "error",
        "boom",
        {"order": "7"},
    ),
    (
        "python",
        "2026-11-23 10:00:00,250 - shop.pay - ERROR - boom",
        "error",
        "boom",
        {"logger": "shop.pay"},
    ),
    ("python", "ERROR:shop.pay:boom", "error", "boom", {"logger": "shop.pay"}),
    (
        "python",
        "[2026-11-23 10:00:00 +0000] [12] [ERROR] boom",
        "error",
        "boom",
        {"pid": "12"},
    ),
    (
        "go",
        "2026/11/23 10:00:00.250000 pay.go:12: boom",
        None,
        "boom",
        {"source": "pay.go:12"},
    ),
    ("go", "2026/11/23 10:00:00 ERROR boom", "error", "boom", {}),
    (
        "klog",
        "E1123 10:00:00.250000      12 pay.go:40] boom",
        "error",
        "boom",
        {"source": "pay.go:40", "pid": "12"},
    ),
    (
        "zap",
        '2026-11-23T10:00:00.250Z\tERROR\tshop\tshop/pay.go:12\tboom\t{"order": 7}',
        "error",
        "boom",
        {"logger": "shop", "source": "shop/pay.go:12"},
    ),
    (
        "ruby",
        "E, [2026-11-23T10:00:00.250000 #12] ERROR -- : boom",
        "error",
        "boom",
        {"pid": "12"},
    ),
    (
        "postgres",
        "2026-11-23 10:00:00.250 UTC [31] shop@orders ERROR:  boom",
        "error",
        "boom",
        {"user": "shop", "database": "orders", "pid": "31"},
    ),
    ("postgres", "2026-11-23 10:00:00.250 UTC [31] DETAIL:  boom", "info", "boom", {}),
    (
        "nginx",
        "2026/11/23 10:00:00 [error] 7#8: *9 boom",
        "error",
        "boom",
        {"pid": "7", "connection": "9"},
    ),
    (
        "access",
        '10.0.0.1 - zoe [23/Nov/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 502 12 "-" "curl/8"',
        None,
        None,
        {"status": "502", "request": "GET /cart HTTP/1.1", "agent": "curl/8"},
    ),
    (
        "java",
        "10:00:00.250 [main] ERROR com.acme.Pay - boom",
        "error",
        "boom",
        {"thread": "main", "logger": "com.acme.Pay"},
    ),
    (
        "java",
        "2026-11-23T10:00:00.250Z ERROR 1 --- [shop] [nio-8080-exec-1] com.acme.Pay   : boom",
        "error",
        "boom",
        {"logger": "com.acme.Pay", "pid": "1"},
    ),
    (
        "java",
        "2026-11-23 10:00:00,250 ERROR [main] com.acme.Pay: boom",
        "error",
        "boom",
        {"logger": "com.acme.Pay"},
    ),
    ("text", "2026-11-23T10:00:00.250Z ERROR boom", "error", "boom", {}),
    ("text", "listening on 8080", None, "listening on 8080", {}),
]
TIMELESS = {"ERROR:shop.pay:boom", "listening on 8080"}


def line(message: str, at: float = AT + 3, **fields: str) -> LogLine:
    about = {"app": "shop", "machine": "m1", "region": "iad", "level": "info"}
    return LogLine(at=at, message=message, **(about | fields))


@pytest.mark.parametrize(("format_", "text", "level", "said", "fields"), LINES)
def test_a_line_is_read_in_the_format_of_its_logger(format_, text, level, said, fields):
    parsed = parse_line(text)

    assert (parsed.format, parsed.level) == (format_, level)
    assert parsed.text == (said or text)
    assert {key: parsed.fields.get(key) for key in fields} == fields


@pytest.mark.parametrize("text", [text for _, text, _, _, _ in LINES if text not in TIMELESS])
def test_a_line_tells_when_it_was_written(text):
    (event,) = events_of([line(text)])

    # Formats without fractions of a second leave them out.
    assert any(abs(event.at - at) < 1e-3 for at in (AT, AT - 0.25))


def test_a_line_without_a_time_has_that_of_the_platform():
    (event,) = events_of([line("listening on 8080", at=17.5)])

    assert event.at == 17.5


@given(st.text() | st.binary().map(lambda raw: raw.decode(errors="surrogateescape")))
def test_any_line_is_read(text):
    (event,) = events_of([line(text)])

    assert event.level == "info"
    assert (event.message, event.trace_id, event.at, event.fields) is not None
    assert event.text == text


@given(
    st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats() | st.text())
)
def test_any_json_line_keeps_its_fields(fields):
    # As msgspec writes them: not-a-number and infinity become null.
    raw = msgspec.json.encode(fields)
    expected = msgspec.json.decode(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    (event,) = events_of([line(text)])

    assert event.is_structured
    assert event.fields == expected


PLAIN_KEYS = st.from_regex(r"[a-z][a-z0-9_.]{0,8}", fullmatch=True)


@given(st.dictionaries(PLAIN_KEYS, st.text(st.characters(codec="ascii", exclude_categories=["C"]))))
def test_logfmt_is_read_as_it_is_written(fields):
    pairs = {**fields, "level": "warn"}
    quoted = {k: v.replace("\\", "\\\\").replace('"', '\\"') for k, v in pairs.items()}
    (event,) = events_of([line(" ".join(f'{key}="{value}"' for key, value in quoted.items()))])

    assert event.format == "logfmt"
    assert event.fields == pairs


def test_a_line_has_the_group_and_release_that_its_machine_had_then():
    def seen(at: float, group: str, release: int) -> MachineSeen:
        return MachineSeen(
            at=at,
            app="shop",
            machine="m1",
            name="n",
            region="iad",
            group=group,
            state="started",
            instance_id="i",
            image="shop:1",
            release_version=release,
        )

    origins = Origins([seen(20.0, "web", 2), seen(10.0, "web", 1)])
    lines = [line("a", at=5.0), line("b", at=15.0), line("c", at=25.0), line("d", machine="m2")]
    found = events_of(lines, origins)

    assert [(one.group, one.release) for one in found] == [
        ("web", 1),
        ("web", 1),
        ("web", 2),
        ("", 0),
    ]
