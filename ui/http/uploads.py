"""Files from the browser, streamed to the server's disk: many at a time, none of them ever whole in memory."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from urllib.parse import unquote

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ui.http.route_error import RouteError, require_own_page
from ui.limits.owner_room import NoRoom
from ui.limits.rate_limit import TooOften
from ui.shared.app_state import FILE_NAME_HEADER, AppState
from ui.shared.upload_folder import MAX_FILE_BYTES, UploadFolder, UploadRefused, safe_name

DISK_RESERVE_BYTES = 256 * 1024**2
CHUNK_BYTES = 1024**2
TOO_LARGE = "Files up to 2 GB can be uploaded. Split the file and submit its parts."


async def receive_upload(state: AppState, request: Request) -> Response:
    """Stream a request body into the granted folder, where it appears only when it is whole."""
    require_own_page(request)
    folder = state.upload_tokens.peek(request.path_params["token"])
    if folder is None or not folder.owner_id:
        raise RouteError(403, "This upload is not valid any more. Connect or rehearse, and choose the file again.")
    try:
        state.limits.uploading.spend(folder.owner_id)
    except TooOften as error:
        raise RouteError(429, str(error)) from error
    _check_disk_space(folder, int(request.headers.get("content-length") or 0))
    try:
        name = safe_name(unquote(request.headers.get(FILE_NAME_HEADER, "")))
        folder.reserve(files=1)
    except UploadRefused as refusal:
        raise RouteError(400, str(refusal)) from refusal
    size = await _receive(state, request, folder, name)
    return JSONResponse({"ok": True, "bytes": size, "name": name})


async def _receive(state: AppState, request: Request, folder: UploadFolder, name: str) -> int:
    """The number of bytes kept under `name`; what a broken upload had reserved is given back."""
    partial, reserved, kept = folder.new_partial(), 0, False
    try:
        with partial.open("wb") as file:
            async for piece in _pieces(state, request):
                folder.reserve(len(piece))
                reserved += len(piece)
                await to_thread.run_sync(state.owner_room.reserve, folder.owner_id, len(piece))
                if reserved > MAX_FILE_BYTES:
                    raise RouteError(413, TOO_LARGE)
                await to_thread.run_sync(file.write, piece)
        await to_thread.run_sync(folder.keep, partial, name)
        kept = True
    except UploadRefused as refusal:
        raise RouteError(413, str(refusal)) from refusal
    except NoRoom as refusal:
        raise RouteError(413, refusal.describe()) from refusal
    except (ClientDisconnect, OSError) as error:
        raise RouteError(507, "The upload stopped before the end. Nothing was kept.") from error
    finally:
        partial.unlink(missing_ok=True)
        if not kept:
            folder.release(reserved, files=1)
    return reserved


def _check_disk_space(folder: UploadFolder, size: int) -> None:
    """Refuse a body that is too large for us or for the disk; `size` is bytes, 0 if the client did not say."""
    folder.path.mkdir(parents=True, exist_ok=True)
    if size > MAX_FILE_BYTES:
        raise RouteError(413, TOO_LARGE)
    if shutil.disk_usage(folder.path).free < size + DISK_RESERVE_BYTES:
        raise RouteError(507, "The server's disk has no room for this file.")


async def _pieces(state: AppState, request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of about CHUNK_BYTES."""
    pending = bytearray()
    async for chunk in request.stream():
        pending += chunk
        if state.stopping.is_set():
            raise RouteError(503, "The server is stopping. Upload the file again when it is back.")
        if len(pending) >= CHUNK_BYTES:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)
