"""Logs of any size and in any state are read to their end, in bounded pieces, nothing twice."""

import gzip
import importlib.util
import io
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.logs import files
from pytest_sre.logs.files import LONGEST_LINE_BYTES, LogFileError, chunks_of, open_log

ZSTD = next(
    (
        n
        for n in ("compression.zstd", "backports.zstd")
        if importlib.util.find_spec(n.split(".")[0])
    ),
    None,
)
LINES = b"".join(b"line %d of the log\n" % number for number in range(100_000))


def read(path) -> bytes:
    with open_log(str(path)) as stream:
        return b"".join(chunk.data[-chunk.new_bytes :] for chunk in chunks_of(stream))


@pytest.mark.parametrize("ending", [b"", b"\n", b"no line end"])
def test_all_bytes_are_read_and_lines_stay_whole(ending):
    log = LINES + ending

    chunks = list(chunks_of(io.BytesIO(log)))

    assert len(chunks) > 3
    assert b"".join(chunk.data for chunk in chunks) == log
    assert all(chunk.data.endswith(b"\n") for chunk in chunks[:-1])
    assert not any(chunk.is_piece or chunk.is_long for chunk in chunks)


@given(st.lists(st.integers(0, 40), max_size=20), st.booleans())
@settings(max_examples=100)
def test_however_lines_fall_all_bytes_are_given_once(lengths, is_ended):
    log = b"\n".join(b"x" * length for length in lengths) + (b"\n" if is_ended else b"")
    patch = pytest.MonkeyPatch()
    patch.setattr(files, "CHUNK_BYTES", 16)
    patch.setattr(files, "LONGEST_LINE_BYTES", 24)
    patch.setattr(files, "_OVERLAP_BYTES", 4)
    with patch.context():
        chunks = list(chunks_of(io.BytesIO(log)))
    patch.undo()

    assert b"".join(chunk.data[len(chunk.data) - chunk.new_bytes :] for chunk in chunks) == log
    assert sum(chunk.is_long for chunk in chunks) == sum(length > 24 for length in lengths)
    assert all(len(chunk.data) <= 16 + 24 for chunk in chunks)


def test_a_line_of_ten_megabytes_is_read_in_pieces_that_overlap():
    log = b"before\n" + b"x" * 10_000_000 + b"\nafter\n"

    chunks = list(chunks_of(io.BytesIO(log)))

    assert max(len(chunk.data) for chunk in chunks) < 2 * LONGEST_LINE_BYTES
    assert sum(chunk.is_long for chunk in chunks) == 1
    assert b"".join(chunk.data[-chunk.new_bytes :] for chunk in chunks) == log
    pieces = [chunk for chunk in chunks if chunk.is_piece]
    assert len(pieces) >= 9
    assert all(len(piece.data) > piece.new_bytes for piece in pieces)


def test_an_empty_log_has_no_chunk(tmp_path):
    (tmp_path / "empty.log").touch()

    assert read(tmp_path / "empty.log") == b""


def test_gz_is_known_by_its_content_not_by_its_name(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(gzip.compress(LINES[:100_000]) + gzip.compress(LINES[100_000:]))

    assert read(path) == LINES


@pytest.mark.skipif(ZSTD is None, reason="nothing here reads zst")
def test_zst_is_read(tmp_path):
    path = tmp_path / "app.log.zst"
    path.write_bytes(importlib.import_module(ZSTD).compress(LINES))

    assert read(path) == LINES


def test_without_a_library_zst_is_refused_with_what_to_install(tmp_path, monkeypatch):
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "app.log.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd rest")

    with pytest.raises(LogFileError, match=r"pip install 'pytest-sre\[logs\]'"):
        read(path)


def test_a_gz_that_was_cut_off_gives_what_it_holds_then_says_so(tmp_path):
    noise = random.Random(1).randbytes(400_000).hex().encode()
    log = b"\n".join(noise[at : at + 80] for at in range(0, len(noise), 80))
    path = tmp_path / "cut.log.gz"
    whole = gzip.compress(log)
    path.write_bytes(whole[: len(whole) * 3 // 4])
    given = []

    with pytest.raises(LogFileError, match="cannot be read to its end"), open_log(str(path)) as f:
        given.extend(chunks_of(f))

    assert given
    assert log.startswith(b"".join(chunk.data for chunk in given))


@pytest.mark.skipif(ZSTD is None, reason="nothing here reads zst")
def test_a_zst_that_is_damaged_says_so(tmp_path):
    path = tmp_path / "cut.log.zst"
    whole = bytearray(importlib.import_module(ZSTD).compress(LINES))
    whole[20:40] = b"\xff" * 20
    path.write_bytes(whole)

    with pytest.raises(LogFileError, match="cannot be read to its end"):
        read(path)


def test_a_file_that_is_not_there_is_named_with_what_was_expected(tmp_path):
    with pytest.raises(LogFileError, match=r"(?s)No such file.*expected a log file"):
        read(tmp_path / "missing.log")
