"""A search on real processes: an app that acknowledges before it has written, and a careful one."""

import unittest
from pathlib import Path

import msgspec
import pytest

from pytest_sre.chaos import explore
from pytest_sre.chaos.explore.invariants import Judgement
from pytest_sre.chaos.explore.steps import Begin, Inject, Schedule, Wait
from pytest_sre.verdict import Inconclusive

# What is put is there at once, and on the volume at the latest when the app is told to stop. One
# that is careless writes it down no sooner.
APP = """
import http.server, os, signal, sys, threading

path = os.path.join(os.environ["FLY_VOLUME_NOTES"], "notes")
notes = set(open(path).read().split()) if os.path.exists(path) else set()
writing = threading.Lock()

def write():
    with writing:
        write_all()

def write_all():
    with open(path + ".new", "w") as file:
        file.write(" ".join(notes))
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        notes.add(self.path)
        if not os.environ.get("CARELESS"):
            write()
        self.answer(201)

    def do_GET(self):
        if self.path == "/error":
            print("ERROR the cupboard is bare", flush=True)
        self.answer(200 if self.path in notes or not self.path.startswith("/notes/") else 404)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.send_header("fly-machine-id", os.environ["FLY_MACHINE_ID"])
        self.end_headers()

    def log_message(self, *args):
        pass

def leave(*_):
    write()
    sys.exit(0)

signal.signal(signal.SIGINT, leave)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
FLY = """
app = "notes"
primary_region = "iad"

[processes]
web = "python app.py"

[http_service]
internal_port = 8080
processes = ["web"]

[[http_service.checks]]
path = "/"
interval = "200ms"
grace_period = "60s"

[[mounts]]
source = "notes"
destination = "/data"

[[restart]]
policy = "always"
"""
JOURNEYS = """
import uuid
from pytest_sre import journey

@journey("put")
def put(client):
    path = f"/notes/{uuid.uuid4().hex}"
    assert client.put(path).status_code == 201
    return path

@journey("complain")
def complain(client):
    client.get("/error").raise_for_status()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("notes")
    for name, text in {
        "app.py": APP,
        "fly.toml": FLY,
        "sre.toml": 'journeys = ["journeys.py"]\n',
        "journeys.py": JOURNEYS,
        "releases/careless.toml": '[env]\nCARELESS = "1"\n',
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def search(project, release="", **more) -> explore.FaultSchedule:
    told = {
        "faults": [explore.stop("web"), explore.kill("web")],
        "operations": ["put"],
        "invariants": [explore.acknowledged_writes()],
        "settles_within": "300ms",
        "replays": 2,
    }
    return explore.FaultSchedule(project, **{**told, "release": release, **more})


def test_what_loses_a_note_is_found_shortened_and_saved(project):
    result = unittest.TestResult()
    search(project / "fly.toml", "careless").TestCase().run(result)

    ((_, told),) = result.failures
    first, second, third, saved = told.partition("AssertionError: ")[2].splitlines()
    # An operation that is done at once is not in flight when the fault comes; it is lost as well.
    assert first == "kill web while one put is in flight: 1 acknowledged note lost"
    assert second.startswith("found by schedule ")
    assert third == "fails again 2 of 2 times"
    file = project / "chaos/found-kill-web-while-one-put-is-in-flight.yaml"
    play = f"pytest {file} --sre-target=local --sre-local-release=careless"
    assert saved == f"saved as an experiment: {play}"
    assert "func: kill_machines" in file.read_text("utf-8")


def test_a_careful_app_keeps_what_it_acknowledged(project):
    invariants = [
        explore.acknowledged_writes(),
        explore.recovers(within="60s"),
        # What the proxy says when there is nobody to ask.
        explore.no_new_errors(allowed=[r"^\[P[A-Z]\d+\]"]),
        explore.no_request_to_cordoned(),
    ]
    steps = (
        Begin("put"),
        Inject(explore.kill("web")),
        Wait(1.0),
        Begin("put", at_once=True),
        Inject(explore.stop("web")),
        Inject(explore.cordon("web")),
    )
    (judged,) = search(project, invariants=invariants).replay(
        Schedule((*steps[:4], *(_lasting(each) for each in steps[4:])))
    )

    assert judged == Judgement(holds=True)


def _lasting(step: Inject) -> Inject:
    return Inject(msgspec.structs.replace(step.fault, lasts_s=0.3))


def test_what_the_app_complains_of_is_seen(project):
    asked = search(project, operations=["complain"], invariants=[explore.no_new_errors()])

    (judged,) = asked.replay(Schedule((Begin("complain"),)))

    assert judged.holds is False
    assert judged.text == "error in the log: the cupboard is bare"


def test_a_search_that_cannot_be_made_says_why(project):
    for wrong, text in (
        (
            {"operations": ["nobody's"]},
            # Other tests of this process may have registered more.
            r'there is no journey "nobody\'s"; registered: .*\bcomplain\b.*\bput\b',
        ),
        ({"faults": [explore.kill("worker")]}, "cannot be injected: "),
        (
            {"faults": [explore.slow("app", 0.1, "app:nobody")]},
            'cannot be injected: there is no app "nobody"; there are: ',
        ),
        ({"release": "nobody's"}, "releases there: careless"),
    ):
        with pytest.raises(Inconclusive, match=text):
            search(project, **wrong).check()
    with pytest.raises(Inconclusive, match=r"nowhere"):
        search(project / "nowhere").check()
    with pytest.raises(ValueError, match="expected invariants of a FaultSchedule, found none"):
        search(project, invariants=[])


def test_the_demo_shops_planted_bug_is_found(tmp_path):
    shop = Path(__file__).parents[3] / "examples/shop"
    asked = explore.FaultSchedule(
        shop,
        faults=[explore.suspend("store"), explore.kill("web")],
        operations=["checkout"],
        invariants=[explore.acknowledged_writes()],
        release="lost-update",
        replays=1,
        save_to=tmp_path,
    )

    result = asked.search(seed=1)

    assert result.found, result.described
    assert len(result.found.schedule.steps) <= 3
    assert "suspend store" in result.found.line
    assert result.found.breaks.endswith("lost")
    assert result.found.file.parent == tmp_path
