"""What each kind of fault does to the call it befalls."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Send

from emulator.call.api_call import JSON_CONTENT_TYPE, json_response
from emulator.core import errors
from emulator.core.fault_rules import Fault
from emulator.http import routes
from emulator.http.call_handler import CallHandler
from emulator.http.serving import drop_connection


async def apply_fault(handler: CallHandler, fault: Fault) -> None:
    await FAULT_HANDLERS[fault.do](handler, fault)


async def _status(handler: CallHandler, fault: Fault) -> None:
    """Refuse with a status; nothing happens."""
    await handler.reply(await _error_response(handler, fault))


async def _status_after(handler: CallHandler, fault: Fault) -> None:
    """Do it, and claim that it failed."""
    await handler.answer()
    await handler.reply(await _error_response(handler, fault))


async def _error_response(handler: CallHandler, fault: Fault) -> Response:
    body: Any = errors.error_body_for_status(fault.status) if fault.body is None else fault.body
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return await json_response(handler.request, raw, fault.status)


async def _drop_before(handler: CallHandler, fault: Fault) -> None:
    """Close the connection; nothing happens."""
    drop_connection(handler.request.scope)


async def _drop_after(handler: CallHandler, fault: Fault) -> None:
    """Do it, and close the connection instead of answering."""
    await handler.answer()
    drop_connection(handler.request.scope)


async def _delay(handler: CallHandler, fault: Fault) -> None:
    """Do it at once and answer late: a client that does not wait so long has had its way without knowing."""
    response = await handler.answer()
    await asyncio.sleep(fault.seconds)
    await handler.reply(response)


async def _hang(handler: CallHandler, fault: Fault) -> None:
    """Never answer; nothing happens."""
    await handler.request_body.wait_disconnected()


async def _malformed(handler: CallHandler, fault: Fault) -> None:
    """Do it, and answer 200 with something that claims to be JSON and is not."""
    await handler.answer()
    await handler.reply(Response(b'{"name": "', 200, media_type=JSON_CONTENT_TYPE))


async def _truncate(handler: CallHandler, fault: Fault) -> None:
    """Cut the transfer after so many bytes: of an upload's chunk what is sent, of all else what is answered."""
    max_bytes = fault.bytes if fault.bytes is not None else 20
    if handler.route_match and handler.route_match[0] is routes.UPLOAD_CHUNK:
        handler.request_body.byte_limit = max_bytes
        await handler.answer()
        drop_connection(handler.request.scope)
        return
    response = await handler.answer()
    handler.send = _truncating_sender(handler, handler.send, max_bytes)
    try:
        await handler.reply(response)
    except ClientDisconnect:
        return


def _truncating_sender(handler: CallHandler, send: Send, max_bytes: int) -> Send:
    """A sender that closes the connection after so many bytes of the body, whatever length the head announced."""
    remaining = max_bytes

    async def send_truncated(message: Message) -> None:
        nonlocal remaining
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")[:remaining]
        remaining -= len(body)
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if remaining <= 0 or not message.get("more_body"):
            drop_connection(handler.request.scope, flush=True)
            raise ClientDisconnect

    return send_truncated


FAULT_HANDLERS: dict[str, Callable[[CallHandler, Fault], Awaitable[None]]] = {
    "status": _status,
    "status_after": _status_after,
    "drop_before": _drop_before,
    "drop_after": _drop_after,
    "delay": _delay,
    "hang": _hang,
    "malformed": _malformed,
    "truncate": _truncate,
}
