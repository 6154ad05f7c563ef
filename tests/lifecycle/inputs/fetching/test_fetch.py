"""Files are fetched within their limits, and what goes wrong is told in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lifecycle.inputs.fetching.addresses import Unfetchable
from lifecycle.inputs.fetching.fetch import Fetcher

HERE = Fetcher(most_bytes=1000, seconds=30.0, pause=0.0, judge=lambda address: True)


class Server(BaseHTTPRequestHandler):
    """Answers by its path."""

    seen: list[str] = []  # noqa: RUF012  # of all requests to the server of one test
    release = threading.Event()

    def do_GET(self) -> None:
        self.seen.append(self.path)
        name = self.path.partition("?")[0]
        if name == "/moved":
            self.reply(302, Location="/file?from=moved")
        elif name == "/round":
            self.reply(302, Location="/round")
        elif name == "/away":
            self.reply(302, Location="ftp://elsewhere/x")
        elif name == "/busy" and len(self.seen) == 1:
            self.reply(503)
        elif name == "/large":
            self.reply(200, bytes(5000))
        elif name == "/endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                self.wfile.write(bytes(100))
        elif name == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "500")
            self.end_headers()
            self.wfile.write(b"half")
        elif name == "/slow":
            self.release.wait(60)
        elif name == "/missing":
            self.reply(404)
        else:
            self.reply(200, b"content")

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for header, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Server.seen = []
    Server.release.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        Server.release.set()
        running.shutdown()


@pytest.mark.parametrize("path", ["/file", "/moved", "/busy"])
def test_a_file_is_fetched_where_it_is_and_where_it_has_moved_to(server: str, tmp_path: Path, path: str) -> None:
    HERE.fetch(server + path, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", "is not there: its server answered 404"),
        ("/round", "redirected too often"),
        ("/away", "no address of the form"),
        ("/large", "larger than 0 MB"),
        ("/endless", "larger than 0 MB"),
        ("/short", "cannot be reached"),
    ],
)
def test_what_cannot_be_fetched_is_told(server: str, tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(Unfetchable, match=words) as caught:
        HERE.fetch(server + path, tmp_path / "a")
    assert caught.value.remedy


def test_a_server_that_does_not_answer_is_left_at_the_deadline(server: str, tmp_path: Path) -> None:
    with pytest.raises(Unfetchable, match="takes longer than"):
        replace(HERE, seconds=0.5).fetch(server + "/slow", tmp_path / "a")


def test_every_redirect_is_judged_anew(server: str, tmp_path: Path) -> None:
    judged: list[bool] = []

    def only_the_first(address: object) -> bool:
        judged.append(not judged)
        return judged[-1]

    with pytest.raises(Unfetchable, match="private address"):
        replace(HERE, judge=only_the_first).fetch(server + "/moved", tmp_path / "a")
    assert judged == [True, False] and Server.seen == ["/moved"]


def test_this_computer_is_not_fetched_from(server: str, tmp_path: Path) -> None:
    with pytest.raises(Unfetchable, match="private address"):
        Fetcher().fetch(server + "/file", tmp_path / "a")
    assert Server.seen == []
