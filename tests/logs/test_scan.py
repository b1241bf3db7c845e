"""What a scan adds up: each line counted, each finding placed, no secret shown."""

import io
import json
import re

import pytest

from pytest_sre.logs.engines import engine_of
from pytest_sre.logs.files import chunks_of
from pytest_sre.logs.rules import shipped_rules
from pytest_sre.logs.scan import Scan, ScanReport

ENGINE = engine_of(shipped_rules())
REFUSED = b"dial tcp 10.0.0.1:5432: connect: connection refused"


def scanned(*logs: bytes, ignore=()) -> ScanReport:
    scan = Scan(shipped_rules(), ENGINE, [re.compile(each) for each in ignore])
    for number, log in enumerate(logs, start=1):
        scan.begin(f"{number}.log")
        for chunk in chunks_of(io.BytesIO(log)):
            scan.add(chunk)
    return scan.report()


def finding(report: ScanReport, id_: str):
    return next(each for each in report.findings if each.rule.id == id_)


def shipped_line(message: str, machine: str = "148e21ea7", second: int = 0) -> bytes:
    return json.dumps(
        {
            "event": {"provider": "app"},
            "fly": {"app": {"instance": machine, "name": "shop"}, "region": "iad"},
            "host": "worker-1",
            "log": {"level": "info"},
            "message": message,
            "timestamp": f"2026-11-23T10:00:{second:02d}.5Z",
        }
    ).encode()


def test_every_line_is_counted_with_the_place_of_first_and_last():
    quiet = b"all is well\n" * 40_000
    report = scanned(quiet + REFUSED + b"\n" + quiet, quiet + REFUSED)

    refused = finding(report, "connection-refused")
    assert (report.lines, report.skipped, report.matched) == (120_002, 0, 2)
    assert report.bytes == 120_000 * 12 + 2 * len(REFUSED) + 1
    assert (refused.count, len(report.findings)) == (2, 1)
    assert (refused.first.file, refused.first.line) == ("1.log", 40_001)
    assert (refused.last.file, refused.last.line) == ("2.log", 40_001)


@pytest.mark.parametrize(
    ("log", "lines"), [(b"", 0), (b"\n", 1), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n\n", 3)]
)
def test_lines_are_counted_with_and_without_a_last_line_end(log, lines):
    assert scanned(log).lines == lines


def test_a_line_counts_once_for_a_rule_however_often_it_matches():
    report = scanned(REFUSED * 3 + b" ECONNREFUSED\n")

    assert [(each.rule.id, each.count) for each in report.findings] == [("connection-refused", 1)]


def test_machine_and_time_are_read_from_lines_of_the_log_shipper():
    lines = [
        shipped_line('{"level":"error","msg":"a\\nECONNREFUSED"}', machine, second)
        for second, machine in enumerate(["aaa", "bbb", "aaa"])
    ]

    refused = finding(scanned(b"\n".join(lines)), "connection-refused")

    assert (refused.count, refused.machines) == (3, 2)
    assert (refused.first.machine, refused.first.time) == ("aaa", "2026-11-23T10:00:00.5Z")
    assert refused.last.time == "2026-11-23T10:00:02.5Z"
    assert refused.samples[0] == '{"level":"error","msg":"a\\nECONNREFUSED"}'


def test_lines_that_are_not_utf8_are_counted_and_looked_at():
    good = "für Zoë\n".encode() * 5_000
    report = scanned(good + b"\xff\xfe connection refused \xc3\n" + good + b"\xc3\n")

    assert (report.lines, report.not_utf8, report.matched) == (10_002, 2, 1)
    assert "connection refused" in finding(report, "connection-refused").samples[0]


def test_a_truncated_json_line_is_kept_as_text():
    whole = shipped_line("connect ECONNREFUSED 10.0.0.1")
    cut = whole[: whole.index(b"10.0.0.1")]

    report = scanned(cut)

    assert report.matched == 1
    assert finding(report, "connection-refused").first.machine == ""


@pytest.mark.parametrize("at", [0, 1_000, 1_048_570, 5_000_000, 9_999_000])
def test_a_match_anywhere_in_a_line_of_ten_megabytes_is_found_once(at):
    line = b"x" * at + b" connection refused " + b"y" * (10_000_000 - at)

    report = scanned(REFUSED + b"\n" + line + b"\n" + REFUSED + b"\n")

    refused = finding(report, "connection-refused")
    assert (report.lines, report.over_long, report.matched) == (3, 1, 3)
    assert (refused.count, refused.last.line) == (3, 3)


def test_a_rule_that_matches_two_pieces_of_a_line_counts_one_line():
    line = REFUSED + b"x" * 3_000_000 + REFUSED + b" no such host"

    report = scanned(REFUSED + b"\n" + line)

    assert (report.lines, report.matched) == (2, 2)
    counts = {each.rule.id: each.count for each in report.findings}
    assert counts == {"connection-refused": 2, "name-not-resolved": 1}


def test_ignored_lines_are_counted_but_are_no_finding():
    report = scanned(
        b"probe: connection refused\n"
        + shipped_line("probe: connection refused")
        + b"\n"
        + REFUSED,
        ignore=["^probe:"],
    )

    assert (report.lines, report.ignored, report.matched) == (3, 2, 1)
    assert finding(report, "connection-refused").count == 1


SECRETS = {
    "secret-fly-token": "FlyV1 fm2" + "_lJPECAAAAAAAAAAAAAAAAAAHUNTER2zzzz",
    "secret-cloud-key": "AKIA" + "HUNTER2DEFGHIJKL",
    "secret-private-key": "-----BEGIN PRIVATE KEY" + "-----\\nHUNTER2zzz",
    "secret-url-password": "postgres://shop:HUNTER2zz@db:5432/shop",
    "secret-authorization": "Authorization: Bearer HUNTER2zzzzzzzzz",
    "secret-password": "password=HUNTER2zzzzzzz",
}


@pytest.mark.parametrize("id_", sorted(SECRETS))
@pytest.mark.parametrize("form", ["plain", "shipped", "nested"])
def test_a_secret_is_a_finding_whose_value_is_never_shown(id_, form):
    text = f"connection refused for {SECRETS[id_]} and HUNTER2 again"
    if form == "nested":
        text = f'{{"msg": "{text}", "note": "HUNTER2"}}'
    line = text.encode() if form == "plain" else shipped_line(text)

    report = scanned(line)

    assert finding(report, id_).count == 1
    samples = [sample for each in report.findings for sample in each.samples]
    assert len(samples) >= 2
    assert "HUNTER2" not in "".join(samples)
    assert "connection refused" in finding(report, "connection-refused").samples[0]


def test_samples_are_few_short_printable_and_show_the_match():
    line = b"\x1b[31m" + b"x" * 5_000 + b" connection refused\x1b[0m\n"

    refused = finding(scanned(line * 50), "connection-refused")

    assert len(refused.samples) == 3
    assert all("connection refused" in sample for sample in refused.samples)
    assert all(sample.isprintable() and len(sample) <= 300 for sample in refused.samples)


def test_the_worst_come_first_and_say_whether_it_is_serious():
    medium = b"read: connection reset by peer\n" * 9
    report = scanned(medium + REFUSED + b"\npanic: boom\n" + REFUSED)

    assert [each.rule.id for each in report.findings] == [
        "go-panic",
        "connection-refused",
        "connection-reset",
    ]
    assert report.is_serious
    assert not scanned(medium).is_serious
