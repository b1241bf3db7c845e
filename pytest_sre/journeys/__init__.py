"""Journeys: user flows written once, run as tests, as bake probes, as load and in chaos.

A journey is one function over an HTTP client::

    @journey("checkout")
    def checkout(client: httpx.Client) -> str:
        cart = client.post("/carts").json()
        ...
        assert order.status_code == 201
        return f"/orders/{order.json()['id']}"
"""

from pytest_sre.journeys.registry import (
    Journey,
    JourneyFileError,
    journey,
    load_journeys,
    registered,
)

__all__ = ["Journey", "JourneyFileError", "journey", "load_journeys", "registered"]
