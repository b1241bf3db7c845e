"""A critical alert that tells nobody what to do is named at collection, or refused."""

SUITE = """
import pytest

@pytest.mark.sre(severity="critical")
@pytest.mark.parametrize("number", range(3))
def test_alarm(number):
    pass

@pytest.mark.sre(severity="high", runbook="gone.md")
def test_gone():
    pass

@pytest.mark.sre(severity="critical", runbook="there.md")
def test_there():
    pass

@pytest.mark.sre(severity="low")
def test_quiet():
    pass
"""
COMPLAINTS = [
    "test_alarm is critical and names no runbook",
    "test_gone names a runbook that is not there: gone.md",
]


def make(pytester):
    pytester.makefile(".toml", fly='app = "web"\n')
    pytester.mkdir("suites")
    pytester.mkdir("runbooks")
    (pytester.path / "suites" / "test_mine.py").write_text(SUITE, encoding="utf-8")
    (pytester.path / "runbooks" / "there.md").write_text("# There\n", encoding="utf-8")


def collect(pytester, *arguments):
    # Only collected: nothing is deployed, as no process group has a command.
    return pytester.runpytest_subprocess(
        "--sre-target=local", "suites", "--collect-only", "-q", *arguments
    )


def test_alerts_without_a_runbook_are_named(pytester):
    make(pytester)

    ran = collect(pytester, "-v")

    for complaint in COMPLAINTS:
        assert ran.stdout.str().count(complaint) == 1
    assert "test_there is" not in ran.stdout.str()
    assert "test_quiet is" not in ran.stdout.str()


def test_they_can_be_refused(pytester):
    make(pytester)

    ran = collect(pytester, "-o", "sre_require_runbook=true")

    assert ran.ret == 4
    for complaint in COMPLAINTS:
        assert complaint in ran.stderr.str() + ran.stdout.str()
