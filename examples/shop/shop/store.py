"""The process group `store`: the database, over HTTP and for the other processes only.

Run with `python -m shop.store`; listens on `PORT` (8081). Its file is on the volume `shop_data`.
"""

import json
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shop import process, serving
from shop.database import Conflict, Database, NotFound, total_cents_of
from shop.exchanges import Exchanges, internal_error
from shop.logs import current_trace
from shop.settings import Address, ConfigurationError, Identity

log = logging.getLogger("shop.store")

MOUNT = Path("/data")
BATCH = 50
MOST_PER_REQUEST = 1000


class Invalid(Exception):  # noqa: N818
    """The request's body is not what this endpoint takes."""


@dataclass(frozen=True, slots=True)
class AddItem:
    """What is put in a cart."""

    product_id: str
    quantity: int

    @classmethod
    def from_json(cls, text: bytes) -> "AddItem":
        """Read a request's body.

        Raises:
            Invalid: it is no JSON object with a `product_id` and a sensible `quantity`.
        """
        try:
            body = json.loads(text)
        except ValueError as error:
            raise Invalid(f"expected JSON: {error}") from error
        match body:
            case {"product_id": str(product_id), "quantity": int(quantity)} if (
                product_id.isascii() and quantity is not True and 1 <= quantity <= MOST_PER_REQUEST
            ):
                return cls(product_id, quantity)
        raise Invalid(f"expected a product_id and a quantity from 1 to {MOST_PER_REQUEST}")


class Store:
    """The endpoints, over a database.

    They call SQLite on the event loop: each call is a fraction of a millisecond, and one at a
    time is what makes the single connection safe.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        """Return which endpoint answers what."""
        return [
            Route("/healthz", self.healthz),
            Route("/products", self.products),
            Route("/products/{id}", self.product),
            Route("/carts", self.new_cart, methods=["POST"]),
            Route("/carts/{id}", self.cart),
            Route("/carts/{id}/items", self.add_item, methods=["POST"]),
            Route("/carts/{id}/checkout", self.checkout, methods=["POST"]),
            Route("/orders/unconfirmed", self.unconfirmed),
            Route("/orders/{id}", self.order),
            Route("/orders/{id}/confirm", self.confirm, methods=["POST"]),
        ]

    async def healthz(self, _request: Request) -> Response:
        """Say whether the database can be read."""
        try:
            self._database.check()
        except sqlite3.Error as error:
            return JSONResponse({"status": "failing", "database": str(error)}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def products(self, _request: Request) -> Response:
        """List the products."""
        return _answer({"products": [asdict(each) for each in self._database.products()]})

    async def product(self, request: Request) -> Response:
        """Show one product."""
        return _answer(asdict(self._database.product(request.path_params["id"])))

    async def new_cart(self, _request: Request) -> Response:
        """Make an empty cart."""
        return _answer({"id": self._database.new_cart()}, 201)

    async def cart(self, request: Request) -> Response:
        """Show what is in a cart, and what it costs."""
        items = self._database.cart(request.path_params["id"])
        shown = {"items": [asdict(each) for each in items], "total_cents": total_cents_of(items)}
        return _answer({"id": request.path_params["id"], **shown})

    async def add_item(self, request: Request) -> Response:
        """Put a product in a cart."""
        item = AddItem.from_json(await request.body())
        self._database.add_item(request.path_params["id"], item.product_id, item.quantity)
        return _answer(asdict(item), 201)

    async def checkout(self, request: Request) -> Response:
        """Make a cart an order: 201 the first time, 200 with the same order after."""
        order, is_new = self._database.checkout(request.path_params["id"], current_trace())
        if is_new:
            log.info("order %s placed: %d cents", order.id, order.total_cents)
        return _answer(asdict(order), 201 if is_new else 200)

    async def order(self, request: Request) -> Response:
        """Read an order back."""
        return _answer(asdict(self._database.order(request.path_params["id"])))

    async def unconfirmed(self, _request: Request) -> Response:
        """List the oldest orders that wait for the worker."""
        return _answer({"orders": [asdict(each) for each in self._database.unconfirmed(BATCH)]})

    async def confirm(self, request: Request) -> Response:
        """Confirm an order."""
        return _answer(asdict(self._database.confirm(request.path_params["id"])))


async def not_found(_request: Request, error: Exception) -> Response:
    """Answer for an id that nothing has."""
    return _answer({"error": str(error)}, 404)


async def conflict(_request: Request, error: Exception) -> Response:
    """Answer for what cannot be done as things stand."""
    return _answer({"error": str(error)}, 409)


async def unusable(_request: Request, error: Exception) -> Response:
    """Answer when the database's file cannot be used, such as on a full disk; nothing was done."""
    log.error("the database cannot be used: %s", error)
    return _answer({"error": "the database cannot be used"}, 503)


async def invalid(_request: Request, error: Exception) -> Response:
    """Answer for a body that makes no sense."""
    return _answer({"error": str(error)}, 422)


def build(database: Database, identity: Identity) -> ASGIApp:
    """Put the app together."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        database.close()

    app = Starlette(
        routes=Store(database).routes(),
        lifespan=lifespan,
        exception_handlers={
            NotFound: not_found,
            Conflict: conflict,
            Invalid: invalid,
            sqlite3.OperationalError: unusable,
            Exception: internal_error,
        },
    )
    return Exchanges(app, identity)


@contextmanager
def data_directory() -> Iterator[Path]:
    """Give the volume's directory; without a volume, one that goes when the process ends.

    Raises:
        ConfigurationError: the volume's directory cannot be made.
    """
    volume = os.environ.get("FLY_VOLUME_SHOP_DATA")
    if volume:
        try:
            Path(volume).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"cannot use the volume at {volume}: {error}") from error
        yield Path(volume)
    elif os.access(MOUNT, os.W_OK):
        yield MOUNT
    else:
        with TemporaryDirectory(prefix="shop-") as temporary:
            yield Path(temporary)


def main() -> None:
    """Serve until told to stop."""
    with data_directory() as directory:
        app = build(Database(directory / "shop.sqlite"), Identity.from_environment())
        serving.serve(app, Address.from_environment(default_port=8081))


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(content, status_code=status)


if __name__ == "__main__":
    process.run(main)
