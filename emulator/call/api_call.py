"""What every endpoint shares: the call it answers, the body that comes in, JSON that goes out, pages."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive

from emulator.core.errors import invalid, payload_too_large
from emulator.core.state import State
from emulator.jobs.scheduler import JobScheduler
from emulator.schema import lenient_json, request_fields

BODY_LIMIT = 20 * 1024 * 1024  # a request's JSON; files go by upload (Batch guide: inline below 20 MB)
INLINE_BODY_LIMIT = 100 * 1024 * 1024 + 1024 * 1024  # of one interactive request, since 2026-01-12 with its inline data
JSON_CONTENT_TYPE = "application/json; charset=UTF-8"
EVENT_STREAM = "text/event-stream"
T = TypeVar("T")


class RequestBody:
    """The body of a call as it arrives. `cut` breaks the connection after so many bytes of it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.more_expected = True
        self.byte_limit: int | None = None

    async def __call__(self) -> Message:
        if self.byte_limit == 0:
            self.more_expected = False
            return {"type": "http.disconnect"}
        message = await self._receive()
        self.more_expected = bool(message.get("more_body")) and message["type"] == "http.request"
        if self.byte_limit is not None and message["type"] == "http.request":
            body = message.get("body", b"")[: self.byte_limit]
            self.byte_limit -= len(body)
            message = {"type": "http.request", "body": body, "more_body": True}
        return message

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body in blocks. Raises ClientDisconnect if it breaks off."""
        while self.more_expected:
            message = await self()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            yield message.get("body", b"")

    async def wait_disconnected(self) -> None:
        """Return when the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass
class ApiCall:
    """One call on one route. `owner` is the project of its key, "" where no key is asked for."""

    request: Request
    request_body: RequestBody
    state: State
    scheduler: JobScheduler
    params: dict[str, str]
    owner: str = ""

    @property
    def version(self) -> str:
        return self.params["v"]

    async def json(self, limit: int = BODY_LIMIT) -> Any:
        """The body as JSON; an empty one is `{}`. Raises the service's 400."""
        raw = bytearray()
        async for block in self.request_body.blocks():
            raw += block
            if len(raw) > limit:
                raise payload_too_large(limit)
        try:
            return lenient_json.loads(raw) if raw.strip() else {}
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid JSON payload received. {error}") from None

    async def read(self, message: str, limit: int = BODY_LIMIT) -> dict[str, Any]:
        """The body, held to a message of the schema and in camelCase."""
        return request_fields.read_body(message, await self.json(limit))

    async def reply(self, document: Any, headers: dict[str, str] | None = None) -> Response:
        """200 with JSON, compressed if the client takes that."""
        return await json_response(self.request, orjson.dumps(document), headers=headers)

    def page(
        self,
        items: Sequence[T],
        page_key: Callable[[T], str],
        render: Callable[[T], Any],
        field: str,
        max_size: int = 1000,
    ) -> dict[str, Any]:
        """One page of a listing: `{field: […], nextPageToken}`; an empty one is `{}`, the last has no token.

        `page_key` names an item by something that sorts as the listing does, downwards. A token holds that of the last
        item shown, so that a page is right although things before it have come or gone meanwhile.
        """
        after = _decode_page_token(self._query_param("pageToken"))
        remaining = [item for item in items if page_key(item) < after] if after else items
        size = min(self._page_size() or 50, max_size)
        rendered = [render(item) for item in remaining[:size]]
        page: dict[str, Any] = {field: rendered} if rendered else {}
        if len(remaining) > size:
            page["nextPageToken"] = base64.urlsafe_b64encode(page_key(remaining[size - 1]).encode()).decode()
        return page

    def _page_size(self) -> int:
        text = self._query_param("pageSize")
        size = parse_count(text or "0")
        if size is None:
            raise invalid(f"Invalid value at 'page_size' (TYPE_INT32), \"{text[:100]}\"")
        return size

    def _query_param(self, camel: str) -> str:
        query = self.request.query_params
        return query.get(camel) or query.get(request_fields.to_snake_case(camel), "")


def _decode_page_token(token: str) -> str:
    """The key that a page token holds. Raises the service's 400 for what is none."""
    try:
        return base64.b64decode(token, b"-_", validate=True).decode("ascii")
    except ValueError:
        raise invalid("The page token is not valid.") from None


def parse_count(text: str) -> int | None:
    """A count in a header or a query; None if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


async def json_response(
    request: Request,
    body: bytes,
    status: int = 200,
    headers: dict[str, str] | None = None,
    content_type: str = JSON_CONTENT_TYPE,
) -> Response:
    """JSON bytes as an answer. Google compresses every unary answer, `{}` included, for clients that accept it."""
    all_headers = {"Vary": "Origin, X-Origin, Referer", **(headers or {})}
    if "gzip" in request.headers.get("accept-encoding", ""):
        is_large = len(body) > 1_000_000
        body = await asyncio.to_thread(gzip.compress, body, 1) if is_large else gzip.compress(body, 1)
        all_headers["Content-Encoding"] = "gzip"
    return Response(body, status, all_headers, media_type=content_type)
