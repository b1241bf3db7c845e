"""Where GitHub shows a project's files."""

import pytest

from pytest_sre.run.repository import find_repository

ACTIONS = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/code"}
TRACKER = "github:acme/shop"


@pytest.fixture
def project(tmp_path):
    """A project in a folder of a checkout."""
    folder = tmp_path / "code" / "web app"
    folder.mkdir(parents=True)
    (tmp_path / "code" / ".git").mkdir()
    return folder


@pytest.mark.parametrize(
    ("tracker", "api_url", "environment", "address"),
    [
        (TRACKER, None, {}, "https://github.com/acme/shop"),
        (TRACKER, None, ACTIONS, "https://github.com/acme/code"),
        (TRACKER, "https://git.acme.example/api/v3", {}, "https://git.acme.example/acme/shop"),
        (TRACKER, "https://api.acme.ghe.com", {}, "https://acme.ghe.com/acme/shop"),
        ("files:.sre/issues", None, {}, ""),
    ],
)
def test_a_runbook_is_shown_where_the_code_is(project, tracker, api_url, environment, address):
    found = find_repository(project, tracker, api_url, environment)

    path = project / "runbooks" / "a b.md"
    expected = f"{address}/blob/HEAD/web%20app/runbooks/a%20b.md" if address else ""
    assert found.link_to(path) == expected
    assert found.link_to(project.parents[1] / "elsewhere.md") == ""


def test_owners_are_read_from_the_first_place_where_github_looks(project):
    found = find_repository(project, TRACKER, None, {})
    assert found.codeowners() == ""

    for place in ("docs", ".github"):
        (found.root / place).mkdir()
        (found.root / place / "CODEOWNERS").write_text(f"* @{place}", encoding="utf-8")
    assert found.codeowners() == "* @.github"


def test_a_project_outside_of_any_checkout_is_shown_nowhere(tmp_path):
    if not any((folder / ".git").exists() for folder in tmp_path.parents):
        assert find_repository(tmp_path, TRACKER, None, {}) is None
