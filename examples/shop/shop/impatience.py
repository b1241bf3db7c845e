"""What the release `lost-update` does: who has paid is not kept waiting for the store."""

import asyncio
import json
import logging
import time

from shop.logs import current_trace
from shop.orders import order_id_of
from shop.store_client import Answer, StoreClient, StoreUnavailable

log = logging.getLogger("shop.payments")

CHARGING_S = 0.4
PATIENCE_S = 1.0
AGAIN_AFTER_S = 0.8


class ImpatientStoreClient(StoreClient):
    """Charges the customer before the store has the order.

    When the store then fails or takes long, the customer is told that all is well, and the order is
    sent once more a moment later. That is once too few: the order is lost when the store is away
    both times.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._sending: set[asyncio.Task[None]] = set()

    async def post(self, path: str, body: bytes = b"") -> Answer:
        """Send `body`, or charge the customer and send the order.

        Raises:
            StoreUnavailable: no answer, or one of 500 and above; never about an order.
        """
        cart, _, act = path.rpartition("/")
        if act != "checkout":
            return await super().post(path, body)
        shown = await self.get(cart)
        if shown.status != 200:
            return await super().post(path, body)
        await asyncio.sleep(CHARGING_S)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await super().post(path, body)
        except (StoreUnavailable, TimeoutError):
            task = asyncio.create_task(self._send_again(path))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            return _accepted(json.loads(shown.body))

    async def _send_again(self, path: str) -> None:
        await asyncio.sleep(AGAIN_AFTER_S)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await super().post(path)
        except (StoreUnavailable, TimeoutError):
            log.warning("%s was not taken by the store", path)


def _accepted(cart: dict[str, object]) -> Answer:
    """Answer as the store would have."""
    order = {
        "id": order_id_of(str(cart["id"])),
        "status": "created",
        "total_cents": cart["total_cents"],
        "placed_at": time.time(),
        "trace_id": current_trace(),
        "items": cart["items"],
    }
    return Answer(201, json.dumps(order).encode())
