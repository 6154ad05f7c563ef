"""One call of the API, and what becomes of it."""

import sys
import traceback

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Send

from emulator.call.api_call import EVENT_STREAM, JSON_CONTENT_TYPE, ApiCall, RequestBody, json_response
from emulator.core import errors
from emulator.core.errors import ServiceError
from emulator.core.state import State
from emulator.http import auth, routes
from emulator.jobs.scheduler import JobScheduler


class CallHandler:
    """One call of the API: what it asks can be done and answered, or done and not answered."""

    def __init__(
        self, state: State, scheduler: JobScheduler, request: Request, request_body: RequestBody, send: Send
    ) -> None:
        self.state, self.scheduler, self.request, self.request_body, self.send = (
            state,
            scheduler,
            request,
            request_body,
            send,
        )
        self.route_match = routes.find_route(request.method, request.url.path, request.url.query)
        if self.route_match:
            state.store.count_call(self.route_match[0].name)

    async def answer(self) -> Response | None:
        """Do what the call asks and return the answer to it; None if its client has gone."""
        try:
            return await self._execute()
        except ClientDisconnect:
            return None

    async def _execute(self) -> Response:
        try:
            if self.route_match is None or not self._version_served():
                raise errors.not_found(f"{self.request.method} {self.request.url.path} was not found on this server.")
            route, params = self.route_match
            owner = "" if route.keyless else auth.project_of_call(self.request)
            account = self.state.settings.account
            if route.spends and account != "ok":
                raise errors.account_refused(account)
            return await route.handler(
                ApiCall(self.request, self.request_body, self.state, self.scheduler, params, owner)
            )
        except ServiceError as error:
            return await self._refusal(error)
        except ClientDisconnect:
            raise
        except Exception:  # a mistake of the emulator must look like one of the service, and be seen
            traceback.print_exc(file=sys.stderr)
            return await json_response(self.request, orjson.dumps(errors.error_body_for_status(500)), 500)

    async def _refusal(self, error: ServiceError) -> Response:
        """The answer to a refused call; that of an event stream keeps the stream's type (js-genai's recordings)."""
        is_stream = self.request.query_params.get("alt") == "sse"
        content_type = EVENT_STREAM if is_stream else JSON_CONTENT_TYPE
        return await json_response(
            self.request, orjson.dumps(error.body()), error.http_status, content_type=content_type
        )

    def _version_served(self) -> bool:
        """Whether the path's version is one of those that the setting `serve_v1` leaves."""
        return self.state.settings.serve_v1 or not (self.route_match and self.route_match[1]["v"] == "v1")

    async def reply(self, response: Response | None) -> None:
        if response is not None:
            await response(self.request.scope, self.request_body, self.send)
