"""P14: when it cannot file, it says why in few lines, keeps what was found, and breaks nothing.

``pytest-sre deliver`` is run in a project whose outbox holds what a run found.

Run as ``python benchmarks/contract/clear.py``.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from github_double import Access, GithubDouble

from benchmarks.contract.filing import sighting
from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.outbox import Outbox

DELIVER = "from pytest_sre.cli import main; raise SystemExit(main(['deliver']))"
Situation = Callable[[GithubDouble], Mapping[str, str]]
"""Brings a server into a state in which nothing can be filed; gives the environment to try it."""


def wrong_token(_: GithubDouble) -> Mapping[str, str]:
    return {"GITHUB_TOKEN": "wrong"}


def no_token(_: GithubDouble) -> Mapping[str, str]:
    return {}


def read_only(double: GithubDouble) -> Mapping[str, str]:
    return {"GITHUB_TOKEN": double.allow("reader", Access("reader", issues="read"))}


def app_without_permission(double: GithubDouble) -> Mapping[str, str]:
    access = Access("github-actions[bot]", issues="read", is_app=True)
    return {"GITHUB_TOKEN": double.allow("app", access)}


def without_push(double: GithubDouble) -> Mapping[str, str]:
    return {"GITHUB_TOKEN": double.allow("guest", Access("guest", push=False))}


def not_found(double: GithubDouble) -> Mapping[str, str]:
    double.state.repositories.clear()
    return {"GITHUB_TOKEN": double.token}


def issues_off(double: GithubDouble) -> Mapping[str, str]:
    double.repository.has_issues = False
    return {"GITHUB_TOKEN": double.token}


def archived(double: GithubDouble) -> Mapping[str, str]:
    double.repository.archived = True
    return {"GITHUB_TOKEN": double.token}


def renamed(double: GithubDouble) -> Mapping[str, str]:
    double.rename(double.repository, "acme", "boutique")
    return {"GITHUB_TOKEN": double.token}


def limited(double: GithubDouble) -> Mapping[str, str]:
    double.limits.exhaust()
    return {"GITHUB_TOKEN": double.token}


def nobody_there(double: GithubDouble) -> Mapping[str, str]:
    return {"GITHUB_TOKEN": double.token, "SRE_NOBODY": "1"}


SITUATIONS: dict[str, tuple[Situation, str]] = {
    "wrong token": (wrong_token, "the token is wrong or has expired"),
    "no token": (no_token, "expected a token, found none of GITHUB_TOKEN, GH_TOKEN"),
    "token that may only read": (read_only, "the token lacks issues=write"),
    "GitHub App that may only read": (app_without_permission, "the token lacks issues=write"),
    "token without push access": (without_push, "may not label issues there"),
    "no such repository": (not_found, "there is no such repository"),
    "issues disabled": (issues_off, "issues are disabled"),
    "archived": (archived, "archived"),
    "renamed": (renamed, "renamed or moved"),
    "limit of an hour": (limited, "it asks to wait"),
    "nobody there": (nobody_there, "no answer"),
}
QUICK = ("no token", "renamed")


def main() -> None:
    chosen = list(SITUATIONS.items())
    if wants_quick(__doc__ or ""):
        chosen = [each for each in chosen if each[0] in QUICK]
    rows, unclear, lost, talkative, wrong_codes = [], 0, 0, 0, 0
    for name, (situation, expected) in chosen:
        code, lines, kept = tried(situation)
        unclear += not any(expected in line for line in lines)
        lost += not kept
        talkative += len(lines) > 4 or any("Traceback" in line for line in lines)
        wrong_codes += code != 1
        rows.append((name, "kept" if kept else "LOST", "\n".join(lines[:2])))
    report(
        "clear when it cannot file",
        titles=("situation", "outbox", "what it says first"),
        rows=rows,
        targets=[
            Target("situations in which the cause is not named", unclear, "", "<=", 0),
            Target("situations in which something is lost", lost, "", "<=", 0),
            Target("answers of more than four lines", talkative, "", "<=", 0),
            Target("exit codes that are not 1", wrong_codes, "", "<=", 0),
        ],
        libraries=["PyGithub"],
    )


def tried(situation: Situation) -> tuple[int, list[str], bool]:
    """Deliver in a situation; the exit code, the lines that are said, whether it is kept."""
    with GithubDouble() as double, tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        own = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
        environment = own | dict(situation(double))
        url = "http://127.0.0.1:9" if "SRE_NOBODY" in environment else double.url
        config = f'[issues]\ntracker = "github:acme/shop"\napi-url = "{url}"\n'
        (root / "sre.toml").write_text(config, encoding="utf-8")
        outbox = Outbox(root / ".sre" / "outbox")
        outbox.put(sighting(1, [1]))
        done = subprocess.run(
            [sys.executable, "-c", DELIVER],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        lines = (done.stdout + done.stderr).splitlines()
        return done.returncode, lines, any(outbox.waiting())


if __name__ == "__main__":
    main()
