"""What a customer can do, and what the shop must not do to one."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.patience import until


def fill_cart(client, **quantities):
    cart_id = client.post("/carts").raise_for_status().json()["id"]
    for product, quantity in quantities.items():
        item = {"product_id": product.replace("_", "-"), "quantity": quantity}
        client.post(f"/carts/{cart_id}/items", json=item).raise_for_status()
    return cart_id


def test_customer_sees_the_same_product_in_the_list_and_alone(client):
    products = client.get("/products").json()["products"]
    assert len(products) >= 5
    alone = client.get(f"/products/{products[0]['id']}").json()
    assert alone == products[0]


def test_order_holds_what_was_in_the_cart_and_is_confirmed_by_the_worker(client, start, store):
    cart_id = fill_cart(client, mug=2, socks=1)
    answer = client.post(f"/carts/{cart_id}/checkout", headers={"x-trace-id": "order-trace"})
    assert answer.status_code == 201
    order = answer.json()
    assert order["total_cents"] == 2 * 1290 + 990
    assert order["items"] == [
        {"product_id": "mug", "quantity": 2, "price_cents": 1290},
        {"product_id": "socks", "quantity": 1, "price_cents": 990},
    ]
    assert order["status"] == "created"
    assert client.get(f"/orders/{order['id']}").json() == order

    worker = start("worker", STORE_URL=store.url)
    line = worker.wait_for_line(f"order {order['id']} confirmed")
    assert line["trace_id"] == "order-trace"
    until(
        lambda: client.get(f"/orders/{order['id']}").json()["status"] == "confirmed",
        lambda: "the order was never confirmed",
    )


def test_second_checkout_of_a_cart_gives_the_same_order(client):
    cart_id = fill_cart(client, poster=1)
    first = client.post(f"/carts/{cart_id}/checkout")
    second = client.post(f"/carts/{cart_id}/checkout")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_stock_is_never_oversold_to_concurrent_customers(start, connect, tmp_path):
    store = start("store", FLY_VOLUME_SHOP_DATA=str(tmp_path))
    client = connect(start("web", STORE_URL=store.url))
    carts = [fill_cart(client, signed_handbook=1) for _ in range(20)]
    with ThreadPoolExecutor(20) as customers:
        answers = list(
            customers.map(lambda cart_id: client.post(f"/carts/{cart_id}/checkout"), carts)
        )
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 10
    assert client.get("/products/signed-handbook").json()["stock"] == 0


def test_refused_checkout_takes_nothing_from_the_stock(client):
    before = client.get("/products").json()
    cart_id = fill_cart(client, mug=1, signed_handbook=11)
    answer = client.post(f"/carts/{cart_id}/checkout")
    assert answer.status_code == 409
    assert "signed-handbook" in answer.json()["error"]
    assert client.get("/products").json() == before


def test_placed_order_survives_a_killed_store(start, connect, tmp_path):
    store = start("store", FLY_VOLUME_SHOP_DATA=str(tmp_path))
    client = connect(store)
    cart_id = fill_cart(client, notebook=3)
    order = client.post(f"/carts/{cart_id}/checkout").json()
    store.end()

    again = connect(start("store", FLY_VOLUME_SHOP_DATA=str(tmp_path)))
    assert again.get(f"/orders/{order['id']}").json() == order
    assert again.get("/products/notebook").json()["stock"] == 100_000 - 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's files")
def test_full_disk_refuses_new_orders_and_loses_none(start, connect, tmp_path):
    import resource

    store = start("store", FLY_VOLUME_SHOP_DATA=str(tmp_path))
    client = connect(start("web", STORE_URL=store.url))
    placed = client.post(f"/carts/{fill_cart(client, notebook=3)}/checkout").json()
    waiting = fill_cart(client, notebook=1)

    before = resource.prlimit(store.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(store.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    refused = client.post(f"/carts/{waiting}/checkout")
    read = client.get(f"/orders/{placed['id']}")
    resource.prlimit(store.pid, resource.RLIMIT_FSIZE, before)
    later = client.post(f"/carts/{waiting}/checkout")

    assert (refused.status_code, read.json(), later.status_code) == (503, placed, 201)
    assert client.get("/products/notebook").json()["stock"] == 100_000 - 4
    errors = [line for line in store.records if line["level"] == "error"]
    assert [line["msg"].partition(":")[0] for line in errors] == ["the database cannot be used"]


def test_cart_shows_what_is_in_it_and_costs_what_the_order_costs(client):
    cart_id = fill_cart(client, socks=1, mug=2)
    cart = client.get(f"/carts/{cart_id}").json()
    order = client.post(f"/carts/{cart_id}/checkout").json()
    assert cart == {"id": cart_id, "items": order["items"], "total_cents": order["total_cents"]}
    assert client.get("/carts/unknown").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"product_id": "mug"}',
        b'{"product_id": "mug", "quantity": 0}',
        b'{"product_id": "mug", "quantity": true}',
        b'{"product_id": "mug", "quantity": "2"}',
        b'{"product_id": 7, "quantity": 1}',
        b'{"product_id": "\\ud800", "quantity": 1}',
        b"\xff\xfe\xfd",
    ],
)
def test_item_that_makes_no_sense_is_refused(client, body):
    cart_id = fill_cart(client)
    answer = client.post(f"/carts/{cart_id}/items", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("expected")


def test_what_does_not_exist_is_not_found(client):
    cart_id = fill_cart(client)
    unknown = {"product_id": "unicorn", "quantity": 1}
    assert client.post(f"/carts/{cart_id}/items", json=unknown).status_code == 404
    assert client.post("/carts/unknown/checkout").status_code == 404
    assert client.get("/products/unicorn").status_code == 404
    assert client.get("/products/mug%3Fx=1").status_code == 404
    assert client.get("/orders/unknown").status_code == 404


def test_empty_cart_and_ordered_cart_are_conflicts(client):
    assert client.post(f"/carts/{fill_cart(client)}/checkout").status_code == 409
    ordered = fill_cart(client, mug=1)
    client.post(f"/carts/{ordered}/checkout").raise_for_status()
    item = {"product_id": "mug", "quantity": 1}
    assert client.post(f"/carts/{ordered}/items", json=item).status_code == 409
