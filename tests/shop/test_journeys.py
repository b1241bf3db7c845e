"""The shop's journeys pass on a good web and fail on a broken one."""

import importlib.util
import sys

import pytest


@pytest.fixture(scope="module")
def journeys(shop_root):
    spec = importlib.util.spec_from_file_location("shop_journeys", shop_root / "journeys.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("name", ["browse", "checkout", "order_readback"])
def test_journey_passes_on_the_good_release(journeys, client, name):
    getattr(journeys, name)(client)


def test_journeys_fail_with_the_request_that_failed(journeys, start, connect, refused_port):
    client = connect(start("web", STORE_URL=f"http://127.0.0.1:{refused_port}"))
    for journey in (journeys.browse, journeys.checkout, journeys.order_readback):
        with pytest.raises(AssertionError, match=r"GET /products answered 503, expected 200"):
            journey(client)
