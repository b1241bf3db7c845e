"""Customers who go on while something is done, and what was acknowledged to them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_sre.chaos.fly import standing as standings
from pytest_sre.chaos.fly.probes import acknowledged_missing, customers
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.client import Fly
from pytest_sre.fly.tokens import Token
from pytest_sre.targets import load_settings

JOURNEYS = """
from pytest_sre import journey

@journey("buy-one")
def buy(client):
    answer = client.post("/orders")
    assert answer.status_code == 201
    return f"/orders/{answer.text}"
"""


class Shop:
    """A shop that refuses every third order, and forgets the ones it is told to forget."""

    def __init__(self) -> None:
        self.orders: dict[str, str] = {}
        self.asked = 0
        self._lock = threading.Lock()

    def place(self) -> str:
        with self._lock:
            self.asked += 1
            if self.asked % 3 == 0:
                return ""
            self.orders[str(self.asked)] = "created"
            return str(self.asked)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project; its journeys can be registered once in a process."""
    folder = tmp_path_factory.mktemp("customers")
    (folder / "journeys.py").write_text(JOURNEYS)
    (folder / "fly.toml").write_text('app = "shop"\n')
    (folder / "sre.toml").write_text('journeys = ["journeys.py"]\n')
    return folder


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            number = shop.place()
            self._answer(201 if number else 409, number)

        def do_GET(self) -> None:
            state = shop.orders.get(self.path.rpartition("/")[2])
            self._answer(200 if state else 404, f'{{"status":"{state}"}}')

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    settings = load_settings(folder, "local")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        with Fly(url, url, Token("none", "a test")) as fly:
            there = replace(settings, target=replace(settings.target, url=url))
            standings.stand(_Seeing(Sight(there, Hands(fly))))
            yield shop
            standings.stand(None)
        server.shutdown()
        serving.join()


class _Seeing:
    """Sees, and does nothing."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight

    def act(self, _action: object) -> str:
        raise AssertionError("nothing is done here")

    def undo_all(self) -> str:
        raise AssertionError("nothing is done here")


def test_the_share_of_those_who_got_what_they_came_for(shop: Shop) -> None:
    assert customers("buy-one", rate_per_s=100, lasts_s=0.06) == pytest.approx(4 / 6)
    assert shop.asked == 6


def test_what_was_refused_is_not_missing(shop: Shop) -> None:
    customers("buy-one", rate_per_s=100, lasts_s=0.06)
    assert shop.asked == 6
    assert acknowledged_missing() == 0


def test_what_was_acknowledged_and_forgotten_is_missing(shop: Shop) -> None:
    customers("buy-one", rate_per_s=100, lasts_s=0.06)
    del shop.orders["1"], shop.orders["4"]
    assert acknowledged_missing() == 2


def test_what_does_not_come_to_the_state_it_should_is_missing(shop: Shop) -> None:
    customers("buy-one", rate_per_s=100, lasts_s=0.02)
    shop.orders["1"] = "confirmed"
    assert acknowledged_missing('"status":"confirmed"') == 1


@pytest.mark.parametrize(("rate", "lasts"), [(1.0, 0.1), (1000.0, 2.0)])
def test_nobody_and_too_many_are_refused(shop: Shop, rate: float, lasts: float) -> None:
    with pytest.raises(ValueError, match="expected from 1 to 1000 customers"):
        customers("buy-one", rate_per_s=rate, lasts_s=lasts)
    assert shop.asked == 0
