"""``--sre-report``: the page of a run, where it was asked for, whatever becomes of the run."""

import pytest

BROKEN = """
def test_broken(fly_app, probe):
    assert probe.http(fly_app, "/broken").status == 200
"""


def test_a_failed_run_leaves_its_report_and_issues_name_it(shared):
    ran = shared.verify(shared.suite("broken", BROKEN), "--sre-report=out/report.html")

    assert (ran.ret, ran.verdict) == (1, "UNHEALTHY")
    assert ran.lines_of("report") == ["out/report.html"]
    page = (shared.root / "out" / "report.html").read_text("utf-8")
    assert "UNHEALTHY</span>: the release on local" in page
    assert "test_broken" in page
    assert "/broken" in page
    assert ran.path.name in page
    issues = [*(shared.root / ".sre" / "issues").rglob("*.md")]
    assert any("reported in out/report.html" in each.read_text("utf-8") for each in issues)


def test_a_report_that_cannot_be_written_changes_no_verdict(shared):
    shared.write(**{"in-the-way": ""})
    suite = shared.suite("plain", "def test_plain(fly_app):\n    assert fly_app.is_up('web')\n")

    ran = shared.verify(suite, "--sre-report=in-the-way/report.html", "-n1")

    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text
    assert "expected to write the report, found: " in ran.text


@pytest.mark.parametrize("file", ["report.txt", "."])
def test_what_is_no_page_is_refused_before_anything_is_contacted(project, file):
    ran = project.verify(f"--sre-report={file}")

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    assert f"--sre-report is '{file}'" in ran.text
    assert "expected the path of a file, such as report.html" in ran.text
    assert ran.path is None
