"""What the client makes of every way in which the platform can fail to answer."""

import datetime as dt
import email.utils
import pickle
import socket
import time

import pytest

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from pytest_sre.fly.tokens import Token
from tests.fly.conftest import SECRET, Reply, ScriptedApi

LEASE_HELD = (
    "machine ID 2879325b42d318 lease currently held by 9f1c@tokens.fly.io,"
    " expires at 2026-05-14T10:41:08Z"
)
HTML = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "is_own_fault"),
    [
        (400, {"error": "invalid_argument: Timeout"}, errors.Invalid, False),
        (401, {"error": "Authenticate: token validation error"}, errors.Unauthorized, True),
        (403, {"error": "unauthorized"}, errors.Forbidden, True),
        (404, {"error": "machine not found"}, errors.NotFound, False),
        (408, {"error": "deadline_exceeded"}, errors.TimedOut, False),
        (409, {"error": LEASE_HELD}, errors.Conflict, False),
        (412, {"error": "unable to start machine"}, errors.PreconditionFailed, False),
        (422, {"error": "Name has already been taken"}, errors.Invalid, False),
        (429, {"error": "rate limit exceeded"}, errors.RateLimited, True),
        (500, {"error": "internal"}, errors.UnexpectedAnswer, True),
        (502, b"Bad Gateway", errors.UnexpectedAnswer, True),
        (302, b"", errors.UnexpectedAnswer, True),
    ],
)
def test_each_status_is_its_own_error(
    api: ScriptedApi, fly: Fly, status: int, body: object, kind: type, is_own_fault: bool
) -> None:
    api.reply(*[Reply(status, body, {"fly-request-id": "01JNRQ9VVKJ7-yyz"})] * 3)
    with pytest.raises(errors.FlyError) as caught:
        fly.start("shop", "2879325b42d318")
    assert type(caught.value) is kind
    assert caught.value.is_own_fault is is_own_fault
    text = str(caught.value)
    assert str(status) in text
    assert "/v1/apps/shop/machines/2879325b42d318/start" in text
    assert "01JNRQ9VVKJ7-yyz" in text
    assert len(text.splitlines()) <= 4


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<!DOCTYPE html><title>Sign in</title>", HTML),
        Reply(200, b'{"name": "shop", "id'),
        Reply(200, b""),
        Reply(200, {"name": 7}),
        Reply(200, [1, 2]),
        Reply(200, b"\xff\xfe"),
        Reply(404, b"<html>nginx</html>", HTML),
        Reply(404, b"404 page not found", {"content-type": "text/plain"}),
        Reply(403, b"<html>blocked by the firewall</html>", HTML),
    ],
    ids=lambda reply: f"{reply.status}-{reply.raw[:20]!r}",
)
def test_what_is_not_the_api_is_an_unexpected_answer(
    api: ScriptedApi, fly: Fly, reply: Reply
) -> None:
    api.reply(reply)
    with pytest.raises(errors.UnexpectedAnswer) as caught:
        fly.app("shop")
    assert len(api.requests) == 1
    assert len(str(caught.value).splitlines()) <= 4


def test_a_wrong_hosts_404_does_not_make_a_machine_destroyed(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(404, b"Not Found", {"content-type": "text/plain"}))
    with pytest.raises(errors.UnexpectedAnswer):
        fly.wait("shop", "148e", "destroyed", timeout_s=1)


def test_a_login_page_does_not_mean_that_a_state_was_reached(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, b"<html>Sign in</html>", HTML))
    with pytest.raises(errors.UnexpectedAnswer):
        fly.wait("shop", "148e", "started", timeout_s=1)


def test_a_list_without_its_key_is_not_an_empty_list(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, {}))
    with pytest.raises(errors.UnexpectedAnswer):
        fly.logs("shop")


def test_a_lease_in_the_way_names_its_holder_and_its_end(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(409, {"error": LEASE_HELD}))
    with pytest.raises(errors.Conflict) as caught:
        fly.stop("shop", "2879325b42d318")
    assert caught.value.holder == "9f1c@tokens.fly.io"
    assert caught.value.expires_at == dt.datetime(2026, 5, 14, 10, 41, 8, tzinfo=dt.UTC)
    assert "9f1c@tokens.fly.io" in caught.value.hint


def test_another_conflict_has_no_holder(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(409, {"error": "aborted: could not reserve resource for machine"}))
    with pytest.raises(errors.Conflict, match="could not reserve") as caught:
        fly.start("shop", "148e")
    assert (caught.value.holder, caught.value.expires_at) == ("", None)


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (lambda fly: fly.machines("shop"), 'read permission on app "shop"'),
        (lambda fly: fly.stop("shop", "1"), "a deploy token"),
        (lambda fly: fly.exec("shop", "1", ["ls"]), "machine-exec"),
        (lambda fly: fly.apps("acme"), "an org token"),
    ],
)
def test_forbidden_says_which_token_would_do(api, fly, call, needed) -> None:
    api.reply(Reply(403, {"error": "unauthorized"}))
    with pytest.raises(errors.Forbidden) as caught:
        call(fly)
    assert needed in str(caught.value)
    assert "a macaroon from FLY_API_TOKEN" in str(caught.value)
    assert "fly tokens create" in caught.value.hint


def test_rate_limit_is_waited_out(api: ScriptedApi, fly: Fly, pauses: list[float]) -> None:
    api.reply(Reply(429, {}, {"retry-after": "3"}), Reply(200, {"name": "shop"}))
    assert fly.app("shop").name == "shop"
    assert pauses == [3.0]


def test_a_change_refused_as_one_too_many_was_not_made_and_is_sent_again(
    api: ScriptedApi, fly: Fly, pauses: list[float]
) -> None:
    api.reply(Reply(429, {"error": "rate limit exceeded"}), Reply(200, {"ok": True}))
    fly.start("shop", "148e")
    assert len(api.requests) == 2
    assert 0.5 < pauses[0] < 5
    assert fly.limited_count == 1


def test_rate_limit_that_lasts_too_long_is_told_at_once(
    api: ScriptedApi, fly: Fly, pauses: list[float]
) -> None:
    api.reply(Reply(429, {}, {"retry-after": "60"}))
    with pytest.raises(errors.RateLimited, match="60 s") as caught:
        fly.app("shop")
    assert caught.value.retry_after_s == 60
    assert pauses == []


def test_all_pauses_together_are_bounded(api: ScriptedApi, fly: Fly, pauses: list[float]) -> None:
    api.reply(*[Reply(429, {}, {"retry-after": "9"})] * 3)
    with pytest.raises(errors.RateLimited):
        fly.app("shop")
    assert pauses == [9.0]


@pytest.mark.parametrize("retry_after", ["soon", "-5", "nan", "inf", ""])
def test_senseless_retry_after_is_passed_over(api: ScriptedApi, fly: Fly, retry_after: str) -> None:
    api.reply(*[Reply(429, {}, {"retry-after": retry_after})] * 3)
    with pytest.raises(errors.RateLimited) as caught:
        fly.start("shop", "148e")
    assert caught.value.retry_after_s is None


def test_retry_after_may_be_a_date(api: ScriptedApi, fly: Fly) -> None:
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    api.reply(Reply(429, {}, {"retry-after": email.utils.format_datetime(then, usegmt=True)}))
    with pytest.raises(errors.RateLimited) as caught:
        fly.start("shop", "148e")
    assert caught.value.retry_after_s == pytest.approx(100, abs=30)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_read_is_tried_three_times(
    api: ScriptedApi, fly: Fly, pauses: list[float], status: int
) -> None:
    api.reply(*[Reply(status)] * 5)
    with pytest.raises(errors.UnexpectedAnswer):
        fly.app("shop")
    assert len(api.requests) == 3
    assert len(pauses) == 2


def test_a_broken_read_is_tried_again(api: ScriptedApi, fly: Fly) -> None:
    api.reply(api.cut, api.cut_body, Reply(200, {"name": "shop"}))
    assert fly.app("shop").name == "shop"
    assert len(api.requests) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_change_is_never_sent_twice(api: ScriptedApi, fly: Fly, status: int) -> None:
    api.reply(*[Reply(status)] * 3)
    with pytest.raises(errors.FlyError):
        fly.stop("shop", "148e")
    assert len(api.requests) == 1


@pytest.mark.parametrize("change", ["stop", "destroy_machine"])
def test_a_change_whose_answer_was_cut_is_not_sent_again(
    api: ScriptedApi, fly: Fly, change: str
) -> None:
    api.reply(api.cut, api.cut, api.cut)
    with pytest.raises(errors.Unreachable, match="may have been carried out") as caught:
        getattr(fly, change)("shop", "148e")
    assert len(api.requests) == 1
    assert caught.value.is_own_fault


def test_slow_drip_ends_at_the_deadline(api: ScriptedApi) -> None:
    api.reply(api.drip)
    with Fly(api.url, api.url, Token("t" * 8), timeout_s=0.3) as fly:
        began = time.monotonic()
        with pytest.raises(errors.Unreachable, match=r"0\.3 s"):
            fly.app("shop")
    assert time.monotonic() - began < 60
    api.close()
    assert len(api.requests) <= 1


def test_silence_ends_at_the_deadline(api: ScriptedApi) -> None:
    api.reply(lambda _handler: api.ended.wait(60) and None)
    with Fly(api.url, api.url, Token("t" * 8), timeout_s=0.3) as fly:
        with pytest.raises(errors.Unreachable, match=r"0\.3 s"):
            fly.app("shop")
        api.ended.set()


def test_refused_connection_is_tried_again_even_for_a_change(pauses: list[float]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        fly = Fly(url, url, Token("t" * 8), sleep=pauses.append)
        with fly, pytest.raises(errors.Unreachable) as caught:
            fly.start("shop", "148e")
    assert len(pauses) == 2
    assert "no connection" in str(caught.value)
    assert "carried out" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["localhost:4280", "", "ftp://x", "http://", "http://[::", "http://x:99999"]
)
def test_a_wrong_address_is_told_before_anything_is_sent(url: str) -> None:
    with pytest.raises(errors.Unreachable, match="FLY_\\*_BASE_URL"):
        Fly(url, "http://127.0.0.1:1", Token("t" * 8))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
@pytest.mark.parametrize("echo", [SECRET, f"Bearer {SECRET}", f"x,{SECRET},{SECRET}"])
def test_no_error_shows_the_token(api: ScriptedApi, fly: Fly, status: int, echo: str) -> None:
    body = {"error": f"bad token {echo}", "message": f"Authorization: {echo}"}
    api.reply(*[Reply(status, body)] * 3)
    with pytest.raises(errors.FlyError) as caught:
        fly.start("shop", "148e")
    shown = str(caught.value) + repr(caught.value) + repr(vars(caught.value))
    assert SECRET not in shown
    assert "secretpart" not in shown


def test_no_error_shows_a_token_of_unknown_form(api: ScriptedApi) -> None:
    api.reply(Reply(401, {"error": "no such token: 5ab0-local-5ab0"}))
    fly = Fly(api.url, api.url, Token.parse("5ab0-local-5ab0"))
    with fly, pytest.raises(errors.Unauthorized) as caught:
        fly.app("shop")
    assert "5ab0" not in str(caught.value) + repr(caught.value)


def test_a_long_body_is_quoted_in_part_and_on_one_line(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(422, {"error": "\x1b[31mline\n" * 500}))
    with pytest.raises(errors.Invalid) as caught:
        fly.start("shop", "148e")
    assert len(caught.value.found) <= 300
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 4


def test_credentials_in_an_address_are_not_shown(api: ScriptedApi) -> None:
    url = api.url.replace("//", "//someone:passw0rd@")
    api.reply(Reply(404, {"error": "no"}))
    with Fly(url, url, Token("t" * 8)) as fly, pytest.raises(errors.NotFound) as caught:
        fly.app("shop")
    assert "passw0rd" not in str(caught.value)
    assert api.requests[0].headers["authorization"] == f"Bearer {'t' * 8}"


def test_errors_cross_process_boundaries(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(409, {"error": LEASE_HELD}))
    with pytest.raises(errors.Conflict) as caught:
        fly.start("shop", "148e")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.holder == "9f1c@tokens.fly.io"
