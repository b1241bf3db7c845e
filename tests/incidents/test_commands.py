"""What a person on call types, and what they read."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_sre.cli import main
from pytest_sre.issues.outbox import Outbox
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import Exchange
from pytest_sre.recording.store import new_run_path

SETTINGS = '[issues]\nescalate-to = "@acme/director"\nupdate-every = "10m"\n'
FLY = 'app = "shop"\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "sre.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "fly.toml").write_text(FLY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sre(project, capsys):
    """Runs ``pytest-sre``; gives its exit code and what it printed, to either stream."""

    def run(*arguments):
        assert Path.cwd() == project
        code = main([*arguments])
        out, err = capsys.readouterr()
        return code, (out + err).strip()

    return run


def issue(project, number):
    (path,) = (project / ".sre" / "issues").glob(f"{number:04d}-*.md")
    return path.read_text("utf-8")


def test_an_incident_is_led_from_the_command_line(sre, project):
    opening = ["incident", "open", "checkout fails", "--target", "prod"]
    assert sre(*opening, "--impact", "1 in 3 carts", "--commander", "Ana") == (
        0,
        "incident #1 opened: checkout fails",
    )
    assert sre("incident", "acknowledge", "1") == (0, "incident #1: acknowledged")
    assert sre("incident", "note", "1", "rolled back to **v41**") == (0, "incident #1: noted")
    assert sre("incident", "escalate", "1") == (0, "incident #1: escalated to @acme/director")
    code, refused = sre("incident", "escalate", "1")
    assert (code, "again from" in refused) == (1, True)
    assert sre("incident", "resolve", "1", "well since 14:31")[1].splitlines() == [
        "incident #1: resolved",
        "incident #1: post-mortem drafted, #2",
    ]

    text = issue(project, 1)
    assert "| status | **resolved**, at " in text
    assert "| affected apps | shop |" in text
    assert "rolled back to **v41**" in text
    assert "Resolved. well since 14:31" in text
    assert text.count("@acme/director") == 1
    assert "| post-mortem | #2 |" in text
    assert "Incident: #1." in issue(project, 2)
    assert sre("incident", "resolve", "1") == (1, "incident #1 is resolved")


def test_without_a_post_mortem_none_is_drafted(sre, project):
    sre("incident", "open", "checkout fails")

    assert sre("incident", "resolve", "1", "--no-postmortem") == (0, "incident #1: resolved")
    assert len(list((project / ".sre" / "issues").glob("*.md"))) == 1


def test_status_shows_what_is_open_and_what_is_due(sre):
    assert sre("incident", "status") == (0, "no incident is open")
    sre("incident", "open", "checkout fails", "--severity", "high")
    sre("incident", "open", "mails are late")
    sre("incident", "resolve", "1")

    code, shown = sre("incident", "status")
    (found,) = json.loads(sre("incident", "status", "--json")[1])

    assert code == 0
    assert re.search(r"#2 +open +critical +\d+ s +\d+ s ago +not due +nobody +mails", shown), shown
    assert (found["number"], found["status"], found["is_update_due"]) == (2, "open", False)
    assert 0 <= found["age_s"] < 100


def test_an_update_is_due_when_the_log_is_silent_for_too_long(sre, project):
    (project / "sre.toml").write_text('[issues]\nupdate-every = "1ms"\n', encoding="utf-8")
    sre("incident", "open", "checkout fails")

    (found,) = json.loads(sre("incident", "status", "--json")[1])

    assert found["is_update_due"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["incident", "note", "7", "x"], 1, "expected the number of an incident, found #7"),
        (["incident", "open", "  "], 4, "expected a title"),
        (["incident", "note", "1", " "], 4, "expected a text"),
        (["incident", "status", "--target", "porod"], 4, "porod"),
        (["postmortem", "1"], 1, "expected the number of an incident, found #1"),
    ],
)
def test_a_mistake_is_answered_and_leaves_nothing(sre, project, arguments, code, said):
    found, text = sre(*arguments)

    assert found == code
    assert said in text
    assert not (project / ".sre" / "outbox").exists()


def test_who_is_not_named_cannot_be_mentioned(sre, project):
    (project / "sre.toml").write_text("", encoding="utf-8")
    sre("incident", "open", "checkout fails")

    code, text = sre("incident", "escalate", "1")

    assert code == 4
    assert "escalate-to" in text


def test_what_a_person_pastes_does_nothing_and_tells_no_secret(sre, project):
    token = "ghp_" + "a1" * 18
    hostile = f"@eve &#64;eve fixes #1\n<!-- pytest-sre:comment x -->\n::error::x {token}"
    sre("incident", "open", f"fails for @eve {token}", "--impact", hostile, "--commander", "@eve")
    sre("incident", "note", "1", hostile)
    sre("incident", "resolve", "1")

    shown = issue(project, 1) + issue(project, 2)
    assert token not in shown
    assert not re.search(r"@eve|&#64;|fixes #1|<!-- pytest-sre:comment x|\n::error", shown)
    assert len(re.findall(r"\n<!-- pytest-sre:comment 20", issue(project, 1))) == 3


def test_what_cannot_be_told_waits_and_is_told_later(sre, project):
    issues = project / ".sre" / "issues"
    issues.parent.mkdir()
    issues.write_text("a file, where a folder is to be", encoding="utf-8")

    code, text = sre("incident", "open", "checkout fails")
    assert code == 1
    assert "1 event waits in .sre/outbox" in text

    issues.unlink()
    assert sre("deliver") == (0, "incident #1 opened: checkout fails")
    assert list(Outbox(project / ".sre" / "outbox").waiting()) == []


def record(project, at, target="prod"):
    path = new_run_path(project, target, at)
    recorder = Recorder(path, {"target": target, "started_at": str(at)})
    for n in range(30):
        row = Exchange(
            at=at + n,
            source="bake",
            app="shop",
            method="GET",
            url="http://x/",
            machine="148e21",
            ok=n < 20,
        )
        recorder.write(row)
    recorder.note("verdict", "UNHEALTHY")
    recorder.close()


def test_a_post_mortem_counts_what_runs_recorded(sre, project):
    sre("incident", "open", "checkout fails", "--target", "prod", "--commander", "Ana Silva")
    sre("incident", "note", "1", "Ana forgot the migration")
    (found,) = json.loads(sre("incident", "status", "--json")[1])
    record(project, found["opened_at"] - 60)

    told = sre("incident", "resolve", "1")[1]

    text = issue(project, 2)
    assert "| requests that failed | 10 of 30 |" in text
    assert "| minutes with more than 0.01 of requests failed | " in text
    assert "| Machines affected | 1 (148e21) |" in text
    assert "| error budget spent | not measured" in text
    assert re.search(r"\| time to detect \| 40 s \|", text), text
    assert "10 of " in text.partition("## Timeline")[2]
    assert "a name stands next to blame: - 2" in told
    assert text.count("- [ ] **") == 3


def test_an_edited_post_mortem_is_read_again(sre, project):
    sre("incident", "open", "checkout fails")
    sre("incident", "resolve", "1")
    assert sre("postmortem", "1")[1].count("an action item has no owner") == 3

    (path,) = (project / ".sre" / "issues").glob("0002-*.md")
    path.write_text(path.read_text("utf-8").replace("to be named", "Ana"), encoding="utf-8")

    assert sre("postmortem", "1") == (0, "incident #1: its post-mortem is #2")


def test_the_command_is_there(project):
    script = "import sys; from pytest_sre.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "incident", "open", "checkout fails"]
    environment = {**os.environ, "GITHUB_TOKEN": ""}

    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "incident #1 opened: checkout fails\n")
