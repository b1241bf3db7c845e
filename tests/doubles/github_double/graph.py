"""The GraphQL side: as much of it as ``gh issue`` and projects need, over the same world.

Its schema is a part of GitHub's own, which a test sees to; ``graphql-core`` executes it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from graphql import (
    GraphQLError,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    execute_sync,
    parse,
    specified_rules,
    validate,
)

from github_double import answers, shapes
from github_double.answers import RefusedError, State
from github_double.projects import Project, UnknownNodeError
from github_double.searching import matches
from github_double.world import Access, InvalidError, Issue, Repository

Json = dict[str, Any]
SCHEMA = build_schema((Path(__file__).parent / "schema.graphql").read_text("utf-8"))
# GitHub takes queries of gh that ask for a state of an issue or a pull request by one name.
RULES = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
_SCOPES = (
    "Your token has not been granted the required scopes to execute this query. The '{}' field"
    " requires one of the following scopes: ['{}'], but your token has only been granted the:"
    " ['repo'] scopes. Please modify your token's scopes at: https://github.com/settings/tokens."
)


class GraphError(Exception):
    """An answer's error, with the type that GitHub gives it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def answer(request: web.Request) -> web.Response:
    """Execute what was asked."""
    asked = await answers.body_of(request)
    world = _World(answers.state(request), answers.access_of(request), answers.base_of(request))
    try:
        document = parse(str(asked.get("query")))
    except GraphQLError as error:
        return web.json_response({"errors": [_error(error)]})
    wrong = validate(SCHEMA, document, RULES)
    if wrong:
        return web.json_response({"errors": [*map(_error, wrong)]})
    done = execute_sync(
        SCHEMA,
        document,
        {**world.queries(), **world.mutations()},
        variable_values=asked.get("variables"),
        operation_name=asked.get("operationName"),
    )
    errors = [*map(_error, done.errors or ())]
    return web.json_response({"data": done.data} | ({"errors": errors} if errors else {}))


def _error(error: GraphQLError) -> Json:
    shown: Json = {"message": error.message, "path": error.path or []}
    shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations or ()]
    cause = error.original_error
    if isinstance(cause, GraphError):
        shown["type"] = cause.kind
    elif isinstance(cause, UnknownNodeError):
        shown["type"] = "NOT_FOUND"
        shown["message"] = f"Could not resolve to a node with the global id of '{cause}'"
    elif isinstance(cause, InvalidError):
        shown["type"] = "UNPROCESSABLE"
    elif isinstance(cause, RefusedError):
        shown["type"] = "FORBIDDEN" if cause.status == 403 else "NOT_FOUND"
    return shown


@dataclass(frozen=True)
class _World:
    state: State
    access: Access
    base: str

    def queries(self) -> Json:
        return {
            "repository": lambda _, owner, name, **__: self._repository(f"{owner}/{name}"),
            "repositoryOwner": lambda _, login: self._owner(login),
            "search": lambda _, query, **__: self._search(query),
            "viewer": lambda _: self._owner(self.access.login) | {"__typename": "User"},
        }

    def mutations(self) -> Json:
        def taking(act: Callable[[Json], Json]) -> Callable[..., Json]:
            return lambda _, **given: act(given["input"])

        return {
            "createIssue": taking(self._create_issue),
            "addComment": taking(self._add_comment),
            "closeIssue": taking(self._close_issue),
            "addProjectV2ItemById": taking(self._add_item),
            "updateProjectV2ItemFieldValue": taking(self._set_field),
        }

    def _repository(self, name: str) -> Json:
        found = self.state.repositories.get(name)
        if found is None or (found.private and self.access.issues == "none"):
            raise GraphError(
                "NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'."
            )
        return self._shown_repository(found)

    def _shown_repository(self, found: Repository) -> Json:
        def issue(number: int) -> Json:
            if number not in found.issues:
                said = f"Could not resolve to an issue or pull request with the number of {number}."
                raise GraphError("NOT_FOUND", said)
            return self._issue(found, found.issues[number])

        names = [self._label(found, name) for name in found.labels]
        return {
            "__typename": "Repository",
            "id": shapes.node("R", found.id),
            "name": found.name,
            "owner": self._owner(found.owner),
            "hasIssuesEnabled": found.has_issues,
            "hasWikiEnabled": False,
            "viewerPermission": "WRITE" if self.access.push else "READ",
            "mergeCommitAllowed": True,
            "rebaseMergeAllowed": True,
            "squashMergeAllowed": True,
            "defaultBranchRef": {"id": "REF_1", "name": "main"},
            "issueTemplates": [],
            "issue": lambda _, number: issue(number),
            "issueOrPullRequest": lambda _, number: issue(number),
            "label": lambda _, name: next((each for each in names if each["name"] == name), None),
            "labels": lambda _, **__: _connection(names),
            "issues": lambda _, **wanted: self._issues(found, wanted),
        }

    def _issues(self, found: Repository, wanted: Json) -> Json:
        chosen = wanted.get("filterBy") or {}
        states = {each.lower() for each in wanted.get("states") or chosen.get("states") or []}
        labels = {each.lower() for each in wanted.get("labels") or chosen.get("labels") or []}
        shown = [
            self._issue(found, each)
            for each in sorted(found.issues.values(), key=lambda one: -one.number)
            if not each.is_pull
            and (not states or each.state in states)
            and labels <= {name.lower() for name in each.labels}
        ]
        return _connection(shown, wanted.get("first"))

    def _search(self, query: str) -> Json:
        found = [
            self._issue(repository, issue)
            for repository in self.state.repositories.values()
            for issue in sorted(repository.issues.values(), key=lambda one: -one.number)
            if matches(query, repository, issue)
        ]
        return _connection(found) | {"issueCount": len(found)}

    def _issue(self, found: Repository, issue: Issue) -> Json:
        reason = issue.state_reason
        return {
            "__typename": "PullRequest" if issue.is_pull else "Issue",
            "id": _issue_id(found, issue),
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "url": f"https://github.com/{found.full_name}/issues/{issue.number}",
            "state": issue.state.upper(),
            "stateReason": reason.upper() if reason else None,
            "createdAt": shapes.at_text(issue.at),
            "updatedAt": shapes.at_text(issue.updated_at),
            "author": self._owner(issue.login) | {"__typename": "User"},
            "labels": lambda _, **__: _connection([self._label(found, n) for n in issue.labels]),
        }

    def _label(self, found: Repository, name: str) -> Json:
        return {"id": f"LA_{found.labels[name]}", "name": name, "color": "b60205"}

    def _owner(self, login: str) -> Json:
        return {
            "__typename": "Organization",
            "id": f"O_{login}",
            "login": login,
            "projectV2": lambda _, number: self._shown_project(login, number),
        }

    def _shown_project(self, owner: str, number: int) -> Json:
        self._see_that_it_may("projectV2", "read:project", {"read", "write"})
        found = self.state.projects.get((owner, number))
        if found is None:
            said = f"Could not resolve to a ProjectV2 with the number {number}."
            raise GraphError("NOT_FOUND", said)
        return {
            "id": found.id,
            "number": number,
            "title": "Reliability",
            "fields": lambda _, first=None, **__: _connection([*_fields(found)], first),
        }

    def _see_that_it_may(self, name: str, scope: str, needed: set[str]) -> None:
        if self.access.projects in needed:
            return
        if self.access.is_app:
            raise GraphError("FORBIDDEN", "Resource not accessible by integration")
        raise GraphError("INSUFFICIENT_SCOPES", _SCOPES.format(name, scope))

    def _add_item(self, wanted: Json) -> Json:
        self._see_that_it_may("addProjectV2ItemById", "project", {"write"})
        self._found(wanted["contentId"])
        item = self._project(wanted["projectId"]).add(wanted["contentId"])
        return {"item": {"id": item.id}}

    def _set_field(self, wanted: Json) -> Json:
        self._see_that_it_may("updateProjectV2ItemFieldValue", "project", {"write"})
        project = self._project(wanted["projectId"])
        item = project.set(wanted["itemId"], wanted["fieldId"], wanted["value"])
        return {"projectV2Item": {"id": item.id}}

    def _project(self, node: str) -> Project:
        for project in self.state.projects.values():
            if project.id == node:
                return project
        raise UnknownNodeError(node)

    def _found(self, node: str) -> tuple[Repository, Issue]:
        for repository in self.state.repositories.values():
            for issue in repository.issues.values():
                if _issue_id(repository, issue) == node:
                    return repository, issue
        raise UnknownNodeError(node)

    def _may_write(self) -> None:
        if self.access.issues != "write":
            raise GraphError("FORBIDDEN", "Resource not accessible by personal access token")

    def _create_issue(self, wanted: Json) -> Json:
        self._may_write()
        repositories = self.state.repositories.values()
        found = next(r for r in repositories if shapes.node("R", r.id) == wanted["repositoryId"])
        names = {f"LA_{number}": name for name, number in found.labels.items()}
        labels = [names[each] for each in wanted.get("labelIds") or []]
        made = found.create(wanted["title"], wanted.get("body"), self.access, labels=labels)
        return {"issue": self._issue(found, made)}

    def _add_comment(self, wanted: Json) -> Json:
        self._may_write()
        found, issue = self._found(wanted["subjectId"])
        said = found.comment(issue, wanted["body"], self.access)
        url = f"https://github.com/{found.full_name}/issues/{issue.number}#issuecomment-{said.id}"
        node = {"id": f"IC_{said.id}", "body": said.body, "url": url}
        return {"commentEdge": {"cursor": "1", "node": node}, "subject": self._issue(found, issue)}

    def _close_issue(self, wanted: Json) -> Json:
        self._may_write()
        found, issue = self._found(wanted["issueId"])
        reason = str(wanted.get("stateReason") or "COMPLETED").lower()
        found.edit(issue, {"state": "closed", "state_reason": reason}, self.access)
        return {"issue": self._issue(found, issue)}


def _issue_id(repository: Repository, issue: Issue) -> str:
    return f"I_{repository.id}_{issue.number}"


def _fields(project: Project) -> Iterator[Mapping[str, Any]]:
    for each in project.fields:
        kind = {
            "SINGLE_SELECT": "ProjectV2SingleSelectField",
            "ITERATION": "ProjectV2IterationField",
        }
        options = [{"id": number, "name": name} for name, number in each.options.items()]
        yield {
            "__typename": kind.get(each.kind, "ProjectV2Field"),
            "id": each.id,
            "name": each.name,
            "dataType": each.kind,
            "options": options,
        }


def _connection(nodes: list[Any], first: int | None = None) -> Json:
    shown = nodes[:first] if first else nodes
    page = {"hasNextPage": len(shown) < len(nodes), "endCursor": str(len(shown))}
    return {"nodes": shown, "totalCount": len(nodes), "pageInfo": page}
