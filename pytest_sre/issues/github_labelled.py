"""Lists issues by a label again and again, so that GitHub's limits do not count it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from github.Issue import Issue
from github.Repository import Repository


@dataclass(frozen=True)
class _Seen:
    tag: str
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class Labelled:
    """The open issues of a repository, by label.

    What was seen is asked for again on the condition that it has changed. GitHub does not count an
    answer that it has not:
    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api

    Attributes:
        repository: whose issues they are.
    """

    repository: Repository
    _seen: dict[str, _Seen] = field(default_factory=dict, repr=False)

    def listed(self, label: str) -> Iterable[Issue]:
        """List them, pull requests as well.

        Raises:
            GithubException: GitHub did not list them.
            RequestException: it did not answer.
        """
        seen, requester = self._seen.get(label), self.repository.requester
        headers, found = requester.requestJsonAndCheck(
            "GET",
            f"{self.repository.url}/issues",
            parameters={"state": "open", "labels": label, "per_page": 100},
            headers={"If-None-Match": seen.tag} if seen else None,
        )
        if found is None and seen:
            return seen.issues
        if 'rel="next"' in headers.get("link", ""):  # of further pages the tag says nothing
            return self.repository.get_issues(state="open", labels=[label])
        issues = tuple(Issue(requester, headers, each, completed=True) for each in found)
        self._seen[label] = _Seen(headers.get("etag", ""), issues)
        return issues
