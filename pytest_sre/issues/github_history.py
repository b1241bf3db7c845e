"""The commits between two revisions, by GitHub's compare API; one call, never repeated."""

from typing import Final

import msgspec

from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.history import Commit, Comparison
from pytest_sre.issues.tracker import TrackerError

_PAGE: Final = 250
_SHOWN: Final = 20
_LONGEST_ID: Final = 10


class _Author(msgspec.Struct):
    name: str | None = None


class _Details(msgspec.Struct):
    message: str = ""
    author: _Author | None = None


class _Commit(msgspec.Struct):
    sha: str
    commit: _Details


class _File(msgspec.Struct):
    filename: str


class _Comparison(msgspec.Struct):
    commits: list[_Commit]
    total_commits: int
    files: list[_File] = msgspec.field(default_factory=list)
    html_url: str = ""


class GithubHistory:
    """Asks the repository that keeps the issues.

    Args:
        tracker: its tracker.
    """

    def __init__(self, tracker: GithubTracker) -> None:
        self._tracker = tracker

    def between(self, before: str, after: str) -> Comparison:
        """Compare two revisions: at most 250 commits, of which the newest 20 are given.

        Raises:
            TrackerError: GitHub does not know one of them, or does not answer.
        """
        with self._tracker.asking() as repository:
            asked = repository.compare(before, after, comparison_commits_per_page=_PAGE)
            raw = asked.raw_data
        try:
            found = msgspec.convert(raw, _Comparison)
        except msgspec.ValidationError as error:
            raise TrackerError(f"{self._tracker.name}: not a comparison: {error}") from error
        return Comparison(
            tuple(map(_commit, reversed(found.commits[-_SHOWN:]))),
            found.total_commits,
            tuple(each.filename for each in found.files),
            found.html_url,
        )


def _commit(found: _Commit) -> Commit:
    author = found.commit.author
    subject = found.commit.message.partition("\n")[0]
    return Commit(found.sha[:_LONGEST_ID], subject, (author.name if author else "") or "")
