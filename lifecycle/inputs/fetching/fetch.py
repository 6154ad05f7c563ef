"""Fetches one file over HTTP, within limits of size, time and redirects, from an address that was judged before."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from lifecycle.inputs.fetching.addresses import Judge, Target, Unfetchable, is_public, locate

PIECE_BYTES = 1 << 18
_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_GONE = {401: "needs a login", 403: "may not be read", 404: "is not there", 410: "is gone"}
_HEADERS = {"User-Agent": "gemini-batch-runner", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
_TRY_LATER = "Try again later, or put the file itself in the input."


@dataclass(frozen=True)
class Fetcher:
    """Fetches files. `most_bytes` of one, `seconds` for one with all its redirects, `tries` where it may go better."""

    most_bytes: int = 100_000_000
    seconds: float = 60.0
    redirects: int = 5
    tries: int = 2
    pause: float = 1.0
    judge: Judge = is_public

    def fetch(self, url: str, target: Path) -> None:
        """Write the file at a URL to a path. Raises Unfetchable."""
        for last in [False] * (self.tries - 1) + [True]:
            try:
                return self._follow(url, target)
            except Unfetchable as error:
                if last or not error.transient:
                    raise
                time.sleep(self.pause)
        return None

    def _follow(self, url: str, target: Path) -> None:
        deadline = time.monotonic() + self.seconds
        for _ in range(self.redirects + 1):
            following = self._get(locate(url, self.judge), target, deadline)
            if not following:
                return
            url, before = urljoin(url, following), url
            if urlsplit(before).scheme == "https" and urlsplit(url).scheme != "https":
                raise Unfetchable("is redirected to an address that is not safe", "Give that address, if it is right.")
        raise Unfetchable("is redirected too often", "Give the address where it ends.")

    def _get(self, where: Target, target: Path, deadline: float) -> str:
        """Write what is there, or return where it has moved."""
        try:
            with _connection(where, deadline) as connection:
                connection.request("GET", where.path, headers=_HEADERS)
                with connection.getresponse() as reply:
                    if reply.status in _REDIRECTS and (location := reply.headers.get("Location")):
                        return location
                    if reply.status != 200:
                        raise _refusal(reply.status)
                    self._save(reply, target, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if time.monotonic() >= deadline:
                raise Unfetchable(f"takes longer than {self.seconds:.0f} seconds", _TRY_LATER) from None
            if isinstance(error, ssl.SSLCertVerificationError):
                raise Unfetchable("has a certificate that is not valid", "Check the address.") from None
            raise Unfetchable("cannot be reached", _TRY_LATER, transient=True) from None
        return ""

    def _save(self, reply: http.client.HTTPResponse, target: Path, deadline: float) -> None:
        too_large = Unfetchable(f"is larger than {self.most_bytes / 1e6:,.0f} MB", "Put the file itself in the input.")
        if (reply.length or 0) > self.most_bytes:
            raise too_large
        size = 0
        with target.open("wb") as out:
            while piece := reply.read(PIECE_BYTES):
                size += len(piece)
                if size > self.most_bytes:
                    raise too_large
                if time.monotonic() > deadline:
                    raise TimeoutError
                out.write(piece)
        if reply.length:
            raise http.client.IncompleteRead(b"", reply.length)


@contextmanager
def _connection(where: Target, deadline: float) -> Iterator[http.client.HTTPConnection]:
    """Connected to the judged address, whatever the name means by now; cut off at the deadline."""
    seconds = max(0.01, deadline - time.monotonic())
    plain = socket.create_connection((where.address, where.port), timeout=seconds)
    with closing(plain):
        watch = threading.Timer(seconds, _cut_off, [plain])
        watch.daemon = True
        watch.start()
        try:
            secure = where.scheme == "https"
            stream = ssl.create_default_context().wrap_socket(plain, server_hostname=where.host) if secure else plain
            with closing(stream):
                connection = http.client.HTTPConnection(where.host, where.port)
                connection.sock = stream
                yield connection
        finally:
            watch.cancel()


def _cut_off(stream: socket.socket) -> None:
    with suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)


def _refusal(status: int) -> Unfetchable:
    words = _GONE.get(status, "cannot be had now" if status in _TRANSIENT else "cannot be had")
    remedy = _TRY_LATER if status in _TRANSIENT else "Check the address, or whether it has expired."
    return Unfetchable(f"{words}: its server answered {status}", remedy, transient=status in _TRANSIENT)
