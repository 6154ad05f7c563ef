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

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
MOMENTS = ("before", "during", "after")


@dataclass
class Hold:
    """One call to be held: the n-th of a method on a route; before it is passed on, half sent, or after its effect."""

    method: str
    route: str
    moment: str
    nth: int = 1
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    seen: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Count a call that fits, and say whether it is the one."""
        if method != self.method or not re.search(self.route, path):
            return False
        self.seen += 1
        return self.seen == self.nth


class Gate:
    """A server on loopback in front of an emulator; a context manager."""

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind).netloc
        self.hold: Hold | None = None
        self.lock = threading.Lock()
        gate = self

        class Handler(_Handler):
            owner = gate

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Gate:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self.server.shutdown()
        self.server.server_close()

    def open(self) -> None:
        """Hold nothing any more."""
        hold, self.hold = self.hold, None
        if hold:
            hold.released.set()

    def held(self, method: str, path: str) -> Hold | None:
        with self.lock:
            return self.hold if self.hold and self.hold.meets(method, path) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error here."""


class _Handler(BaseHTTPRequestHandler):
    owner: Gate
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hold = self.owner.held(self.command, self.path)
        if hold and hold.moment == "before":
            return self._keep(hold)
        connection = HTTPConnection(self.owner.behind, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            if hold and hold.moment == "during":
                connection.send(body[: len(body) // 2])
                return self._keep(hold)
            connection.send(body)
            reply = connection.getresponse()
            content = reply.read()
        except OSError:
            self.close_connection = True
            return None
        finally:
            connection.close()
        if hold:
            return self._keep(hold)
        try:
            self.send_response_only(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # the client was killed
            self.close_connection = True
        return None

    do_GET = do_POST = do_DELETE = do_PATCH = _pass

    def _keep(self, hold: Hold) -> None:
        hold.reached.set()
        hold.released.wait(60)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
