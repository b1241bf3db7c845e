"""The process group `web`: the shop's public HTTP API.

Run with `python -m shop.web`; needs `STORE_URL`, listens on `PORT` (8080).
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from shop import faults, metrics, process, serving
from shop.exchanges import Exchanges, internal_error
from shop.settings import Address, Identity, required
from shop.store_client import Answer, StoreClient, StoreUnavailable

log = logging.getLogger("shop.web")

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>The shop</title></head>
<body>
<h1>The shop</h1>
<p>See the <a href="/products">products</a>, or which <a href="/version">version</a> this is.</p>
</body>
</html>
"""


class Web:
    """The endpoints, over a store."""

    def __init__(self, store: StoreClient, identity: Identity) -> None:
        self._store = store
        self._identity = identity

    def routes(self) -> list[Route]:
        """Return which endpoint answers what."""
        return [
            Route("/", self.home),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/version", self.version),
            Route("/metrics", self.metrics),
            Route("/products", self.products),
            Route("/products/{id}", self.product),
            Route("/carts", self.new_cart, methods=["POST"]),
            Route("/carts/{id}", self.cart),
            Route("/carts/{id}/items", self.add_item, methods=["POST"]),
            Route("/carts/{id}/checkout", self.checkout, methods=["POST"]),
            Route("/orders/{id}", self.order),
        ]

    async def home(self, _request: Request) -> Response:
        """Show the shop's only page."""
        return HTMLResponse(PAGE)

    async def healthz(self, _request: Request) -> Response:
        """Say that the process is alive; nothing else is asked."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Say whether customers can be served, which takes the store."""
        try:
            await self._store.check()
        except StoreUnavailable as error:
            return JSONResponse({"status": "unready", "store": str(error)}, status_code=503)
        return JSONResponse({"status": "ready", "store": "ok"})

    async def version(self, _request: Request) -> Response:
        """Say what was deployed here."""
        return JSONResponse(
            {
                "revision": self._identity.revision,
                "release": self._identity.release,
                "machine": self._identity.machine,
                "region": self._identity.region,
            }
        )

    async def metrics(self, _request: Request) -> Response:
        """Show what was counted."""
        return metrics.exposition()

    async def products(self, _request: Request) -> Response:
        """List the products."""
        return _pass_on(await self._store.get("/products"))

    async def product(self, request: Request) -> Response:
        """Show one product."""
        return _pass_on(await self._store.get(f"/products/{_id(request)}"))

    async def new_cart(self, _request: Request) -> Response:
        """Give the customer an empty cart."""
        return _pass_on(await self._store.post("/carts"))

    async def cart(self, request: Request) -> Response:
        """Show what is in the cart, and what it costs."""
        return _pass_on(await self._store.get(f"/carts/{_id(request)}"))

    async def add_item(self, request: Request) -> Response:
        """Put a product in the cart."""
        body = await request.body()
        return _pass_on(await self._store.post(f"/carts/{_id(request)}/items", body))

    async def checkout(self, request: Request) -> Response:
        """Make the cart an order."""
        answer = await self._store.post(f"/carts/{_id(request)}/checkout")
        if answer.status == 201:
            metrics.ORDERS.inc()
            log.info("cart %s was checked out", _id(request))
        return _pass_on(answer)

    async def order(self, request: Request) -> Response:
        """Read an order back."""
        return _pass_on(await self._store.get(f"/orders/{_id(request)}"))


async def store_unavailable(_request: Request, error: Exception) -> Response:
    """Answer when the store is what is missing."""
    log.error("the store is unavailable: %s", error)
    return JSONResponse({"error": "the store is unavailable"}, status_code=503)


def security_headers(scope: Scope) -> Mapping[str, str]:
    """Return what a browser is told; HTTPS is promised only to who came over it."""
    headers = {
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
    }
    if Headers(scope=scope).get("x-forwarded-proto") == "https":
        headers["strict-transport-security"] = "max-age=31536000"
    return headers


def build(store: StoreClient, identity: Identity, fault: faults.Fault) -> ASGIApp:
    """Put the app together, with what the release breaks in it."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with faults.running(fault):
            yield
        await store.close()

    app = Starlette(
        routes=Web(store, identity).routes(),
        lifespan=lifespan,
        middleware=[Middleware(fault.middleware)],
        exception_handlers={StoreUnavailable: store_unavailable, Exception: internal_error},
    )
    return Exchanges(metrics.Metered(app), identity, security_headers)


def main() -> None:
    """Serve until told to stop."""
    fault = faults.from_environment()
    for name in fault.required_settings:
        required(name)
    app = build(fault.store(required("STORE_URL")), Identity.from_environment(), fault)
    serving.serve(app, Address.from_environment(default_port=8080))


def _id(request: Request) -> str:
    return quote(request.path_params["id"], safe="")


def _pass_on(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")


if __name__ == "__main__":
    process.run(main)
