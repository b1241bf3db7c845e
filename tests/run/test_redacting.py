"""No secret reaches a recording."""

import pytest

from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import Exchange, LogLine
from pytest_sre.run.redacting import redactor

KNOWN = "correct-horse-battery"


@pytest.mark.parametrize(
    "text",
    [
        f"login failed for {KNOWN}",
        "authorization: Bearer abcdefghijklmnop",
        "used FlyV1 fm2_lJPECAAAAAAAAAAA,fm2_lJPEBBBBBBBBBBB==",
        "token fo1_abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_secrets_are_replaced_before_a_row_is_kept(tmp_path, text):
    environment = {"DB_PASSWORD": KNOWN, "HOME": "/home/somebody", "API_KEY": "short"}
    path = tmp_path / "run.sqlite"
    with Recorder(path, clean=redactor(environment)) as recorder:
        recorder.write(
            LogLine(at=1.0, app="shop", machine="m", region="iad", level="info", message=text)
        )
        recorder.write(
            Exchange(
                at=1.0, source="probe", app="shop", method="GET", url="http://x/", body_head=text
            )
        )
    with Recording(path) as recording:
        kept = recording.rows(LogLine)[0].message + recording.rows(Exchange)[0].body_head
    assert "[redacted]" in kept
    assert not any(secret in kept for secret in (KNOWN, "abcdefghij", "lJPE"))


def test_ordinary_rows_are_kept_as_they_are():
    line = LogLine(at=1.0, app="shop", machine="m", region="iad", level="info", message="short")
    assert redactor({"API_KEY": "short", "HOME": "/home/somebody"})(line) is line
