"""What each call does, and what it answers."""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from github_double import shapes
from github_double.limits import Limits
from github_double.projects import Project
from github_double.searching import matches
from github_double.world import Access, Commit, InvalidError, Issue, Repository

STATE: web.AppKey["State"] = web.AppKey("state")


class RefusedError(Exception):
    """The answer is an error."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


class MovedError(Exception):
    """The repository has another name now."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository.full_name)
        self.repository = repository


class State:
    """All that is served: repositories by full name, projects, tokens, limits, GitHub Apps."""

    def __init__(self) -> None:
        self.prefix = ""
        self.repositories: dict[str, Repository] = {}
        self.moved: dict[str, Repository] = {}
        self.projects: dict[tuple[str, int], Project] = {}
        self.tokens: dict[str, Access] = {}
        self.installations: dict[str, Access] = {}
        self.limits = Limits()


def state(request: web.Request) -> State:
    return request.app[STATE]


def base_of(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}{state(request).prefix}"


def access_of(request: web.Request) -> Access:
    """Who asks, by their token; who asks for a GitHub App has none yet."""
    served = state(request)
    if request.path.startswith(f"{served.prefix}/app/"):
        return Access("app", is_app=True)
    _, _, token = request.headers.get("authorization", "").partition(" ")
    if token not in served.tokens:
        raise RefusedError(401, "Bad credentials" if token else "Requires authentication")
    return served.tokens[token]


def repository(request: web.Request) -> Repository:
    """The repository in the path; a private one is not there for who may not see it."""
    served, found = state(request), request.match_info
    if "id" in found:
        every = served.repositories.values()
        one = next((each for each in every if str(each.id) == found["id"]), None)
    else:
        name = f"{found['owner']}/{found['repo']}"
        if name in served.moved:
            raise MovedError(served.moved[name])
        one = served.repositories.get(name)
    if one is None or (one.private and access_of(request).issues == "none"):
        raise RefusedError(404, "Not Found")
    return one


def _with_issues(request: web.Request) -> Repository:
    found = repository(request)
    if not found.has_issues:
        raise RefusedError(410, "Issues are disabled for this repo")
    return found


def _writable(request: web.Request) -> tuple[Repository, Access]:
    access = access_of(request)
    found = _with_issues(request)
    if access.issues != "write":
        whom = "integration" if access.is_app else "personal access token"
        needed = {"x-accepted-github-permissions": "issues=write; pull_requests=write"}
        raise RefusedError(403, f"Resource not accessible by {whom}", needed)
    if found.archived:
        raise RefusedError(403, "Repository was archived so is read-only.")
    return found, access


def _issue(request: web.Request, found: Repository) -> Issue:
    number = request.match_info["number"]
    issue = found.issues.get(int(number)) if number.isdecimal() else None
    if issue is None:
        raise RefusedError(404, "Not Found")
    return issue


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise RefusedError(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise RefusedError(422, "Invalid request.")
    return body


def _answer(value: object, status: int = 200) -> web.Response:
    return web.json_response(value, status=status)


def paged(request: web.Request, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """One page of a list, and the Link header to the others, by the repository's id."""
    query = request.query
    size = min(100, max(1, _number(query.get("per_page"), 30)))
    page = max(1, _number(query.get("page"), 1))
    last = max(1, -(-len(items) // size))
    shown = items[(page - 1) * size : page * size]
    links = {"next": page + 1, "last": last} if page < last else {}
    links |= {"first": 1, "prev": page - 1} if page > 1 else {}
    place = f"{base_of(request)}{request.path.removeprefix(state(request).prefix)}"

    def link(to: int) -> str:
        return str(URL(place).with_query({**query, "page": str(to)}))

    header = ", ".join(f'<{link(to)}>; rel="{name}"' for name, to in links.items())
    return shown, ({"Link": header} if header else {})


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def _page_of(request: web.Request, items: Iterable[Any]) -> web.Response:
    shown, headers = paged(request, list(items))
    return web.json_response(shown, headers=headers)


async def list_issues(request: web.Request) -> web.Response:
    found, query = _with_issues(request), request.query
    wanted_state = query.get("state", "open")
    if wanted_state not in ("open", "closed", "all"):
        raise InvalidError("Issue", "state", "invalid")
    labels = {name.strip().lower() for name in query.get("labels", "").split(",") if name.strip()}
    since, seen_until = query.get("since", ""), time.time() - found.list_lag_s

    def is_wanted(issue: Issue) -> bool:
        own = {name.lower() for name in issue.labels}
        is_state = wanted_state in ("all", issue.state)
        is_new = not since or shapes.at_text(issue.updated_at) >= since
        return is_state and labels <= own and is_new and issue.at <= seen_until

    key = {"updated": "updated_at", "comments": "comments"}.get(query.get("sort", ""), "at")
    every = sorted(filter(is_wanted, found.issues.values()), key=lambda each: each.number)
    every.sort(
        key=lambda each: len(each.comments) if key == "comments" else getattr(each, key),
        reverse=query.get("direction", "desc") != "asc",
    )
    base = base_of(request)
    return _page_of(request, [shapes.issue(base, found, each) for each in every])


async def create_issue(request: web.Request) -> web.Response:
    found, access = _writable(request)
    body = await body_of(request)
    if "title" not in body:
        raise InvalidError("Issue", "title", "missing_field")
    assignees = list(body.get("assignees") or [])
    labels = list(body.get("labels") or [])
    issue = found.create(
        body["title"], body.get("body"), access, labels=labels, assignees=assignees
    )
    return _answer(shapes.issue(base_of(request), found, issue), 201)


async def get_issue(request: web.Request) -> web.Response:
    found = _with_issues(request)
    return _answer(shapes.issue(base_of(request), found, _issue(request, found)))


async def edit_issue(request: web.Request) -> web.Response:
    found, access = _writable(request)
    issue = _issue(request, found)
    found.edit(issue, await body_of(request), access)
    return _answer(shapes.issue(base_of(request), found, issue))


async def list_comments(request: web.Request) -> web.Response:
    found = _with_issues(request)
    issue, base = _issue(request, found), base_of(request)
    return _page_of(request, [shapes.comment(base, found, issue, c) for c in issue.comments])


async def create_comment(request: web.Request) -> web.Response:
    found, access = _writable(request)
    issue = _issue(request, found)
    if issue.locked and not access.push:
        raise RefusedError(403, "Unable to create comment because issue is locked.")
    said = found.comment(issue, (await body_of(request)).get("body"), access)
    return _answer(shapes.comment(base_of(request), found, issue, said), 201)


async def add_labels(request: web.Request) -> web.Response:
    found, access = _writable(request)
    issue = _issue(request, found)
    wanted = (await body_of(request)).get("labels") or []
    if access.push:
        issue.labels = list(dict.fromkeys([*issue.labels, *found.label_names(wanted)]))
    return _answer([shapes.label(base_of(request), found, name) for name in issue.labels])


async def lock(request: web.Request) -> web.Response:
    found, access = _writable(request)
    if not access.push:
        raise RefusedError(403, "Must have push access to the repository.")
    _issue(request, found).locked = request.method == "PUT"
    return web.Response(status=204)


async def list_labels(request: web.Request) -> web.Response:
    found, base = repository(request), base_of(request)
    return _page_of(request, [shapes.label(base, found, name) for name in found.labels])


async def create_label(request: web.Request) -> web.Response:
    found, access = _writable(request)
    if not access.push:
        raise RefusedError(404, "Not Found")
    name = found.new_label((await body_of(request)).get("name"))
    return _answer(shapes.label(base_of(request), found, name), 201)


async def list_assignees(request: web.Request) -> web.Response:
    found, base = repository(request), base_of(request)
    return _page_of(request, [shapes.user(base, login) for login in found.collaborators])


async def get_repository(request: web.Request) -> web.Response:
    return _answer(shapes.repository(base_of(request), repository(request)))


async def get_content(request: web.Request) -> web.Response:
    found, path = repository(request), request.match_info["path"]
    if path not in found.files:
        raise RefusedError(404, "Not Found")
    return _answer(shapes.content(base_of(request), found, path))


async def compare(request: web.Request) -> web.Response:
    found = repository(request)
    first, _, last = request.match_info["basehead"].partition("...")
    ends = [_commit(found, name) for name in (first, last)]
    return _answer(shapes.comparison(base_of(request), found, ends[0], ends[1]))


def _commit(found: Repository, name: str) -> Commit:
    for commit in found.commits:
        if name and commit.sha.startswith(name):
            return commit
    raise RefusedError(404, "Not Found")


async def get_user(request: web.Request) -> web.Response:
    access = access_of(request)
    if access.is_app:
        raise RefusedError(403, "Resource not accessible by integration")
    return _answer(shapes.whole_user(base_of(request), access))


async def rate_limit(request: web.Request) -> web.Response:
    limits = state(request).limits
    used = min(limits.used, limits.primary)
    reset = int(limits.reset_at) + 1
    rate = {"limit": limits.primary, "used": used, "remaining": limits.primary - used}
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": reset}
    core = rate | {"reset": reset}
    return _answer({"resources": {"core": core, "search": search}, "rate": core})


async def search(request: web.Request) -> web.Response:
    asked = request.query.get("q", "")
    if not asked:
        raise InvalidError("Search", "q", "missing")
    base, found = base_of(request), []
    for each in state(request).repositories.values():
        seen_until = time.time() - each.search_lag_s
        found += [
            shapes.issue(base, each, issue) | {"score": 1.0, "body": issue.body or ""}
            for issue in each.issues.values()
            if issue.at <= seen_until and matches(asked, each, issue)
        ]
    shown, headers = paged(request, found)
    about = {"total_count": len(found), "incomplete_results": False, "search_type": "lexical"}
    return web.json_response(about | {"items": shown}, headers=headers)


async def installation_token(request: web.Request) -> web.Response:
    served, number = state(request), request.match_info["installation"]
    if number not in served.installations:
        raise RefusedError(404, "Not Found")
    token = f"ghs_{secrets.token_urlsafe(30)}"
    served.tokens[token] = served.installations[number]
    until = shapes.at_text(time.time() + 3600)
    granted = {"token": token, "expires_at": until, "permissions": {"issues": "write"}}
    return _answer(granted, 201)


Handler = Callable[[web.Request], Awaitable[web.Response]]
OF_REPOSITORY: list[tuple[str, str, Handler]] = [
    ("GET", "", get_repository),
    ("GET", "/issues", list_issues),
    ("POST", "/issues", create_issue),
    ("GET", "/issues/{number}", get_issue),
    ("PATCH", "/issues/{number}", edit_issue),
    ("GET", "/issues/{number}/comments", list_comments),
    ("POST", "/issues/{number}/comments", create_comment),
    ("POST", "/issues/{number}/labels", add_labels),
    ("PUT", "/issues/{number}/lock", lock),
    ("DELETE", "/issues/{number}/lock", lock),
    ("GET", "/labels", list_labels),
    ("POST", "/labels", create_label),
    ("GET", "/assignees", list_assignees),
    ("GET", "/compare/{basehead}", compare),
    ("GET", "/contents/{path:.+}", get_content),
]
OTHERS: list[tuple[str, str, Handler]] = [
    ("GET", "/user", get_user),
    ("GET", "/rate_limit", rate_limit),
    ("GET", "/search/issues", search),
    ("POST", "/app/installations/{installation}/access_tokens", installation_token),
]
