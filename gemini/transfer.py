"""Large files to and from the service in pieces: a broken connection costs the piece under way, not the file.

The SDK uploads and downloads in one go; of a file of 2 GB that is too much to lose. Its HTTP library is used here
directly, over the same address and key.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx2
import orjson
from google.genai import errors as sdk_errors

from batch.errors import ApiError
from gemini import connection
from gemini.connection import Connection
from gemini.error_mapping import to_api_error

CHUNK_BYTES = 8 * 1024 * 1024  # the service's granularity, as its reply to an upload's start says (recorded 2026-08)
ATTEMPTS = 3  # in a row, without a byte of progress
PAUSE_SECONDS = 0.5
RETRYABLE_STATUS = (408, 500, 502, 503, 504)
CONNECTION_ERRORS = (httpx2.HTTPError, httpx2.StreamError, sdk_errors.APIError)
Json = dict[str, Any]


class Readable(Protocol):
    """Bytes that are read in order, and again from an earlier position after a failure."""

    def seek(self, position: int, /) -> object: ...

    def read(self, size: int, /) -> bytes: ...


class UploadSource(Protocol):
    """What can be uploaded without being a file: its size is known before it is read."""

    @property
    def size(self) -> int: ...

    def open(self) -> AbstractContextManager[Readable]: ...


class FileTransfer:
    """Uploads and downloads under one key. Raises what the SDK raises; the caller translates."""

    def __init__(self, key: str, base_url: str, timeout_seconds: float) -> None:
        self._key = key
        self._base = base_url.rstrip("/")
        self._http = Connection(  # pieces are large; nothing stays open, or goes stale
            base_url, timeout_seconds, keep_alive=False, headers={"x-goog-api-key": key}
        )

    def shut(self) -> None:
        """Send nothing any more."""
        self._http.shut()

    def upload(self, version: str, source: Path | UploadSource, display_name: str, mime_type: str) -> Json:
        """Send a file and return its resource; `version` is the API's.

        Raises ApiError, ambiguous, where the file may have arrived although no reply says so: look for it then.
        """
        size = source.stat().st_size if isinstance(source, Path) else source.size
        url = self._start_upload(version, display_name, mime_type, size)
        with source.open("rb") if isinstance(source, Path) else source.open() as stream:
            return self._send_chunks(url, stream, size)

    def download(self, version: str, name: str, to: Path) -> None:
        """Stream a generated file to disk, going on where a broken connection left off.

        Its resource is not asked for first: the service refuses that for the long ids of results.
        """
        url = f"{self._base}/{version}/{name}:download"
        failures = 0
        with to.open("wb") as out:
            while True:
                reached = out.tell()
                try:
                    return self._download_to(url, out)
                except CONNECTION_ERRORS as error:
                    if isinstance(error, sdk_errors.APIError) and error.code not in RETRYABLE_STATUS:
                        raise
                    failures = failures + 1 if out.tell() == reached else 0
                    if failures == ATTEMPTS:
                        raise
                    time.sleep(PAUSE_SECONDS * failures)

    # -- upload ------------------------------------------------------------------------------------------------

    def _start_upload(self, version: str, display_name: str, mime_type: str, size: int) -> str:
        """Announce a file; returns where its bytes go."""
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": mime_type,
        }
        file = {"displayName": display_name, "mimeType": mime_type, "sizeBytes": str(size)}
        start_url = f"{self._base}/upload/{version}/files"
        response = _raise_for_status(self._http.post(start_url, headers=headers, json={"file": file}))
        upload_url = response.headers.get("x-goog-upload-url")
        if not upload_url:
            raise ApiError("The service took no upload.", reason="MALFORMED", ambiguous=True)
        base, target = urlsplit(self._base), urlsplit(upload_url)  # the same way as every other call, as the SDK does
        return urlunsplit((base.scheme, base.netloc, target.path, target.query, ""))

    def _send_chunks(self, url: str, source: Readable, size: int) -> Json:
        """Send the bytes; after a failure, go on from where the service says that they have arrived."""
        offset = failures = 0
        while True:
            try:
                if failures:
                    reached = self._received_bytes(url)
                    offset, failures = reached, (1 if reached > offset else failures)
                source.seek(offset)
                response = self._send_chunk(url, offset, source.read(CHUNK_BYTES), size)
            except CONNECTION_ERRORS as error:
                failures += 1
                if failures > ATTEMPTS:
                    raise _upload_error(to_api_error(error, self._key)) from None
                time.sleep(PAUSE_SECONDS * failures)
                continue
            if response.headers["x-goog-upload-status"] == "final":
                return _parse_file(response)
            offset, failures = offset + CHUNK_BYTES, 0

    def _send_chunk(self, url: str, offset: int, chunk: bytes, size: int) -> httpx2.Response:
        command = "upload, finalize" if offset + len(chunk) >= size else "upload"
        headers = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": str(offset)}
        response = _raise_for_status(self._http.post(url, headers=headers, content=chunk))
        if not response.headers.get("x-goog-upload-status"):
            raise httpx2.RemoteProtocolError("The reply says nothing of the upload.")
        return response

    def _received_bytes(self, url: str) -> int:
        """How many bytes of an upload have arrived. Raises ApiError, ambiguous, if it is over."""
        response = self._http.post(url, headers={"X-Goog-Upload-Command": "query"})
        if response.headers.get("x-goog-upload-status") == "active":
            return int(response.headers.get("x-goog-upload-size-received") or 0)
        if response.status_code in (200, 400, 404, 410):
            raise _upload_error(None)
        return int(_raise_for_status(response).headers["x-goog-upload-size-received"])

    # -- download ----------------------------------------------------------------------------------------------

    def _download_to(self, url: str, out: BinaryIO) -> None:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={out.tell()}-"} if out.tell() else {})
        with self._http.stream("GET", url, params={"alt": "media"}, headers=headers) as response:
            if response.status_code != 206:
                _raise_for_status(response)
                out.seek(0)
                out.truncate()
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ApiError("The file came packed, which was not asked for.", reason="MALFORMED", ambiguous=True)
            for block in response.iter_raw():
                out.write(block)
                if out.tell() > connection.MOST_DOWNLOAD_BYTES:
                    raise connection.too_large(connection.MOST_DOWNLOAD_BYTES)


def _raise_for_status(response: httpx2.Response) -> httpx2.Response:
    sdk_errors.APIError.raise_for_response(response)
    return response


def _upload_error(cause: ApiError | None) -> ApiError:
    """The file may be there, in part or whole."""
    message = "The upload broke off." if cause is None else f"The upload broke off. {cause}"
    remedy = "The file is looked for, and sent again if it is not there."
    return ApiError(message, remedy, reason="UPLOAD", retry_after=cause.retry_after if cause else None, ambiguous=True)


def _parse_file(response: httpx2.Response) -> Json:
    """The resource of a file that has arrived. Raises ApiError, ambiguous, if the reply cannot be read."""
    try:
        file = orjson.loads(response.content)["file"]
        return dict(file) if file["name"] else {}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ApiError("The upload's reply could not be read.", reason="MALFORMED", ambiguous=True) from error
