"""What each kind of fault does to the call it befalls."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Send

from emulator.call.api_call import JSON, encode
from emulator.core import errors
from emulator.core.fault_rules import Fault
from emulator.http import routes
from emulator.http.call_handler import Visit
from emulator.http.serving import drop


async def serve(visit: Visit, fault: Fault) -> None:
    await _ACTS[fault.do](visit, fault)


async def _status(visit: Visit, fault: Fault) -> None:
    """Refuse with a status; nothing happens."""
    await visit.reply(await _refusal(visit, fault))


async def _status_after(visit: Visit, fault: Fault) -> None:
    """Do it, and claim that it failed."""
    await visit.answer()
    await visit.reply(await _refusal(visit, fault))


async def _refusal(visit: Visit, fault: Fault) -> Response:
    body: Any = errors.of_http(fault.status) if fault.body is None else fault.body
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return await encode(visit.request, raw, fault.status)


async def _drop_before(visit: Visit, fault: Fault) -> None:
    """Close the connection; nothing happens."""
    drop(visit.request.scope)


async def _drop_after(visit: Visit, fault: Fault) -> None:
    """Do it, and close the connection instead of answering."""
    await visit.answer()
    drop(visit.request.scope)


async def _delay(visit: Visit, fault: Fault) -> None:
    """Do it at once and answer late: a client that does not wait so long has had its way without knowing."""
    response = await visit.answer()
    await asyncio.sleep(fault.seconds)
    await visit.reply(response)


async def _hang(visit: Visit, fault: Fault) -> None:
    """Never answer; nothing happens."""
    await visit.inbox.gone()


async def _malformed(visit: Visit, fault: Fault) -> None:
    """Do it, and answer 200 with something that claims to be JSON and is not."""
    await visit.answer()
    await visit.reply(Response(b'{"name": "', 200, media_type=JSON))


async def _truncate(visit: Visit, fault: Fault) -> None:
    """Cut the transfer after so many bytes: of an upload's chunk what is sent, of all else what is answered."""
    most = fault.bytes if fault.bytes is not None else 20
    if visit.found and visit.found[0] is routes.CHUNK:
        visit.inbox.cut = most
        await visit.answer()
        drop(visit.request.scope)
        return
    response = await visit.answer()
    visit.send = _cut(visit, visit.send, most)
    try:
        await visit.reply(response)
    except ClientDisconnect:
        return


def _cut(visit: Visit, send: Send, most: int) -> Send:
    """A sender that closes the connection after so many bytes of the body, whatever length the head announced."""
    left = most

    async def send_cut(message: Message) -> None:
        nonlocal left
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")[:left]
        left -= len(body)
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if left <= 0 or not message.get("more_body"):
            drop(visit.request.scope, flush=True)
            raise ClientDisconnect

    return send_cut


_ACTS: dict[str, Callable[[Visit, Fault], Awaitable[None]]] = {
    "status": _status,
    "status_after": _status_after,
    "drop_before": _drop_before,
    "drop_after": _drop_after,
    "delay": _delay,
    "hang": _hang,
    "malformed": _malformed,
    "truncate": _truncate,
}
