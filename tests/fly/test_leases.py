"""Leases: taken, held, lost, and given back whatever happens."""

import time

import pytest

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from pytest_sre.fly.leases import HeldLeases
from tests.fly.conftest import Reply, ScriptedApi

LEASE = {"nonce": "n0", "owner": "me", "expires_at": 1_800_000_000, "version": "01A"}


@pytest.mark.parametrize("body", [LEASE, {"status": "success", "data": LEASE}])
def test_a_lease_is_taken_and_released(api: ScriptedApi, fly: Fly, body: dict[str, object]) -> None:
    api.reply(Reply(201, body), Reply(200, {"status": "success", "data": {"ok": True}}))
    with fly.lease("shop", "148e", ttl_s=30, description="a drill") as lease:
        assert (lease.nonce, lease.version) == ("n0", "01A")
    take, release = api.requests
    assert take.body == {"ttl": 30, "description": "a drill"}
    assert (release.method, release.headers["fly-machine-lease-nonce"]) == ("DELETE", "n0")


@pytest.mark.parametrize("answer", [Reply(200), Reply(404, {"error": "lease not found"})])
def test_a_lease_is_released_when_the_block_fails(
    api: ScriptedApi, fly: Fly, answer: Reply
) -> None:
    api.reply(Reply(201, LEASE), answer)
    with pytest.raises(RuntimeError, match="boom"), fly.lease("shop", "148e"):
        raise RuntimeError("boom")
    assert [seen.method for seen in api.requests] == ["POST", "DELETE"]


def test_a_lease_that_cannot_be_released_is_told_in_the_log(
    api: ScriptedApi, fly: Fly, caplog: pytest.LogCaptureFixture
) -> None:
    api.reply(Reply(201, LEASE), Reply(500))
    with fly.lease("shop", "148e"):
        pass
    assert "ends only by its ttl" in caplog.text


def test_a_lease_that_was_lost_is_not_used_any_more(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(201, LEASE), Reply(409, {"error": "lease currently held by them@fly.io"}))
    with fly.leases("shop", ["148e"], ttl_s=2) as held:
        lost = _when_lost(held)
    assert lost.holder == ""
    assert "them@fly.io" in str(lost)
    refresh = api.requests[1]
    assert (refresh.method, refresh.headers["fly-machine-lease-nonce"]) == ("POST", "n0")
    assert len(api.requests) == 2, "what is somebody else's is not released"


def test_a_lease_whose_refresh_failed_for_once_is_held_on(
    api: ScriptedApi, fly: Fly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_sre.fly.leases._REFRESHES", 3000)
    api.reply(Reply(201, LEASE), Reply(500))
    api.replies.extend([Reply(201, LEASE)] * 10_000)
    with fly.leases("shop", ["148e"], ttl_s=300) as held:
        deadline = time.monotonic() + 60
        while len(api.requests) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert held.nonce("148e") == "n0"
    assert api.requests[-1].method == "DELETE"


def test_leases_are_all_or_none(api: ScriptedApi, fly: Fly) -> None:
    held_by_others = Reply(409, {"error": "lease currently held by them@fly.io"})
    api.reply(Reply(201, LEASE), held_by_others, Reply(200))
    with pytest.raises(errors.Conflict, match="held by them"), fly.leases("shop", ["1", "2"]):
        pytest.fail("the block was entered")
    assert [seen.method for seen in api.requests] == ["POST", "POST", "DELETE"]


def _when_lost(held: HeldLeases, within_s: float = 60.0) -> errors.Conflict:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            held.nonce("148e")
        except errors.Conflict as lost:
            return lost
        time.sleep(0.02)
    raise AssertionError("the lease was not lost in time")


def test_a_lease_without_a_nonce_is_none(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(201, {"status": "success"}))
    with pytest.raises(errors.UnexpectedAnswer, match="nonce"), fly.lease("shop", "148e"):
        pass
