"""Every fault on every route: what is claimed, what is lost, and whether the deed was done, by the ledger."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from emulator.http import routes
from tests.emulator_api import MODEL, ApiClient, Json, contents, row
from tests.emulator_process import EmulatorProcess
from tests.patience import PATIENCE_SECONDS

EMBED = "models/gemini-embedding-001"
ROW = {"request": {"contents": contents("x")}}
ASKED = {"contents": contents("Tell me")}
THOUGHT = {"content": {"parts": [{"text": "a"}]}}


@dataclass
class Asking:
    """One valid call. A path begins with / where it has no version."""

    path: str
    body: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def batch(rows: list[Json]) -> Json:
    return {"batch": {"displayName": "x", "inputConfig": {"requests": {"requests": rows}}}}


def start(api: ApiClient) -> Asking:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    return Asking("/upload/v1beta/files", {"file": {}}, headers=headers)


def chunk(api: ApiClient) -> Asking:
    url = api.start_upload(400).headers["x-goog-upload-url"].removeprefix(api.emulator.base_url)
    headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    return Asking(url, content=b"x" * 400, headers=headers)


def file(api: ApiClient) -> str:
    return str(api.upload(b"x")["name"])


def result(api: ApiClient) -> str:
    return str(api.finish_job(api.file_batch([row("a")]))["metadata"]["output"]["responsesFile"])


def job(api: ApiClient) -> str:
    api.emulator.settings(pace=1000)
    return api.inline_batch([ROW])


CALLS: dict[str, Callable[[ApiClient], Asking]] = {
    "POST /upload/files": start,
    "POST /upload/files?upload_id": chunk,
    "GET /files": lambda api: Asking("files"),
    "GET /files/{id}:download": lambda api: Asking(f"{result(api)}:download?alt=media"),
    "GET /download/files/{id}:download": lambda api: Asking(f"/download/v1beta/{result(api)}:download?alt=media"),
    "GET /files/{id}": lambda api: Asking(file(api)),
    "DELETE /files/{id}": lambda api: Asking(file(api)),
    "POST /models/{model}:batchGenerateContent": lambda _: Asking(f"models/{MODEL}:batchGenerateContent", batch([ROW])),
    "POST /models/{model}:asyncBatchEmbedContent": lambda api: Asking(
        f"{EMBED}:asyncBatchEmbedContent", batch([{"request": THOUGHT}])
    ),
    "GET /batches": lambda api: Asking("batches"),
    "GET /batches/{id}": lambda api: Asking(job(api)),
    "POST /batches/{id}:cancel": lambda api: Asking(f"{job(api)}:cancel"),
    "DELETE /batches/{id}": lambda api: Asking(job(api)),
    "POST /cachedContents": lambda _: Asking(
        "cachedContents", {"model": f"models/{MODEL}", "contents": contents("word " * 1500)}
    ),
    "GET /cachedContents": lambda api: Asking("cachedContents"),
    "GET /cachedContents/{id}": lambda api: Asking(api.create_cache()["name"]),
    "PATCH /cachedContents/{id}": lambda api: Asking(api.create_cache()["name"], {"ttl": "9000s"}),
    "DELETE /cachedContents/{id}": lambda api: Asking(api.create_cache()["name"]),
    "POST /models/{model}:generateContent": lambda _: Asking(f"models/{MODEL}:generateContent", ASKED),
    "POST /models/{model}:streamGenerateContent": lambda _: Asking(
        f"models/{MODEL}:streamGenerateContent?alt=sse", ASKED
    ),
    "POST /models/{model}:countTokens": lambda _: Asking(f"models/{MODEL}:countTokens", ASKED),
    "POST /models/{model}:embedContent": lambda _: Asking(f"{EMBED}:embedContent", THOUGHT),
    "POST /models/{model}:batchEmbedContents": lambda _: Asking(f"{EMBED}:batchEmbedContents", {"requests": [THOUGHT]}),
    "GET /models": lambda _: Asking("models"),
    "GET /tunedModels": lambda _: Asking("tunedModels"),
    "GET /models/{model}": lambda _: Asking(f"models/{MODEL}"),
}
ACTS = ("status", "status_after", "drop_before", "drop_after", "truncate", "malformed", "delay", "hang")
NOT_DONE = ("status", "drop_before", "hang")
CHUNK = "POST /upload/files?upload_id"
HARMLESS = ("POST /upload/files", "POST /models/{model}:countTokens")


def deeds(emulator: EmulatorProcess) -> Json:
    """What the ledger knows that a call can change."""
    ledger = emulator.ledger()
    for cache in ledger["cached_contents"]:
        del cache["token_hours"]  # grows by itself
    return {name: ledger[name] for name in ("batch_jobs", "cached_contents", "files", "usage")}


def send(api: ApiClient, method: str, asking: Asking, timeout: float = PATIENCE_SECONDS) -> httpx.Response | Exception:
    path = asking.path if asking.path.startswith("/") else f"/v1beta/{asking.path}"
    sent: Json = {"content": asking.content} if asking.content else {"json": asking.body}
    try:
        return api.http.request(method, path, headers=asking.headers, timeout=timeout, **sent)
    except httpx.TransportError as lost:
        return lost


def test_no_route_is_left_out() -> None:
    assert set(CALLS) == {route.name for route in (*routes.ROUTES, routes.UPLOAD_CHUNK)}


@pytest.mark.parametrize("do", ACTS)
@pytest.mark.parametrize("name", CALLS)
def test_a_fault_does_what_it_says(api: ApiClient, emulator: EmulatorProcess, name: str, do: str) -> None:
    asking, method = CALLS[name](api), name.split()[0]
    before = deeds(emulator)
    emulator.faults([{"route": ".*", "do": do, "bytes": 1, "seconds": 0.01}])
    got = send(api, method, asking, 0.1 if do == "hang" else 30)
    after = deeds(emulator)
    if do in ("status", "status_after"):
        assert isinstance(got, httpx.Response)
        assert (got.status_code, got.json()["error"]["status"]) == (503, "UNAVAILABLE")
    elif do == "malformed":
        assert isinstance(got, httpx.Response)
        assert (got.status_code, got.content) == (200, b'{"name": "')
    elif do == "delay":
        assert isinstance(got, httpx.Response)
        assert got.status_code == 200
    else:
        assert isinstance(got, httpx.ReadTimeout if do == "hang" else (httpx.RemoteProtocolError, httpx.NetworkError))
    cut_on_its_way_in = do == "truncate" and name == CHUNK
    done = do not in NOT_DONE and not (name in HARMLESS or name.startswith("GET ")) and not cut_on_its_way_in
    assert (after != before) == done
    if not done and not cut_on_its_way_in:
        again = send(api, method, asking)
        assert isinstance(again, httpx.Response)
        assert again.status_code == 200
