"""The one client: every call to the Gemini API goes through a `GeminiClient`.

Requests and replies are wire JSON (camelCase dicts), not SDK types: for the Developer API the SDK's types drop
batchStats, a job's error, and the finish message, and one of them raises on rows whose error has details
(google-genai 3.4.0). Authentication, base URL and HTTP are the SDK's own; files go by `gemini/transfer.py`. No call is
retried here or by the SDK: who calls decides, because a repeated create is paid twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import orjson
from google import genai
from google.genai import errors as sdk_errors
from google.genai import types

from batch.errors import ApiError
from gemini.api_version import ApiVersion
from gemini.connection import Connection, tls_context
from gemini.error_mapping import to_api_error
from gemini.transfer import FileTransfer, UploadSource

GOOGLE_API_URL = "https://generativelanguage.googleapis.com/"
PAGE_SIZE = 100
MAX_PAGES = 10_000
JSONL_MIME_TYPE = "application/jsonl"

Json = dict[str, Any]


class GeminiClient:
    """All that the product asks of the API under one key. Thread-safe. Every failure is an ApiError without the key."""

    def __init__(self, key: str, base_url: str = "", timeout_seconds: float = 60.0, api_version: str = "") -> None:
        self.base_url = base_url or GOOGLE_API_URL
        self.timeout_seconds = timeout_seconds
        self._key = key
        self._told_time: tuple[datetime, float] | None = None  # the service's clock, and ours that nobody turns, then
        self._lock = threading.Lock()
        self._connection = Connection(self.base_url, timeout_seconds)
        self._sdk = genai.Client(
            vertexai=False,
            api_key=key,
            http_options=types.HttpOptions(
                base_url=self.base_url,
                timeout=round(timeout_seconds * 1000),
                httpx_client=self._connection,
                client_args={"verify": tls_context()},  # else each client reads all certificates anew, unused
                async_client_args={"verify": tls_context(), "ssl": tls_context()},
            ),
        )
        self._version = ApiVersion(api_version)
        self._transfer = FileTransfer(key, self.base_url, timeout_seconds)

    def shut(self) -> None:
        """Let go of the key: every later call is an ApiError, in whichever thread."""
        self._connection.shut()
        self._transfer.shut()

    # -- time --------------------------------------------------------------------------------------------------

    def server_now(self) -> datetime:
        """The service's clock, from the Date header of its last reply; this machine's before the first.

        Between replies it goes on whatever becomes of this machine's clock.
        """
        with self._lock:
            if self._told_time is None:
                return datetime.now(UTC)
            told, then = self._told_time
            return told + timedelta(seconds=time.monotonic() - then)

    # -- batch jobs --------------------------------------------------------------------------------------------

    def create_batch(self, model: str, batch: Json, method: str = "batchGenerateContent") -> Json:
        """Create a batch job and return its operation. NOT idempotent at the service: send only after a look.

        `method` is the one that the kind of request has for it.
        """
        return self._call("post", f"models/{model}:{method}", {"batch": batch})

    def get_batch(self, name: str) -> Json:
        """The operation as JSON: metadata with state and batchStats, output, error."""
        return self._call("get", name)

    def list_batches(self) -> Iterator[Json]:
        """Every batch job under this key, newest first as the service lists them, over all pages."""
        return self._pages("batches", "operations")

    def cancel_batch(self, name: str) -> None:
        self._call("post", f"{name}:cancel")

    # -- files -------------------------------------------------------------------------------------------------

    def upload_file(self, source: Path | UploadSource, display_name: str, mime_type: str = JSONL_MIME_TYPE) -> Json:
        """Upload in chunks, streaming from disk, and return the file resource.

        Raises ApiError, ambiguous, where the file may have arrived although no reply says so.
        """
        with self._translate_errors():
            return self._version.call(lambda v: self._transfer.upload(v, source, display_name, mime_type))

    def get_file(self, name: str) -> Json:
        return self._call("get", name)

    def list_files(self) -> Iterator[Json]:
        return self._pages("files", "files")

    def delete_file(self, name: str) -> None:
        self._call("delete", name)

    def download_file(self, name: str, to: Path) -> None:
        """Stream a generated file to disk, going on where a broken connection left off."""
        with self._translate_errors():
            self._version.call(lambda v: self._transfer.download(v, name, to))

    # -- cached contents ---------------------------------------------------------------------------------------

    def create_cache(self, body: Json) -> Json:
        """Create a cached content from `{model, contents, systemInstruction, tools, ttl, displayName, …}`."""
        return self._call("post", "cachedContents", body)

    def list_caches(self) -> Iterator[Json]:
        return self._pages("cachedContents", "cachedContents")

    def get_cache(self, name: str) -> Json:
        return self._call("get", name)

    def update_cache(self, name: str, ttl_seconds: float) -> Json:
        """Set a new life from now; an expired cache cannot be revived."""
        return self._call("patch", name, {"ttl": f"{max(1, round(ttl_seconds))}s"})

    def delete_cache(self, name: str) -> None:
        self._call("delete", name)

    # -- models and tokens -------------------------------------------------------------------------------------

    def list_models(self) -> Iterator[Json]:
        return self._pages("models", "models")

    def count_tokens(self, model: str, contents: list[Json], **extra_fields: Json | list[Json]) -> int:
        """Tokens of `contents` as the service counts them; free of token charges.

        `extra_fields`: tools and the like, which need the longer form of the call.
        """
        full_body = {"generateContentRequest": {"model": f"models/{model}", "contents": contents, **extra_fields}}
        body = full_body if extra_fields else {"contents": contents}
        return int(self._call("post", f"models/{model}:countTokens", body).get("totalTokens", 0))

    def generate(self, model: str, request: Json, method: str = "generateContent") -> Json:
        """One interactive answer at the standard price. `method` is the one that the kind of request has for it."""
        return self._call("post", f"models/{model}:{method}", request)

    # -- the wire ----------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        with self._translate_errors():
            # Private in the SDK, pinned in requirements.txt and held by tests/gemini/test_client.py: the only way
            # to the whole JSON through the SDK's own client.
            response = self._version.call(
                lambda version: self._sdk._api_client.request(
                    method, path, dict(body or {}), types.HttpOptions(api_version=version)
                )
            )
        self._set_clock(response.headers or {})
        text = response.body or "{}"
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ApiError("The reply could not be read as JSON.", reason="MALFORMED", ambiguous=True) from error
        if not isinstance(parsed, dict):
            raise ApiError("The reply has an unknown form.", reason="MALFORMED", ambiguous=True)
        return parsed

    def _pages(self, path: str, field: str) -> Iterator[Json]:
        token = ""
        for _ in range(MAX_PAGES):
            query = {"pageSize": str(PAGE_SIZE), **({"pageToken": token} if token else {})}
            page = self._call("get", f"{path}?{urlencode(query)}")
            yield from page.get(field) or []
            token = page.get("nextPageToken") or ""
            if not token:
                return
        raise ApiError("The list does not end.", reason="MALFORMED")

    def _set_clock(self, headers: Any) -> None:
        date_header = next((value for name, value in headers.items() if name.lower() == "date"), "")
        try:
            now = datetime.now(UTC)
            skew = parsedate_to_datetime(date_header) - now
        except (ValueError, TypeError):
            return
        with self._lock:  # the header has whole seconds: below that, trust this machine
            self._told_time = now + skew if abs(skew) > timedelta(seconds=1.5) else now, time.monotonic()

    def _translate_errors(self) -> _ErrorTranslation:
        return _ErrorTranslation(self._key)


class _ErrorTranslation:
    """Turns what the SDK and its HTTP client raise into ApiError, with the key taken out."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sdk_errors.APIError | httpx2.HTTPError | httpx2.StreamError | KeyError | ValueError):
            raise to_api_error(error, self._key) from None
