"""The few addresses beside the page: the session cookie, streaming uploads and downloads, pictures.

Each asks for a one-time token that the page issued; none tells whether something exists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ui.http.pictures import send_picture
from ui.http.route_error import RouteError, require_own_page
from ui.http.uploads import receive_upload
from ui.shared.app_state import AppState, CookieChange, Download
from ui.shared.cookie_crypto import COOKIE_SECONDS

CHUNK_BYTES = 1024**2


def routes(state: AppState) -> list[Route]:
    """Return the routes that main.py hands to Streamlit's server."""
    return [
        Route("/api/session", _bind_state(state, change_cookies), methods=["POST"]),
        Route("/api/upload/{token}", _bind_state(state, receive_upload), methods=["PUT"]),
        Route("/api/download/{token}", _bind_state(state, send_download), methods=["GET"]),
        Route("/api/picture/{token}/{edge:int}/{name}", _bind_state(state, send_picture), methods=["GET"]),
    ]


Handler = Callable[[AppState, Request], Awaitable[Response]]


def _bind_state(state: AppState, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(state, request)
        except RouteError as error:
            return JSONResponse({"ok": False, "message": str(error)}, error.status)

    return endpoint


async def change_cookies(state: AppState, request: Request) -> Response:
    """Set or remove the cookies that a token stands for. The key itself never passes through the page's script."""
    require_own_page(request)
    body = await request.body()
    changes = state.cookie_tokens.redeem(body[:100].decode("ascii", "replace"))
    if changes is None:
        raise RouteError(403, "This request is no longer valid. Reload the page.")
    response = JSONResponse({"ok": True})
    for change in changes:
        _apply(change, response, secure=request.url.scheme == "https")
    return response


def _apply(change: CookieChange, response: Response, *, secure: bool) -> None:
    response.set_cookie(
        change.name,
        change.encrypted,
        max_age=COOKIE_SECONDS if change.encrypted else 0,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


async def send_download(state: AppState, request: Request) -> Response:
    """Stream a finished export; ends early when the server stops."""
    download = state.download_tokens.peek(request.path_params["token"])
    if download is None or not download.path.is_file():
        return PlainTextResponse("This download is no longer available. Export it again.", 410)
    headers = {
        "Content-Length": str(download.path.stat().st_size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(download.filename)}",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_stream_chunks(state, download), headers=headers, media_type=download.media_type)


async def _stream_chunks(state: AppState, download: Download) -> AsyncIterator[bytes]:
    with download.path.open("rb") as file:
        while not state.stopping.is_set():
            chunk = await to_thread.run_sync(file.read, CHUNK_BYTES)
            if not chunk:
                return
            yield chunk
