"""``fly-replay``: an app has another Machine answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.proxy.replay import (
    InvalidReplayError,
    read_replay_body,
    read_replay_header,
)
from pytest_sre.local.proxy.routing import Wish
from tests.patience import until

# Has a request replayed as its x-replay says (that one of its own Machine only, when x-from is
# given), and shows what it got otherwise.
APP = """
import http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        me = os.environ["FLY_MACHINE_ID"]
        wanted, sender = self.headers["x-replay"], self.headers["x-from"]
        arrived = self.headers["fly-replay-src"] or self.headers["fly-replay-failed"]
        if wanted and (self.headers["x-always"] or not arrived):
            if wanted.startswith("{"):
                return self.answer({"content-type": "application/vnd.fly.replay+json"}, wanted)
            return self.answer({"fly-replay": wanted}, "")
        seen = {"machine": me, "app": os.environ["FLY_APP_NAME"], "body": body, "path": self.path}
        seen["headers"] = {k.lower(): v for k, v in self.headers.items()}
        self.answer({}, json.dumps(seen))

    do_POST = do_GET

    def answer(self, headers, text):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SERVICE = {
    "internal_port": 8080,
    "ports": [{"port": 80, "handlers": ["http"]}],
    "checks": [{"type": "tcp", "interval": "1s", "grace_period": "60s"}],
}


@pytest.fixture(scope="module")
def pair(module_client):
    """One Machine in the primary region, and one far away."""
    made = [
        module_client.python(APP, services=[SERVICE], region=region) for region in ("iad", "ams")
    ]
    for machine in made:
        until(lambda machine=machine: module_client.is_healthy(machine))
    return made


def ask(client, replay, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.proxy.post("/p?q=1", content="body", headers={"x-replay": replay, **named})


def refusals(client):
    return [text for text in client.messages(provider="proxy") if text.startswith("[P")]


def test_a_request_goes_to_the_region_that_the_app_names_with_its_body(module_client, pair):
    near, far = pair
    seen = ask(module_client, "region=ams;state=a b").json()
    assert (seen["machine"], seen["body"], seen["path"]) == (far, "body", "/p?q=1")
    fields = dict(part.split("=") for part in seen["headers"]["fly-replay-src"].split(";"))
    assert fields.keys() == {"instance", "region", "t", "state"}
    assert (fields["instance"], fields["region"], fields["state"]) == (near, "iad", "a b")


@pytest.mark.parametrize(
    "replay", ["instance={far}", "prefer_instance={far}", "elsewhere=true", "region=syd,eu"]
)
def test_each_way_to_name_another_machine_leads_there(module_client, pair, replay):
    far = pair[1]
    assert ask(module_client, replay.format(far=far)).json()["machine"] == far


def test_the_json_form_also_changes_the_request(module_client, pair):
    wanted = {
        "instance": pair[1],
        "transform": {
            "path": "/else?where=1",
            "delete_headers": ["x-gone"],
            "set_headers": [{"name": "X-Set", "value": "1"}],
        },
    }
    seen = ask(module_client, json.dumps(wanted), x_gone="1").json()
    assert (seen["machine"], seen["path"]) == (pair[1], "/else?where=1")
    assert seen["headers"]["x-set"] == "1"
    assert "x-gone" not in seen["headers"]


@pytest.mark.usefixtures("pair")
def test_another_app_of_the_organization_can_answer_and_no_other(client, module_client):
    other = client.python(APP, services=[SERVICE])
    until(lambda: client.is_healthy(other))
    assert ask(module_client, f"app={client.app}").json()["app"] == client.app
    assert ask(module_client, "app=nobody").status_code == 502
    assert refusals(module_client)[-1].startswith("[PA04]")
    made = client.api.post("/v1/apps", json={"name": f"{client.app}-b", "org_slug": "acme"})
    assert made.status_code == 201
    assert ask(module_client, f"app={client.app}-b").status_code == 502
    assert refusals(module_client)[-1].startswith("[PA05]")


@pytest.mark.usefixtures("pair")
def test_a_replay_without_an_end_is_given_up(module_client):
    answer = ask(module_client, "elsewhere=true", x_always="1")
    assert answer.status_code == 502
    assert refusals(module_client)[-1] == "[PA02] request was replayed more than 10 times"


@pytest.mark.parametrize(
    "replay", ["nonsense", "region=", "timeout=soon", '{"region": 1, "app": []}']
)
@pytest.mark.usefixtures("pair")
def test_what_is_no_replay_is_refused(module_client, replay):
    assert ask(module_client, replay).status_code == 502
    assert refusals(module_client)[-1].startswith("[PA03] invalid replay")


@pytest.mark.usefixtures("pair")
def test_a_body_that_is_too_large_is_not_replayed(module_client):
    answer = module_client.proxy.post(
        "/", content=b"x" * 1_100_000, headers={"x-replay": "region=ams"}
    )
    assert answer.status_code == 502
    assert refusals(module_client)[-1].startswith("[PA01]")


@pytest.mark.parametrize("fallback", ["force_self", "prefer_self"])
def test_a_failed_replay_comes_back_when_the_app_wants_it(module_client, pair, fallback):
    seen = ask(module_client, f"region=syd;timeout=50ms;fallback={fallback}").json()
    assert seen["machine"] == pair[0]
    failed = dict(part.split("=") for part in seen["headers"]["fly-replay-failed"].split(";"))
    assert failed["region"] == "syd"
    assert failed["replay_source"] == pair[0]
    assert failed["app"] == module_client.app
    assert failed["reason"] in ("no_candidate", "timeout")
    assert ask(module_client, "region=syd;timeout=50ms").status_code == 503


def test_a_machine_that_was_preferred_in_vain_is_named(module_client, pair):
    headers = {"fly-prefer-instance-id": "0123456789abcd"}
    seen = module_client.proxy.get("/", headers=headers).json()
    assert seen["headers"]["fly-preferred-instance-unavailable"] == "0123456789abcd"
    headers = {"fly-prefer-instance-id": pair[1]}
    seen = module_client.proxy.get("/", headers=headers).json()
    assert "fly-preferred-instance-unavailable" not in seen["headers"]


def test_the_fields_of_the_header_are_read():
    replay = read_replay_header(
        " region=ams, EU ; app=b;state=x=y;elsewhere=true;timeout=1.5s;fallback=prefer_self"
    )
    assert replay.wish == Wish(force_regions=("ams", "eu"))
    assert (replay.app, replay.state, replay.elsewhere) == ("b", "x=y", True)
    assert (replay.timeout_s, replay.fallback) == (1.5, "prefer_self")


@given(st.text() | st.from_regex(r"((region|app|state|timeout|fallback)=[^;]*;)+"))
def test_any_text_is_a_replay_or_refused(text):
    for read in (
        read_replay_header,
        lambda said: read_replay_body(said.encode("utf-8", "replace")),
    ):
        try:
            replay = read(text)
        except InvalidReplayError:
            continue
        assert replay.timeout_s is None or replay.timeout_s >= 0


@pytest.mark.parametrize(
    "wanted",
    [
        {"app": "a", "state": "x\r\ny: 1"},
        {"app": "a", "transform": {"path": "/x HTTP/1.1\r\n"}},
        {"app": "a", "transform": {"set_headers": [{"name": "a", "value": "b\nc: d"}]}},
        {"app": "a", "transform": {"set_headers": [{"name": "a\r\n", "value": "b"}]}},
    ],
)
def test_nothing_can_be_smuggled_into_the_next_request(wanted):
    with pytest.raises(InvalidReplayError, match="control character"):
        read_replay_body(json.dumps(wanted).encode())
