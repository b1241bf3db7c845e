"""What an issue says: enough to act on in the morning, inert, without secrets, and it fits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.issues.body import LABEL, fingerprint_label, remembered, rewrite_body, write_body
from pytest_sre.issues.evidence import (
    Change,
    Release,
    Runbook,
    Seen,
    escalation,
    lines_around,
    sections,
)
from pytest_sre.issues.history import Commit, Comparison
from pytest_sre.issues.values import Issue, Memory
from pytest_sre.judge.causes import Cause, Failure
from pytest_sre.recording.rows import CheckSeen, Exchange, LogLine, MachineSeen
from pytest_sre.redaction import redact
from pytest_sre.verdict import Verdict

AT = 1_800_000_000.0
MEMORY = Memory(
    "f" * 16, "prod", ("test_it",), AT, AT, "shop v42", "shop v42", app="shop", image="shop:v42"
)
HOSTILE = "@octocat Fixes #1 <img src=x> [x](http://evil.example) ![i](y) ghp_" + "a1B2" * 9


def machine(name="148e21", state="started") -> MachineSeen:
    about = {"at": AT, "app": "shop", "machine": name, "name": name, "region": "ams"}
    return MachineSeen(**about, group="web", state=state, instance_id="i", image="shop:v42")


def line(at: float, message: str, name="148e21") -> LogLine:
    return LogLine(at=at, app="shop", machine=name, region="ams", level="error", message=message)


def exchange(**given) -> Exchange:
    about = {"at": AT, "source": "bake", "app": "shop", "method": "POST", "url": "https://s/orders"}
    return Exchange(**{**about, "machine": "148e21", "region": "ams", "status": 503, **given})


def cause(*said: str) -> Cause:
    failures = tuple(
        Failure(f"suites/test_x.py::test_x[{n}]", Verdict.UNHEALTHY, text)
        for n, text in enumerate(said)
    )
    return Cause("web exits", failures, (), ("shop", "exits", "web", "1", ""), frozenset(), "shop")


def written(found: Cause, **seen) -> str:
    known = Seen(target="prod", evidence=".sre/runs/run.sqlite", **seen)
    return write_body(MEMORY, "high", sections(found, known, redact))


def part(body: str, heading: str) -> str:
    return body.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_table_says_what_was_seen_of_what():
    body = written(cause("it fails"))

    for row in ("severity | high", "target | prod", "app | shop", "image | shop:v42"):
        assert f"| {row} |" in body
    assert "| last seen | 2027-01-15 08:00 UTC, shop v42 |" in body


def test_the_log_is_that_of_around_the_first_failing_request():
    lines = [line(AT + n, f"line {n} of the log") for n in range(-30, 31)]

    body = written(cause("it fails"), log_lines=lines_around(lines, AT + 0.5), failed_at=AT + 0.5)

    shown = [int(n) for n in re.findall(r"line (-?\d+) of", part(body, "Log"))]
    assert shown == list(range(-14, 16))
    before, _, after = part(body, "Log").partition("the first request fails")
    assert "line 0 of" in before
    assert "line 1 of" in after


@given(st.lists(st.floats(0, 100), max_size=60), st.floats(0, 100))
def test_lines_around_a_time_are_the_nearest_on_both_sides(times, at):
    lines = [line(each, "said") for each in sorted(times)]

    shown = lines_around(lines, at)

    assert list(shown) == sorted(shown, key=lambda each: each.at)
    assert len(shown) <= 30
    if len(lines) > len(shown) and at:
        left = [each.at for each in lines if each not in shown]
        sides = [each.at for each in shown]
        assert all(each <= min(sides) or each >= max(sides) for each in left)


def test_what_changed_names_release_settings_and_commits():
    before = Release("shop", 41, "shop:v41", "a" * 40, "app = 'shop'\n[env]\nA = '1'\nB = '2'\n")
    now = Release("shop", 42, "shop:v42", "b" * 40, "app = 'shop'\n[env]\nA = '9'\nB = '2'\n")
    commits = (Commit("bbbbbbbbbb", "Make carts faster, fixes #12", "@octocat <o@x.example>"),)
    code = Comparison(commits, 3, ("web.py",), "https://github.com/acme/shop/compare/a...b")

    body = part(written(cause("x"), changes=(Change(now, before, AT, code),)), "What changed")

    assert "the last healthy run, at 2027-01-15 08:00 UTC, saw shop v41" in body
    assert "-A = '1'\n+A = '9'" in body
    assert (
        "3 commits between the two ([compare](<https://github.com/acme/shop/compare/a...b>))"
        in body
    )
    assert "- and 2 more" in body
    assert "Make carts faster" in body
    assert not re.search(r"@\w|#\d", body)


def test_commits_that_could_not_be_asked_for_are_said_to_be_unknown():
    before, now = Release("shop", 41, "a", "a" * 40), Release("shop", 42, "b", "b" * 40)

    body = written(cause("x"), changes=(Change(now, before, AT, why_not="GitHub answers 404"),))

    assert "not known: GitHub answers 404" in body


def test_a_test_that_could_not_judge_is_said_to_be_one():
    unsure = Failure("test_slow", Verdict.INCONCLUSIVE, "too few samples", cause="few")
    found = Cause("web exits", (*cause("it fails").failures, unsure))

    assert "- test\\_slow: could not be judged: too few samples" in written(found)


def test_of_each_kind_of_failing_request_the_first_is_shown():
    kinds = [("a", 503), ("a", 503), ("b", 503), ("a", 500), ("b", 503), ("c", 500)]
    exchanges = tuple(
        exchange(at=AT + n, url=f"https://s/{path}", status=status, body_head=f"body {n}")
        for n, (path, status) in enumerate(kinds)
    )

    body = part(written(cause("x"), exchanges=exchanges), "A failing request")

    assert re.findall(r"body \d", body) == ["body 0", "body 2", "body 3"]


def test_a_runbook_is_linked_and_begins_in_the_issue():
    text = "# Journeys\n" + "\n".join(f"{n}. step" for n in range(20))
    link = "https://github.com/acme/shop/blob/HEAD/suites/runbooks/journeys.md"

    body = written(cause("x"), runbooks=(Runbook("suites/runbooks/journeys.md", text, link),))

    shown = part(body, "Runbook")
    assert f"[suites/runbooks/journeys.md](<{link}>)" in shown
    assert "10. step\n…" in shown


@pytest.mark.parametrize(
    ("functions", "command"),
    [(1, "pytest --sre-target=prod -k test_0"), (9, "pytest --sre-target=prod\n")],
)
def test_the_command_runs_them_again(functions, command):
    failures = tuple(Failure(f"a.py::test_{n}[x]", Verdict.UNHEALTHY, "") for n in range(functions))
    found = Cause("it", failures)

    assert command in part(written(found), "Run it again")


def test_only_a_critical_issue_mentions_whom_it_is_escalated_to():
    (section,) = escalation("@acme/director", "critical")

    assert section.text == "@acme/director: this is critical."
    assert escalation("@acme/director", "high") == ()
    assert escalation(None, "critical") == ()


def everything(text: str, much: int) -> Seen:
    release = Release("shop", 42, text, "b", text * much)
    return Seen(
        target="prod",
        evidence=".sre/runs/run.sqlite",
        machines=tuple(machine(f"{n}{text}", text) for n in range(much)),
        checks=(CheckSeen(at=AT, app="shop", machine=f"0{text}", check=text, status=text),),
        exchanges=tuple(exchange(url=text, error=text, body_head=text * 50) for _ in range(much)),
        log_lines=tuple(line(AT, text * 20) for _ in range(much)),
        failed_at=AT,
        signatures=(text,) * much,
        changes=tuple(
            Change(
                release,
                Release(text, 1, text, "a", f"{n}\n"),
                AT,
                Comparison((Commit(text, text, text),) * 20, 400, (), "https://github.com/c"),
            )
            for n in range(much)
        ),
        runbooks=tuple(Runbook(f"{n}.md", (text + "\n") * 100) for n in range(much)),
    )


def test_nothing_from_outside_is_live_and_no_secret_is_told():
    found = Cause(HOSTILE, cause(HOSTILE, HOSTILE).failures, (HOSTILE,))

    body = write_body(MEMORY, "high", sections(found, everything(HOSTILE, 2), redact))

    assert "a1B2a1B2" not in body
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", body)
    outside = outside.replace("<!-- pytest-sre:seen -->", "").partition("\n")[2]
    assert not re.search(r"@\w|#\d|<img|(?<!\\)\]\(http", outside)


@pytest.mark.parametrize("much", [1, 60, 400])
def test_a_body_fits_and_keeps_what_is_worth_most(much):
    text = "word " * 30 + "@x " * 10
    found = cause(*(f"{n} {text}" for n in range(much)))

    body = write_body(MEMORY, "high", sections(found, everything(text, much), redact))

    assert len(body) <= 45_000
    assert "Expected to pass, and failed:" in body
    assert "## Run it again" in body
    if much == 400:
        assert "Left out, since it did not fit: Log" in body


def test_a_body_still_fits_when_it_remembers_all_it_ever_will():
    text = "word " * 30
    found = cause(*(f"{n} {text}" for n in range(100)))
    body = write_body(MEMORY, "high", sections(found, everything(text, 60), redact))
    long = Memory(
        "f" * 16,
        "prod",
        tuple(
            f"suites/journeys/test_journeys.py::test_of_{n:03}_which_is_long" for n in range(100)
        ),
        AT,
        AT,
        "shop v42",
        "shop v999",
        count=10_000,
        runs=tuple(f"20270115T080000Z-prod-{n:06x}" for n in range(50)),
        app="shop",
        image="registry.fly.io/shop:deployment-01JAB" * 3,
    )

    rewritten = rewrite_body(body, long)

    assert "Cut here" not in rewritten
    assert len(rewritten) <= 65_536


def test_what_people_made_too_long_can_still_be_rewritten():
    body = written(cause("x")) + "people say more\n" * 5_000

    rewritten = rewrite_body(body, MEMORY)

    assert len(rewritten) <= 65_536
    assert rewritten.endswith("_Cut here, since it did not fit._\n")
    labels = frozenset({LABEL, fingerprint_label(MEMORY.fingerprint)})
    assert remembered(Issue(1, "t", rewritten, labels)) == MEMORY
