"""Owners are those that GitHub would name: the last line that matches decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.issues.codeowners import owners_of

FILE = """
# Everything that nobody else owns
*                @default-one @default-two
*.js             @js-owner #This is an inline comment for @nobody.
docs/*           docs@example.com @docs-owner
apps/            @octocat
/scripts/        @scripter @acme/scripts
**/logs          @logger
/build/logs/old/ @doctocat
/apps/github
/web/store.py    @storekeeper
with\\ space.txt  @spacer
!negated.py      @nobody
[ab].py          @nobody
\\#hash.py        @nobody
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README.md", ("default-one", "default-two")),
        ("web/app.js", ("js-owner",)),
        ("build/logs", ("logger",)),
        ("build/log", ("default-one", "default-two")),
        ("build/logs/old/x.log", ("doctocat",)),
        ("deep/build/logs/old/x.log", ("logger",)),
        ("docs/getting-started.md", ("docs-owner",)),
        ("docs/build-app/troubleshooting.md", ("default-one", "default-two")),
        ("src/apps/x/y.py", ("octocat",)),
        ("scripts/run.sh", ("scripter",)),
        ("sub/scripts/run.sh", ("default-one", "default-two")),
        ("logs/today.txt", ("logger",)),
        ("deeply/nested/logs/x.txt", ("logger",)),
        ("apps/github/main.py", ()),
        ("web/store.py", ("storekeeper",)),
        ("Web/store.py", ("default-one", "default-two")),
        ("with space.txt", ("spacer",)),
        ("negated.py", ("default-one", "default-two")),
        ("a.py", ("default-one", "default-two")),
        ("#hash.py", ("default-one", "default-two")),
    ],
)
def test_the_last_line_that_matches_decides(path, owners):
    assert owners_of(FILE, [path]) == owners


def test_who_owns_most_of_what_changed_comes_first():
    changed = ["web/store.py", "a.js", "b.js", "apps/github/x.py"]

    assert owners_of(FILE, changed) == ("js-owner", "storekeeper")


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=20), max_size=3))
def test_any_file_is_read(text, paths):
    owners_of(text, paths)
