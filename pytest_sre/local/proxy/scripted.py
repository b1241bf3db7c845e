"""Answers of simulated Machines, sent as if they had come over the wire."""

from collections.abc import Iterable

from starlette.types import Send

from pytest_sre.local.machines.records import Responder
from pytest_sre.local.proxy.upstream import ConnectFailed, ExchangeFailed, Inbound


async def answer_scripted(
    responder: Responder,
    inbound: Inbound,
    send: Send,
    *,
    replaced: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Send a simulated Machine's answer to a request.

    Args:
        responder: the Machine's.
        inbound: the request.
        send: to the client.
        replaced: headers that replace those of the same name.

    Raises:
        ConnectFailed: the Machine does not listen.
        ExchangeFailed: it ended before it answered.
    """
    try:
        reply = await responder.respond(inbound.method, inbound.target.partition("?")[0])
    except ConnectionRefusedError as error:
        raise ConnectFailed(str(error)) from None
    except ConnectionResetError as error:
        raise ExchangeFailed(str(error)) from None
    body = reply.body.encode()
    own = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
    replacing = [*replaced, (b"content-length", str(len(body)).encode())]
    names = {name for name, _ in replacing}
    headers = [*(pair for pair in own if pair[0] not in names), *replacing]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body if inbound.method != "HEAD" else b""})
