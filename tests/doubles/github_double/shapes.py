"""What GitHub's answers look like, made of what the server holds."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from github_double.world import Access, Comment, Commit, Issue, Repository

Json = dict[str, Any]
DOCS = "https://docs.github.com/rest"

_USER_LINKS = {
    "followers_url": "followers",
    "following_url": "following{/other_user}",
    "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}",
    "subscriptions_url": "subscriptions",
    "organizations_url": "orgs",
    "repos_url": "repos",
    "events_url": "events{/privacy}",
    "received_events_url": "received_events",
}
_REPOSITORY_LINKS = {
    "archive_url": "{archive_format}{/ref}",
    "assignees_url": "assignees{/user}",
    "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}",
    "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}",
    "commits_url": "commits{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "contributors_url": "contributors",
    "deployments_url": "deployments",
    "downloads_url": "downloads",
    "events_url": "events",
    "forks_url": "forks",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "hooks_url": "hooks",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}",
    "keys_url": "keys{/key_id}",
    "labels_url": "labels{/name}",
    "languages_url": "languages",
    "merges_url": "merges",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}",
    "stargazers_url": "stargazers",
    "statuses_url": "statuses/{sha}",
    "subscribers_url": "subscribers",
    "subscription_url": "subscription",
    "tags_url": "tags",
    "teams_url": "teams",
    "trees_url": "git/trees{/sha}",
}


def at_text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def error(message: str, status: int, errors: Sequence[Json] = ()) -> Json:
    found: Json = {"message": message, "documentation_url": DOCS, "status": str(status)}
    return found | ({"errors": list(errors)} if errors else {})


def user(base: str, login: str, *, is_app: bool = False) -> Json:
    number = int(hashlib.sha256(login.encode()).hexdigest()[:7], 16)
    name = quote(login, safe="")
    url = f"{base}/users/{name}"
    links = {name: f"{url}/{path}" for name, path in _USER_LINKS.items()}
    return {
        "login": login,
        "id": number,
        "node_id": node("U", number),
        "avatar_url": f"https://avatars.example/u/{number}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{name}",
        **links,
        "type": "Bot" if is_app else "User",
        "site_admin": False,
    }


def whole_user(base: str, access: Access) -> Json:
    """The one who asks, as ``GET /user`` shows them."""
    unknown = ("name", "company", "blog", "location", "email", "hireable", "bio")
    counts = ("public_repos", "public_gists", "followers", "following")
    return {
        **user(base, access.login),
        "user_view_type": "public",
        **dict.fromkeys(unknown),
        **dict.fromkeys(counts, 0),
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
    }


def label(base: str, repository: Repository, name: str) -> Json:
    number = repository.labels[name]
    return {
        "id": number,
        "node_id": node("LA", number),
        "url": f"{base}/repos/{repository.full_name}/labels/{name.replace(' ', '%20')}",
        "name": name,
        "color": "ededed",
        "default": False,
        "description": None,
    }


def issue(base: str, repository: Repository, found: Issue) -> Json:
    home = f"{base}/repos/{repository.full_name}"
    url = f"{home}/issues/{found.number}"
    kind = "pull" if found.is_pull else "issues"
    page = f"https://github.com/{repository.full_name}/{kind}/{found.number}"
    shown = {
        "url": url,
        "repository_url": home,
        "labels_url": url + "/labels{/name}",
        "comments_url": url + "/comments",
        "events_url": url + "/events",
        "html_url": page,
        "id": repository.id * 100_000 + found.number,
        "node_id": node("I", found.number),
        "number": found.number,
        "title": found.title,
        "user": user(base, found.login),
        "labels": [label(base, repository, name) for name in found.labels],
        "state": found.state,
        "locked": found.locked,
        "assignee": user(base, found.assignees[0]) if found.assignees else None,
        "assignees": [user(base, login) for login in found.assignees],
        "milestone": None,
        "comments": len(found.comments),
        "created_at": at_text(found.at),
        "updated_at": at_text(found.updated_at),
        "closed_at": at_text(found.closed_at) if found.closed_at else None,
        "author_association": "MEMBER",
        "active_lock_reason": None,
        "body": found.body,
        "closed_by": None,
        "reactions": _reactions(url),
        "timeline_url": url + "/timeline",
        "performed_via_github_app": None,
        "state_reason": found.state_reason,
    }
    if found.is_pull:
        pull = f"{home}/pulls/{found.number}"
        patches = {"diff_url": page + ".diff", "patch_url": page + ".patch"}
        shown["pull_request"] = {"url": pull, "html_url": page, **patches}
    return shown


def comment(base: str, repository: Repository, on: Issue, said: Comment) -> Json:
    home = f"{base}/repos/{repository.full_name}"
    url = f"{home}/issues/comments/{said.id}"
    page = f"https://github.com/{repository.full_name}/issues/{on.number}"
    return {
        "url": url,
        "html_url": f"{page}#issuecomment-{said.id}",
        "issue_url": f"{home}/issues/{on.number}",
        "id": said.id,
        "node_id": node("IC", said.id),
        "user": user(base, said.login),
        "created_at": at_text(said.at),
        "updated_at": at_text(said.at),
        "author_association": said.association,
        "body": said.body,
        "reactions": _reactions(url),
        "performed_via_github_app": None,
    }


def repository(base: str, found: Repository) -> Json:
    home = f"{base}/repos/{found.full_name}"
    page = f"https://github.com/{found.full_name}"
    counts = ("forks", "watchers", "stargazers")
    many = {name: 0 for each in counts for name in (each, f"{each}_count") if name != "stargazers"}
    number_open = len(found.open_issues)
    return {
        "id": found.id,
        "node_id": node("R", found.id),
        "name": found.name,
        "full_name": found.full_name,
        "owner": user(base, found.owner),
        "private": found.private,
        "html_url": page,
        "description": None,
        "fork": False,
        "url": home,
        **{name: f"{home}/{path}" for name, path in _REPOSITORY_LINKS.items()},
        "clone_url": f"{page}.git",
        "git_url": f"git://github.com/{found.full_name}.git",
        "ssh_url": f"git@github.com:{found.full_name}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        **many,
        "size": 1,
        "default_branch": "main",
        "open_issues": number_open,
        "open_issues_count": number_open,
        "has_issues": found.has_issues,
        "has_projects": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "archived": found.archived,
        "disabled": False,
        "license": None,
        "pushed_at": "2026-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "subscribers_count": 0,
        "network_count": 0,
        "permissions": {"admin": False, "push": True, "pull": True},
    }


def commit(base: str, found: Repository, one: Commit) -> Json:
    home = f"{base}/repos/{found.full_name}"
    page = f"https://github.com/{found.full_name}/commit/{one.sha}"
    person = {"name": one.author, "email": f"{one.author}@shop.example", "date": at_text(1.7e9)}
    url = f"{home}/commits/{one.sha}"
    return {
        "url": url,
        "sha": one.sha,
        "node_id": node("C", one.sha),
        "html_url": page,
        "comments_url": f"{url}/comments",
        "commit": {
            "url": f"{home}/git/commits/{one.sha}",
            "author": person,
            "committer": person,
            "message": one.message,
            "comment_count": 0,
            "tree": {"sha": one.sha, "url": f"{home}/git/trees/{one.sha}"},
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "payload": None,
                "signature": None,
                "verified_at": None,
            },
        },
        "author": user(base, one.author),
        "committer": user(base, one.author),
        "parents": [],
    }


def comparison(base: str, found: Repository, first: Commit, last: Commit) -> Json:
    """What came after one commit, up to another."""
    place = found.commits.index
    between = found.commits[place(first) + 1 : place(last) + 1]
    behind = found.commits[place(last) + 1 : place(first) + 1]
    name = f"{first.sha}...{last.sha}"
    page = f"https://github.com/{found.full_name}/compare/{name}"
    status = "ahead" if between else "behind" if behind else "identical"
    files = dict.fromkeys(path for each in between for path in each.files)
    return {
        "url": f"{base}/repos/{found.full_name}/compare/{name}",
        "html_url": page,
        "permalink_url": page,
        "diff_url": page + ".diff",
        "patch_url": page + ".patch",
        "base_commit": commit(base, found, first),
        "merge_base_commit": commit(base, found, last if behind else first),
        "status": status,
        "ahead_by": len(between),
        "behind_by": len(behind),
        "total_commits": len(between),
        "commits": [commit(base, found, each) for each in between],
        "files": [_changed(base, found, path, last.sha) for path in files],
    }


def content(base: str, found: Repository, path: str) -> Json:
    raw = found.files[path].encode()
    sha = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    url = f"{base}/repos/{found.full_name}/contents/{path}"
    page = f"https://github.com/{found.full_name}/blob/main/{path}"
    links = {"git": f"{base}/repos/{found.full_name}/git/blobs/{sha}", "html": page, "self": url}
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(raw),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": base64.encodebytes(raw).decode(),
        "sha": sha,
        "url": url,
        "git_url": links["git"],
        "html_url": page,
        "download_url": page,
        "_links": links,
    }


def _changed(base: str, found: Repository, path: str, sha: str) -> Json:
    page = f"https://github.com/{found.full_name}"
    return {
        "sha": sha,
        "filename": path,
        "status": "modified",
        "additions": 1,
        "deletions": 1,
        "changes": 2,
        "blob_url": f"{page}/blob/{sha}/{path}",
        "raw_url": f"{page}/raw/{sha}/{path}",
        "contents_url": f"{base}/repos/{found.full_name}/contents/{path}",
    }


def _reactions(url: str) -> Json:
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes", "total_count")
    return {"url": f"{url}/reactions", **dict.fromkeys(kinds, 0)}


def node(kind: str, number: int | str) -> str:
    return base64.b64encode(f"{kind}:{number}".encode()).decode()
