"""What the server holds: repositories with issues, comments and labels. No I/O."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

LONGEST_TITLE = 256
LONGEST_BODY = 65_536
LONGEST_LABEL = 50
_REASONS = (None, "completed", "not_planned", "duplicate", "reopened")


class InvalidError(Exception):
    """GitHub would answer 422; ``errors`` is the list in its body."""

    def __init__(self, resource: str, field: str, code: str, message: str = "") -> None:
        super().__init__(message or code)
        found = {"resource": resource, "field": field, "code": code}
        self.errors = [found | ({"message": message} if message else {})]


@dataclass
class Access:
    """What a token may do: ``push`` lets labels and assignees through, as on GitHub.

    ``issues`` and ``projects`` are ``write``, ``read`` or ``none``.
    """

    login: str
    issues: str = "write"
    push: bool = True
    is_app: bool = False
    projects: str = "write"


@dataclass
class Comment:
    id: int
    body: str
    login: str
    at: float
    association: str = "MEMBER"


@dataclass
class Issue:
    number: int
    title: str
    body: str | None
    login: str
    at: float
    labels: list[str]
    assignees: list[str]
    is_pull: bool = False
    state: str = "open"
    state_reason: str | None = None
    closed_at: float | None = None
    updated_at: float = 0.0
    locked: bool = False
    comments: list[Comment] = field(default_factory=list)


@dataclass
class Commit:
    sha: str
    message: str
    author: str
    files: tuple[str, ...] = ()


@dataclass
class Repository:
    """A repository, and how it is set up; tests may change any of it while it is served.

    Attributes:
        issues: by number.
        labels: by name, with the id of each.
        collaborators: who can be assigned.
        list_lag_s, search_lag_s: how long lists and search do not know of what was written.
        commits: of the default branch, oldest first.
        files: contents by path.
    """

    owner: str
    name: str
    id: int = 1001
    private: bool = False
    has_issues: bool = True
    archived: bool = False
    list_lag_s: float = 0.0
    search_lag_s: float = 0.0
    collaborators: list[str] = field(default_factory=lambda: ["octo-dev", "octo-lead"])
    issues: dict[int, Issue] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(9001))

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def open_issues(self) -> list[Issue]:
        return [each for each in self.issues.values() if each.state == "open"]

    def create(
        self,
        title: object,
        body: str | None,
        access: Access,
        *,
        labels: list[str] = [],  # noqa: B006 - never changed
        assignees: list[str] = [],  # noqa: B006
        is_pull: bool = False,
    ) -> Issue:
        """Open an issue; without push access labels and assignees are dropped, as on GitHub."""
        self._check_title(title)
        self._check_body(body, "Issue")
        kept = self.label_names(labels) if access.push else []
        self._check_assignees(assignees)
        now = time.time()
        issue = Issue(
            max(self.issues, default=0) + 1,
            str(title),
            body,
            access.login,
            now,
            kept,
            list(dict.fromkeys(assignees)) if access.push else [],
            is_pull,
            updated_at=now,
        )
        self.issues[issue.number] = issue
        return issue

    def edit(self, issue: Issue, wanted: dict[str, object], access: Access) -> None:
        """Change an issue as a PATCH says."""
        self._check_edit(wanted, access)
        if "title" in wanted:
            issue.title = str(wanted["title"])
        if "body" in wanted:
            body = wanted["body"]
            issue.body = None if body is None else str(body)
        if access.push and isinstance(wanted.get("labels"), list):
            issue.labels = self.label_names(wanted["labels"])
        if access.push and isinstance(wanted.get("assignees"), list):
            issue.assignees = list(wanted["assignees"])
        self._turn(issue, wanted.get("state"), wanted.get("state_reason"))
        issue.updated_at = time.time()

    def comment(self, issue: Issue, body: object, access: Access) -> Comment:
        if not isinstance(body, str) or not body.strip():
            raise InvalidError("IssueComment", "body", "missing_field")
        self._check_body(body, "IssueComment")
        association = "MEMBER" if access.push else "NONE"
        said = Comment(next(self._ids), body, access.login, time.time(), association)
        issue.comments.append(said)
        issue.updated_at = said.at
        return said

    def label_names(self, wanted: object) -> list[str]:
        """The names of labels as the repository writes them; new ones are made."""
        names = [each["name"] if isinstance(each, dict) else str(each) for each in wanted]
        for name in names:
            if not name or len(name) > LONGEST_LABEL:
                raise InvalidError("Label", "name", "invalid")
        return list(dict.fromkeys(self._label(name) for name in names))

    def new_label(self, name: object) -> str:
        """Make a label that is not there."""
        if not isinstance(name, str) or not name or len(name) > LONGEST_LABEL:
            raise InvalidError("Label", "name", "invalid")
        if any(name.lower() == known.lower() for known in self.labels):
            raise InvalidError("Label", "name", "already_exists")
        return self._label(name)

    def _label(self, name: str) -> str:
        known = next((each for each in self.labels if each.lower() == name.lower()), None)
        if known is None:
            self.labels[name] = next(self._ids)
        return known or name

    def _turn(self, issue: Issue, state: object, reason: object) -> None:
        """Close or reopen; a reason without a change of state counts for a closed issue."""
        was = issue.state
        issue.state = str(state or was)
        if issue.state == "closed":
            issue.closed_at = issue.closed_at or time.time()
            kept = issue.state_reason if was == "closed" else "completed"
            issue.state_reason = str(reason) if reason else kept
        elif was == "closed":
            issue.closed_at = None
            issue.state_reason = "reopened"

    def _check_edit(self, wanted: dict[str, object], access: Access) -> None:
        if "title" in wanted:
            self._check_title(wanted["title"])
        if "body" in wanted:
            self._check_body(wanted["body"], "Issue")
        if wanted.get("state") not in (None, "open", "closed"):
            raise InvalidError("Issue", "state", "invalid")
        if wanted.get("state_reason") not in _REASONS:
            raise InvalidError("Issue", "state_reason", "invalid")
        if access.push and isinstance(wanted.get("assignees"), list):
            self._check_assignees(wanted["assignees"])

    def _check_title(self, title: object) -> None:
        if not isinstance(title, str | int) or not str(title).strip():
            raise InvalidError("Issue", "title", "missing_field")
        if len(str(title)) > LONGEST_TITLE:
            message = f"title is too long (maximum is {LONGEST_TITLE} characters)"
            raise InvalidError("Issue", "title", "custom", message)

    def _check_body(self, body: object, resource: str) -> None:
        if isinstance(body, str) and len(body) > LONGEST_BODY:
            message = f"body is too long (maximum is {LONGEST_BODY} characters)"
            raise InvalidError(resource, "body", "custom", message)

    def _check_assignees(self, wanted: list[str]) -> None:
        known = {each.lower() for each in (*self.collaborators, self.owner)}
        unknown = [each for each in wanted if each.lower() not in known]
        if unknown:
            raise InvalidError("Issue", "assignees", "invalid")
