"""One way to the service for all that is sent with a key: it goes to one place, and reads within limits.

The key is in the headers of every call. No redirect to another scheme, host or port is followed, whoever calls, the
SDK included; a reply is read up to a limit, counted after unpacking, because a small packed one may unpack to anything.
"""

from __future__ import annotations

import io
import os
import ssl
import weakref
from contextlib import suppress
from functools import cache
from typing import Any

import httpx2

from batch.errors import ApiError

MOST_REPLY_BYTES = 64_000_000  # a model's answer with its pictures, and any page of a list
MOST_BATCH_BYTES = 512_000_000  # a job, or a page of them, carries the answers of inline requests in it
MOST_DOWNLOAD_BYTES = 8_000_000_000  # four times the largest input
MOST_REDIRECTS = 3  # within the same place
_PORTS = {"http": 80, "https": 443}
_FRAMING = ("content-encoding", "content-length", "transfer-encoding")  # of a body that has been unpacked


class Connection(httpx2.Client):
    """An HTTP client bound to the scheme, host and port of its base URL. Proxies of the environment are used."""

    def __init__(self, base_url: str, timeout_seconds: float, *, keep_alive: bool = True, **options: Any) -> None:
        limits = httpx2.Limits() if keep_alive else httpx2.Limits(max_keepalive_connections=0)
        super().__init__(verify=tls_context(), timeout=timeout_seconds, limits=limits, **options)
        self._origin = _origin(httpx2.URL(base_url))
        self._is_shut = False
        transports = [transport for transport in (self._transport, *self._mounts.values()) if transport is not None]
        # At the end of the process the sockets go with it: by then names are gone that closing them needs.
        weakref.finalize(self, _close_all, transports).atexit = False

    def shut(self) -> None:
        """Send nothing any more: the key was forgotten. A call under way ends as it may."""
        self._is_shut = True

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request and read its reply within the limit of its kind; a streamed one that succeeded is not read.

        Raises ApiError for what is not followed or not read, and what HTTP raises.
        """
        if self._is_shut:
            raise ApiError("The key was forgotten while it was in use.", "Enter it again.", reason="KEY_FORGOTTEN")
        response = self._follow(request, options | {"follow_redirects": False, "stream": True})
        if stream and response.is_success:
            return response
        return read_within(response, _limit(request.url))

    def _follow(self, request: httpx2.Request, options: dict[str, Any]) -> httpx2.Response:
        """The reply at the end of redirects. One that would turn a POST into a GET asks for something else."""
        method, following = request.method, request
        for _ in range(MOST_REDIRECTS + 1):
            if _origin(following.url) != self._origin:
                break
            response = super().send(following, **options)
            if not response.has_redirect_location:
                return response
            response.close()
            if response.next_request is None or response.next_request.method != method:
                break
            following = response.next_request
        raise ApiError(
            "The service sent the call on to another address. The key is not sent there.",
            "Check the address of the API, and whether the network wants a login first.",
            reason="REDIRECT",
            ambiguous=method not in ("GET", "HEAD"),
        )


def _close_all(transports: list[httpx2.BaseTransport]) -> None:
    """Close the sockets of a connection that nobody uses any more."""
    for transport in transports:
        with suppress(Exception):
            transport.close()


@cache
def tls_context() -> ssl.SSLContext:
    """The certificates that are trusted, loaded once per process: that takes tens of milliseconds, for each client.

    As the SDK chooses them: the environment's file or folder, else those of the operating system.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return ssl.create_default_context(cafile=file, capath=folder) if file or folder else httpx2.create_ssl_context()


def read_within(response: httpx2.Response, limit: int) -> httpx2.Response:
    """The response with its body read and unpacked. Raises ApiError as soon as that is larger than the limit."""
    body = io.BytesIO()
    try:
        for piece in response.iter_bytes():
            body.write(piece)
            if body.tell() > limit:
                raise too_large(limit)
    finally:
        response.close()
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _FRAMING]
    phrase = {name: value for name, value in response.extensions.items() if name == "reason_phrase"}
    return httpx2.Response(
        response.status_code, headers=headers, content=body.getvalue(), request=response.request, extensions=phrase
    )


def too_large(limit: int) -> ApiError:
    """The error of a reply that is not read to its end."""
    return ApiError(
        f"The reply is larger than {limit / 1e6:,.0f} MB, and is not read.",
        "Check the address of the API, if you have set one.",
        reason="TOO_LARGE",
        ambiguous=True,
    )


def _limit(url: httpx2.URL) -> int:
    return MOST_BATCH_BYTES if "/batches" in url.path else MOST_REPLY_BYTES


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)
