"""The emulator's front door: what happens to every call before and after its handler."""

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from emulator.call.api_call import RequestBody
from emulator.core.fault_rules import FaultRules
from emulator.core.state import State
from emulator.http import fault_injection
from emulator.http.call_handler import CallHandler
from emulator.http.control import Control
from emulator.http.origin import OriginGuard
from emulator.jobs.scheduler import JobScheduler


class App:
    """The ASGI application over one state."""

    def __init__(self, state: State, host: str = "127.0.0.1") -> None:
        self.state = state
        self.guard = OriginGuard(host)
        self.scheduler = JobScheduler(state)
        self.faults = FaultRules()
        self.control = Control(state, self.scheduler, self.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request_body = RequestBody(receive)
        request = Request(scope, request_body)
        refusal = self.guard.refusal(request.headers)
        if refusal is not None:
            await refusal(scope, receive, self._with_date_header(send))
            return
        if scope["path"].startswith("/_emulator"):
            response = await self.control.handle(request)
            await response(scope, receive, self._with_date_header(send))
            return
        handler = CallHandler(self.state, self.scheduler, request, request_body, self._with_date_header(send))
        fault = self.faults.match(scope["method"], scope["path"], request.url.query)
        if fault is None:
            await handler.reply(await handler.answer())
        else:
            await fault_injection.apply_fault(handler, fault)

    def _with_date_header(self, send: Send) -> Send:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", self.state.clock.date_header().encode())
                message = {**message, "headers": [date, (b"server", b"gemini-emulator"), *message["headers"]]}
            await send(message)

        return send_dated
