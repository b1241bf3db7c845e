"""A target on Fly: the same run, told by the environment where Fly's APIs are and who asks."""

import contextlib
import http.server
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_sre.local.platform import LocalPlatform
from pytest_sre.recording.rows import OwnFault
from pytest_sre.run.platforms import client_of, deploy_locally
from pytest_sre.targets import load_settings

TOKEN = "fo1_a-token-that-nobody-may-see"

PROD = """
[bake]
error-ratio = 0.04

[targets.prod]
platform = "fly"
url = "{url}"

[targets.prod.machines]
web = {{ iad = 1, ams = 1 }}
"""

OWN = """
def test_app(fly_app):
    assert fly_app.is_up("web")

def test_machine(fly_machine):
    assert fly_machine.state == "started"

def test_release(fly_app):
    assert fly_app.release.is_complete

def test_bake(bake):
    assert bake.window_s > 0
"""


@pytest.fixture(scope="module")
def platform(made_project):
    """A platform that stands for Fly, with the tiny app deployed to it."""
    with LocalPlatform.start(made_project.root / "fly-state") as started:
        (spec,) = load_settings(made_project.root, "local").target.apps
        with client_of(started) as fly:
            deploy_locally(fly, started, spec, None)
        made_project.write(**{"sre.toml": PROD.format(url=started.app_url("tiny"))})
        yield started


@pytest.fixture(scope="module")
def prod(made_project, platform):
    """Run pytest against prod, with the APIs at an address and a token to show there."""

    def run(*arguments, api=platform.api_url, token=platform.token):
        env = {f"FLY_{name}_BASE_URL": api for name in ("FLAPS", "API", "UIEX")}
        env["FLY_API_TOKEN"] = token
        ran = made_project.verify(*arguments, target="prod", env=env)
        assert token not in ran.text
        assert token.encode() not in b"".join(
            path.read_bytes() for path in ran.path.parent.glob(f"{ran.path.name}*")
        )
        return ran

    return run


@pytest.fixture(scope="module")
def own(made_project):
    return made_project.suite("own", OWN)


def test_good_release_is_healthy(prod, platform):
    ran = prod("--sre-bake=8s", "-o", "sre_suites=release health journeys bake logs")
    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text
    assert (
        ran.block[0] == "HEALTHY  tiny v1 (registry.local/tiny:local) on prod"
        f" (of {platform.api_url}, not Fly.io), 3 Machines in ams, iad"
    )
    ran.stdout.fnmatch_lines(["sre: target prod (fly), tiny"])


def test_run_on_fly_starts_nothing_here(prod, own, made_project):
    before = {process.pid for process in made_project.processes}
    ran = prod(own)
    assert ran.verdict == "HEALTHY"
    assert {process.pid for process in made_project.processes} == before
    assert not (made_project.root / ".sre" / "local").exists()


def test_xdist_workers_ask_fly_too(prod, own):
    ran = prod(own, "-n", "2")
    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text
    assert len(ran.verdicts) == 6


MACHINES = "platform Machines API"
REFUSALS = {"401": "own token", "403": "own token", "429": MACHINES, "503": MACHINES}


@pytest.fixture(scope="module")
def refused(prod, own, platform):
    """Give runs that the platform refuses, by its answer. They wait for retries, so all at once."""
    with contextlib.ExitStack() as held, ThreadPoolExecutor() as at_once:
        apis = {str(status): held.enter_context(answering(status)) for status in (403, 429, 503)}
        apis |= {"401": platform.api_url, "no answer": held.enter_context(nobody())}
        runs = {
            answer: at_once.submit(prod, own, api=api, token=TOKEN) for answer, api in apis.items()
        }
        return {answer: run.result() for answer, run in runs.items()}


@pytest.mark.parametrize("answer", [*REFUSALS, "no answer"])
def test_platform_that_refuses_is_no_outage_of_the_app(refused, answer):
    ran = refused[answer]
    assert (ran.ret, ran.verdict) == (1, "INCONCLUSIVE"), ran.text
    assert ran.lines_of("because") == []
    assert "INTERNALERROR" not in ran.text


@pytest.mark.parametrize(("answer", "cause"), REFUSALS.items())
def test_refusal_is_named_as_the_cause(refused, answer, cause):
    ran = refused[answer]
    assert any(answer in reason for reason in ran.lines_of("unsure")), ran.text
    with ran.recording() as recording:
        causes = {row.cause for row in recording.rows(OwnFault)}
    assert cause in causes
    assert {each.partition(" ")[0] for each in causes} == {cause.partition(" ")[0]}


def test_token_that_is_not_accepted_is_named_and_not_shown(refused):
    assert any("FLY_API_TOKEN" in reason for reason in refused["401"].lines_of("unsure"))


def test_app_that_fly_does_not_know(prod, own, made_project):
    toml = (made_project.root / "fly.toml").read_text().replace('"tiny"', '"tinny"')
    made_project.write(**{"fly.prod.toml": toml})
    try:
        ran = prod(own)
    finally:
        (made_project.root / "fly.prod.toml").unlink()
    assert (ran.ret, ran.verdict) == (1, "INCONCLUSIVE"), ran.text
    assert "INTERNALERROR" not in ran.text
    assert "tinny" in " ".join(ran.lines_of("unsure"))


def test_app_that_was_never_released(prod, own, made_project, platform):
    with client_of(platform) as fly:
        fly.create_app("unreleased", "personal")
    toml = (made_project.root / "fly.toml").read_text().replace('"tiny"', '"unreleased"')
    made_project.write(**{"fly.prod.toml": toml})
    try:
        ran = prod(own)
    finally:
        (made_project.root / "fly.prod.toml").unlink()
    assert ran.ret == 1
    assert ran.verdict != "HEALTHY"
    assert "INTERNALERROR" not in ran.text, ran.text


@contextlib.contextmanager
def answering(status):
    """Something in the place of Fly's APIs that gives one answer to all."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b'{"error": "not now"}'
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("retry-after", "0")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def nobody():
    """An address where nothing answers: the port is held, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
