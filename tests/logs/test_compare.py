"""From the bytes of log files to the errors that a baseline never had."""

import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs.comparing import Comparison, compare
from pytest_sre.logs.engines import installed_engines
from pytest_sre.logs.error_lines import ErrorLines, error_engine
from pytest_sre.logs.files import chunks_of
from pytest_sre.logs.novelty import new_error_signatures
from pytest_sre.recording.rows import LogLine

TRACE = [
    "Traceback (most recent call last):",
    '  File "/app/shop/orders.py", line 40, in pay',
    '    return tiers["gold"]',
    "KeyError: 'tier'",
]
ENGINES = {name: error_engine(name) for name in installed_engines()}


def shipped(message: str, machine: str = "m1", at: str = "2026-11-23T10:00:00Z") -> bytes:
    line = {
        "event": {"provider": "app"},
        "fly": {"app": {"instance": machine, "name": "shop"}, "region": "iad"},
        "log": {"level": "info"},
        "message": message,
        "timestamp": at,
    }
    return json.dumps(line).encode() + b"\n"


def collected(*lines: bytes, engine: str = "re") -> ErrorLines:
    found = ErrorLines(engine=ENGINES[engine])  # type: ignore[index]
    found.begin("log")
    for chunk in chunks_of(io.BytesIO(b"".join(lines))):
        found.add(chunk)
    return found


def told(found: Comparison) -> list[tuple[str, int]]:
    return [(one.template, one.count) for one in found.new]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_what_is_new_is_named_with_count_time_and_machines(engine):
    known = [shipped(f"ERROR: order {n} was refused") for n in range(200)]
    new = [
        shipped(f"ERROR: tier {n} is missing", f"m{n % 3}", f"2026-11-23T10:00:0{n}Z")
        for n in range(3)
    ]
    quiet = [shipped(f"GET /cart/{n} 200") for n in range(500)]
    found = compare(
        collected(*known, *quiet, engine=engine), collected(*quiet, *known, *new, engine=engine)
    )

    (one,) = found.new
    assert (one.template, one.count, one.level) == ("tier <n> is missing", 3, "error")
    assert one.machines == ("m0", "m1", "m2")
    assert one.last_at - one.first_at == 2.0
    assert (found.lines, found.baseline_lines, found.skipped) == (703, 700, 0)


LEVELLED = [
    '{"level":50,"msg":"boom"}',
    '{"level": 60, "msg": "boom"}',
    '{"severity":"ERROR","message":"boom"}',
    "E1123 10:00:00.250000      12 pay.go:40] boom",
    "E, [2026-11-23T10:00:00.250000 #12] ERROR -- : boom",
    "2026-11-23 10:00:00.250 UTC [31] FATAL:  boom",
    "2026/11/23 10:00:00 [crit] 7#8: boom",
    "10:00:00.250 [main] SEVERE com.acme.Pay - boom",
    "level=fatal msg=boom",
    "<alert>: boom",
    "[emerg] boom",
    "panic: boom",
    "ERR boom",
]


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("text", LEVELLED)
def test_no_format_of_an_error_is_passed_over(engine, text):
    for line in (text.encode() + b"\n", shipped(text)):
        (one,) = compare(collected(), collected(line, engine=engine)).new
        assert one.count == 1


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_stack_traces_of_machines_at_once_are_one_signature(engine):
    lines = [shipped(text, f"m{machine}") for text in TRACE for machine in range(3)]
    (one,) = compare(collected(), collected(*lines, engine=engine)).new

    assert (one.template, one.count) == ("KeyError at orders.py:pay", 3)


def test_a_new_trace_is_found_among_thousands_of_known_ones():
    """However often the lines that traces have in common came before."""
    known = [shipped(text) for text in TRACE] * 2_000
    other = [shipped(text) for text in (*TRACE[:3], "IndexError: 7")]

    assert told(compare(collected(*known), collected(*known, *other))) == [
        ("IndexError at orders.py:pay", 1)
    ]


def test_every_error_is_counted_though_not_every_one_is_kept():
    lines = [shipped(f"ERROR: order {n} was refused") for n in range(25_000)]
    found = collected(*lines)

    assert told(compare(collected(), found)) == [("order <n> was refused", 25_000)]
    assert sum(len(alike.events) for alike in found.alike) < 200


def test_errors_of_too_many_kinds_are_counted_and_said(monkeypatch):
    monkeypatch.setattr("pytest_sre.logs.error_lines._MOST_KINDS", 500)
    words = ("".join(chr(97 + int(digit)) for digit in str(n)) for n in range(1_000))
    found = compare(collected(), collected(*(shipped(f"ERROR: {word}") for word in words)))

    assert found.ungrouped == 500
    assert sum(one.count for one in found.new) + found.ungrouped == 1_000


def test_a_line_longer_than_a_chunk_is_one_error():
    lines = [b"ERROR: begun " + b"x error " * 400_000 + b"\n", b"ERROR: next\n"]
    found = compare(collected(), collected(*lines))

    assert sorted(one.count for one in found.new) == [1, 1]
    assert found.lines == 2


def test_samples_have_no_secret():
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    (one,) = compare(collected(), collected(shipped(f"ERROR: key {secret} refused"))).new

    assert secret not in "".join((*one.samples, one.template))


TEXTS = st.sampled_from(
    ["ERROR: order 7 refused", "ERROR: queue gone", "fine", "level=error msg=lost", "panic: oops"]
)


@given(st.lists(TEXTS, max_size=20), st.lists(TEXTS, max_size=20))
def test_files_say_the_same_as_the_lines_of_a_run(before, now):
    def lines(texts: list[str]) -> list[LogLine]:
        return [
            LogLine(at=0.0, app="", machine="m1", region="iad", level=_level(text), message=text)
            for text in texts
        ]

    found = compare(collected(*map(shipped, before)), collected(*map(shipped, now)))
    expected = new_error_signatures(lines(before), lines(now))
    assert {one.id: one.count for one in found.new} == {one.id: one.count for one in expected}


def _level(text: str) -> str:
    return "info" if text == "fine" else "error"


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_are_read(parts):
    data = b"\n".join(parts)
    found = collected(data)

    assert compare(found, found).new == ()
    assert found.lines == len(io.BytesIO(data).readlines())


def test_the_command_line_names_what_is_new(tmp_path, monkeypatch, capsys):
    from pytest_sre.cli import main

    monkeypatch.chdir(tmp_path)
    old, new = Path("old.ndjson.gz"), Path("new.log")
    old.write_bytes(gzip.compress(shipped("ERROR: order 1 refused") * 3))
    new.write_bytes(shipped("ERROR: order 2 refused") + b"ERROR: queue gone\n")

    assert main(["logs", "compare", str(new), "--baseline", str(old)]) == 1
    said = capsys.readouterr().out
    assert "2 lines" in said
    assert "3 lines of the baseline: 1 new error signatures" in said
    assert "queue gone" in said

    assert main(["logs", "compare", str(old), "--baseline", str(old)]) == 0
    assert main(["logs", "compare", str(new), "--baseline", "missing.log"]) == 4
    assert "missing.log" in capsys.readouterr().err
    assert main(["logs", "compare", str(new), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["lines"], shown["skipped"], len(shown["new"])) == (2, 0, 2)
