"""The Files API: resumable upload in chunks, get, list, delete, download."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from emulator.call.api_call import Call, whole_number
from emulator.core import media
from emulator.core.clock import FILE_LIFE
from emulator.core.errors import ApiError, invalid, not_found, over_quota
from emulator.core.state import URI, State, StoredFile, Upload, new_id, order

FILE_LIMIT = 2 * 1024**3  # the rate-limits page; 2,147,483,648 bytes were observed
BLOCK = 256 * 1024


def shown(state: State, file: StoredFile) -> dict[str, Any]:
    """A File of the wire. Clients parse its times with at most six fractional digits."""
    stamp = state.clock.shown
    document = {
        "name": f"files/{file.id}",
        "mimeType": file.mime,
        "sizeBytes": str(file.size),
        "createTime": stamp(file.created, 6),
        "updateTime": stamp(file.created, 6),
        "expirationTime": stamp(file.expires, 6),
        "sha256Hash": file.sha256,
        "uri": URI + file.id,
        "state": "ACTIVE",
        "source": file.source,
    }
    if file.display_name:
        document["displayName"] = file.display_name
    if file.source == "GENERATED":
        document["downloadUri"] = f"{URI}{file.id}:download?alt=media"
    return document


async def start(call: Call) -> Response:
    """POST /upload/{v}/files: begin a resumable upload."""
    headers = call.request.headers
    if headers.get("x-goog-upload-protocol", "resumable") != "resumable":
        raise invalid("Only resumable uploads are emulated.")
    wanted = (await call.read("UploadFile")).get("file", {})
    mime = headers.get("x-goog-upload-header-content-type") or wanted.get("mimeType") or "application/octet-stream"
    if not media.known_mime(mime):
        raise invalid(f"Unsupported MIME type: {mime}")
    size = _number(call, "x-goog-upload-header-content-length") or wanted.get("sizeBytes")
    check_room(call.state, call.owner, size or 0)
    upload = Upload(new_id(48), call.owner, _chosen_id(call, wanted), mime, size, wanted.get("displayName"))
    call.state.uploads[upload.id] = upload
    call.state.store.body("upload", upload.id).touch()
    call.state.save(upload)
    url = f"{call.request.base_url}upload/{call.version}/files?upload_id={upload.id}&upload_protocol=resumable"
    return await call.reply(
        {}, {"X-Goog-Upload-URL": url, "X-Goog-Upload-Status": "active", "X-Goog-Upload-Chunk-Granularity": "262144"}
    )


def _number(call: Call, header: str) -> int:
    text = call.request.headers.get(header, "0")
    number = whole_number(text)
    if number is None:
        raise invalid(f"Invalid value of {header}: {text[:100]}")
    return number


def _chosen_id(call: Call, wanted: dict[str, Any]) -> str:
    """The id a client asks for, if it is well formed and free, or one that is made up."""
    if not wanted.get("name"):
        return new_id(12)
    id = str(wanted["name"]).removeprefix("files/")
    if not 0 < len(id) <= 40 or not id.replace("-", "a").isalnum() or id != id.lower() or "-" in (id[0], id[-1]):
        raise invalid(
            f"* CreateFileRequest.file.name: Invalid file name: {wanted['name']}. It may have up to 40 lower-case "
            "letters, digits and dashes, and may not begin or end with a dash."
        )
    _check_free(call.state, id)
    return id


def _check_free(state: State, id: str) -> None:
    """Raise the 409 of a name that a live file has, whoever it belongs to."""
    other = state.files.get(id)
    if other is not None and other.alive(state.clock.now()):
        raise ApiError(6, f"Requested entity already exists: files/{id}")


def check_room(state: State, owner: str, size: int) -> None:
    """Raise the service's refusal of a file that is too big, or does not fit into the project's storage."""
    limit = state.settings.storage_bytes
    if size > FILE_LIMIT:
        raise invalid(f"File size {size} exceeds the limit of {FILE_LIMIT} bytes.")
    if state.stored_bytes(owner) + size > limit:
        raise over_quota("file_storage_bytes", "FileStorageBytesPerProject", limit)


async def chunk(call: Call) -> Response:
    """POST to the upload's own URL: commands upload, finalize, query and cancel. No key is asked for."""
    upload = call.state.uploads.get(call.request.query_params.get("upload_id", ""))
    if upload is None:
        raise not_found("Upload not found: it was finished, cancelled or never begun.")
    body = call.state.store.body("upload", upload.id)
    commands = {word.strip() for word in call.request.headers.get("x-goog-upload-command", "").lower().split(",")}
    if "cancel" in commands:
        _forget(call.state, upload)
        return await call.reply({}, {"X-Goog-Upload-Status": "cancelled"})
    if "upload" in commands:
        await _append(call, body)
    if "finalize" in commands:
        file = await _finish(call.state, upload, body)
        return await call.reply({"file": shown(call.state, file)}, {"X-Goog-Upload-Status": "final"})
    return await call.reply(
        {}, {"X-Goog-Upload-Status": "active", "X-Goog-Upload-Size-Received": str(body.stat().st_size)}
    )


async def _append(call: Call, body: Path) -> None:
    """Take a chunk. What arrived before a broken connection is kept, and `query` tells how much that was."""
    offset = _number(call, "x-goog-upload-offset")
    received = body.stat().st_size
    if offset != received:
        raise invalid(f"Upload offset {offset} does not match the {received} bytes that have been received.")
    with body.open("r+b") as out:
        out.seek(offset)  # not at the end: a chunk sent twice at once is the same bytes at the same place
        try:
            async for part in call.inbox.blocks():
                out.write(part)
        except ClientDisconnect:
            out.flush()
            raise


async def _finish(state: State, upload: Upload, body: Path) -> StoredFile:
    size = body.stat().st_size
    if upload.size is not None and size != upload.size:
        raise invalid(f"Upload has {size} bytes, but its start announced {upload.size}.")
    if upload.size is None:
        check_room(state, upload.owner, size)
    digest = await asyncio.to_thread(_digest, body)
    _check_free(state, upload.file_id)  # another upload of this name may have ended first
    now = state.clock.now()
    file = StoredFile(
        upload.file_id, upload.owner, upload.mime, size, now, now + FILE_LIFE, upload.display_name, digest
    )
    body.replace(state.store.body("file", file.id))
    with state.store.together():
        state.files[file.id] = file
        state.save(file)
        _forget(state, upload)
    return file


def _digest(path: Path) -> str:
    """SHA-256 as the service shows it: base64 of the hexadecimal digits (assumed from recorded files)."""
    with path.open("rb") as stream:
        return base64.b64encode(hashlib.file_digest(stream, "sha256").hexdigest().encode()).decode()


def _forget(state: State, upload: Upload) -> None:
    del state.uploads[upload.id]
    state.store.drop(upload.kind, upload.id)
    state.store.body("upload", upload.id).unlink(missing_ok=True)


async def get(call: Call) -> Response:
    return await call.reply(shown(call.state, call.state.file(call.owner, call.params["id"])))


async def list_(call: Call) -> Response:
    files = call.state.listed(call.state.files.values(), call.owner)
    return await call.reply(call.page(files, order, lambda file: shown(call.state, file), "files", biggest=100))


async def delete(call: Call) -> Response:
    """Batch results cannot be deleted: their ids are longer than this method takes (python-genai issue 1759)."""
    if len(call.params["id"]) > 40:
        raise invalid(
            "* DeleteFileRequest.name: File ID (name excluding 'files/') cannot be more than 40 characters.\n"
        )
    file = call.state.file(call.owner, call.params["id"])
    file.deleted = call.state.clock.now()
    call.state.save(file)
    return await call.reply({})


async def download(call: Call) -> Response:
    """The bytes of a generated file, streamed; a `Range: bytes=N-` is honoured, so that a client can go on."""
    file = call.state.file(call.owner, call.params["id"])
    if file.source != "GENERATED":
        raise invalid("Only generated files can be downloaded.")
    first = _first_byte(call.request.headers.get("range", ""))
    if first is not None and first >= file.size:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers = {"Content-Length": str(file.size - (first or 0)), "Accept-Ranges": "bytes"}
    if first is not None:
        headers["Content-Range"] = f"bytes {first}-{file.size - 1}/{file.size}"
    body = _blocks(call.state.store.body("file", file.id), first or 0)
    return StreamingResponse(body, 206 if first is not None else 200, headers, media_type=file.mime)


def _first_byte(header: str) -> int | None:
    return whole_number(header.strip().removeprefix("bytes=").removesuffix("-"))


async def _blocks(path: Path, first: int) -> AsyncIterator[bytes]:
    """A file in blocks; the reader's pace decides how much is held."""
    with path.open("rb") as stream:
        stream.seek(first)
        while block := stream.read(BLOCK):
            yield block
            await asyncio.sleep(0)
