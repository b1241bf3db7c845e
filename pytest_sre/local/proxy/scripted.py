"""Answers of simulated Machines, as if they had come over a connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self

from pytest_sre.local.machines.records import Responder
from pytest_sre.local.network import Path
from pytest_sre.local.proxy.exchange import Body
from pytest_sre.local.proxy.heads import AnswerHead
from pytest_sre.local.proxy.upstream import (
    CONNECT_TIMEOUT_S,
    ConnectFailed,
    ExchangeFailed,
    Question,
)


class ScriptedConnection:
    """What stands for a connection to a simulated Machine.

    Attributes:
        used: it never was before.

    Args:
        responder: the Machine's.
        way: between this proxy and the Machine.
    """

    used = False

    def __init__(self, responder: Responder, way: Path | None) -> None:
        self._responder = responder
        self._way = way
        self._body = b""

    @classmethod
    async def open(cls, responder: Responder, way: Path) -> Self:
        """Reach a simulated Machine.

        Raises:
            ConnectFailed: it cannot be reached.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await way.open()
        except TimeoutError:
            raise ConnectFailed("PC05") from None
        except ConnectionRefusedError:
            raise ConnectFailed("PC01") from None
        except ConnectionResetError:
            raise ConnectFailed("PC03") from None
        return cls(responder, way)

    async def ask(self, question: Question, body: Body) -> AnswerHead:
        """Have the script answer; see ``Connection``.

        Raises:
            ConnectFailed: the Machine does not listen.
            ExchangeFailed: it ended before it answered.
        """
        # Nobody reads the body, but the client may go on only when it has sent it.
        async for _ in body.parts():
            pass
        if self._way and not self._way.is_clear:
            await self._way.carry(body.size, begins=True)
        path = question.target.partition(b"?")[0].decode("latin-1")
        try:
            reply = await self._responder.respond(question.method, path)
        except ConnectionRefusedError:
            raise ConnectFailed("PC01") from None
        except ConnectionResetError as error:
            raise ExchangeFailed(str(error)) from None
        self._body = reply.body.encode()
        own = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
        headers = [pair for pair in own if pair[0] != b"content-length"]
        if self._way and not self._way.is_clear:
            await self._way.carry(len(self._body), begins=True)
        length = (b"content-length", str(len(self._body)).encode())
        return AnswerHead(reply.status, [*headers, length])

    async def parts(self) -> AsyncIterator[bytes]:
        """The answer's body."""
        if self._body:
            yield self._body
