"""The emulator's front door: what happens to every call before and after its handler."""

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from emulator.call.api_call import Inbox
from emulator.core.fault_rules import Faults
from emulator.core.state import State
from emulator.http import fault_injection
from emulator.http.call_handler import Visit
from emulator.http.control import Control
from emulator.jobs.scheduler import Engine


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
        visit = Visit(self.state, self.engine, request, inbox, self._dated(send))
        fault = self.faults.match(scope["method"], scope["path"], request.url.query)
        if fault is None:
            await visit.reply(await visit.answer())
        else:
            await fault_injection.serve(visit, fault)

    def _dated(self, send: Send) -> Send:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", self.state.clock.date().encode())
                message = {**message, "headers": [date, (b"server", b"gemini-emulator"), *message["headers"]]}
            await send(message)

        return send_dated
