"""What stands before every page and route: host, origin, and the headers that keep a browser strict."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.login.proxy_gate import ProxyGate
from ui.login.rules import PROXY, LoginRules

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' blob:",  # blob: for Streamlit's components; inline for the cookie component
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",  # covers the page's own WebSocket as well
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "frame-ancestors 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HIDDEN_PATHS = ("/_stcore/metrics", "/_stcore/agent")
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def middleware(allowed_hosts: tuple[str, ...], login: LoginRules) -> list[Middleware]:
    """Return the layers in the order a request meets them."""
    return [
        Middleware(SecurityHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False),
        *([Middleware(ProxyGate, rules=login)] if login.mode == PROXY else []),
        Middleware(HiddenEndpoints),
        Middleware(SameOrigin),
    ]


class SecurityHeaders:
    """Adds HEADERS to every HTTP response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HiddenEndpoints:
    """Hides what Streamlit serves to anybody and the page does not need: counts of sessions, descriptions of tools."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(HIDDEN_PATHS):
            await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)


class SameOrigin:
    """Refuses calls to our own routes, and WebSockets, that another site's page made."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "websocket" or (scope["type"] == "http" and scope["path"].startswith("/api/"))
        if guarded and not from_same_origin(Headers(scope=scope)):
            await PlainTextResponse("This address answers only its own page.", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def from_same_origin(headers: Headers) -> bool:
    """Whether the browser says that our own page asks. Clients that are no browsers send neither header."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
