"""What is new since the last healthy run, as far as it can be known."""

from types import SimpleNamespace

import pytest

from pytest_sre.issues.evidence import Change, Release
from pytest_sre.issues.history import Commit, Comparison
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.run import deployed

CODE = Comparison((Commit("bbbb", "change", "Ana"),), 1, ("web.py",))


class Repository:
    """Knows one pair of revisions."""

    def __init__(self):
        self.asked = []

    def between(self, before, after):
        self.asked.append((before, after))
        if before.startswith("dead"):
            raise TrackerError("github:acme/shop: GitHub answers 404: Not Found\nmore")
        return CODE


def change(before, after):
    return Change(Release("shop", 2, "v2", after), Release("shop", 1, "v1", before), 1.0)


def test_two_revisions_are_compared_once():
    history = Repository()

    found = deployed._with_code(change("a" * 40, "b" * 40), history, None)

    assert found.code == CODE
    assert history.asked == [("a" * 40, "b" * 40)]


def test_what_an_earlier_run_found_is_not_asked_for_again():
    history = Repository()
    known = deployed._Compared("a" * 40, "b" * 40, CODE)

    found = deployed._with_code(change("a" * 40, "b" * 40), history, known)
    other = deployed._with_code(change("c" * 40, "b" * 40), history, known)

    assert found.code == other.code == CODE
    assert history.asked == [("c" * 40, "b" * 40)]


@pytest.mark.parametrize(
    ("before", "after"),
    [("a" * 40, "a" * 40), ("", "b" * 40), ("a" * 40, "main"), ("a" * 40, "../x"), ("abc", "abd")],
)
def test_what_is_no_pair_of_commits_is_not_asked_for(before, after):
    history = Repository()

    assert deployed._with_code(change(before, after), history, None) == change(before, after)
    assert history.asked == []


def test_what_github_cannot_compare_is_told_in_one_line():
    found = deployed._with_code(change("dead" * 10, "b" * 40), Repository(), None)

    assert found.code is None
    assert found.why_not == "github:acme/shop: GitHub answers 404: Not Found"


@pytest.mark.parametrize(
    ("metadata", "env", "revision"),
    [
        ({"GH_SHA": "a" * 40}, {}, "a" * 40),
        ({}, {"GIT_SHA": "b" * 40}, "b" * 40),
        ({"fly_process_group": "web"}, {"PORT": "80"}, ""),
    ],
)
def test_a_commit_is_taken_from_what_a_deploy_wrote(metadata, env, revision):
    settings = SimpleNamespace(metadata=metadata, env=env)
    app = SimpleNamespace(live=[SimpleNamespace(settings=settings)])

    assert deployed._stated_revision(app) == revision


@pytest.mark.parametrize(
    ("before", "now", "is_deploy"),
    [
        (Release("shop", 1, "v1"), Release("shop", 2, "v2"), True),
        (Release("shop", 1, "v1"), Release("shop", 1, "v1", fly_toml="new"), False),
        (None, Release("shop", 1, "v1"), False),
    ],
)
def test_a_deploy_is_another_release_or_image(before, now, is_deploy):
    assert Change(now, before).is_deploy == is_deploy
