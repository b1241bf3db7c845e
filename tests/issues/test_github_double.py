"""The double of GitHub behaves, and answers, as GitHub describes it."""

import copy
import dataclasses
import json
import random

import httpx
import pytest
from github_description import Description
from github_double import Access
from github_double.world import Commit

SHOP = "/repos/acme/shop"


@pytest.fixture
def ask(double):
    """Asks the double; gives the answer."""
    with httpx.Client(base_url=double.url, trust_env=False, timeout=90) as client:

        def asked(method, path, *, token=double.token, headers=None, **options):
            own = {"authorization": f"Bearer {token}"} if token else {}
            return client.request(method, path, headers=own | (headers or {}), **options)

        yield asked


def walk(double, ask):
    """Make every call there is, and be refused in every way there is."""
    commits = [Commit(f"{n:040x}", f"change {n}", "octo-dev", ("fly.toml",)) for n in range(1, 4)]
    double.repository.commits = commits
    double.repository.files["CODEOWNERS"] = "* @octo-lead\n"
    double.allow("reader", Access("reader", issues="read"))
    double.allow("app", Access("octo-app[bot]", is_app=True))
    double.state.installations["7"] = double.state.tokens["app"]
    labels, people = ["sre", "app:shop"], ["octo-dev"]
    ask("POST", f"{SHOP}/issues", json={"title": "one", "labels": labels, "assignees": people})
    ask("POST", f"{SHOP}/issues", json={"title": "two", "body": "text"})
    ask("GET", f"{SHOP}/issues")
    ask("PATCH", f"{SHOP}/issues/1", json={"state": "closed", "state_reason": "not_planned"})
    ask("GET", f"{SHOP}/issues/1")
    ask("POST", f"{SHOP}/issues/1/comments", json={"body": "said"})
    ask("GET", f"{SHOP}/issues/1/comments")
    ask("POST", f"{SHOP}/issues/2/labels", json={"labels": ["more"]})
    ask("PUT", f"{SHOP}/issues/2/lock", json={"lock_reason": "resolved"})
    ask("DELETE", f"{SHOP}/issues/2/lock")
    ask("POST", f"{SHOP}/labels", json={"name": "new"})
    ask("GET", f"{SHOP}/labels")
    ask("GET", f"{SHOP}/assignees")
    ask("GET", SHOP)
    ask("GET", f"{SHOP}/contents/CODEOWNERS")
    ask("GET", f"{SHOP}/compare/{commits[0].sha}...{commits[2].sha}")
    ask("GET", "/user")
    ask("GET", "/rate_limit")
    ask("GET", "/search/issues", params={"q": "repo:acme/shop is:issue one"})
    ask("POST", "/app/installations/7/access_tokens", json={})
    for path in ("/repos/acme/none", f"{SHOP}/issues/99", f"{SHOP}/compare/a...b"):
        ask("GET", path)
    for title, body in (("", ""), ("t" * 257, ""), ("t", "b" * 65_537)):
        ask("POST", f"{SHOP}/issues", json={"title": title, "body": body})
    ask("GET", "/user", token="")
    ask("GET", "/user", token="app")
    ask("POST", f"{SHOP}/issues", token="reader", json={"title": "no"})
    double.repository.has_issues = False
    ask("POST", f"{SHOP}/issues", json={"title": "no"})
    double.repository.has_issues = True
    double.rename(double.repository, "acme", "boutique")
    ask("GET", f"{SHOP}/issues")
    ask("POST", f"{SHOP}/issues", json={"title": "moved"})
    double.limits.exhaust()
    ask("GET", "/repos/acme/boutique/issues")


def test_every_answer_is_as_github_describes_it(double, ask, described):
    if not isinstance(described, Description):
        pytest.skip(described)
    walk(double, ask)

    assert len(double.exchanges) >= 33
    statuses = {each.status for each in double.exchanges}
    assert statuses >= {200, 201, 204, 301, 307, 401, 403, 404, 410, 422}
    assert [said for each in double.exchanges for said in described.complaints(each)] == []


def test_an_answer_that_github_would_not_give_is_noticed(double, ask, described):
    if not isinstance(described, Description):
        pytest.skip(described)
    walk(double, ask)
    chance = random.Random(20)
    whole = [e for e in double.exchanges if e.answer and e.status < 300 and "user" not in e.path]
    unnoticed = []

    for _ in range(200):
        exchange = chance.choice(whole)
        answer, what = mutated(json.loads(exchange.answer), chance)
        changed = dataclasses.replace(exchange, answer=json.dumps(answer))
        if not [*described.complaints(changed)]:
            unnoticed.append((exchange.method, exchange.path, what))

    assert len(unnoticed) <= 10, unnoticed


def mutated(answer, chance):
    """An answer with one value of another type, or without one value that every client needs."""
    changed = copy.deepcopy(answer)
    one = changed[0] if isinstance(changed, list) else changed
    needed = ("url", "id", "number", "title", "state", "user", "created_at", "labels", "name")
    fields = [name for name in needed if name in one] or [*one]
    name = chance.choice(fields)
    if chance.random() < 0.4:
        del one[name]
        return changed, f"without {name}"
    one[name] = {"of": "another type"} if not isinstance(one[name], dict) else ["of another"]
    return changed, f"{name} of another type"


def test_pages_are_linked_to_each_other(double, ask):
    for number in range(7):
        double.repository.create(f"t{number}", "", Access("octo-dev"))

    first = ask("GET", f"{SHOP}/issues", params={"per_page": 3})
    last = ask("GET", first.links["last"]["url"])

    assert [each["number"] for each in first.json()] == [7, 6, 5]
    assert [each["number"] for each in last.json()] == [1]
    assert set(last.links) == {"first", "prev"}


def test_lists_are_of_all_labels_asked_for_and_hold_pull_requests(double, ask):
    double.repository.create("a", "", Access("x"), labels=["sre", "high"])
    double.repository.create("b", "", Access("x"), labels=["sre"])
    double.repository.create("c", "", Access("x"), labels=["SRE"], is_pull=True)

    both = ask("GET", f"{SHOP}/issues", params={"labels": "sre,high"}).json()
    one = ask("GET", f"{SHOP}/issues", params={"labels": "Sre", "direction": "asc"}).json()

    assert [each["title"] for each in both] == ["a"]
    assert [(each["title"], "pull_request" in each) for each in one] == [
        ("a", False),
        ("b", False),
        ("c", True),
    ]


def test_what_has_not_changed_is_not_sent_again(double, ask):
    double.repository.create("a", "", Access("x"))
    tag = ask("GET", f"{SHOP}/issues").headers["etag"]

    again = ask("GET", f"{SHOP}/issues", headers={"if-none-match": tag})
    double.repository.create("b", "", Access("x"))
    changed = ask("GET", f"{SHOP}/issues", headers={"if-none-match": tag})

    assert (again.status_code, again.text) == (304, "")
    assert len(changed.json()) == 2


def test_search_lags_behind(double, ask):
    double.repository.search_lag_s = 3600
    double.repository.create("needle", "", Access("x"))

    assert ask("GET", "/search/issues", params={"q": "needle"}).json()["total_count"] == 0
    assert len(ask("GET", f"{SHOP}/issues").json()) == 1


def test_a_label_is_there_once_whatever_its_case(ask):
    assert ask("POST", f"{SHOP}/labels", json={"name": "sre"}).status_code == 201
    again = ask("POST", f"{SHOP}/labels", json={"name": "SRE"})

    assert again.status_code == 422
    assert again.json()["errors"][0]["code"] == "already_exists"


def test_without_push_access_labels_and_assignees_are_dropped(double, ask):
    double.allow("guest", Access("guest", push=False))
    body = {"title": "t", "labels": ["sre"], "assignees": ["octo-dev"]}

    made = ask("POST", f"{SHOP}/issues", token="guest", json=body).json()

    assert (made["labels"], made["assignees"]) == ([], [])


def test_what_is_served_of_the_graphql_api_is_as_github_describes_it(graph_schema):
    if graph_schema.whole is None:
        pytest.skip("GitHub's GraphQL schema cannot be had here")

    assert [*graph_schema.differences()] == []
