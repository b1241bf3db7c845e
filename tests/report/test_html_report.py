"""The HTML report: every figure is the recording's, nothing in it acts, and it stays small."""

import base64
import hashlib
import itertools
import math
import re
import shutil
import sqlite3
import struct
import subprocess
import zlib
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.cli import main
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import (
    ROWS,
    CheckSeen,
    Exchange,
    Flake,
    MachineSeen,
    ObjectiveSeen,
    OwnFault,
    Reason,
    Risk,
    Span,
    TestRun,
)
from pytest_sre.recording.schema import table_of
from pytest_sre.recording.summary import order_statistic
from pytest_sre.report.html.buckets import MOST_SLICES, Slices, band_of, told_latency
from pytest_sre.report.html.writing import report_of, write_report

AT = 1_769_860_800.0
MOST_BYTES = 5_000_000
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def exchange(at: float, **fields: object) -> Exchange:
    known = {"source": "bake", "app": "shop", "method": "GET", "url": "http://shop/", "ok": True}
    return Exchange(at=at, **(known | fields))


exchanges = st.lists(
    st.builds(
        exchange,
        st.floats(AT, AT + 100),
        source=st.sampled_from(["bake", "probe"]),
        machine=st.sampled_from(["m1", "m2"]),
        status=st.sampled_from([200, 500, 503]),
        ok=st.booleans(),
        own_fault=st.booleans(),
        error_kind=st.sampled_from(["", "dns", "timeout"]),
        total_s=st.floats(0, 200),
    ),
    max_size=60,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exchanges)
def test_every_number_of_requests_is_the_recordings(tmp_path, recorded, page_of, made):
    _, page = page_of(recorded(tmp_path / "run.sqlite", made))

    by_source = {row[0]: row for row in page.tables.get("Requests by who made them", [])}
    assert by_source.keys() == {one.source for one in made}
    for source, row in by_source.items():
        own = [one for one in made if one.source == source]
        judged = [one for one in own if not one.own_fault]
        assert number(row[1]) == len(own)
        assert number(row[2]) == sum(not one.ok for one in judged)
        assert number(row[4]) == len(own) - len(judged)
        ordered = sorted(one.total_s for one in judged)
        expected = [order_statistic(ordered, each) for each in (50, 95, 99)]
        told = [told_latency(math.nan if each is None else each) for each in expected]
        assert row[5:] == told
    wrong = Counter(
        (one.source, one.error_kind or f"status {one.status}", one.own_fault)
        for one in made
        if one.own_fault or not one.ok
    )
    shown = page.tables.get("Each kind, and the first of it", [])
    assert {(row[0], row[1], row[2] == "ours"): number(row[3]) for row in shown} == wrong


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exchanges)
def test_what_is_plotted_over_time_adds_up_to_what_was_recorded(tmp_path, recorded, page_of, made):
    _, page = page_of(recorded(tmp_path / "run.sqlite", made))

    bake = [one for one in made if one.source == "bake"]
    judged = [one for one in bake if not one.own_fault]
    counts = next((t for name, t in page.tables.items() if "of the bake in slices" in name), [])
    sums = [sum(map(number, column)) for column in list(zip(*counts, strict=True))[1:]]
    well = sum(one.ok for one in judged)
    assert sums == ([well, len(judged) - well, len(bake) - len(judged)] if bake else [])
    heat = page.tables.get("Latencies of the bake over time", [])
    assert len(heat) == len(counts) <= MOST_SLICES
    assert sum(number(cell) for row in heat for cell in row[1:]) == len(judged)


@given(st.floats(0, 4e9), st.lists(st.floats(0, 1e9), min_size=1))
def test_every_time_is_in_a_slice_of_its_own_time(first_at, later_s):
    times = [first_at, *(first_at + each for each in later_s)]

    slices = Slices.of(min(times), max(times))

    assert 1 <= slices.count <= MOST_SLICES
    for at in times:
        place = slices.place(at)
        assert slices.begins_at(place) <= at + 1e-3
        assert at < slices.begins_at(place + 1) + 1e-3


@given(st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_longer_latency_is_in_no_lower_band(one, other):
    low, high = sorted((one, other))
    assert band_of(low) <= band_of(high) <= band_of(math.nan)


def test_verdict_reasons_tests_machines_and_objectives_are_told(tmp_path, recorded, page_of):
    machine = {"app": "shop", "name": "n", "region": "iad", "group": "web", "instance_id": "i"}
    rows = [
        Reason(
            at=AT, title="web is out of memory", verdict="UNHEALTHY", severity="critical",
            evidence="killed\nagain", tests="s::test_a\ns::test_b", machines="m1 m2",
        ),
        Reason(at=AT, title="nothing was tested in edge", verdict="INCONCLUSIVE"),
        TestRun(at=AT, test="s::test_a", verdict="UNHEALTHY", suite="health", message="no answer"),
        TestRun(at=AT, test="s::test_c", verdict="HEALTHY", suite="health", message="unsaid"),
        TestRun(at=AT, test="slo::paid", verdict="HEALTHY", suite="slo"),
        TestRun(at=AT, test="slo::quick", verdict="INCONCLUSIVE", suite="slo", message="cold"),
        MachineSeen(at=AT, machine="m1", state="starting", image="a", **machine),
        MachineSeen(at=AT + 9, machine="m1", state="stopped", image="a", cordoned=True, **machine),
        CheckSeen(at=AT, app="shop", machine="m1", check="ready", status="passing"),
        CheckSeen(at=AT + 5, app="shop", machine="m1", check="ready", status="critical"),
        ObjectiveSeen(
            at=AT, objective="paid", verdict="MET", bad=1, total=4000, allowed_ratio=0.01,
            window_s=28 * 86400.0, told_by="requests of this run", lower_ratio=0.0001,
            upper_ratio=0.002, confidence=0.95, remaining_ratio=0.975,
        ),
        exchange(AT, machine="m1", ok=False, status=500),
        Span(at=AT, name="bake", ended_at=AT + 30),
    ]  # fmt: skip
    notes = {
        "verdict": "UNHEALTHY",
        "ended_at": str(AT + 61),
        "deployed:shop": '{"app": "shop", "version": 7, "image": "shop:v7", "fly_toml": "x"}',
        "freeze lifted: paid": "the fix is in here",
    }

    text, page = page_of(recorded(tmp_path / "run.sqlite", rows, **notes))

    assert "<title>UNHEALTHY: prod, 2026-01-31 12:00:00 UTC</title>" in text
    for told in (
        "shop v7 (shop:v7)", "2026-01-31 12:01:01 UTC", "web is out of memory", "killed\nagain",
        "Machines: m1, m2", "nothing was tested in edge", "1 HEALTHY, 1 UNHEALTHY",
        "quick: cold", "2026-01-31 12:00:00 to 2026-01-31 12:00:30 UTC",
        "the freeze of releases by paid was overridden: the fix is in here",
    ):  # fmt: skip
        assert told in page.text
    assert page.tables["Tests that failed by it"] == [["s::test_a"], ["s::test_b"]]
    assert [row[0] for row in page.tables["Tests of health"]] == ["s::test_a", "s::test_c"]
    assert "unsaid" not in page.text
    assert page.tables["Machines as they were seen last"] == [
        ["m1", "shop", "web", "iad", "stopped, cordoned", "ready failing", "–", "1", "1"]
    ]
    quick, paid = sorted(page.tables["What was measured of each"], reverse=True)
    assert quick == ["quick", "INCONCLUSIVE", *["–"] * 8]
    assert paid == [
        "paid", "MET", "1", "4,000", "0.025 %", "0.010 % to 0.20 %", "1.00 %", "97.5 %", "28.0 d",
        "requests of this run",
    ]  # fmt: skip


def test_a_run_that_was_cut_off_is_not_told_as_a_verdict(tmp_path, recorded, page_of):
    _, page = page_of(recorded(tmp_path / "run.sqlite", []))

    assert "INCONCLUSIVE: the release on prod" in page.text
    assert "cut off before it came to a verdict" in page.text


HOSTILE = (
    "<script>fetch('//evil.test')</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></pre></svg><iframe src=//evil.test>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1) \x1b[31mred\x1b[0m \u202egnp.exe\x00",
    "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345",
)


def hostile_rows(text: str):
    """A row of each type with the text in all of its texts."""
    for row_type in ROWS:
        by_type = {str: text, float: AT, int: 1, bool: False, bytes: b"", int | None: 1}
        fields = {each.name: by_type[each.type] for each in msgspec.structs.fields(row_type)}
        yield row_type(**fields)
    yield exchange(AT, ok=False, error=text, url=text, machine=text, error_kind=text)
    yield TestRun(at=AT, test=f"slo::{text}", verdict="UNHEALTHY", suite=text, message=text)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_was_recorded_acts(tmp_path, recorded, page_of, text):
    notes = {"target": text, "verdict": text, "version": text, f"freeze lifted: {text}": text}
    _, benign = page_of(recorded(tmp_path / "benign.sqlite", hostile_rows("harmless"), target="t"))

    shown, page = page_of(recorded(tmp_path / "run.sqlite", hostile_rows(text), **notes))

    known = Counter(element.tag for element in benign.elements)
    found = Counter(element.tag for element in page.elements)
    assert found.keys() <= known.keys() | {"p", "pre"}
    for element in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in element.attributes)
        assert not element.attributes.keys() & {"src", "srcset", "action", "xlink:href"}
        assert element.attributes.get("href", "#").startswith("#")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    assert "ghp_0123" not in shown
    if "ghp_" not in text and "\x1b" not in text:
        assert any(text in cell for table in page.tables.values() for row in table for cell in row)


def test_the_page_loads_nothing_and_allows_only_its_own_style(tmp_path, recorded, page_of):
    text, page = page_of(recorded(tmp_path / "run.sqlite", hostile_rows("x")))

    [policy] = [
        element.attributes["content"]
        for element in page.elements
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert not re.search(r"url\(|@import|<script|<link", text)


def test_plots_say_what_they_show_and_have_their_numbers_beside_them(tmp_path, recorded, page_of):
    made = [exchange(AT + n, ok=n % 3 > 0, status=500, total_s=n / 100) for n in range(30)]
    text, page = page_of(recorded(tmp_path / "run.sqlite", made))

    ids = Counter(e.attributes["id"] for e in page.elements if "id" in e.attributes)
    assert set(ids.values()) == {1}
    plots = [element for element in page.elements if element.tag == "svg"]
    assert len(plots) == 4
    for plot in plots:
        assert plot.attributes["role"] == "img"
        assert set(plot.attributes["aria-labelledby"].split()) <= ids.keys()
    assert all(
        "<table>" in figure for figure in re.findall("<figure>.*?</figure>", text, re.DOTALL)
    )
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_a_recording_of_long_texts_makes_a_page_of_bounded_size(tmp_path, recorded, page_of):
    long = "&\U0001f4a5'" * 200
    lines = f"{long}\n" * 15
    rows = [
        row
        for n in range(420)
        for row in (
            TestRun(
                at=AT, test=f"{n}{long}", verdict="UNHEALTHY", suite=f"{n % 99}{long}",
                message=long,
            ),
            *[
                MachineSeen(
                    at=AT, app=long, machine=f"{n}{long}", name=long, region=long, group=long,
                    state=long, instance_id=long, image=long,
                ),
                Reason(
                    at=AT, title=long, verdict="UNHEALTHY", evidence=lines, tests=lines,
                    machines=lines,
                ),
                exchange(AT + n, ok=False, error_kind=f"{n}{long}", error=long, machine=long),
                ObjectiveSeen(
                    at=AT, objective=f"{n}{long}", verdict="BREACHED", bad=1, total=2,
                    allowed_ratio=0.1, window_s=1.0, told_by=long, detail=long,
                ),
                Risk(at=AT, test=long, title=long, evidence=long, severity="high"),
                Flake(at=AT, what=f"{n}{long}", attempts=2, first_failure=long),
                OwnFault(at=AT, cause=f"{n}{long}", detail=long),
            ] * (n % 2),
        )
    ]  # fmt: skip
    text, page = page_of(recorded(tmp_path / "run.sqlite", rows))

    assert MOST_BYTES / 4 < len(text.encode()) < MOST_BYTES * 0.75
    assert "more, which are in the recording" in page.text


def many_exchanges(recorded, path: Path, count: int) -> Path:
    """A recording of many requests, made where it is fast."""
    recorded(path, [exchange(AT)])
    columns = ", ".join(name for name in table_of(Exchange).columns if name != "at")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX exchanges_app")
        connection.execute(
            f"INSERT INTO exchanges (at, {columns}) WITH RECURSIVE n(i) AS "
            f"(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}) "
            f"SELECT at + i / 1000.0, {columns} FROM n, exchanges WHERE row_id = 1"
        )
    connection.close()
    return path


def test_of_many_requests_only_some_are_in_memory(tmp_path, recorded, page_of, monkeypatch):
    count = 50_000
    path = many_exchanges(recorded, tmp_path / "run.sqlite", count)
    read: list[type] = []
    rows = Recording.rows
    monkeypatch.setattr(
        Recording,
        "rows",
        lambda self, kind, **equal: read.append(kind) or rows(self, kind, **equal),
    )

    text, page = page_of(path)

    assert Exchange not in read
    assert number(page.tables["Requests by who made them"][0][1]) == count
    assert len(text) < 100_000


def test_a_report_is_written_by_hand(tmp_path, recorded, capsys):
    path = recorded(tmp_path / "run.sqlite", [], verdict="HEALTHY")
    output = tmp_path / "new" / "report.html"

    assert main(["report", str(path), "--output", str(output)]) == 0

    assert "HEALTHY</span>: the release on prod" in output.read_text("utf-8")
    assert str(output) in capsys.readouterr().out
    assert [each.name for each in output.parent.iterdir()] == ["report.html"]


def test_what_cannot_be_read_or_written_is_named(tmp_path, recorded, capsys):
    assert main(["report", str(tmp_path / "no.sqlite"), "--output", str(tmp_path / "r.html")]) == 4
    assert "found no file" in capsys.readouterr().err
    path = recorded(tmp_path / "run.sqlite", [])
    (tmp_path / "file").write_text("", encoding="utf-8")

    code, said = report_of(path, tmp_path / "file" / "report.html")

    assert code == 4
    assert "file/report.html" in said
    assert "give another path" in said


def pixels_of(png: Path) -> bytes:
    """The bytes of an image as they are packed in it; of a blank one they are nearly all alike."""
    data, at, packed = png.read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return zlib.decompress(packed)


@pytest.mark.skipif(not BROWSER, reason="no chromium is installed")
def test_a_browser_shows_the_page_and_complains_of_nothing(tmp_path, recorded):
    made = [exchange(AT + n, ok=n % 3 > 0, status=500, total_s=n / 100) for n in range(30)]
    output, shot = tmp_path / "report.html", tmp_path / "shot.png"
    with Recording(recorded(tmp_path / "run.sqlite", [*made, *hostile_rows(HOSTILE[0])])) as opened:
        write_report(opened, output)

    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=900,1400",
            f"--screenshot={shot}", "--virtual-time-budget=1000", output.as_uri(),
        ],
        capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip

    assert "CONSOLE" not in done.stderr
    assert len(set(pixels_of(shot))) > 50, "the page is blank"
