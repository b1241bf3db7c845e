"""A release is compared with what the log said before it: in a healthy run, or the day before."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_sre.fly.models import LogEntry
from pytest_sre.logs.baselines import BEFORE_S, Baseline, baseline_before, recorded_baseline
from pytest_sre.logs.facade import Logs
from pytest_sre.recording import Recorder, Recording, new_run_path
from pytest_sre.recording.rows import LogLine
from pytest_sre.verdict import Inconclusive

DEPLOY_AT = 1_800_000_000.0


@dataclass(frozen=True)
class App:
    name: str = "shop"
    since_at: float = 0.0


def line(message: str, at: float = 1.0, **fields: str) -> LogLine:
    about = {"app": "shop", "machine": "m1", "region": "iad", "level": "error"}
    return LogLine(at=at, message=message, **(about | fields))


def record(
    root: Path, at: float, *lines: LogLine, verdict: str | None = "HEALTHY", target: str = "prod"
) -> Path:
    path = new_run_path(root, target, at)
    with Recorder(path, {"target": target}) as recorder:
        for one in lines:
            recorder.write(one)
        if verdict:
            recorder.note("verdict", verdict)
    return path


def find(root: Path, *, current: Path | None = None, app: str = "shop") -> list[str] | None:
    found = recorded_baseline(root, target="prod", app=app, current=current or root / "none")
    return [one.message for one in found.lines] if found else None


def test_the_newest_healthy_run_of_the_target_is_the_baseline(tmp_path: Path) -> None:
    record(tmp_path, 100.0, line("oldest"))
    record(tmp_path, 200.0, line("newest healthy", at=1.0), line("its last", at=61.0))
    record(tmp_path, 300.0, line("broken"), verdict="UNHEALTHY")
    record(tmp_path, 400.0, line("unclear"), verdict="INCONCLUSIVE")
    record(tmp_path, 500.0, line("cut short"), verdict=None)
    record(tmp_path, 600.0, line("elsewhere"), target="staging")
    record(tmp_path, 700.0, line("the platform's", provider="runner"))
    current = record(tmp_path, 800.0, line("now"))

    assert find(tmp_path, current=current) == ["newest healthy", "its last"]
    found = recorded_baseline(tmp_path, target="prod", app="shop", current=current)
    assert found is not None
    assert found.window_s == 60.0


def test_a_run_without_lines_of_the_app_is_passed_over(tmp_path: Path) -> None:
    record(tmp_path, 100.0, line("its own"))
    record(tmp_path, 200.0, line("another's", app="worker"))

    assert find(tmp_path) == ["its own"]
    assert find(tmp_path, app="worker") == ["another's"]
    assert find(tmp_path, app="nobody") is None


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    record(tmp_path, 100.0, line("readable"))
    new_run_path(tmp_path, "prod", 200.0).write_bytes(b"no recording")

    assert find(tmp_path) == ["readable"]


def test_a_project_without_runs_has_no_baseline(tmp_path: Path) -> None:
    assert find(tmp_path) is None


class DayOfLogs:
    """A log with a line every so many seconds, for days, in pages of a hundred."""

    def __init__(self, every_s: float, *, provider: str = "app") -> None:
        self.every_s, self.provider, self.pages = every_s, provider, 0

    def __call__(self, token: str) -> tuple[list[LogEntry], str]:
        self.pages += 1
        first = int(int(token) / 1e9 / self.every_s) + 1
        entries = [
            LogEntry(at=n * self.every_s, message=f"line {n}", provider=self.provider)
            for n in range(first, first + 100)
        ]
        return entries, str(int(entries[-1].at * 1e9))


def test_the_day_before_the_deploy_is_read_whole_where_it_is_short() -> None:
    found = baseline_before(DayOfLogs(every_s=601.0), "shop", DEPLOY_AT)

    assert found is not None
    assert len(found.lines) in (143, 144)
    assert all(DEPLOY_AT - BEFORE_S <= one.at < DEPLOY_AT for one in found.lines)
    assert found.window_s == BEFORE_S


def test_of_a_busy_day_lines_of_all_hours_are_read_and_no_more_than_bearable() -> None:
    logs = DayOfLogs(every_s=0.01)
    found = baseline_before(logs, "shop", DEPLOY_AT)

    assert found is not None
    assert len(found.lines) <= 20_000
    assert logs.pages <= 100
    hours = {int((DEPLOY_AT - one.at) / 3600) for one in found.lines}
    assert min(hours) <= 2
    assert max(hours) >= 21
    assert found.window_s == pytest.approx(0.01 * len(found.lines), rel=0.05)


def test_only_lines_of_the_app_itself_make_a_baseline() -> None:
    assert baseline_before(DayOfLogs(600.0, provider="runner"), "shop", DEPLOY_AT) is None
    assert baseline_before(lambda token: ([], token), "shop", DEPLOY_AT) is None


@pytest.fixture
def logs(tmp_path: Path):
    def made(*lines: LogLine, baseline: Baseline | None):
        recording = Recording(record(tmp_path, 900.0, *lines))
        opened.append(recording)
        return Logs(recording, (), lambda _app: baseline).since_deploy(App())

    opened: list[Recording] = []
    yield made
    for recording in opened:
        recording.close()


BASELINE = Baseline((line("store slow, 3 tries", at=0.0),), 100.0, "a test")
NOW = [line(f"store slow, {n} tries", at=float(n)) for n in range(1, 11)]


def test_new_errors_and_rises_are_told_against_the_baseline(logs) -> None:
    since = logs(*NOW, line("stock is negative", at=4.0), baseline=BASELINE)

    assert [one.template for one in since.new_error_signatures] == ["stock is negative"]
    assert sum(one.count for one in since.signatures) == 11
    assert [one.signature.template for one in since.rate_changed(factor=3)] == [
        "store slow, <n> tries"
    ]
    assert [one.template for one in since.matching("NEGATIVE")] == ["stock is negative"]


def test_without_a_baseline_nothing_is_claimed(logs) -> None:
    since = logs(*NOW, baseline=None)

    with pytest.raises(Inconclusive, match="no baseline"):
        _ = since.new_error_signatures
    with pytest.raises(Inconclusive, match="no baseline"):
        since.rate_changed()


def test_without_a_time_there_is_no_rate(logs) -> None:
    with pytest.raises(Inconclusive, match="do not span a time"):
        logs(NOW[0], baseline=BASELINE).rate_changed()


def test_the_baseline_is_looked_for_only_when_asked_for(tmp_path: Path) -> None:
    def never(_app: object) -> Baseline | None:
        raise AssertionError("the baseline was looked for")

    with Recording(record(tmp_path, 900.0, *NOW)) as recording:
        assert len(Logs(recording, (), never).since_deploy(App()).errors) == 1
