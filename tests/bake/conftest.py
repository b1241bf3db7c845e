"""Exchanges as a bake records them."""

from collections.abc import Callable

import pytest

from pytest_sre.recording.rows import Exchange

MakeExchange = Callable[..., Exchange]


@pytest.fixture(scope="session")
def exchange() -> MakeExchange:
    def make(at: float, **given: object) -> Exchange:
        known = {"source": "bake", "app": "shop", "method": "GET", "url": "http://shop/healthz"}
        good = {"ok": True, "status": 200, "total_s": 0.01}
        return Exchange(**{"at": at, **known, **good, **given})

    return make
