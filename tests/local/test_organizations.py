"""What the API tells about an organization, and what its tokens are good for."""

import ssl
import time

import httpx
import pytest

from pytest_sre.local.tokens import Tokens
from tests.patience import until

# Making an httpx client reads all certificates, unless it is given a context.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
FOREVER = ["sleep", "1000"]


@pytest.fixture
def acme(client):
    """Two apps of an organization of their own, with a Machine and a volume each."""
    apps = [f"{client.app}-{part}" for part in ("one", "two")]
    slug = f"{client.app}-acme"
    body = {
        "config": {"image": "registry.local/test:1", "init": {"cmd": FOREVER}},
        "skip_launch": True,
    }
    for app in apps:
        client.api.post("/v1/apps", json={"name": app, "org_slug": slug})
        client.api.post(f"/v1/apps/{app}/machines", json=body)
        client.api.post(f"/v1/apps/{app}/volumes", json={"name": "data", "region": "ams"})
    yield slug, apps
    for app in apps:
        client.api.delete(f"/v1/apps/{app}", params={"force": "true"})


def test_all_machines_and_volumes_of_an_organization_are_listed(client, acme):
    slug, apps = acme
    first = client.api.get(f"/v1/orgs/{slug}/machines", params={"limit": 1}).json()
    rest = client.api.get(
        f"/v1/orgs/{slug}/machines", params={"cursor": first["next_cursor"]}
    ).json()
    machines = first["machines"] + rest["machines"]
    assert sorted(each["app_name"] for each in machines) == apps
    assert set(machines[0]["config"]) == {"guest", "image", "metadata"}
    assert rest["last_machine_id"] == machines[-1]["id"]
    after = {"updated_after": rest["last_updated_at"]}
    assert client.api.get(f"/v1/orgs/{slug}/machines", params=after).json()["machines"] == []
    volumes = client.api.get(f"/v1/orgs/{slug}/volumes", params={"region": "ams"}).json()
    assert sorted(each["app_name"] for each in volumes["volumes"]) == apps
    elsewhere = client.api.get(f"/v1/orgs/{slug}/volumes", params={"region": "iad"}).json()
    assert elsewhere["volumes"] == []
    assert client.api.get("/v1/orgs/nobody/machines").status_code == 404
    wrong = {"updated_after": "yesterday"}
    assert client.api.get(f"/v1/orgs/{slug}/machines", params=wrong).status_code == 400


def test_a_deploy_token_is_good_for_its_app_only(client, acme):
    _, (app, other) = acme
    text = client.api.post(f"/v1/apps/{app}/deploy_token", json={"expiry": "1h"}).json()["token"]
    with httpx.Client(
        base_url=client.platform.api_url,
        headers={"authorization": text},
        trust_env=False,
        timeout=90,
        verify=NO_CERTIFICATES,
    ) as limited:
        assert limited.get(f"/v1/apps/{app}/machines").status_code == 200
        refused = limited.get(f"/v1/apps/{other}/machines")
        assert (refused.status_code, refused.json()) == (403, {"error": "unauthorized"})
        for path in ("/v1/apps", "/_local", f"/v1/orgs/{acme[0]}/machines"):
            assert limited.get(path).status_code == 403
        (told,) = limited.get("/v1/tokens/current").json()["tokens"]
        assert (told["apps"], told["org_slug"]) == ([app], acme[0])
    allowed = {"header": text, "access": {"action": 1, "app_name": app}}
    assert client.api.post("/v1/tokens/authorize", json=allowed).status_code == 200
    denied = {"header": text, "access": {"action": 1, "app_name": other}}
    assert client.api.post("/v1/tokens/authorize", json=denied).status_code == 403
    assert client.api.post("/v1/tokens/authenticate", json={"header": text}).status_code == 200
    unknown = client.api.post("/v1/tokens/authenticate", json={"header": "FlyV1 fm2_x"})
    assert unknown.status_code == 401


def test_the_platforms_own_token_reaches_each_organization(client, acme):
    told = client.api.get("/v1/tokens/current").json()["tokens"]
    assert {"personal", acme[0]} <= {each["org_slug"] for each in told}


def test_a_token_ends_with_its_time_and_none_is_in_its_repr():
    tokens = Tokens("own")
    token = tokens.give("shop", expires_at=100.0)
    assert tokens.find(f"Bearer FlyV1 {token.text}", now=99.0) == token
    assert tokens.find(token.text, now=100.0) is None
    assert token.text not in repr(token)


def test_only_so_many_tokens_are_kept():
    tokens = Tokens("own")
    given = [tokens.give("shop", expires_at=time.time() + 60) for _ in range(1001)]
    assert tokens.find(given[0].text, now=0.0) is None
    assert tokens.find(given[-1].text, now=0.0) == given[-1]


def test_a_machine_can_be_limited_to_less_memory_than_it_has(client):
    machine = client.python("import time; x = bytearray(50_000_000); time.sleep(1000)")
    memory = until(
        lambda: (m := client.call("GET", f"/{machine}/memory").json())["available_mb"] < 206 and m
    )
    assert memory["limit_mb"] == 256
    assert client.call("PUT", f"/{machine}/memory", json={"limit_mb": 257}).status_code == 400
    reclaimed = client.call("POST", f"/{machine}/memory/reclaim", json={"amount_mb": 10})
    assert reclaimed.json() == {"actual_mb": 0}
    limited = client.call("PUT", f"/{machine}/memory", json={"limit_mb": 20}).json()
    assert limited == {"limit_mb": 20, "available_mb": 0}
    until(lambda: client.exits(machine) and client.exits(machine)[0]["oom_killed"])
