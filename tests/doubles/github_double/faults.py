"""What goes wrong on the way to GitHub and back."""

import asyncio
import random
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

Kind = Literal[
    "502 before",
    "502 after",
    "html 502 before",
    "html 502 after",
    "drop before",
    "drop after",
    "truncated",
    "cut json",
    "slow",
    "403 retry-after",
    "429 retry-after",
    "429",
    "page",
    "307",
]
HTML = "<html><body><h1>502 Bad Gateway</h1>The server returned an invalid response.</body></html>"
PAGE = "<html><body>Please sign in to this network.</body></html>"
UNICORN = '{"message": "Server Error"}'


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: what. *Before* and *after* say whether it was done by then; ``truncated`` and
            ``cut json`` lose part of an answer, ``page`` is one by somebody else.
        method: only requests of this method; any when empty.
        path: only requests with this in their path.
        times: how often; after that it is over.
        share: which share of the requests it meets.
        wait_s: how long ``slow`` takes, or what a limit tells to wait.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    times: int = 1
    share: float = 1.0
    wait_s: float = 1.0

    def meets(self, method: str, path: str, chance: random.Random) -> bool:
        """Whether this request is met; it counts."""
        if self.times <= 0 or self.method not in ("", method) or self.path not in path:
            return False
        if self.share < 1.0 and chance.random() >= self.share:
            return False
        self.times -= 1
        return True

    @property
    def is_before(self) -> bool:
        """Whether nothing has been done when it strikes."""
        return "before" in self.kind or self.kind[0] in "34" or self.kind == "page"

    async def strike(self, request: web.Request, answer: web.Response | None) -> web.Response:
        """Give what the client gets in place of the answer."""
        match self.kind:
            case "drop before" | "drop after":
                _cut(request)
            case "truncated":
                return await _truncated(request, answer)
            case "slow":
                await asyncio.sleep(self.wait_s)
            case "cut json" if answer is not None:
                text = (answer.text or "{}")[: len(answer.text or "{}") // 2]
                return web.Response(status=answer.status, text=text, headers=_json_type())
        return self._instead(answer)

    def _instead(self, answer: web.Response | None) -> web.Response:
        wait = {"retry-after": str(int(self.wait_s))}
        match self.kind:
            case "502 before" | "502 after":
                return web.Response(status=502, text=UNICORN, headers=_json_type())
            case "html 502 before" | "html 502 after":
                return web.Response(status=502, text=HTML, content_type="text/html")
            case "page":
                return web.Response(status=200, text=PAGE, content_type="text/html")
            case "307":
                elsewhere = {"location": "/repositories/1001/issues"}
                return web.Response(status=307, text="{}", headers=elsewhere | _json_type())
            case "403 retry-after":
                return _limited(403, wait)
            case "429 retry-after":
                return _limited(429, wait)
            case "429":
                return _limited(429, {})
        return answer or web.Response(status=204)


def _json_type() -> dict[str, str]:
    return {"content-type": "application/json; charset=utf-8"}


def _limited(status: int, headers: dict[str, str]) -> web.Response:
    text = (
        '{"message": "You have exceeded a secondary rate limit.",'
        ' "documentation_url": "https://docs.github.com/rest"}'
    )
    return web.Response(status=status, text=text, headers=headers | _json_type())


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _truncated(request: web.Request, answer: web.Response | None) -> web.Response:
    """Send half of the body that was announced."""
    text = (answer.text if answer is not None else "") or "{}"
    raw = text.encode()
    stream = web.StreamResponse(
        status=answer.status if answer is not None else 200,
        headers=_json_type() | {"content-length": str(len(raw))},
    )
    await stream.prepare(request)
    await stream.write(raw[: len(raw) // 2])
    await asyncio.sleep(0.01)
    _cut(request)
    return stream
