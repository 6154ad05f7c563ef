"""A gate between a client and the emulator: it passes every call on, and can hold one, before or after its effect.

So a process can be killed at a chosen point of its conversation, with nothing in the product to help.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.patience import PATIENCE_SECONDS

HOP_BY_HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length"}
MOMENTS = ("before", "during", "after")


@dataclass
class HeldCall:
    """One call to be held: the n-th of a method on a route; before it is passed on, half sent, or after its effect.

    Once released its connection is closed; one that `answers`, held after its effect, passes the reply on.
    """

    method: str
    route: str
    moment: str
    nth: int = 1
    answers: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    seen: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Count a call that fits, and say whether it is the one."""
        if method != self.method or not re.search(self.route, path):
            return False
        self.seen += 1
        return self.seen == self.nth


class HoldingProxy:
    """A server on loopback in front of an emulator; a context manager."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.held_call: HeldCall | None = None
        self.lock = threading.Lock()
        this_proxy = self

        class Handler(_Handler):
            proxy = this_proxy

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> HoldingProxy:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.server.shutdown()
        self.server.server_close()

    def release(self) -> None:
        """Hold nothing any more."""
        held_call, self.held_call = self.held_call, None
        if held_call:
            held_call.released.set()

    def match_held_call(self, method: str, path: str) -> HeldCall | None:
        with self.lock:
            return self.held_call if self.held_call and self.held_call.matches(method, path) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error here."""


class _Handler(BaseHTTPRequestHandler):
    proxy: HoldingProxy
    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        held_call = self.proxy.match_held_call(self.command, self.path)
        if held_call and held_call.moment == "before":
            return self._hold(held_call)
        connection = HTTPConnection(self.proxy.upstream, timeout=PATIENCE_SECONDS)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            if held_call and held_call.moment == "during":
                connection.send(body[: len(body) // 2])
                return self._hold(held_call)
            connection.send(body)
            reply = connection.getresponse()
            content = reply.read()
        except OSError:
            self.close_connection = True
            return None
        finally:
            connection.close()
        if held_call:
            self._hold(held_call)
            if not held_call.answers:
                return None
        try:
            self.send_response_only(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in HOP_BY_HOP_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # the client was killed
            self.close_connection = True
        return None

    do_GET = do_POST = do_DELETE = do_PATCH = _forward

    def _hold(self, held_call: HeldCall) -> None:
        held_call.reached.set()
        held_call.released.wait(PATIENCE_SECONDS)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
