"""Products, carts and orders, in SQLite."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from uuid import uuid4

from shop.catalogue import CATALOGUE, Product
from shop.orders import order_id_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS carts (
    id TEXT PRIMARY KEY
) STRICT;
CREATE TABLE IF NOT EXISTS cart_items (
    cart_id TEXT NOT NULL REFERENCES carts,
    product_id TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (cart_id, product_id)
) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    cart_id TEXT NOT NULL UNIQUE REFERENCES carts,
    status TEXT NOT NULL CHECK (status IN ('created', 'confirmed')),
    total_cents INTEGER NOT NULL,
    placed_at REAL NOT NULL,
    trace_id TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS order_items (
    order_id TEXT NOT NULL REFERENCES orders,
    product_id TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL,
    price_cents INTEGER NOT NULL,
    PRIMARY KEY (order_id, product_id)
) STRICT;
CREATE INDEX IF NOT EXISTS unconfirmed ON orders (placed_at) WHERE status = 'created';
"""


class NotFound(Exception):  # noqa: N818
    """There is no product, cart or order of that id."""


class Conflict(Exception):  # noqa: N818
    """What is asked for cannot be done as things stand: sold out, empty, already ordered."""


@dataclass(frozen=True, slots=True)
class Item:
    """Some pieces of a product, at the price of that moment."""

    product_id: str
    quantity: int
    price_cents: int


def total_cents_of(items: Iterable[Item]) -> int:
    """Return what items cost together."""
    return sum(item.quantity * item.price_cents for item in items)


@dataclass(frozen=True, slots=True)
class Order:
    """A placed order; `status` is `created` until the worker has made it `confirmed`."""

    id: str
    status: str
    total_cents: int
    placed_at: float
    trace_id: str
    items: tuple[Item, ...]


class Database:
    """The shop's only database; used from one thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        # An order that was answered survives a power cut: each commit waits for the disk.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(SCHEMA)
        with self._transaction() as write:
            write.executemany(
                "INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?)",
                [(each.id, each.name, each.price_cents, each.stock) for each in CATALOGUE],
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def check(self) -> None:
        """Read something.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        self._connection.execute("SELECT 1 FROM products LIMIT 1").fetchone()

    def products(self) -> list[Product]:
        """Return every product, by name."""
        rows = self._connection.execute("SELECT id, name, price_cents, stock FROM products")
        return sorted((Product(*row) for row in rows), key=lambda product: product.name)

    def product(self, product_id: str) -> Product:
        """Return one product.

        Raises:
            NotFound: there is none of that id.
        """
        row = self._connection.execute(
            "SELECT id, name, price_cents, stock FROM products WHERE id = ?", (product_id,)
        ).fetchone()
        if row is None:
            raise NotFound(f"no product {product_id!r}")
        return Product(*row)

    def new_cart(self) -> str:
        """Make an empty cart and return its id."""
        cart_id = uuid4().hex
        self._connection.execute("INSERT INTO carts VALUES (?)", (cart_id,))
        return cart_id

    def add_item(self, cart_id: str, product_id: str, quantity: int) -> None:
        """Put `quantity` more of a product in a cart.

        Raises:
            NotFound: no such cart, or no such product.
            Conflict: the cart is an order already.
        """
        with self._transaction() as write:
            self._require_cart(cart_id)
            if self._order_of(cart_id) is not None:
                raise Conflict("the cart was checked out")
            self.product(product_id)
            write.execute(
                "INSERT INTO cart_items VALUES (?, ?, ?) ON CONFLICT "
                "DO UPDATE SET quantity = quantity + excluded.quantity",
                (cart_id, product_id, quantity),
            )

    def cart(self, cart_id: str) -> tuple[Item, ...]:
        """Return what is in a cart, at today's prices.

        Raises:
            NotFound: no such cart.
        """
        self._require_cart(cart_id)
        rows = self._connection.execute(
            "SELECT product_id, quantity, price_cents FROM cart_items "
            "JOIN products ON products.id = product_id WHERE cart_id = ? ORDER BY product_id",
            (cart_id,),
        )
        return tuple(Item(*row) for row in rows)

    def checkout(self, cart_id: str, trace_id: str) -> tuple[Order, bool]:
        """Make a cart an order and take its items from the stock, all or nothing.

        Returns:
            The order, and whether it is new: a second checkout gives the first one's order.

        Raises:
            NotFound: no such cart.
            Conflict: the cart is empty, or holds more than there is.
        """
        with self._transaction() as write:
            self._require_cart(cart_id)
            earlier = self._order_of(cart_id)
            if earlier is not None:
                return self.order(earlier), False
            items = self._take_from_stock(cart_id)
            order_id = order_id_of(cart_id)
            write.execute(
                "INSERT INTO orders VALUES (?, ?, 'created', ?, ?, ?)",
                (order_id, cart_id, total_cents_of(items), time(), trace_id),
            )
            write.executemany(
                "INSERT INTO order_items VALUES (?, ?, ?, ?)",
                [(order_id, item.product_id, item.quantity, item.price_cents) for item in items],
            )
        return self.order(order_id), True

    def order(self, order_id: str) -> Order:
        """Return one order.

        Raises:
            NotFound: there is none of that id.
        """
        row = self._connection.execute(
            "SELECT id, status, total_cents, placed_at, trace_id FROM orders WHERE id = ?",
            (order_id,),
        ).fetchone()
        if row is None:
            raise NotFound(f"no order {order_id!r}")
        items = self._connection.execute(
            "SELECT product_id, quantity, price_cents FROM order_items "
            "WHERE order_id = ? ORDER BY product_id",
            (order_id,),
        )
        found_id, status, total_cents, placed_at, trace_id = row
        ordered = tuple(Item(*item) for item in items)
        return Order(found_id, status, total_cents, placed_at, trace_id, ordered)

    def unconfirmed(self, limit: int) -> list[Order]:
        """Return the `limit` oldest orders that wait for their confirmation."""
        rows = self._connection.execute(
            "SELECT id FROM orders WHERE status = 'created' ORDER BY placed_at LIMIT ?", (limit,)
        ).fetchall()
        return [self.order(row[0]) for row in rows]

    def confirm(self, order_id: str) -> Order:
        """Confirm an order, once or again.

        Raises:
            NotFound: there is none of that id.
        """
        self._connection.execute("UPDATE orders SET status = 'confirmed' WHERE id = ?", (order_id,))
        return self.order(order_id)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            yield self._connection

    def _require_cart(self, cart_id: str) -> None:
        known = self._connection.execute("SELECT 1 FROM carts WHERE id = ?", (cart_id,))
        if known.fetchone() is None:
            raise NotFound(f"no cart {cart_id!r}")

    def _order_of(self, cart_id: str) -> str | None:
        row = self._connection.execute(
            "SELECT id FROM orders WHERE cart_id = ?", (cart_id,)
        ).fetchone()
        return None if row is None else str(row[0])

    def _take_from_stock(self, cart_id: str) -> tuple[Item, ...]:
        items = self.cart(cart_id)
        if not items:
            raise Conflict("the cart is empty")
        for item in items:
            taken = self._connection.execute(
                "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?",
                (item.quantity, item.product_id, item.quantity),
            )
            if taken.rowcount == 0:
                raise Conflict(f"not enough of {item.product_id!r} in stock")
        return items
