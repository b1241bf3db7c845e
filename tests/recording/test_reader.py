import hashlib
import itertools
import math
import re
import sqlite3
import threading
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.recording import (
    SCHEMA_VERSION,
    MachineCounts,
    Recorder,
    Recording,
    RecordingError,
)
from pytest_sre.recording.rows import ROWS, Exchange, LogLine, Row, TestRun
from pytest_sre.recording.schema import ddl

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
ANY_TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
FLOATS = st.floats(allow_nan=False)
INTS = st.integers(-(2**63), 2**63 - 1)


def rows_of(row_type: type[Row], texts: st.SearchStrategy[str]) -> st.SearchStrategy[Row]:
    by_type = {str: texts, float: FLOATS, int: INTS, bool: st.booleans(), bytes: st.binary()}
    by_type[int | None] = st.none() | INTS
    fields = {field.name: by_type[field.type] for field in msgspec.structs.fields(row_type)}
    return st.builds(row_type, **fields)


def exchange(at: float, **fields: object) -> Exchange:
    known = {"source": "bake", "app": "shop", "method": "GET", "url": "/", "ok": True}
    return Exchange(at=at, **(known | fields))


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One file for all examples of a property; each example has its own mark in the rows."""
    path = tmp_path_factory.mktemp("shared") / "run.sqlite"
    with Recorder(path) as recorder, Recording(path) as recording:
        yield recorder, recording


@pytest.mark.parametrize("row_type", ROWS, ids=lambda row_type: row_type.table)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_row_is_read_back_as_it_was_written(shared, row_type, data) -> None:
    recorder, recording = shared
    rows = data.draw(st.lists(rows_of(row_type, TEXTS), max_size=4))
    before = recording.count(row_type)
    for row in rows:
        recorder.write(row)
    recorder.flush()

    assert recorder.error is None
    found = recording.rows(row_type)
    assert len(found) == before + len(rows)
    assert all(row in found for row in rows)


@settings(max_examples=50, deadline=None)
@given(row=rows_of(LogLine, ANY_TEXTS))
def test_text_that_is_not_unicode_is_kept_escaped(shared, row) -> None:
    recorder, recording = shared
    recorder.write(row)
    recorder.flush()

    assert recorder.error is None
    found = recording.rows(LogLine, at=row.at, app=row.app, message=row.message)
    assert found
    assert found[-1].message == row.message.encode("utf-8", "backslashreplace").decode()


def test_numbers_that_sqlite_cannot_hold_do_not_stop_the_recording(path: Path) -> None:
    with Recorder(path) as recorder:
        recorder.write(exchange(1.0, status=2**80, total_s=math.nan))
        recorder.write(exchange(2.0, status=-(2**80), total_s=math.inf))
    with Recording(path) as recording:
        first, second = recording.rows(Exchange)

    assert (first.status, second.status) == (2**63 - 1, -(2**63))
    assert math.isnan(first.total_s)
    assert second.total_s == math.inf


def test_rows_come_in_order_of_time_and_are_chosen_by_time_and_value(path: Path) -> None:
    with Recorder(path) as recorder:
        for at in (3.0, 1.0, 2.0, 1.0):
            recorder.write(exchange(at, machine=f"m{at:.0f}", ok=at > 1))
    with Recording(path) as recording:
        assert [row.at for row in recording.rows(Exchange)] == [1.0, 1.0, 2.0, 3.0]
        assert [row.at for row in recording.rows(Exchange, since_at=2.0)] == [2.0, 3.0]
        assert [row.at for row in recording.rows(Exchange, ok=False)] == [1.0, 1.0]
        assert recording.rows(Exchange, machine="m1", since_at=2.0) == []
        assert recording.count(Exchange, machine="m1") == 2


def test_a_column_that_does_not_exist_is_named_with_those_that_do(path: Path) -> None:
    with Recorder(path), Recording(path) as recording:
        with pytest.raises(TypeError, match="found 'machin'; it has at, source, app"):
            recording.count(Exchange, machin="m1")
        with pytest.raises(TypeError, match="of test_runs, found 'app'"):
            recording.rows(TestRun, app="shop")


EXCHANGES = st.lists(
    st.tuples(
        st.integers(0, 400).map(lambda tenths: tenths / 10),
        st.sampled_from(["", "m1", "m2"]),
        st.booleans(),
        st.sampled_from([False, False, True]),
        st.floats(0, 60),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=EXCHANGES)
def test_a_summary_equals_what_the_rows_say(shared, drawn) -> None:
    recorder, recording = shared
    mark = f"summary {recording.count(Exchange)}"
    for at, machine, ok, own_fault, total_s in drawn:
        recorder.write(
            exchange(at, machine=machine, ok=ok, own_fault=own_fault, total_s=total_s, journey=mark)
        )
    recorder.flush()

    summary = recording.exchange_summary(journey=mark)
    judged = [row for row in drawn if not row[3]]
    times = sorted(row[0] for row in judged)
    assert summary.requests == len(drawn)
    assert summary.own_faults == len(drawn) - len(judged)
    assert summary.failed == sum(not row[2] for row in judged)
    assert summary.first_at == (times[0] if times else None)
    assert summary.last_at == (times[-1] if times else None)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert summary.longest_gap_s == max([0.0, *gaps])
    for value, share in ((summary.p50_s, 50), (summary.p95_s, 95), (summary.p99_s, 99)):
        assert value == smallest_that_covers([row[4] for row in judged], share)
    assert summary.by_machine == tuple(
        counts_of(machine, [row for row in drawn if row[1] == machine])
        for machine in sorted({row[1] for row in drawn})
    )


def smallest_that_covers(values: list[float], percent: int) -> float | None:
    covering = [
        value
        for value in values
        if sum(other <= value for other in values) * 100 >= percent * len(values)
    ]
    return min(covering, default=None)


def counts_of(machine: str, drawn: list[tuple]) -> MachineCounts:
    judged = [row for row in drawn if not row[3]]
    return MachineCounts(
        machine=machine,
        requests=len(drawn),
        failed=sum(not row[2] for row in judged),
        own_faults=len(drawn) - len(judged),
        first_at=min((row[0] for row in judged), default=None),
        last_at=max((row[0] for row in judged), default=None),
    )


def test_a_summary_asked_for_again_counts_what_was_added_since(path: Path) -> None:
    with Recorder(path) as recorder, Recording(path) as recording:
        for expected in (0, 1, 2):
            assert recording.exchange_summary(app="shop").requests == expected
            recorder.write(exchange(float(expected)))
            recorder.flush()


def test_a_measure_that_is_not_a_number_is_not_hidden_in_a_summary(path: Path) -> None:
    with Recorder(path) as recorder:
        for total_s in (0.1, math.nan, 0.3):
            recorder.write(exchange(1.0, total_s=total_s))
    with Recording(path) as recording:
        summary = recording.exchange_summary()

    assert summary.p50_s == 0.3
    assert math.isnan(summary.p99_s)


def test_summaries_of_a_long_recording_are_cheap(path: Path) -> None:
    machines = [f"148e2{number:09x}" for number in range(20)]
    with Recorder(path) as recorder:
        for number in range(40_000):
            machine = machines[number % len(machines)]
            recorder.write(exchange(number / 100, machine=machine, body_head="x" * 500))
    with Recording(path) as recording:
        times = []
        for machine in machines * 2:
            began = time.perf_counter()
            assert recording.exchange_summary(app="shop", machine=machine).requests == 2000
            times.append(time.perf_counter() - began)

    # The quickest: others may have had the processor meanwhile.
    assert min(times) < 0.05


def test_one_recording_is_read_by_many_threads(path: Path) -> None:
    with Recorder(path) as recorder:
        for number in range(500):
            recorder.write(exchange(float(number), machine=f"m{number % 4}"))
    counts: list[int] = []

    def read(machine: str) -> None:
        counts.extend(recording.count(Exchange, machine=machine) for _ in range(20))

    with Recording(path) as recording:
        threads = [threading.Thread(target=read, args=(f"m{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert counts == [125] * 80


def assert_explains(error: RecordingError, path: Path, *words: str) -> None:
    text = str(error)
    assert text.startswith("expected ")
    assert str(path) in text
    assert len(text.splitlines()) <= 4
    for word in words:
        assert word in text


@pytest.mark.parametrize("opened", [Recorder, Recording])
def test_a_recording_of_another_version_is_refused(path: Path, opened) -> None:
    Recorder(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()

    with pytest.raises(RecordingError) as refused:
        opened(path)
    assert_explains(refused.value, path, f"version {SCHEMA_VERSION},", f"{SCHEMA_VERSION + 1}")


@pytest.mark.parametrize("opened", [Recorder, Recording])
@pytest.mark.parametrize("content", ["database", "text"])
def test_a_file_of_something_else_is_refused_and_left_as_it_was(
    path: Path, opened, content
) -> None:
    if content == "text":
        path.write_text("not a database, and long enough to look at" * 50)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        connection.close()
    before = path.read_bytes()

    with pytest.raises(RecordingError) as refused:
        opened(path)
    assert_explains(refused.value, path, "expected a recording")
    assert path.read_bytes() == before


def test_a_missing_recording_is_not_created_by_reading(path: Path) -> None:
    with pytest.raises(RecordingError) as refused:
        Recording(path)
    assert_explains(refused.value, path, "found no file")
    assert not path.exists()


def test_columns_are_read_a_batch_at_a_time_and_each_row_once(path: Path, monkeypatch) -> None:
    monkeypatch.setattr("pytest_sre.recording.reader._BATCH_ROWS", 3)
    with Recorder(path) as recorder, Recording(path) as recording:
        assert recording.extent(Exchange) is None
        for number in range(10):
            recorder.write(exchange(10.0 - number, machine=f"m{number % 2}", status=number))
        recorder.flush()

        read = list(recording.values(Exchange, "status", "at"))

        assert read == [(number, 10.0 - number) for number in range(10)]
        assert recording.extent(Exchange) == (1.0, 10.0)
        assert recording.extent(Exchange, machine="m1") == (1.0, 9.0)
        with pytest.raises(TypeError, match="found 'weight'"):
            next(recording.values(Exchange, "weight"))


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "run.sqlite"
    with pytest.raises(RecordingError) as refused:
        Recorder(path)
    assert_explains(refused.value, path, "unable to open")


def test_a_changed_row_type_needs_a_new_schema_version() -> None:
    """Recordings made before such a change would be misread; the new digest goes here."""
    columns = re.sub(r"\s+", " ", "\n".join(ddl()))
    digest = hashlib.sha256(columns.encode()).hexdigest()[:12]
    assert (SCHEMA_VERSION, digest) == (7, "b82919cac900")
