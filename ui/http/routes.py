"""The few addresses beside the page: the session cookie, streaming uploads, streaming downloads.

Each asks for a one-time token that the page issued; none tells whether something exists.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ui.shared.app_state import OWN_HEADER, AppState, CookieChange, Download
from ui.shared.cookie_crypto import COOKIE_SECONDS

UPLOAD_LIMIT_BYTES = 2 * 1024**3
DISK_RESERVE_BYTES = 256 * 1024**2
CHUNK_BYTES = 1024**2
"""A header that another site's page cannot send without asking first; its value is "1"."""


class RouteError(Exception):
    """A route says no: an HTTP status and one sentence for the user."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def routes(state: AppState) -> list[Route]:
    """Return the routes that main.py hands to Streamlit's server."""
    return [
        Route("/api/session", _bind_state(state, change_cookies), methods=["POST"]),
        Route("/api/upload/{token}", _bind_state(state, receive_upload), methods=["PUT"]),
        Route("/api/download/{token}", _bind_state(state, send_download), methods=["GET"]),
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
    _require_own_page(request)
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


async def receive_upload(state: AppState, request: Request) -> Response:
    """Stream a request body into the granted file, which appears only when it is whole."""
    _require_own_page(request)
    grant = state.upload_tokens.redeem(request.path_params["token"])
    if grant is None:
        raise RouteError(403, "This upload is no longer valid. Choose the file again.")
    _check_disk_space(grant.path.parent, int(request.headers.get("content-length") or 0))
    partial = grant.path.with_suffix(".part")
    try:
        with partial.open("wb") as file:
            size = await _write_body(state, request, file)
        partial.replace(grant.path)
    except (ClientDisconnect, OSError) as error:
        raise RouteError(507, "The upload stopped before the end. Nothing was kept.") from error
    finally:
        partial.unlink(missing_ok=True)
    return JSONResponse({"ok": True, "bytes": size})


def _check_disk_space(folder: Path, size: int) -> None:
    """Refuse a body that is too large for us or for the disk; `size` is bytes, 0 if the client did not say."""
    folder.mkdir(parents=True, exist_ok=True)
    if size > UPLOAD_LIMIT_BYTES:
        raise RouteError(413, "Files up to 2 GB can be uploaded. Split the file and submit its parts.")
    if shutil.disk_usage(folder).free < size + DISK_RESERVE_BYTES:
        raise RouteError(507, "The server's disk has no room for this file.")


async def _write_body(state: AppState, request: Request, file: BinaryIO) -> int:
    """Write the body in pieces of about CHUNK_BYTES, off the event loop; return the number of bytes."""
    size, pending = 0, bytearray()
    async for chunk in request.stream():
        pending += chunk
        if state.stopping.is_set():
            raise RouteError(503, "The server is stopping. Upload the file again when it is back.")
        if size + len(pending) > UPLOAD_LIMIT_BYTES:
            raise RouteError(413, "Files up to 2 GB can be uploaded. Split the file and submit its parts.")
        if len(pending) >= CHUNK_BYTES:
            size += await to_thread.run_sync(file.write, bytes(pending))
            pending.clear()
    return size + await to_thread.run_sync(file.write, bytes(pending))


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


def _require_own_page(request: Request) -> None:
    if request.headers.get(OWN_HEADER) != "1":
        raise RouteError(403, "This address answers only its own page.")
