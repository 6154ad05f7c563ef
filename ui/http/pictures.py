"""Pictures of a run or of what was given, small or as they are, to the page that was granted them."""

from __future__ import annotations

import re
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ui.http.route_error import RouteError
from ui.shared.app_state import AppState, PictureFolder
from ui.thumbnails import maker

SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
HEADERS = {"Cache-Control": "private, max-age=3600"}
ENDINGS = ("", ".png", ".jpg", ".jpeg", ".webp")
_NAME = re.compile(r"[0-9a-f]{64}")
EMPTY_PICTURE = (  # a transparent pixel: what is behind the picture is seen instead
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00"
    b"\x01\x00\x00\x02\x02D\x01\x00;"
)


async def send_picture(state: AppState, request: Request) -> Response:
    """Send a file of a granted folder, named by its SHA-256: as a JPEG of at most `edge` pixels, or whole (0).

    Whatever the file holds, it is sent as a picture that cannot run anything, or not at all.
    """
    folder = state.picture_tokens.peek(request.path_params["token"])
    name, edge = request.path_params["name"], request.path_params["edge"]
    source = find_original(folder, name) if folder and (edge in maker.EDGES or edge == 0) else None
    if folder is None or source is None:
        raise RouteError(404, "There is no such picture.")
    if edge == 0:
        return FileResponse(source, media_type=_picture_type(source), headers=HEADERS)
    small = await to_thread.run_sync(maker.thumbnail, source, folder.thumbnails, edge)
    if small is None:
        return Response(EMPTY_PICTURE, media_type="image/gif", headers=HEADERS)
    return FileResponse(small, media_type="image/jpeg", headers=HEADERS)


def find_original(folder: PictureFolder, name: str) -> Path | None:
    """The file that is named by this SHA-256, with or without an ending; None for any other name."""
    if not _NAME.fullmatch(name):
        return None
    candidates = (folder.originals / f"{name}{ending}" for ending in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def _picture_type(source: Path) -> str:
    with source.open("rb") as file:
        head = file.read(12)
    for signature, media_type in SIGNATURES.items():
        if head.startswith(signature):
            return media_type
    raise RouteError(404, "There is no such picture.")
