"""The Files API: resumable upload in chunks, get, list, delete, download."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from emulator.call.api_call import ApiCall, parse_count
from emulator.core import media
from emulator.core.clock import FILE_LIFE
from emulator.core.errors import ServiceError, invalid, not_found, storage_full
from emulator.core.state import FILE_URI_PREFIX, State, StoredFile, Upload, new_id, sort_key

FILE_LIMIT = 2 * 1024**3  # the rate-limits page; 2,147,483,648 bytes were observed
CHUNK_BYTES = 8 * 1024**2  # the granularity that two recorded uploads of 2026-08-19 were told
BLOCK_BYTES = 256 * 1024  # of a download


def file_resource(state: State, file: StoredFile) -> dict[str, Any]:
    """A File of the wire. Its times have six digits, but for the last one (recorded 2026-08-19, two uploads)."""
    timestamp = state.clock.format_timestamp
    document: dict[str, Any] = {
        "name": f"files/{file.id}",
        "mimeType": file.mime,
        "sizeBytes": str(file.size),
        "createTime": timestamp(file.created, 6),
        "updateTime": timestamp(file.created, 6),
        "expirationTime": timestamp(file.expires),
        "sha256Hash": file.sha256,
        "uri": FILE_URI_PREFIX + file.id,
        "state": file.state_at(state.clock.now()),
        "source": file.source,
    }
    if document["state"] == "FAILED":
        document["error"] = {"code": 13, "message": "Failed to process the file."}
    if file.display_name:
        document["displayName"] = file.display_name
    if file.source == "GENERATED":
        document["downloadUri"] = f"{FILE_URI_PREFIX}{file.id}:download?alt=media"
    return document


async def start_upload(call: ApiCall) -> Response:
    """POST /upload/{v}/files: begin a resumable upload."""
    headers = call.request.headers
    if headers.get("x-goog-upload-protocol", "resumable") != "resumable":
        raise invalid("Only resumable uploads are emulated.")
    file_fields = (await call.read("UploadFile")).get("file", {})
    mime = headers.get("x-goog-upload-header-content-type") or file_fields.get("mimeType") or "application/octet-stream"
    if not media.is_accepted_mime_type(mime):
        raise invalid(f"Unsupported MIME type: {mime}")
    size = _count_header(call, "x-goog-upload-header-content-length") or file_fields.get("sizeBytes")
    check_storage_quota(call.state, call.owner, size or 0)
    upload = Upload(
        new_id(48), call.owner, _requested_id(call, file_fields), mime, size, file_fields.get("displayName")
    )
    call.state.uploads[upload.id] = upload
    call.state.store.body_path("upload", upload.id).touch()
    call.state.save(upload)
    url = f"{call.request.base_url}upload/{call.version}/files?upload_id={upload.id}&upload_protocol=resumable"
    return await call.reply(
        {},
        {
            "X-Goog-Upload-URL": url,
            "X-Goog-Upload-Status": "active",
            "X-Goog-Upload-Chunk-Granularity": str(CHUNK_BYTES),
        },
    )


def _count_header(call: ApiCall, header: str) -> int:
    text = call.request.headers.get(header, "0")
    number = parse_count(text)
    if number is None:
        raise invalid(f"Invalid value of {header}: {text[:100]}")
    return number


def _requested_id(call: ApiCall, file_fields: dict[str, Any]) -> str:
    """The id a client asks for, if it is well formed and free, or one that is made up."""
    if not file_fields.get("name"):
        return new_id(12)
    id = str(file_fields["name"]).removeprefix("files/")
    if not 0 < len(id) <= 40 or not id.replace("-", "a").isalnum() or id != id.lower() or "-" in (id[0], id[-1]):
        raise invalid(
            f"* CreateFileRequest.file.name: Invalid file name: {file_fields['name']}. It may have up to 40 lower-case "
            "letters, digits and dashes, and may not begin or end with a dash."
        )
    _check_name_free(call.state, id)
    return id


def _check_name_free(state: State, id: str) -> None:
    """Raise the 409 of a name that a live file has, whoever it belongs to."""
    existing = state.files.get(id)
    if existing is not None and existing.alive(state.clock.now()):
        raise ServiceError(6, f"Requested entity already exists: files/{id}")


def check_storage_quota(state: State, owner: str, size: int) -> None:
    """Raise the service's refusal of a file that is too big, or does not fit into the project's storage."""
    limit = state.settings.storage_bytes
    if size > FILE_LIMIT:
        raise invalid(f"File size {size} exceeds the limit of {FILE_LIMIT} bytes.")
    if state.stored_bytes(owner) + size > limit:
        raise storage_full(limit)


async def upload_chunk(call: ApiCall) -> Response:
    """POST to the upload's own URL: commands upload, finalize, query and cancel. No key is asked for."""
    upload = call.state.uploads.get(call.request.query_params.get("upload_id", ""))
    if upload is None:
        raise not_found("Upload not found: it was finished, cancelled or never begun.")
    body = call.state.store.body_path("upload", upload.id)
    commands = {word.strip() for word in call.request.headers.get("x-goog-upload-command", "").lower().split(",")}
    if "cancel" in commands:
        _discard_upload(call.state, upload)
        return await call.reply({}, {"X-Goog-Upload-Status": "cancelled"})
    if "upload" in commands:
        await _append_chunk(call, body)
    if "finalize" in commands:
        file = await _finish_upload(call.state, upload, body)
        return await call.reply({"file": file_resource(call.state, file)}, {"X-Goog-Upload-Status": "final"})
    return await call.reply(
        {}, {"X-Goog-Upload-Status": "active", "X-Goog-Upload-Size-Received": str(body.stat().st_size)}
    )


async def _append_chunk(call: ApiCall, body: Path) -> None:
    """Take a chunk. What arrived before a broken connection is kept, and `query` tells how much that was."""
    offset = _count_header(call, "x-goog-upload-offset")
    received = body.stat().st_size
    if offset != received:
        raise invalid(f"Upload offset {offset} does not match the {received} bytes that have been received.")
    with body.open("r+b") as out:
        out.seek(offset)  # not at the end: a chunk sent twice at once is the same bytes at the same place
        try:
            async for part in call.request_body.blocks():
                out.write(part)
        except ClientDisconnect:
            out.flush()
            raise


async def _finish_upload(state: State, upload: Upload, body: Path) -> StoredFile:
    size = body.stat().st_size
    if upload.size is not None and size != upload.size:
        raise invalid(f"Upload has {size} bytes, but its start announced {upload.size}.")
    if upload.size is None:
        check_storage_quota(state, upload.owner, size)
    digest = await asyncio.to_thread(_digest, body)
    _check_name_free(state, upload.file_id)  # another upload of this name may have ended first
    now = state.clock.now()
    file = StoredFile(
        upload.file_id, upload.owner, upload.mime, size, now, now + FILE_LIFE, upload.display_name, digest
    )
    if media.is_media(file.mime):
        file.processed = now + state.settings.processing_seconds(file.mime)
        file.unreadable = state.settings.file_processing == "fails"
    body.replace(state.store.body_path("file", file.id))
    with state.store.transaction():
        state.files[file.id] = file
        state.save(file)
        _discard_upload(state, upload)
    return file


def _digest(path: Path) -> str:
    """SHA-256 as the service shows it: base64 of the hexadecimal digits (assumed from recorded files)."""
    with path.open("rb") as stream:
        return base64.b64encode(hashlib.file_digest(stream, "sha256").hexdigest().encode()).decode()


def _discard_upload(state: State, upload: Upload) -> None:
    del state.uploads[upload.id]
    state.store.delete(upload.kind, upload.id)
    state.store.body_path("upload", upload.id).unlink(missing_ok=True)


async def get(call: ApiCall) -> Response:
    return await call.reply(file_resource(call.state, call.state.file(call.owner, call.params["id"])))


async def list_(call: ApiCall) -> Response:
    files = call.state.list_visible(call.state.files.values(), call.owner)
    return await call.reply(
        call.page(files, sort_key, lambda file: file_resource(call.state, file), "files", max_size=100)
    )


async def delete(call: ApiCall) -> Response:
    """Batch results cannot be deleted: their ids are longer than this method takes (python-genai issue 1759)."""
    if len(call.params["id"]) > 40:
        raise invalid(
            "* DeleteFileRequest.name: File ID (name excluding 'files/') cannot be more than 40 characters.\n"
        )
    file = call.state.file(call.owner, call.params["id"])
    file.deleted = call.state.clock.now()
    call.state.save(file)
    return await call.reply({})


async def download(call: ApiCall) -> Response:
    """The bytes of a generated file, streamed; a `Range: bytes=N-` is honoured, so that a client can go on."""
    file = _result_file(call)
    if file.source != "GENERATED":
        raise invalid("Only generated files can be downloaded.")
    first_byte = _range_start(call.request.headers.get("range", ""))
    if first_byte is not None and first_byte >= file.size:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers = {"Content-Length": str(file.size - (first_byte or 0)), "Accept-Ranges": "bytes"}
    if first_byte is not None:
        headers["Content-Range"] = f"bytes {first_byte}-{file.size - 1}/{file.size}"
    body = _read_blocks(call.state.store.body_path("file", file.id), first_byte or 0)
    return StreamingResponse(body, 206 if first_byte is not None else 200, headers, media_type=file.mime)


def _result_file(call: ApiCall) -> StoredFile:
    """The file to download. Raises 404 for results that went with their job, 403 for all else that is not there."""
    file = call.state.files.get(call.params["id"])
    if file and file.owner == call.owner and file.source == "GENERATED" and file.deleted is not None:
        raise not_found()
    return call.state.file(call.owner, call.params["id"])


def _range_start(header: str) -> int | None:
    return parse_count(header.strip().removeprefix("bytes=").removesuffix("-"))


async def _read_blocks(path: Path, first_byte: int) -> AsyncIterator[bytes]:
    """A file in blocks; the reader's pace decides how much is held."""
    with path.open("rb") as stream:
        stream.seek(first_byte)
        while block := stream.read(BLOCK_BYTES):
            yield block
            await asyncio.sleep(0)
