"""The process group `worker`: confirms the orders that were placed.

Run with `python -m shop.worker`; needs `STORE_URL`, listens on nothing.
"""

import logging
import time
from typing import Any

import httpx

from shop import process
from shop.logs import trace_id
from shop.settings import required

log = logging.getLogger("shop.worker")

POLL_INTERVAL_S = 0.5
HEARTBEAT_INTERVAL_S = 10.0


class Worker:
    """Confirms orders; knows whether the store was there the last time."""

    def __init__(self, store: httpx.Client) -> None:
        self._store = store
        self._is_store_there = True

    def confirm_orders(self) -> int:
        """Confirm what waits, and return how many orders that were."""
        try:
            orders = self._confirm_batch()
        except httpx.HTTPError as error:
            self._note_store(error)
            return 0
        self._note_store(None)
        return orders

    def _confirm_batch(self) -> int:
        answer = self._store.get("/orders/unconfirmed").raise_for_status()
        orders: list[dict[str, Any]] = answer.json()["orders"]
        for order in orders:
            trace_id.set(order["trace_id"])
            headers = {"x-trace-id": order["trace_id"]}
            self._store.post(f"/orders/{order['id']}/confirm", headers=headers).raise_for_status()
            log.info("order %s confirmed", order["id"])
        return len(orders)

    def _note_store(self, error: httpx.HTTPError | None) -> None:
        trace_id.set(None)
        if error is not None and self._is_store_there:
            # Not an error: Machines start in any order, and the orders wait.
            log.warning("the store is unavailable: %s: %s", type(error).__name__, error)
        elif error is None and not self._is_store_there:
            log.info("the store is available again")
        self._is_store_there = error is None


def main() -> None:
    """Confirm orders until told to stop."""
    with httpx.Client(base_url=required("STORE_URL"), timeout=3.0) as store:
        worker = Worker(store)
        confirmed = 0
        heartbeat_at = time.monotonic()
        log.info("waiting for orders")
        while True:
            confirmed += worker.confirm_orders()
            if time.monotonic() - heartbeat_at >= HEARTBEAT_INTERVAL_S:
                log.info("alive: %d orders confirmed since the last heartbeat", confirmed)
                confirmed, heartbeat_at = 0, time.monotonic()
            time.sleep(POLL_INTERVAL_S)


if __name__ == "__main__":
    process.run(main)
