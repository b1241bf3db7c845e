"""``pytest-sre logs scan``, as it is typed."""

import gzip
import json
import os
import subprocess
import sys

import pytest

REFUSED = "dial tcp 10.0.0.1:5432: connect: connection refused\n"
COMMAND = "import sys; from pytest_sre.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def scan(tmp_path):
    """Run the command in an empty project; gives the finished process."""

    def run(
        *arguments: str, stdin: bytes = b"", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "logs", "scan", *arguments],
            cwd=tmp_path,
            input=stdin,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environ,
            capture_output=True,
            check=False,
            timeout=60,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback (most" not in err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return run


def test_a_finding_is_shown_with_its_meaning_and_ends_with_1(scan, tmp_path):
    (tmp_path / "app.log").write_text("ok\n" + REFUSED * 2)

    done = scan("app.log")

    assert done.returncode == 1
    assert done.stdout.startswith("3 lines, 107 bytes: 2 match; 1 of ")
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("high")]
    assert row.split() == [
        "high",
        "connection-refused",
        "dependency-refused",
        "2",
        "-",
        "app.log:2",
    ]
    assert "connection-refused: Nothing listens where" in done.stdout
    assert "\n  dial tcp 10.0.0.1:5432" in done.stdout
    assert done.stderr == ""


def test_nothing_found_or_nothing_serious_ends_with_0(scan, tmp_path):
    (tmp_path / "quiet.log").write_text("all is well\n")
    (tmp_path / "mild.log").write_text("write: broken pipe\n")

    assert scan("quiet.log").returncode == 0
    mild = scan("quiet.log", "mild.log")
    assert (mild.returncode, "connection-reset" in mild.stdout) == (0, True)


def test_standard_input_and_json(scan, tmp_path):
    (tmp_path / "old.log.gz").write_bytes(gzip.compress(REFUSED.encode()))

    done = scan("old.log.gz", "-", "--json", stdin=b"x\n" + REFUSED.encode())

    found = json.loads(done.stdout)
    (refused,) = found["findings"]
    assert (done.returncode, found["lines"], found["skipped"], found["unread"]) == (1, 3, 0, [])
    assert refused["rule"].keys() == {"id", "kind", "severity", "explanation"}
    assert (refused["count"], refused["first"]["file"]) == (2, "old.log.gz")
    assert refused["last"] == {"file": "-", "line": 2, "machine": "", "time": ""}


def test_own_rules_and_ignored_lines_of_the_project_count(scan, tmp_path):
    (tmp_path / "sre.toml").write_text(
        """
[logs]
ignore = ["^probe"]
[[logs.rule]]
id = "declined"
kind = "payments"
severity = "critical"
pattern = 'payment \\d+ declined'
explanation = "The bank declined."
matches = ["payment 1 declined"]
misses = ["payment declined"]
"""
    )
    (tmp_path / "app.log").write_text("payment 12 declined\nprobe: connection refused\n")

    done = scan("app.log")

    assert done.returncode == 1
    assert "declined: The bank declined." in done.stdout
    assert "of these lines: 1 ignored" in done.stdout
    assert "connection-refused" not in done.stdout


@pytest.mark.parametrize(
    ("sre_toml", "file", "said"),
    [
        ("", "missing.log", "missing.log cannot be read: No such file"),
        ("[[logs.rule]]\nid = 'x'", "app.log", "sre.toml: [logs.rule[0]] has no key"),
        (
            """[[logs.rule]]
id = 'x'
kind = 'x'
severity = 'low'
pattern = '(?<=a)b'
explanation = 'x'
matches = ['ab']
misses = ['b']""",
            "app.log",
            "sre.toml: logs.rule[0].pattern of the rule",
        ),
    ],
)
def test_a_mistake_is_told_in_a_few_lines_and_ends_with_4(scan, tmp_path, sre_toml, file, said):
    (tmp_path / "app.log").write_text("ok\n")
    (tmp_path / "sre.toml").write_text(sre_toml)

    done = scan(file)

    assert done.returncode == 4
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 4


def test_what_a_damaged_file_holds_is_still_scanned(scan, tmp_path):
    noise = "".join(f"{number * 7919} {number**3}\n" for number in range(60_000))
    whole = gzip.compress((REFUSED + noise).encode())
    (tmp_path / "cut.log.gz").write_bytes(whole[: len(whole) // 2])

    done = scan("cut.log.gz")

    assert done.returncode == 1
    assert "cut.log.gz cannot be read to its end" in done.stderr
    assert "connection-refused" in done.stdout


def test_foreign_text_cannot_act_on_the_terminal(scan, tmp_path):
    (tmp_path / "app.log").write_text("\x1b]0;x\x07[bold]connection refused[/nope] \u202e\n")

    done = scan("app.log")

    assert all(line.isprintable() for line in done.stdout.splitlines())
    assert "[bold]connection refused[/nope]" in done.stdout


def test_a_terminal_that_cannot_show_a_character_gets_its_code(scan, tmp_path):
    (tmp_path / "app.log").write_text("Zoë → connection refused\n", encoding="utf-8")

    done = scan("app.log", PYTHONIOENCODING="ascii")

    assert done.returncode == 1
    assert "Zo\\xeb \\u2192 connection refused" in done.stdout
