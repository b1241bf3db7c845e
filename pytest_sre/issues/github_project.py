"""Puts issues on a project on GitHub, and sets its fields there, by the GraphQL API.

Both may be done again: a project has an issue once, and a field its last value. See
https://docs.github.com/en/issues/planning-and-tracking-with-projects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.redaction import one_line
from pytest_sre.targets.settings import ProjectSettings

T = TypeVar("T")

_AGAIN_S: Final = 2.0
# As for all limits of GitHub that do not say how long.
_LIMITED_S: Final = 60.0
_LONGEST_DETAIL: Final = 160
_LACKS: Final = frozenset({"INSUFFICIENT_SCOPES", "FORBIDDEN", "NOT_FOUND"})
_WRONG: Final = frozenset({"UNPROCESSABLE", "ARGUMENT_LIMIT", "undefinedField"})

_PROJECT: Final = """
query($owner: String!, $number: Int!) {
  repositoryOwner(login: $owner) {
    ... on ProjectV2Owner {
      projectV2(number: $number) {
        id
        fields(first: 100) {
          nodes {
            ... on ProjectV2FieldCommon { id name dataType }
            ... on ProjectV2SingleSelectField { options { id name } }
          }
        }
      }
    }
  }
}
"""
_ISSUE: Final = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { issue(number: $number) { id } }
}
"""
_ADD: Final = """
mutation($project: ID!, $issue: ID!) {
  addProjectV2ItemById(input: {projectId: $project, contentId: $issue}) { item { id } }
}
"""
_SET: Final = """
mutation($project: ID!, $item: ID!, $field: ID!, $value: ProjectV2FieldValue!) {
  updateProjectV2ItemFieldValue(
    input: {projectId: $project, itemId: $item, fieldId: $field, value: $value}
  ) { projectV2Item { id } }
}
"""


class _Option(msgspec.Struct):
    id: str
    name: str


class _Field(msgspec.Struct, rename="camel"):
    id: str = ""
    name: str = ""
    data_type: str = ""
    options: tuple[_Option, ...] = ()


class _Fields(msgspec.Struct):
    nodes: tuple[_Field, ...] = ()


class _Found(msgspec.Struct):
    id: str
    fields: _Fields


class _Owner(msgspec.Struct, rename={"project": "projectV2"}):
    project: _Found | None = None


class _OwnerAnswer(msgspec.Struct, rename={"owner": "repositoryOwner"}):
    owner: _Owner | None = None


class _Node(msgspec.Struct):
    id: str


class _Repository(msgspec.Struct):
    issue: _Node


class _IssueAnswer(msgspec.Struct):
    repository: _Repository


class _Added(msgspec.Struct):
    item: _Node


class _AddAnswer(msgspec.Struct, rename={"added": "addProjectV2ItemById"}):
    added: _Added


class _Error(msgspec.Struct):
    message: str = ""
    type: str = ""


@dataclass(frozen=True)
class _Setting:
    """What a field is set to."""

    field: str
    value: Mapping[str, str]


class GithubProject:
    """A project that a repository's issues are put on.

    Args:
        tracker: of the repository; its pauses between changes are kept here, too.
        repository: ``owner/name``.
        wanted: which project, and what its fields are set to.
    """

    def __init__(self, tracker: GithubTracker, repository: str, wanted: ProjectSettings) -> None:
        self._tracker, self._repository, self._wanted = tracker, repository, wanted
        self._name = f"project {wanted.owner}/{wanted.number}"
        self._project: _Found | None = None
        self._cannot: TrackerError | None = None

    def place(self, number: int, severity: str) -> None:
        """Put an issue there, and set its fields.

        Raises:
            TrackerError: not all of it was done; what a person has to change first is said of
                this project once, and not asked again.
        """
        if self._cannot:
            raise self._cannot
        try:
            self._place(number, severity)
        except TrackerError as error:
            if error.retry_after_s is None:
                self._cannot = error
            raise

    def _place(self, number: int, severity: str) -> None:
        project = self._project = self._project or self._find()
        settings = [*self._settings(project, severity)]
        item = self._add(project, self._issue_id(number))
        for each in settings:
            given = {"project": project.id, "item": item, "field": each.field}
            self._ask(_SET, {**given, "value": each.value}, dict[str, object])

    def _find(self) -> _Found:
        asked = {"owner": self._wanted.owner, "number": self._wanted.number}
        owner = self._ask(_PROJECT, asked, _OwnerAnswer).owner
        if owner is None or owner.project is None:
            raise self._lacks("there is none")
        return owner.project

    def _settings(self, project: _Found, severity: str) -> Iterator[_Setting]:
        fields = {each.name.lower(): each for each in project.fields.nodes if each.name}
        wanted = dict(self._wanted.fields)
        if self._wanted.severity_field and severity:
            wanted[self._wanted.severity_field] = severity
        for name, value in wanted.items():
            field = fields.get(name.lower())
            if field is None:
                there = ", ".join(each.name for each in fields.values())
                raise self._wrong(f'expected a field "{name}", found {there or "none"}')
            yield self._setting(field, value)

    def _setting(self, field: _Field, value: str) -> _Setting:
        match field.data_type:
            case "TEXT":
                return _Setting(field.id, {"text": value})
            case "SINGLE_SELECT":
                for option in field.options:
                    if option.name.lower() == value.lower():
                        return _Setting(field.id, {"singleSelectOptionId": option.id})
                there = ", ".join(option.name for option in field.options)
                raise self._wrong(f'expected an option "{value}" of {field.name}, found {there}')
        kind = field.data_type.lower()
        raise self._wrong(f"expected {field.name} to be a text or a single select, found {kind}")

    def _issue_id(self, number: int) -> str:
        owner, _, name = self._repository.partition("/")
        asked = {"owner": owner, "name": name, "number": number}
        return self._ask(_ISSUE, asked, _IssueAnswer).repository.issue.id

    def _add(self, project: _Found, issue: str) -> str:
        return self._ask(_ADD, {"project": project.id, "issue": issue}, _AddAnswer).added.item.id

    def _ask(self, query: str, variables: Mapping[str, object], kind: type[T]) -> T:
        with self._tracker.asking() as repository:
            requester = repository.requester
            _, answer = requester.requestJsonAndCheck(
                "POST",
                requester.graphql_url,
                input={"query": query, "variables": dict(variables)},
            )
            if not (isinstance(answer.get("data"), dict) or answer.get("errors")):
                # A page of somebody else; the tracker says so.
                raise ValueError
        for error in msgspec.convert(answer.get("errors") or (), tuple[_Error, ...], strict=False):
            raise self._explained(error)
        try:
            return msgspec.convert(answer["data"], kind)
        except (KeyError, msgspec.ValidationError) as error:
            text = f"{self._name}: what GitHub answers is not understood: {one_line(str(error))}"
            raise TrackerError(text, of_content=True) from error

    def _explained(self, error: _Error) -> TrackerError:
        said = one_line(error.message, _LONGEST_DETAIL)
        if error.type in _LACKS:
            return self._lacks(said)
        if error.type in _WRONG:
            return self._wrong(f"GitHub does not take it: {said}")
        wait_s = _LIMITED_S if error.type == "RATE_LIMITED" else _AGAIN_S
        return TrackerError(f"{self._name}: GitHub answers: {said}", retry_after_s=wait_s)

    def _lacks(self, said: str) -> TrackerError:
        return TrackerError(
            f"{self._name}: the token may not use it, or it is not there: {said}\n"
            "give the token Projects: write (classic: the scope project), or correct"
            " [issues.project]; the issue itself is filed",
            of_content=True,
        )

    def _wrong(self, said: str) -> TrackerError:
        return TrackerError(
            f"{self._name}: {one_line(said)}\n"
            "correct fields or severity-field in [issues.project]; the issue itself is filed",
            of_content=True,
        )
