"""What the broken releases break, each switched on by its name in `SHOP_FAULT`.

A fault may wrap the app (`middleware`), run beside it (`background`), have a way of its own to talk
to the store (`store`), or need settings that nobody made (`required_settings`). Only `web` knows of
them.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from shop.impatience import ImpatientStoreClient
from shop.settings import ConfigurationError
from shop.store_client import StoreClient

log = logging.getLogger("shop.loyalty")

SLOW_S = 1.5
LIFE_S = 1.5
FAILING_REQUEST = 20
LEAK_STEP_BYTES = 6_000_000
LEAK_INTERVAL_S = 0.1
# Twice a Machine's memory: where no limit kills the process, it takes no more of a laptop.
LEAK_CEILING_BYTES = 512_000_000


def unchanged(app: ASGIApp) -> ASGIApp:
    """Break no request."""
    return app


async def idle() -> None:
    """Break nothing beside the app."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a release breaks; by default nothing."""

    middleware: Callable[[ASGIApp], ASGIApp] = unchanged
    background: Callable[[], Awaitable[None]] = idle
    store: type[StoreClient] = StoreClient
    required_settings: tuple[str, ...] = ()


def slow(app: ASGIApp) -> ASGIApp:
    """Keep customers waiting for products and carts."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if _is_for(scope, "/products", "/carts"):
            await asyncio.sleep(SLOW_S)
        await app(scope, receive, send)

    return serve


def failing(app: ASGIApp) -> ASGIApp:
    """Raise on every 20th request of a customer."""
    numbers = count(1)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if _is_for(scope, "/products", "/carts", "/orders"):
            number = next(numbers)
            if number % FAILING_REQUEST == 0:
                raise RuntimeError("the price list has no entry for this customer group")
        await app(scope, receive, send)

    return serve


def unready(app: ASGIApp) -> ASGIApp:
    """Answer `/readyz` as if the store could not be used."""
    reason = {"status": "unready", "store": "schema version 7 expected, found 6"}

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if _is_for(scope, "/readyz"):
            await JSONResponse(reason, status_code=503)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return serve


async def leak() -> None:
    """Hold 60 MB more each second."""
    held = []
    for _ in range(LEAK_CEILING_BYTES // LEAK_STEP_BYTES):
        # Written to, not only reserved: untouched pages would not count as resident.
        held.append(b"\x01" * LEAK_STEP_BYTES)
        await asyncio.sleep(LEAK_INTERVAL_S)
    await asyncio.Event().wait()


async def log_errors() -> None:
    """Log the same error about twice a second."""
    while True:
        log.error("loyalty discount could not be computed: KeyError: 'tier'")
        await asyncio.sleep(0.4)


async def leave_soon() -> None:
    """Ask the process to stop, in order, with exit code 0."""
    await asyncio.sleep(LIFE_S)
    signal.raise_signal(signal.SIGTERM)


FAULTS = {
    "": Fault(),
    "bad-config": Fault(required_settings=("PAYMENT_URL",)),
    "crash-loop-exit-0": Fault(background=leave_soon),
    "errors": Fault(middleware=failing),
    "failing-readiness": Fault(middleware=unready),
    "leaking-memory": Fault(background=leak),
    "lost-update": Fault(store=ImpatientStoreClient),
    "new-error-log": Fault(background=log_errors),
    "slow": Fault(middleware=slow),
}


def from_environment() -> Fault:
    """Return the fault that `SHOP_FAULT` names, one that breaks nothing when it is unset.

    Raises:
        ConfigurationError: there is no fault of that name.
    """
    name = os.environ.get("SHOP_FAULT", "")
    if name not in FAULTS:
        near = get_close_matches(name, FAULTS, n=1, cutoff=0.0)[0]
        raise ConfigurationError(f"SHOP_FAULT names no fault: found {name!r}, nearest {near!r}")
    return FAULTS[name]


@asynccontextmanager
async def running(fault: Fault) -> AsyncIterator[None]:
    """Run the fault's background part beside the app."""
    task = asyncio.ensure_future(fault.background())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _is_for(scope: Scope, *prefixes: str) -> bool:
    path: str = scope["path"] if scope["type"] == "http" else ""
    return path.startswith(prefixes)
