"""The absence of errors is a finding only where the log was read to its end."""

from dataclasses import dataclass

import pytest

from pytest_sre.logs.facade import Logs
from pytest_sre.logs.recorded import read, unread
from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import LogLine, OwnFault, Span
from pytest_sre.verdict import Inconclusive


@dataclass(frozen=True)
class App:
    name: str = "shop"
    since_at: float = 0.0


LINE = LogLine(at=1.0, app="shop", machine="m1", region="iad", level="info", message="hello")
READ = Span(at=2.0, name=read("shop"), ended_at=2.1)
UNREAD = Span(at=4.0, name=unread("shop"), ended_at=4.1)
FAULT = OwnFault(at=4.2, cause="platform api", detail="found 500")


@pytest.fixture
def logs(tmp_path):
    path = tmp_path / "run.sqlite"

    def recorded(*rows):
        with Recorder(path) as recorder:
            for row in rows:
                recorder.write(row)
        return Logs(recording, ())

    with Recorder(path):
        recording = Recording(path)
    yield recorded
    recording.close()


def test_a_log_whose_last_lines_could_not_be_read_shows_nothing(logs):
    with pytest.raises(Inconclusive, match="could not be read to its end") as raised:
        logs(LINE, READ, UNREAD, FAULT).since_deploy(App())

    assert raised.value.cause == "platform api"


def test_a_look_that_failed_is_made_good_by_the_next(logs):
    later = Span(at=6.0, name=read("shop"), ended_at=6.1)

    assert logs(LINE, READ, UNREAD, FAULT, later).since_deploy(App()).errors == []
