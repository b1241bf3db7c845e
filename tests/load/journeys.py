"""Journeys that the tests of load walk, in the processes that make it."""

import os
import sys
import time
from contextlib import suppress

import httpx

from pytest_sre import journey


@journey("well")
def well(client: httpx.Client) -> None:
    """Ask for two things."""
    assert client.get("/items/17").status_code == 200
    assert client.post("/carts", json={"a": 1}).status_code == 200


@journey("unavailable")
def unavailable(client: httpx.Client) -> None:
    """Ask for what is not available; do not look at the answer."""
    client.get("/unavailable")


@journey("limited")
def limited(client: httpx.Client) -> None:
    """Ask for what is limited, and mind the answer."""
    client.get("/limited").raise_for_status()


@journey("cut")
def cut(client: httpx.Client) -> None:
    """Ask for what is cut off."""
    client.get("/cut")


@journey("silent")
def silent(client: httpx.Client) -> None:
    """Ask for what is never answered."""
    client.get("/silent", timeout=1)


@journey("wrong")
def wrong(client: httpx.Client) -> None:
    """Expect what is not so."""
    assert client.get("/items").status_code == 201, "the item was not made"


@journey("crash")
def crash(client: httpx.Client) -> None:
    """Be wrong oneself."""
    client.get("/items").json()["no-such-key"]


@journey("talkative")
def talkative(client: httpx.Client) -> None:
    """Print a lot."""
    sys.stdout.write("la la la\n" * 10_000)
    client.get("/items")


@journey("noise")
def noise(client: httpx.Client) -> None:
    """Write where only frames are written."""
    with suppress(BlockingIOError):
        os.write(int(sys.argv[-1]), b"Segmentation fault")
    client.get("/items")


@journey("busy")
def busy(client: httpx.Client) -> None:
    """Compute, and let nothing else run."""
    client.get("/items")
    until = time.monotonic() + 300
    while time.monotonic() < until:
        pass


@journey("faithful")
def faithful(client: httpx.Client) -> None:
    """Use the client as the documentation of httpx says, and get what it promises."""
    plain = client.get("/echo?page=2", headers={"X-Own": "yes"})
    assert plain.is_success
    assert plain.reason_phrase == "OK"
    assert plain.headers["Content-Type"] == "application/json"
    assert plain.request.method == "GET"
    assert plain.url.path == "/echo"
    seen = plain.json()
    assert seen["path"] == "/echo?page=2"
    assert seen["headers"]["x-own"] == "yes"
    assert seen["headers"]["x-sre-run"] == "r-1"
    assert seen["headers"]["user-agent"] == "load-test"
    assert "cookie" not in seen["headers"], "a cookie of the last user"
    assert "authorization" not in seen["headers"], "a header of the last user"
    assert client.get("/echo", params={"q": "a b"}).json()["path"] == "/echo?q=a+b"
    assert client.get("/sm%C3%B8rrebr%C3%B8d x").json()["path"] == "/sm%C3%B8rrebr%C3%B8d%20x"
    posted = client.post("/echo", json={"name": "smørrebrød"}).json()
    assert posted["body"] == '{"name":"smørrebrød"}'
    assert posted["headers"]["content-type"] == "application/json"
    assert client.put("/echo", data={"a": "1"}).json()["body"] == "a=1"
    assert client.patch("/echo", content=b"raw").json()["body"] == "raw"
    assert client.delete("/echo").json()["method"] == "DELETE"
    assert client.head("/echo").content == b""
    assert client.get("/packed").text == "unpacked"
    assert client.get("/away").status_code == 302
    assert client.get("/away", follow_redirects=True).json()["path"] == "/echo"
    client.headers["authorization"] = "Bearer mine"
    assert client.get("/echo").json()["headers"]["authorization"] == "Bearer mine"
    client.get("/session")
    assert client.get("/echo").json()["headers"]["cookie"] == "session=s-1"
    with client.stream("GET", "/items") as streamed:
        assert b"".join(streamed.iter_bytes()) == b"item"


@journey("astray")
def astray(client: httpx.Client) -> None:
    """Ask a host that is not the target's, and swallow whatever comes of it."""
    client.get("/items/17")
    with suppress(Exception):
        client.get(os.environ["ELSEWHERE"])
