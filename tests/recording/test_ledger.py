"""The ledger of daily counts: once is once, whoever writes it how often."""

import datetime as dt
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.recording import RecordingError
from pytest_sre.recording.ledger import DayCounts, Ledger, ledger_path

LONG_AGO = dt.date(2000, 1, 1)
RUN = DayCounts("prod", "checkout", "d1", "runs", "2026-01-31", "run-1", 1e9, 1, 100)
METRICS = replace(RUN, source="metrics", run="", bad=5, total=5000)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(ledger_path(tmp_path)) as made:
        yield made


def kept(ledger, since=LONG_AGO):
    return ledger.days("prod", "checkout", "d1", since)


def test_the_same_run_and_the_same_metrics_count_once(ledger):
    for _ in range(3):
        ledger.put([RUN, METRICS])

    assert kept(ledger) == [METRICS, RUN]


def test_another_run_of_the_day_counts_too(ledger):
    ledger.put([RUN, replace(RUN, run="run-2")])

    assert sum(day.total for day in kept(ledger)) == 200


def test_a_day_that_metrics_begin_to_forget_is_not_kept_smaller(ledger):
    ledger.put([METRICS])
    ledger.put([replace(METRICS, bad=1, total=1000)])
    assert kept(ledger) == [METRICS]

    later = replace(METRICS, bad=6, total=6000, at=2e9)
    ledger.put([later])
    assert kept(ledger) == [later]


def test_only_what_was_asked_for_is_given(ledger):
    ledger.put([RUN, replace(RUN, target="staging"), replace(RUN, definition="d2")])
    ledger.put([replace(RUN, objective="other"), replace(RUN, day="2026-01-01")])

    assert kept(ledger, dt.date(2026, 1, 2)) == [RUN]


def test_it_is_there_for_who_opens_it_later(tmp_path):
    with Ledger(ledger_path(tmp_path)) as first:
        first.put([RUN])

    with Ledger(ledger_path(tmp_path)) as second:
        assert kept(second) == [RUN]


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    script = (
        "import sys; from dataclasses import replace; from pathlib import Path;"
        "from pytest_sre.recording.ledger import *;"
        "day = DayCounts('prod', 'checkout', 'd1', 'runs', '2026-01-31', '', 1.0, 0, 1);"
        "ledger = Ledger(ledger_path(Path(sys.argv[1])));"
        "[ledger.put([replace(day, run=f'{sys.argv[2]}-{n}')]) for n in range(20)]"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(n)]) for n in range(3)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]

    with Ledger(ledger_path(tmp_path)) as ledger:
        assert sum(day.total for day in kept(ledger)) == 60


@pytest.mark.parametrize("content", [b"no database at all, only some text", b"SQLite format 3\0"])
def test_a_file_of_something_else_is_not_touched(tmp_path, content):
    path = ledger_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    with pytest.raises(RecordingError, match="expected a ledger of objectives, found"):
        Ledger(path)

    assert path.read_bytes() == content


def test_another_database_is_refused(tmp_path):
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()

    with pytest.raises(RecordingError, match="another kind or version"):
        Ledger(path)


@pytest.mark.parametrize(
    "change",
    [
        {"bad": -1},
        {"bad": 101},
        {"day": "yesterday"},
        {"day": "2026-02-30"},
        {"at": float("nan")},
        {"at": -5.0},
    ],
)
def test_counts_that_cannot_be_are_refused(change):
    with pytest.raises(ValueError, match=r"expected|Invalid isoformat|day .*out of range|month"):
        replace(RUN, **change)


ENTRIES = st.lists(
    st.builds(
        DayCounts,
        target=st.just("prod"),
        objective=st.just("checkout"),
        definition=st.just("d1"),
        source=st.sampled_from(["runs", "metrics"]),
        day=st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 3)).map(str),
        run=st.sampled_from(["", "a", "b"]),
        at=st.floats(0, 2e9),
        bad=st.just(0),
        total=st.integers(0, 2**62),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(entries=ENTRIES)
def test_whatever_the_order_each_day_of_each_source_is_there_once(tmp_path_factory, entries):
    with Ledger(ledger_path(tmp_path_factory.mktemp("ledger"))) as ledger:
        for entry in [*entries, *reversed(entries)]:
            ledger.put([entry])
        found = kept(ledger)

    most = {}
    for entry in entries:
        key = (entry.source, entry.day, entry.run)
        most[key] = max(most.get(key, 0), entry.total)
    assert {(e.source, e.day, e.run): e.total for e in found} == most
