"""The emulator's front door: what happens to every call before and after its handler."""

import sys
import traceback

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from emulator import afflicted, errors, keys, routes
from emulator.control import Control
from emulator.engine import Engine
from emulator.errors import ApiError
from emulator.faults import Faults
from emulator.state import State
from emulator.web import Call, Inbox, encode


class App:
    """The ASGI application over one state."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.engine = Engine(state)
        self.faults = Faults()
        self.control = Control(state, self.engine, self.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        inbox = Inbox(receive)
        request = Request(scope, inbox)
        if scope["path"].startswith("/_emulator"):
            response = await self.control.handle(request)
            await response(scope, receive, self._dated(send))
            return
        visit = Visit(self, request, inbox, self._dated(send))
        fault = self.faults.match(scope["method"], scope["path"], request.url.query)
        if fault is None:
            await visit.reply(await visit.answer())
        else:
            await afflicted.serve(visit, fault)

    def _dated(self, send: Send) -> Send:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", self.state.clock.date().encode())
                message = {**message, "headers": [date, (b"server", b"gemini-emulator"), *message["headers"]]}
            await send(message)

        return send_dated


class Visit:
    """One call of the API: what it asks can be done and answered, or done and not answered."""

    def __init__(self, app: App, request: Request, inbox: Inbox, send: Send) -> None:
        self.app, self.request, self.inbox, self.send = app, request, inbox, send
        self.found = routes.find(request.method, request.url.path, request.url.query)
        if self.found:
            app.state.store.count_call(self.found[0].name)

    async def answer(self) -> Response | None:
        """Do what the call asks and return the answer to it; None if its client has gone."""
        try:
            return await self._handled()
        except ClientDisconnect:
            return None

    async def _handled(self) -> Response:
        try:
            if self.found is None:
                raise errors.not_found(f"{self.request.method} {self.request.url.path} was not found on this server.")
            route, params = self.found
            owner = "" if route.keyless else keys.owner(self.request)
            return await route.handler(Call(self.request, self.inbox, self.app.state, self.app.engine, params, owner))
        except ApiError as refusal:
            return await encode(self.request, orjson.dumps(refusal.body()), refusal.http)
        except ClientDisconnect:
            raise
        except Exception:  # a mistake of the emulator must look like one of the service, and be seen
            traceback.print_exc(file=sys.stderr)
            return await encode(self.request, orjson.dumps(errors.of_http(500)), 500)

    async def reply(self, response: Response | None) -> None:
        if response is not None:
            await response(self.request.scope, self.inbox, self.send)
