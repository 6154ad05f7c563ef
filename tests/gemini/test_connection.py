"""The key goes to one place, and no reply is larger than what was allowed for."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from batch.errors import ApiError
from gemini import connection, transfer
from gemini.client import GeminiClient
from gemini.connection import tls_context

KEY = "made-up-key-of-the-redirect-tests"
ROOT = Path(__file__).parents[2]
STATUSES = (301, 302, 303, 307, 308)
ELSEWHERE = (
    "http://127.0.0.1:{other}/v1/models",
    "http://localhost:{own}/v1/models",
    "https://127.0.0.1:{own}/v1/models",
    "//127.0.0.1:{other}/v1/models",
    "http://127.0.0.1:{own}@127.0.0.1:{other}/v1/models",
    "ftp://127.0.0.1:{own}/v1/models",
    "http:///v1/models:{other}",
    "http://[",
)


class Server(ThreadingHTTPServer):
    """Answers as `answer(handler)` says, and remembers which paths were called and with what key."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[tuple[str, str]] = []
        self.answer: Callable[[Handler], tuple[int, dict[str, str], bytes]] = lambda handler: (200, {}, b"{}")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def answer_call(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.calls.append((self.path, self.headers.get("x-goog-api-key", "")))
        status, headers, body = self.server.answer(self)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = answer_call

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    with serving() as one, serving() as other:
        yield one, other


@pytest.fixture
def service(servers: tuple[Server, Server]) -> Server:
    for server in servers:
        server.calls.clear()
        server.answer = lambda handler: (200, {}, b"{}")
    return servers[0]


@pytest.fixture
def client(service: Server) -> GeminiClient:
    return GeminiClient(KEY, service.base_url, timeout_seconds=5, api_version="v1")


def calls_of(client: GeminiClient, folder: Path) -> dict[str, Callable[[], object]]:
    """Every way in which anything is sent: by the SDK, and by the transfer of files."""
    source = folder / "source.jsonl"
    source.write_bytes(b"{}\n")
    return {
        "get": lambda: client.get_batch("batches/1"),
        "create": lambda: client.create_batch("some-model", {}),
        "list": lambda: list(client.list_models()),
        "update": lambda: client.update_cache("cachedContents/1", 60),
        "delete": lambda: client.delete_file("files/1"),
        "upload": lambda: client.upload_file(source, "name"),
        "download": lambda: client.download_file("files/1", folder / "got.jsonl"),
    }


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("location", ELSEWHERE)
def test_no_call_follows_a_redirect_to_another_place(
    servers: tuple[Server, Server], client: GeminiClient, tmp_path: Path, status: int, location: str
) -> None:
    """Whatever is called: one call arrives, nothing at the other place, and the error does not hold the key."""
    service, other = servers
    target = location.format(own=service.server_address[1], other=other.server_address[1])
    service.answer = lambda handler: (status, {"Location": target}, b"")
    for name, call in calls_of(client, tmp_path).items():
        service.calls.clear()
        with pytest.raises(ApiError) as caught:
            call()
        assert (name, len(service.calls), other.calls) == (name, 1, [])
        assert KEY not in caught.value.describe()
        assert caught.value.reason == "REDIRECT"
        assert caught.value.ambiguous is (name in ("create", "update", "delete", "upload"))


def test_a_redirect_within_the_same_place_is_followed(service: Server, client: GeminiClient) -> None:
    def answer(handler: Handler) -> tuple[int, dict[str, str], bytes]:
        if handler.path == "/there":
            return 200, {}, b'{"name": "batches/1"}'
        return 307, {"Location": "/there"}, b""

    service.answer = answer
    assert client.get_batch("batches/1") == {"name": "batches/1"}
    assert service.calls[-1] == ("/there", KEY)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_create_never_becomes_a_look(service: Server, client: GeminiClient, status: int) -> None:
    """These statuses turn a POST into a GET: what comes back then is no answer to the create."""
    service.answer = lambda handler: (status, {"Location": "/v1/batches"}, b"")
    with pytest.raises(ApiError) as caught:
        client.create_batch("some-model", {})
    assert caught.value.ambiguous and len(service.calls) == 1


def test_a_circle_of_redirects_ends(service: Server, client: GeminiClient) -> None:
    service.answer = lambda handler: (302, {"Location": handler.path}, b"")
    with pytest.raises(ApiError):
        client.get_batch("batches/1")
    assert len(service.calls) == connection.MOST_REDIRECTS + 1


def test_an_upload_goes_on_where_the_others_go(
    servers: tuple[Server, Server], client: GeminiClient, tmp_path: Path
) -> None:
    """The address for the bytes of a file is the service's to say, but for its scheme, host and port."""
    service, other = servers
    elsewhere = {"x-goog-upload-url": f"{other.base_url}/upload/1", "x-goog-upload-status": "final"}
    service.answer = lambda handler: (200, elsewhere, b'{"file": {"name": "files/1"}}')
    assert calls_of(client, tmp_path)["upload"]() == {"name": "files/1"}
    assert [path for path, _ in service.calls] == ["/upload/v1/files", "/upload/1"] and other.calls == []


def packed(how: str, size: int) -> tuple[dict[str, str], bytes]:
    """A body of spaces that unpacks to `size` bytes of JSON, with its header."""
    body = b"{}" + b" " * (size - 2)
    for encoding in how.split(", "):
        body = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[encoding](body)
    return {"Content-Encoding": how}, body


@pytest.mark.parametrize("how", ["identity", "gzip", "deflate", "gzip, gzip"])
@pytest.mark.parametrize("name", ["get", "create", "list"])
@pytest.mark.parametrize("status", [200, 503])
def test_replies_are_capped_by_what_they_unpack_to(
    service: Server, client: GeminiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, name: str,
    status: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(connection, "MOST_REPLY_BYTES", 2_000_000)
    monkeypatch.setattr(connection, "MOST_BATCH_BYTES", 3_000_000)
    limit = 3_000_000 if name == "get" else 2_000_000
    call = calls_of(client, tmp_path)[name]
    service.answer = lambda handler: (status, *packed(how, limit + 1))
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.reason == "TOO_LARGE" and caught.value.ambiguous
    if status == 200:
        service.answer = lambda handler: (200, *packed(how, limit))
        call()


def test_a_bomb_is_left_before_it_is_unpacked(
    service: Server, client: GeminiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of a body never exceeds the limit by more than one piece."""
    largest = 0

    class Watched(io.BytesIO):
        def write(self, piece: Any) -> int:
            nonlocal largest
            largest = max(largest, self.tell() + len(piece))
            return super().write(piece)

    monkeypatch.setattr("gemini.connection.io.BytesIO", Watched)
    monkeypatch.setattr(connection, "MOST_BATCH_BYTES", 1_000_000)
    bomb = packed("gzip, gzip", 50_000_000)
    assert len(bomb[1]) < 2_000
    service.answer = lambda handler: (200, *bomb)
    with pytest.raises(ApiError):
        client.get_batch("batches/1")
    assert 1_000_000 < largest < 3_000_000


@pytest.mark.parametrize("how", ["gzip", "deflate", "br", "gzip, gzip"])
def test_a_packed_file_is_not_taken(service: Server, client: GeminiClient, tmp_path: Path, how: str) -> None:
    """Its pieces are asked for by position, and packed its size could be anything."""
    service.answer = lambda handler: (200, {"Content-Encoding": how}, gzip.compress(b" " * 1000))
    with pytest.raises(ApiError, match="packed"):
        client.download_file("files/1", tmp_path / "got.jsonl")
    assert len(service.calls) == 1


def test_a_file_that_does_not_end_is_left(
    service: Server, client: GeminiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_DOWNLOAD_BYTES", 1_000)
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.001)
    service.answer = lambda handler: (200, {}, b" " * 1_001)
    with pytest.raises(ApiError) as caught:
        client.download_file("files/1", tmp_path / "got.jsonl")
    assert caught.value.reason == "TOO_LARGE" and len(service.calls) == 1
    service.answer = lambda handler: (200, {}, b" " * 1_000)
    client.download_file("files/1", tmp_path / "got.jsonl")


def test_a_large_reply_of_an_error_is_not_read_while_downloading(
    service: Server, client: GeminiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_REPLY_BYTES", 1_000_000)
    service.answer = lambda handler: (404, *packed("gzip", 1_000_001))
    with pytest.raises(ApiError) as caught:
        client.download_file("files/1", tmp_path / "got.jsonl")
    assert caught.value.reason == "TOO_LARGE"


def test_certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would read them for each client, three times."""
    tls_context()
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *_, **__: pytest.fail("read again"))
    monkeypatch.setattr("ssl.SSLContext.set_default_verify_paths", lambda *_, **__: pytest.fail("read again"))
    monkeypatch.setattr("httpx2.create_ssl_context", lambda *_, **__: pytest.fail("made again"))
    GeminiClient(KEY)


def test_a_proxy_of_the_environment_is_used(service: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", service.base_url)
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    service.answer = lambda handler: (200, {}, b'{"name": "batches/1"}')
    client = GeminiClient(KEY, "http://gemini.invalid", api_version="v1")
    assert client.get_batch("batches/1") == {"name": "batches/1"}
    assert service.calls == [("http://gemini.invalid/v1/batches/1", KEY)]


def test_a_connection_that_is_still_there_at_the_end_says_nothing() -> None:
    """A program that ends prints no complaint about what is already gone by then."""
    script = "from gemini.client import GeminiClient; import sys; sys.kept = [GeminiClient('made-up-key')]"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
