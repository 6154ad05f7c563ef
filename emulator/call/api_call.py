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

from emulator.core.errors import invalid
from emulator.core.state import State
from emulator.jobs.scheduler import Engine
from emulator.schema import lenient_json, request_fields

BODY_LIMIT = 20 * 1024 * 1024  # a request's JSON; files go by upload (Batch guide: inline below 20 MB)
JSON = "application/json; charset=UTF-8"
T = TypeVar("T")


class Inbox:
    """The body of a call as it arrives. `cut` breaks the connection after so many bytes of it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.open = True
        self.cut: int | None = None

    async def __call__(self) -> Message:
        if self.cut == 0:
            self.open = False
            return {"type": "http.disconnect"}
        message = await self._receive()
        self.open = bool(message.get("more_body")) and message["type"] == "http.request"
        if self.cut is not None and message["type"] == "http.request":
            body = message.get("body", b"")[: self.cut]
            self.cut -= len(body)
            message = {"type": "http.request", "body": body, "more_body": True}
        return message

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body in blocks. Raises ClientDisconnect if it breaks off."""
        while self.open:
            message = await self()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            yield message.get("body", b"")

    async def gone(self) -> None:
        """Return when the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass
class Call:
    """One call on one route. `owner` is the project of its key, "" where no key is asked for."""

    request: Request
    inbox: Inbox
    state: State
    engine: Engine
    params: dict[str, str]
    owner: str = ""

    @property
    def version(self) -> str:
        return self.params["v"]

    async def json(self) -> Any:
        """The body as JSON; an empty one is `{}`. Raises the service's 400."""
        raw = bytearray()
        async for block in self.inbox.blocks():
            raw += block
            if len(raw) > BODY_LIMIT:
                raise invalid(f"Request payload size exceeds the limit: {BODY_LIMIT} bytes.")
        try:
            return lenient_json.loads(raw) if raw.strip() else {}
        except orjson.JSONDecodeError as wrong:
            raise invalid(f"Invalid JSON payload received. {wrong}") from None

    async def read(self, message: str) -> dict[str, Any]:
        """The body, held to a message of the schema and in camelCase."""
        return request_fields.read_body(message, await self.json())

    async def reply(self, document: Any, headers: dict[str, str] | None = None) -> Response:
        """200 with JSON, compressed if the client takes that."""
        return await encode(self.request, orjson.dumps(document), headers=headers)

    def page(
        self, items: Sequence[T], mark: Callable[[T], str], show: Callable[[T], Any], field: str, biggest: int = 1000
    ) -> dict[str, Any]:
        """One page of a listing: `{field: […], nextPageToken}`; an empty one is `{}`, the last has no token.

        `mark` names an item by something that sorts as the listing does, downwards. A token holds the mark of the last
        item shown, so that a page is right although things before it have come or gone meanwhile.
        """
        after = _mark_in(self._query("pageToken"))
        left = [item for item in items if mark(item) < after] if after else items
        size = min(self._page_size() or 50, biggest)
        shown = [show(item) for item in left[:size]]
        page: dict[str, Any] = {field: shown} if shown else {}
        if len(left) > size:
            page["nextPageToken"] = base64.urlsafe_b64encode(mark(left[size - 1]).encode()).decode()
        return page

    def _page_size(self) -> int:
        text = self._query("pageSize")
        size = whole_number(text or "0")
        if size is None:
            raise invalid(f"Invalid value at 'page_size' (TYPE_INT32), \"{text[:100]}\"")
        return size

    def _query(self, camel: str) -> str:
        query = self.request.query_params
        return query.get(camel) or query.get(request_fields.snake(camel), "")


def _mark_in(token: str) -> str:
    """The mark that a page token holds. Raises the service's 400 for what is none."""
    try:
        return base64.b64decode(token, b"-_", validate=True).decode("ascii")
    except ValueError:
        raise invalid("The page token is not valid.") from None


def whole_number(text: str) -> int | None:
    """A count in a header or a query; None if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


async def encode(request: Request, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON bytes as an answer. Google compresses every unary answer, `{}` included, for clients that accept it."""
    more = {"Vary": "Origin, X-Origin, Referer", **(headers or {})}
    if "gzip" in request.headers.get("accept-encoding", ""):
        big = len(body) > 1_000_000
        body = await asyncio.to_thread(gzip.compress, body, 1) if big else gzip.compress(body, 1)
        more["Content-Encoding"] = "gzip"
    return Response(body, status, more, media_type=JSON)
