"""What a customer does in the shop, as functions over an HTTP client."""

from typing import Any

import httpx

from pytest_sre import journey

QUANTITY = 2


@journey("browse")
def browse(client: httpx.Client) -> None:
    """Open the list of products, then one of them."""
    product = _pick_product(client)
    shown = _json(client.get(f"/products/{product['id']}"), 200)
    assert shown["name"] == product["name"], (
        f"the list calls {product['id']} {product['name']!r}, its own page {shown['name']!r}"
    )


@journey("checkout")
def checkout(client: httpx.Client) -> str:
    """Browse, put a product in a cart and buy it."""
    browse(client)
    return f"/orders/{_place_order(client)['id']}"


@journey("order-readback")
def order_readback(client: httpx.Client) -> str:
    """Buy a product and read the order back at once."""
    placed = _place_order(client)
    order = _json(client.get(f"/orders/{placed['id']}"), 200)
    assert order["status"] in {"created", "confirmed"}, (
        f"order {placed['id']} is {order['status']!r}, expected created or confirmed"
    )
    assert order["items"] == placed["items"], (
        f"order {placed['id']} was placed with {placed['items']} and reads {order['items']}"
    )
    return f"/orders/{placed['id']}"


def _place_order(client: httpx.Client) -> dict[str, Any]:
    product = _pick_product(client)
    cart = _json(client.post("/carts"), 201)
    item = {"product_id": product["id"], "quantity": QUANTITY}
    _json(client.post(f"/carts/{cart['id']}/items", json=item), 201)
    order = _json(client.post(f"/carts/{cart['id']}/checkout"), 201)
    expected_cents = QUANTITY * product["price_cents"]
    assert order["total_cents"] == expected_cents, (
        f"the order's total is {order['total_cents']} cents, expected {expected_cents}"
    )
    return order


def _pick_product(client: httpx.Client) -> dict[str, Any]:
    products: list[dict[str, Any]] = _json(client.get("/products"), 200)["products"]
    assert products, "the shop shows no products"
    return max(products, key=lambda product: int(product["stock"]))


def _json(response: httpx.Response, status: int) -> dict[str, Any]:
    seen = f"{response.request.method} {response.url.path} answered {response.status_code}"
    assert response.status_code == status, f"{seen}, expected {status}: {response.text[:200]}"
    body: dict[str, Any] = response.json()
    return body
