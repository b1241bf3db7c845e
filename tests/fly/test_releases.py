"""Releases, by the API that has them or by GraphQL where that lets nobody in."""

import pytest

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from tests.fly.conftest import Reply, ScriptedApi


def test_releases_are_listed_made_and_ended(api: ScriptedApi, fly: Fly) -> None:
    api.reply(
        Reply(200, {"releases": [{"id": "r1", "version": 41, "image_ref": "shop:1"}]}),
        Reply(201, {"release": {"id": "r2", "version": 42}}),
        Reply(200, {"release": {"id": "r2", "version": 42, "status": "complete"}}),
    )
    assert [release.version for release in fly.releases("shop", limit=5)] == [41]
    release = fly.create_release("shop", image="shop:2", definition={"app": "shop"})
    assert fly.update_release(release.id, "complete").version == 42
    assert api.requests[1].body == {
        "app_name": "shop",
        "image": "shop:2",
        "definition": {"app": "shop"},
        "strategy": "ROLLING",
    }
    assert (api.requests[2].method, api.requests[2].path) == ("PATCH", "/api/v1/releases/r2")


BY_GRAPHQL = {
    "id": "r1",
    "version": 41,
    "status": "running",
    "imageRef": "shop:1",
    "stable": False,
    "createdAt": "2026-05-14T10:41:08Z",
    "evaluationId": None,
}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_releases_are_asked_by_graphql_where_the_other_api_lets_nobody_in(
    api: ScriptedApi, fly: Fly, status: int
) -> None:
    found = {"data": {"app": {"releases": {"nodes": [BY_GRAPHQL]}}}}
    api.reply(Reply(status, {"error": "no"}), Reply(200, found))
    (release,) = fly.releases("shop", limit=5)
    assert (release.version, release.image_ref, release.in_progress) == (41, "shop:1", True)
    asked = api.requests[1]
    assert (asked.method, asked.path) == ("POST", "/graphql")
    assert asked.body["variables"] == {"appName": "shop", "limit": 5}


@pytest.mark.parametrize(
    ("by_graphql", "said"),
    [
        (Reply(200, {"errors": [{"message": "Could not find App"}], "data": None}), "find App"),
        (Reply(200, {"errors": [{"message": "no", "extensions": {"code": "UNAUTHORIZED"}}]}), "no"),
        (Reply(200, {"data": {"app": None}}), "app"),
        (Reply(401, {"error": "token"}), "401"),
    ],
)
def test_when_neither_api_tells_the_releases_both_are_named(
    api: ScriptedApi, fly: Fly, by_graphql: Reply, said: str
) -> None:
    api.reply(Reply(403, {"error": "unauthorized"}), by_graphql)
    with pytest.raises(errors.Forbidden) as caught:
        fly.releases("shop")
    text = str(caught.value)
    assert "403: unauthorized" in text
    assert f"by GraphQL: {said}" in text or said in text
    assert "/graphql" in text
    assert len(text.splitlines()) <= 4


def test_a_platform_that_is_down_is_not_asked_twice(api: ScriptedApi, fly: Fly) -> None:
    api.reply(*[Reply(503)] * 3)
    with pytest.raises(errors.UnexpectedAnswer):
        fly.releases("shop")
    assert {seen.method for seen in api.requests} == {"GET"}
