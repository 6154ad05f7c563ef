"""Lets nothing through that does not come from the trusted proxy with a user's name: no page, no socket, no file."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.login.rules import LoginRules

HEALTH_PATH = "/_stcore/health"  # says "ok", to whoever watches over the server


class ProxyGate:
    """Where a proxy logs people in, stands before all that this server answers."""

    def __init__(self, app: ASGIApp, rules: LoginRules) -> None:
        self.app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] == HEALTH_PATH or self._is_known(scope):
            await self.app(scope, receive, send)
            return
        await PlainTextResponse("Log in at the proxy in front of this page.", 403)(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        names = Headers(scope=scope).getlist(self._rules.header)  # two would let who calls add one of his own
        return len(names) == 1 and self._comes_from_proxy(scope) and self._rules.is_allowed(names[0].strip())

    def _comes_from_proxy(self, scope: Scope) -> bool:
        """By the address of the connection, which uvicorn replaces by the visitor's for a proxy on this computer.

        It writes port 0 then, which no connection has.
        """
        address, port = scope.get("client") or ("", 1)
        return self._rules.trusts("127.0.0.1" if port == 0 else address)
