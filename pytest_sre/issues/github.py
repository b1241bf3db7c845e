"""Issues on GitHub, through PyGithub.

PyGithub's own retries are off: they repeat a POST that may have been done, and never an edit.
What may be repeated is decided by ``delivery``; here an answer is only said to be certain or not.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import github
import requests
from github.Auth import Auth
from github.Issue import Issue as GithubIssue
from github.IssueComment import IssueComment
from github.Repository import Repository

from pytest_sre.issues.body import LABEL, fingerprint_label
from pytest_sre.issues.github_labelled import Labelled
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Create, Edit, Issue, Reason
from pytest_sre.redaction import one_line

TOKEN_VARIABLES: Final = ("GITHUB_TOKEN", "GH_TOKEN")
APP_VARIABLES: Final = (
    "SRE_GITHUB_APP_ID",
    "SRE_GITHUB_APP_KEY",
    "SRE_GITHUB_APP_INSTALLATION",
)
PUBLIC_API: Final = "https://api.github.com"

_TIMEOUT_S: Final = 10
_BETWEEN_WRITES_S: Final = 1.0
_AGAIN_S: Final = 2.0
# GitHub asks for a minute at least when it does not say how long.
_SECONDARY_S: Final = 60.0
_LONGEST_DETAIL: Final = 160
_LONGEST_LABEL: Final = 50
_COLOUR: Final = "b60205"
_MAY_NOT_LABEL: Final = (
    "there is no such repository, or the token may not see it, or may not label issues there"
)
# What PyGithub raises on answers that it cannot read, and on redirects to other servers.
_MALFORMED: Final = (
    github.BadAttributeException,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
)
# https://docs.github.com/en/graphql/reference/enums#commentauthorassociation
_WRITERS: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_REASONS: Final[Mapping[str, Reason]] = {
    "completed": "completed",
    "not_planned": "not_planned",
    "duplicate": "duplicate",
    "reopened": "reopened",
}


def auth_from(environment: Mapping[str, str]) -> Auth | None:
    """Who asks, by an environment: the bearer of a token, or an installation of a GitHub App.

    Returns:
        None when the environment names neither.
    """
    token = next((environment[name] for name in TOKEN_VARIABLES if environment.get(name)), "")
    if token:
        return github.Auth.Token(token)
    app_id, key, installation = (environment.get(name, "") for name in APP_VARIABLES)
    if not (app_id and key and installation.isdecimal()):
        return None
    return github.Auth.AppAuth(app_id, key).get_installation_auth(int(installation))


class GithubTracker:
    """Keeps issues in a repository on GitHub, or on a GitHub Enterprise server.

    Args:
        repository: ``owner/name``.
        auth: who asks.
        api_url: of the server.
        between_writes_s: how long to wait at least between two changes.
    """

    def __init__(
        self,
        repository: str,
        auth: Auth,
        *,
        api_url: str = PUBLIC_API,
        between_writes_s: float = _BETWEEN_WRITES_S,
    ) -> None:
        self.name = f"github:{repository}"
        # It tells of redirects and repeats, which would end up on the terminal.
        logging.getLogger("github").setLevel(logging.ERROR)
        client = github.Github(
            auth=auth,
            base_url=api_url,
            timeout=_TIMEOUT_S,
            per_page=100,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=between_writes_s,
            lazy=True,
        )
        self._repository: Repository = client.get_repo(repository)
        self._labelled = Labelled(self._repository)
        self._may_label = False

    @contextmanager
    def asking(self) -> Iterator[Repository]:
        """Ask the repository something; what goes wrong is said in our words.

        Raises:
            TrackerError: GitHub did not answer it.
        """
        with self._translated():
            yield self._repository

    def open_issues(self) -> Sequence[Issue]:
        """All open issues that carry our label.

        Raises:
            TrackerError: GitHub did not list them.
        """
        return self._listed(LABEL, "open")

    def open_with_label(self, label: str) -> Sequence[Issue]:
        """All open issues that carry a label, whoever opened them; meant to be asked often.

        Raises:
            TrackerError: GitHub did not list them.
        """
        with self._translated():
            return _issues(self._labelled.listed(label))

    def with_fingerprint(self, fingerprint: str) -> Sequence[Issue]:
        """All issues that carry the label of this fingerprint, open and closed.

        Raises:
            TrackerError: GitHub did not list them.
        """
        return self._listed(fingerprint_label(fingerprint), "all")

    def issue(self, number: int) -> Issue | None:
        """The issue with this number, whoever opened it; None when there is none.

        Raises:
            TrackerError: GitHub did not show it.
        """
        with self._translated():
            try:
                found = self._repository.get_issue(number)
                found.complete()
            except github.GithubException as error:
                # Not the second for a repository without issues: ours were listed before.
                if error.status in (404, 410):
                    return None
                raise
            return _issue(found)

    def create(self, wanted: Create) -> Issue:
        """Open an issue; without its assignees when GitHub does not know one of them.

        Raises:
            TrackerError: it was not opened, or not known to be.
        """
        self._see_that_it_may_label()
        try:
            return self._create(wanted, wanted.assignees)
        except _UnknownAssigneeError:
            return self._create(wanted, ())

    def edit(self, change: Edit) -> None:
        """Change an issue.

        Raises:
            TrackerError: it was not changed, or not known to be.
        """
        wanted = {"body": change.body, "state": change.state, "state_reason": change.reason}
        self._write(
            "PATCH",
            f"/issues/{change.number}",
            {name: value for name, value in wanted.items() if value or name == "body"},
        )

    def comments(self, number: int) -> Sequence[str]:
        """The texts of an issue's comments, oldest first.

        Raises:
            TrackerError: GitHub did not list them.
        """
        with self._translated():
            found = self._repository.get_issue(number).get_comments()
            return [comment.body or "" for comment in found]

    def trusted_comments(self, number: int) -> Sequence[str]:
        """The texts of those comments that members, collaborators and GitHub Apps wrote.

        On a public repository anyone may comment.

        Raises:
            TrackerError: GitHub did not list them.
        """
        with self._translated():
            found = self._repository.get_issue(number).get_comments()
            return [each.body or "" for each in found if _is_trusted(each)]

    def comment(self, number: int, text: str) -> None:
        """Add a comment.

        Raises:
            TrackerError: it was not added, or not known to be.
        """
        self._write("POST", f"/issues/{number}/comments", {"body": text})

    def _write(self, method: str, path: str, content: Mapping[str, str]) -> None:
        # PyGithub's own methods take a redirect for success; here its answer is looked at.
        requester, url = self._repository.requester, self._repository.url
        with self._translated():
            headers, data = requester.requestJsonAndCheck(method, url + path, input=dict(content))
            self._check_done(data.get("id"), headers)

    def _check_done(self, made: object, headers: Mapping[str, object]) -> None:
        """See that an answer which is no error is about what was asked for."""
        if made is not None:
            return
        if headers.get("location"):
            raise TrackerError(
                f"{self.name}: GitHub sends elsewhere what is filed there: the repository was"
                " renamed or moved\nwrite its new name into [issues] tracker"
            )
        raise self._not_github("no id")

    def _not_github(self, why: str) -> TrackerError:
        text = (
            f"{self.name}: what answers is not GitHub, or not all of it arrived ({why})\n"
            "look at [issues] api-url, and at what is between here and there"
        )
        return TrackerError(text, retry_after_s=_AGAIN_S, uncertain=True)

    def _listed(self, label: str, state: str) -> list[Issue]:
        with self._translated():
            found = self._repository.get_issues(state=state, labels=[label])
            return _issues(found)

    def _see_that_it_may_label(self) -> None:
        """Make our label, before an issue is opened that could not carry it."""
        if self._may_label:
            return
        with self._translated():
            try:
                made = self._repository.create_label(LABEL, _COLOUR)
                self._check_done(made.name, made.raw_headers)
            except github.GithubException as error:
                # Whoever may not label is refused before what they send is looked at.
                if error.status == 404:
                    said = f"{self.name}: GitHub answers 404 to what would label issues"
                    raise TrackerError(f"{said}\n{_MAY_NOT_LABEL}") from error
                if error.status != 422:
                    raise
        self._may_label = True

    def _create(self, wanted: Create, assignees: Sequence[str]) -> Issue:
        with self._translated(has_assignees=bool(assignees)):
            made = self._repository.create_issue(
                wanted.title,
                wanted.body,
                labels=[label[:_LONGEST_LABEL] for label in wanted.labels],
                assignees=list(assignees),
            )
            self._check_done(made.number, made.raw_headers)
            issue = _issue(made)
            if LABEL not in issue.labels:
                # Without its label it would not be found again, and filed by each run anew.
                made.edit(state="closed", state_reason="not_planned")
                raise TrackerError(
                    f"{self.name}: GitHub dropped the labels of issue {issue.number}, which was"
                    f" closed for that\n{_MAY_NOT_LABEL}"
                )
            return issue

    @contextmanager
    def _translated(self, *, has_assignees: bool = False) -> Iterator[None]:
        """Say in our words what GitHub, or the way to it, did wrong."""
        try:
            yield
        except github.GithubException as error:
            if has_assignees and _is_about(error, "assignees"):
                raise _UnknownAssigneeError from error
            raise _explained(self.name, error) from error
        except requests.RequestException as error:
            text = f"{self.name}: no answer: {type(error).__name__}"
            raise TrackerError(text, retry_after_s=_AGAIN_S, uncertain=True) from error
        except _MALFORMED as error:
            raise self._not_github(type(error).__name__) from error


class _UnknownAssigneeError(Exception):
    """One of those who are to be assigned cannot be."""


def _issues(found: Iterable[GithubIssue]) -> list[Issue]:
    return [_issue(each) for each in found if "/pull/" not in each.html_url]


def _issue(found: GithubIssue) -> Issue:
    return Issue(
        number=found.number,
        title=found.title,
        body=found.body or "",
        labels=frozenset(label.name for label in found.labels),
        state="open" if found.state == "open" else "closed",
        reason=_reason(found.state_reason),
        created_at=_at(found.created_at),
        closed_at=_at(found.closed_at),
    )


def _is_trusted(comment: IssueComment) -> bool:
    return comment.author_association in _WRITERS or comment.user.type == "Bot"


def _reason(text: str | None) -> Reason:
    """How GitHub says an issue was closed or reopened; a word that is new to us counts as none."""
    return _REASONS.get(text or "", "")


def _at(time_or_none: datetime | None) -> float:
    return time_or_none.timestamp() if time_or_none else 0.0


def _explained(name: str, error: github.GithubException) -> TrackerError:
    """What an answer that is no success means, and whether asking again can help."""
    headers = {key.lower(): value for key, value in (error.headers or {}).items()}
    said = f"{name}: GitHub answers {error.status}: {_detail(error)}"
    if error.status in (403, 429):
        wait_s = _limit_s(error, headers)
        if wait_s is not None:
            return TrackerError(f"{said}; it asks to wait {wait_s:.0f} s", retry_after_s=wait_s)
    if error.status >= 500 or error.status == 408:
        return TrackerError(said, retry_after_s=_AGAIN_S, uncertain=True)
    advice = _advice(error.status, headers)
    return TrackerError(f"{said}\n{advice}", of_content=error.status == 422)


def _limit_s(error: github.GithubException, headers: Mapping[str, str]) -> float | None:
    """How long GitHub wants us to wait, in seconds; None when it is not about a limit."""
    if headers.get("retry-after", "").isdecimal():
        return float(headers["retry-after"])
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset"):
        return max(1.0, float(headers["x-ratelimit-reset"]) - _now_there(headers) + 1.0)
    if error.status == 429 or "rate limit" in _detail(error).lower():
        return _SECONDARY_S
    return None


def _now_there(headers: Mapping[str, str]) -> float:
    """What time it is by GitHub's clock, Unix seconds; ours may be wrong."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _detail(error: github.GithubException) -> str:
    data = error.data if isinstance(error.data, dict) else {}
    errors = data.get("errors") or []
    fields = [
        " ".join(str(each.get(key)) for key in ("field", "code", "message") if each.get(key))
        for each in errors
        if isinstance(each, dict)
    ]
    message = str(data.get("message") or "no reason given")
    return one_line("; ".join([message, *fields]), _LONGEST_DETAIL)


def _is_about(error: github.GithubException, field: str) -> bool:
    return error.status == 422 and field in _detail(error)


def _advice(status: int, headers: Mapping[str, str]) -> str:
    match status:
        case 401:
            return "the token is wrong or has expired; set GITHUB_TOKEN anew"
        case 403:
            needed = headers.get("x-accepted-github-permissions", "issues=write")
            return f"the token lacks {one_line(needed, 60)}, or the repository is archived"
        case 404:
            return "there is no such repository, or the token may not see it"
        case 410:
            return "issues are disabled there; enable them in the repository's settings"
        case _:
            return "what is to be filed stays in the outbox; see pytest-sre deliver"
