"""One call of the API, and what becomes of it."""

import sys
import traceback

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Send

from emulator.call.api_call import Call, Inbox, encode
from emulator.core import errors
from emulator.core.errors import ApiError
from emulator.core.state import State
from emulator.http import auth, routes
from emulator.jobs.scheduler import Engine


class Visit:
    """One call of the API: what it asks can be done and answered, or done and not answered."""

    def __init__(self, state: State, engine: Engine, request: Request, inbox: Inbox, send: Send) -> None:
        self.state, self.engine, self.request, self.inbox, self.send = state, engine, request, inbox, send
        self.found = routes.find(request.method, request.url.path, request.url.query)
        if self.found:
            state.store.count_call(self.found[0].name)

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
            owner = "" if route.keyless else auth.owner(self.request)
            return await route.handler(Call(self.request, self.inbox, self.state, self.engine, params, owner))
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
