"""Large files to and from the service in pieces: a broken connection costs the piece under way, not the file.

The SDK uploads and downloads in one go; of a file of 2 GB that is too much to lose. Its HTTP library is used here
directly, over the same address, key and API version.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import httpx2
import orjson
from google.genai import errors as sdk_errors

from batch.errors import ApiError
from gemini.error_mapping import translate

CHUNK_BYTES = 8 * 1024 * 1024  # a multiple of the service's granularity of 256 KiB
ATTEMPTS = 3  # in a row, without a byte of progress
PAUSE_SECONDS = 0.5
PASSING = (408, 500, 502, 503, 504)
BROKEN = (httpx2.HTTPError, httpx2.StreamError, sdk_errors.APIError)
Json = dict[str, Any]


class Transfer:
    """Uploads and downloads under one key. Raises what the SDK raises; the caller translates."""

    def __init__(self, key: str, base_url: str, version: str, timeout_seconds: float) -> None:
        self._key = key
        self._base = base_url.rstrip("/")
        self._version = version
        self._http = httpx2.Client(
            timeout=timeout_seconds,
            headers={"x-goog-api-key": key},
            follow_redirects=True,
            limits=httpx2.Limits(max_keepalive_connections=0),  # pieces are large; nothing stays open, or goes stale
        )

    def upload(self, path: Path, display_name: str, mime_type: str) -> Json:
        """Send a file and return its resource.

        Raises ApiError, ambiguous, where the file may have arrived although no reply says so: look for it then.
        """
        size = path.stat().st_size
        url = self._begin(display_name, mime_type, size)
        with path.open("rb") as source:
            return self._send(url, source, size)

    def download(self, name: str, to: Path) -> None:
        """Stream a generated file to disk, going on where a broken connection left off.

        Its resource is not asked for first: the service refuses that for the long ids of results.
        """
        url = f"{self._base}/{self._version}/{name}:download"
        failures = 0
        with to.open("wb") as out:
            while True:
                reached = out.tell()
                try:
                    return self._receive(url, out)
                except BROKEN as error:
                    if isinstance(error, sdk_errors.APIError) and error.code not in PASSING:
                        raise
                    failures = failures + 1 if out.tell() == reached else 0
                    if failures == ATTEMPTS:
                        raise
                    time.sleep(PAUSE_SECONDS * failures)

    # -- upload ------------------------------------------------------------------------------------------------

    def _begin(self, display_name: str, mime_type: str, size: int) -> str:
        """Announce a file; returns where its bytes go."""
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": mime_type,
        }
        file = {"displayName": display_name, "mimeType": mime_type, "sizeBytes": str(size)}
        begin = f"{self._base}/upload/{self._version}/files"
        reply = _good(self._http.post(begin, headers=headers, json={"file": file}))
        place = reply.headers.get("x-goog-upload-url")
        if not place:
            raise ApiError("The service took no upload.", reason="MALFORMED", ambiguous=True)
        ours, theirs = urlsplit(self._base), urlsplit(place)  # the same way as every other call, as the SDK does
        return urlunsplit((ours.scheme, ours.netloc, theirs.path, theirs.query, ""))

    def _send(self, url: str, source: BinaryIO, size: int) -> Json:
        """Send the bytes; after a failure, go on from where the service says that they have arrived."""
        offset = failures = 0
        while True:
            try:
                if failures:
                    reached = self._received(url)
                    offset, failures = reached, (1 if reached > offset else failures)
                source.seek(offset)
                reply = self._chunk(url, offset, source.read(CHUNK_BYTES), size)
            except BROKEN as error:
                failures += 1
                if failures > ATTEMPTS:
                    raise _broke_off(translate(error, self._key)) from None
                time.sleep(PAUSE_SECONDS * failures)
                continue
            if reply.headers["x-goog-upload-status"] == "final":
                return _file_of(reply)
            offset, failures = offset + CHUNK_BYTES, 0

    def _chunk(self, url: str, offset: int, chunk: bytes, size: int) -> httpx2.Response:
        command = "upload, finalize" if offset + len(chunk) >= size else "upload"
        headers = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": str(offset)}
        reply = _good(self._http.post(url, headers=headers, content=chunk))
        if not reply.headers.get("x-goog-upload-status"):
            raise httpx2.RemoteProtocolError("The reply says nothing of the upload.")
        return reply

    def _received(self, url: str) -> int:
        """How many bytes of an upload have arrived. Raises ApiError, ambiguous, if it is over."""
        reply = self._http.post(url, headers={"X-Goog-Upload-Command": "query"})
        if reply.headers.get("x-goog-upload-status") == "active":
            return int(reply.headers.get("x-goog-upload-size-received") or 0)
        if reply.status_code in (200, 400, 404, 410):
            raise _broke_off(None)
        return int(_good(reply).headers["x-goog-upload-size-received"])

    # -- download ----------------------------------------------------------------------------------------------

    def _receive(self, url: str, out: BinaryIO) -> None:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={out.tell()}-"} if out.tell() else {})
        with self._http.stream("GET", url, params={"alt": "media"}, headers=headers) as reply:
            if reply.status_code != 206:
                _good(reply)
                out.seek(0)
                out.truncate()
            for block in reply.iter_bytes():
                out.write(block)


def _good(reply: httpx2.Response) -> httpx2.Response:
    sdk_errors.APIError.raise_for_response(reply)
    return reply


def _broke_off(why: ApiError | None) -> ApiError:
    """The file may be there, in part or whole."""
    words = "The upload broke off." if why is None else f"The upload broke off. {why}"
    remedy = "The file is looked for, and sent again if it is not there."
    return ApiError(words, remedy, reason="UPLOAD", retry_after=why.retry_after if why else None, ambiguous=True)


def _file_of(reply: httpx2.Response) -> Json:
    """The resource of a file that has arrived. Raises ApiError, ambiguous, if the reply cannot be read."""
    try:
        file = orjson.loads(reply.content)["file"]
        return dict(file) if file["name"] else {}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ApiError("The upload's reply could not be read.", reason="MALFORMED", ambiguous=True) from error
