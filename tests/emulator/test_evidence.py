"""Exchanges that were recorded or reported of the real service, asked again: same status, same fields, same types.

`golden/evidence.json` has what each answer was, in our own words and shapes, with its origin.
"""

import hashlib
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.wire_shapes import differences, read_golden
from tests.emulator_api import MODEL, ApiClient, Json, contents, jsonl, row

GOLDEN = read_golden("evidence")
PDF = b"%PDF-1.4\n" + b"<< /Type /Page >>\n"
Replay = Callable[[ApiClient], Any]


def _inline(metadata_key: str = "custom_id", count: int = 2) -> list[Json]:
    return [{"request": {"contents": contents("2 + 2?")}, "metadata": {metadata_key: str(i)}} for i in range(count)]


def _create_inline(api: ApiClient) -> Json:
    body = {"batch": {"displayName": "staged", "inputConfig": {"requests": {"requests": _inline()}}}}
    return api.post(f"models/{MODEL}:batchGenerateContent", body)


def inline_create(api: ApiClient) -> Any:
    return _create_inline(api)


def inline_running(api: ApiClient) -> Any:
    api.emulator.settings(pace=100, progress="stale")
    metadata = api.finish_job(_create_inline(api)["name"], 60)["metadata"]
    return {name: metadata[name] for name in ("batchStats", "state")}


def inline_row(api: ApiClient) -> Any:
    return api.results(api.finish_job(_create_inline(api)["name"]))[0]


def cache(api: ApiClient) -> Any:
    made = api.create_cache(1500)
    assert api.get(made["name"]) == made
    assert api.delete(made["name"]) == {}
    return made


def usage_with_cache(api: ApiClient) -> Any:
    made = api.create_cache(1500)
    usage = api.generate("And?", cachedContent=made["name"])["usageMetadata"]
    assert usage["promptTokenCount"] > usage["cachedContentTokenCount"] == made["usageMetadata"]["totalTokenCount"]
    assert api.patch(made["name"], {"ttl": "600s"})["updateTime"] > made["updateTime"]
    return usage


def count_tokens(api: ApiClient) -> Any:
    request = {"model": f"models/{MODEL}", "contents": contents("Hello"), "systemInstruction": contents("Be kind")[0]}
    request["tools"] = [{"functionDeclarations": [{"name": "weather", "description": "Of a place"}]}]
    return api.post(f"models/{MODEL}:countTokens", {"generateContentRequest": request})


def upload(api: ApiClient) -> Any:
    begun = api.start_upload(len(PDF), "application/pdf", displayName="sample.pdf")
    assert begun.headers["x-goog-upload-chunk-granularity"] == "8388608"
    answer: Json = api.send_chunk(begun.headers["x-goog-upload-url"], PDF, 0, "upload, finalize").json()
    assert b64decode(answer["file"]["sha256Hash"]).decode() == hashlib.sha256(PDF).hexdigest()
    return answer


def _pages(api: ApiClient, model: str, pages: int) -> Any:
    uri = api.upload(b"%PDF-1.4\n" + b"<< /Type /Page >>\n" * pages, "application/pdf")["uri"]
    part = {"fileData": {"fileUri": uri, "mimeType": "application/pdf"}}
    body = {"contents": [{"role": "user", "parts": [{"text": "Read"}, part]}]}
    details = api.post(f"models/{model}:generateContent", body)["usageMetadata"]["promptTokensDetails"]
    return sorted(details, key=lambda detail: detail["modality"] != "TEXT")


def page_on_2_5(api: ApiClient) -> Any:
    return _pages(api, MODEL, 1)


def pages_on_3(api: ApiClient) -> Any:
    return _pages(api, "gemini-3.1-pro-preview", 4)


def embeddings_usage(api: ApiClient) -> Any:
    model = "gemini-embedding-2"
    requests = [{"model": f"models/{model}", "content": contents("a few words")[0]}]
    return api.post(f"models/{model}:batchEmbedContents", {"requests": requests})["usageMetadata"]


def file_batch(api: ApiClient) -> Any:
    return api.finish_job(api.file_batch([row(str(i)) for i in range(9)], "gemini-3.5-flash-lite"))


def signed_parts(api: ApiClient) -> Any:
    results = api.run([row(f"{i}.png", f"Picture {i}") for i in range(12)], "gemini-3.5-flash-lite")
    parts = [result["response"]["candidates"][0]["content"]["parts"] for result in results]
    assert any(len(p) == 1 and p[0].keys() == {"text", "thoughtSignature"} for p in parts), "or beside the text"
    return next(p for p in parts if len(p) == 2)


def _embedded(api: ApiClient, count: int = 1) -> Json:
    rows = [{"request": {"content": contents("words")[0]}, "metadata": {"key": f"k{i}"}} for i in range(count)]
    method = "asyncBatchEmbedContent"
    return api.finish_job(api.create("gemini-embedding-2", {"requests": {"requests": rows}}, method=method))


def embedding_row(api: ApiClient) -> Any:
    return api.results(_embedded(api))[0]


def embedding_batch_type(api: ApiClient) -> Any:
    file = api.upload(jsonl([{"key": "a", "request": {"content": contents("words")[0]}}]))["name"]
    job = api.create("gemini-embedding-2", {"fileName": file}, method="asyncBatchEmbedContent")
    assert api.finish_job(job)["response"]["@type"].endswith(".EmbedContentBatchOutput")
    return _embedded(api)["response"]["@type"]


def stale_listing(api: ApiClient) -> Any:
    assert _embedded(api, 6)["metadata"]["batchStats"] == {"requestCount": "6", "successfulRequestCount": "6"}
    return api.get("batches")["operations"][0]


def _cancelled(api: ApiClient, seconds: float) -> Json:
    api.emulator.settings(pace=100)
    name = api.inline_batch(_inline("key", 1))
    api.emulator.clock(seconds)
    api.post(f"{name}:cancel")
    return api.finish_job(name, 7)


def cancelled_pending(api: ApiClient) -> Any:
    operation = _cancelled(api, 0)
    metadata = operation["metadata"]
    shown = {"state": metadata["state"], "batchStats": metadata["batchStats"]}
    return {"done": operation["done"], "error": operation["error"], **shown}


def cancelled_running(api: ApiClient) -> Any:
    operation = _cancelled(api, 50)
    metadata = operation["metadata"]
    shown = {"state": metadata["state"], "batchStats": metadata["batchStats"]}
    return {"done": operation["done"], "rows": api.results(operation), **shown}


def row_stopped_by_the_service(api: ApiClient) -> Any:
    (result,) = api.run([row("a", "[[emulate: error:1]]")])
    return result


def _refused(account: str) -> Replay:
    def refused(api: ApiClient) -> Any:
        api.emulator.settings(account=account)
        status, answer = api.call("POST", f"models/{MODEL}:generateContent", {"contents": contents("x")})
        assert status == answer["error"]["code"]
        return answer

    return refused


def usage_of_a_picture(api: ApiClient) -> Any:
    config = {"responseModalities": ["TEXT", "IMAGE"]}
    usage = api.generate("Draw", "gemini-3.1-flash-image", generationConfig=config)["usageMetadata"]
    assert usage["candidatesTokenCount"] > 1120, "the text beside the picture is counted, and is none"
    parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    assert usage["totalTokenCount"] == sum(usage[part] for part in parts)
    return usage


REPLAYS: dict[str, Replay] = {
    **{replay.__name__: replay for replay in (inline_create, inline_running, inline_row, cache, usage_with_cache)},
    **{replay.__name__: replay for replay in (count_tokens, upload, page_on_2_5, pages_on_3, embeddings_usage)},
    **{replay.__name__: replay for replay in (file_batch, signed_parts, embedding_row, embedding_batch_type)},
    **{replay.__name__: replay for replay in (stale_listing, cancelled_pending, cancelled_running)},
    **{replay.__name__: replay for replay in (row_stopped_by_the_service, usage_of_a_picture)},
    **{account: _refused(account) for account in ("dunning", "prepay_empty", "spend_cap", "leaked")},
}


@pytest.mark.parametrize("name", GOLDEN)
def test_an_exchange_comes_out_as_it_was_recorded(api: ApiClient, name: str) -> None:
    assert differences(GOLDEN[name]["shape"], REPLAYS[name](api)) == []


def test_every_replay_has_its_record_and_an_origin() -> None:
    assert set(REPLAYS) == set(GOLDEN)
    assert all(golden["origin"] for golden in GOLDEN.values())


def test_the_last_event_of_a_stream_holds_the_signature_beside_an_empty_text(api: ApiClient) -> None:
    body = {"contents": contents("Tell me about something")}
    events = api.post("models/gemini-3.6-flash:streamGenerateContent", body)
    (last,) = [event["candidates"][0] for event in events[-1:]]  # type: ignore[index]  # a stream is a list
    assert (last["content"]["parts"][-1]["text"], last["finishReason"]) == ("", "STOP")
    assert last["content"]["parts"][-1]["thoughtSignature"]


def test_an_error_of_an_event_stream_keeps_the_streams_type(api: ApiClient) -> None:
    path = f"/v1beta/models/{MODEL}:streamGenerateContent"
    reply = api.http.post(path, json={"contents": []}, params={"alt": "sse"})
    assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (400, "text/event-stream")
    assert reply.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert api.http.post(path, json={"contents": []}).headers["content-type"].startswith("application/json")
