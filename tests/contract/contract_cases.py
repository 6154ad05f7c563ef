"""The questions: what is asked, what the answer is taken to be, and what asking Google may cost.

An answer keeps only what must be the same for everybody: statuses, texts, names of fields, forms of values. Free
questions come first. Costs are upper bounds in USD for the model named in `asking`, rounded up generously.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.contract.contract_client import MODEL, OTHER, Json, ServiceClient
from tests.contract.rule_questions import RULES, ask_rule, cut_exchange

FOX = "The quick brown fox jumps over the lazy dog."
CACHE_NOT_FOUND = {
    "http": 403,
    "status": "PERMISSION_DENIED",
    "message": "CachedContent not found (or permission denied)",
}
NANOS, MICROS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z"


@dataclass(frozen=True)
class ContractCase:
    """One question. `fact` is the answer that the emulator gives and Google is believed to give."""

    name: str
    run: Callable[[ServiceClient], Any]
    expected: Any
    cost: float = 0.0


def user_contents(text: str) -> list[Json]:
    return [{"role": "user", "parts": [{"text": text}]}]


def bad_key(service: ServiceClient) -> Any:
    return service.error("GET", "models", x_goog_api_key="invalid-key")


def unknown_model(service: ServiceClient) -> Any:
    answer = service.error("POST", "models/gemini-none:generateContent", {"contents": user_contents("x")})
    return {**answer, "message": answer["message"][:60]}


def model_fields(service: ServiceClient) -> Any:
    model = service.call("GET", f"models/{OTHER}")[1]
    methods = {"batchGenerateContent", "countTokens", "createCachedContent", "generateContent"}
    return sorted(methods & set(model["supportedGenerationMethods"])), model["inputTokenLimit"], model["name"]


def count_fox(service: ServiceClient) -> Any:
    return service.call("POST", f"models/{OTHER}:countTokens", {"contents": user_contents(FOX)})[1]


def count_refuses(service: ServiceClient) -> Any:
    body = {"contents": user_contents("x"), "systemInstruction": {"parts": [{"text": "s"}]}}
    return service.error("POST", f"models/{OTHER}:countTokens", body)["status"]


def count_whole(service: ServiceClient) -> Any:
    request = {
        "model": f"models/{OTHER}",
        "contents": user_contents("x"),
        "systemInstruction": {"parts": [{"text": "be kind"}]},
    }
    status, answer = service.call("POST", f"models/{OTHER}:countTokens", {"generateContentRequest": request})
    return status, answer.get("totalTokens", 0) > 2


def unknown_field(service: ServiceClient) -> Any:
    body = {"contents": user_contents("x"), "generationConfig": {"cached_content": "cachedContents/a"}}
    return service.error("POST", f"models/{OTHER}:generateContent", body)


def snake_case(service: ServiceClient) -> Any:
    part = {"inline_data": {"mime_type": "text/plain", "data": "aGVsbG8="}}
    return service.call("POST", f"models/{OTHER}:countTokens", {"contents": [{"role": "user", "parts": [part]}]})[0]


def guides_json(service: ServiceClient) -> Any:
    body = b"{'contents': [{'parts': [{'text': 'hello'}]}]}"  # as the guides' curl examples are written
    return service.http.post(f"/v1beta/models/{OTHER}:countTokens", content=body).status_code


def unknown_in_a_map(service: ServiceClient) -> Any:
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING", "none_such": 1}}}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    body = {"contents": user_contents("x"), "generationConfig": config}
    return service.error("POST", f"models/{OTHER}:generateContent", body)["message"]


def no_page_token(service: ServiceClient) -> Any:
    return [service.error("GET", f"{kind}?pageToken=none-such")["http"] for kind in ("files", "batches")]


def missing_file(service: ServiceClient) -> Any:
    return service.error("GET", "files/contract-none")


def bad_mime(service: ServiceClient) -> Any:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    headers |= {"X-Goog-Upload-Header-Content-Length": "3", "X-Goog-Upload-Header-Content-Type": "bad/mime_type"}
    reply = service.http.post("/upload/v1beta/files", json={"file": {}}, headers=headers)
    return reply.status_code, "Unsupported MIME" in reply.text


def chunks(service: ServiceClient) -> Any:
    file, statuses = service.upload([b"a" * 262_144, b"b" * 10])
    times = [bool(re.fullmatch(MICROS, file[n])) for n in ("createTime", "updateTime")]
    times.append(bool(re.fullmatch(NANOS, file["expirationTime"])))
    name = file["name"].removeprefix("files/")
    uri = file["uri"] == f"https://generativelanguage.googleapis.com/v1beta/files/{name}"
    return statuses, file["sizeBytes"], file["displayName"], times, uri, bool(re.fullmatch("[a-z0-9]{12}", name))


def deleted_file(service: ServiceClient) -> Any:
    name = service.upload([b"x"])[0]["name"]
    first = service.call("DELETE", name)
    return first, service.error("GET", name)["status"]


def no_download(service: ServiceClient) -> Any:
    name = service.upload([b"x"])[0]["name"]
    return service.http.get(f"/v1beta/{name}:download", params={"alt": "media"}).status_code


def versions(service: ServiceClient) -> Any:
    kinds = ("batches", "cachedContents", "files", "models")
    return [service.call("GET", kind, version="v1")[0] for kind in kinds]


def small_cache(service: ServiceClient) -> Any:
    answer = service.error("POST", "cachedContents", {"model": f"models/{OTHER}", "contents": user_contents("hello")})
    return {**answer, "message": re.sub(r"(?<!min_)total_token_count=\d+", "total_token_count=N", answer["message"])}


def missing_cache(service: ServiceClient) -> Any:
    body = {"contents": user_contents("x"), "cachedContent": "cachedContents/none0000"}
    return [
        service.error("GET", "cachedContents/none0000"),
        service.error("PATCH", "cachedContents/none0000", {"ttl": "60s"}),
        service.error("POST", f"models/{OTHER}:generateContent", body),
    ]


def missing_batch(service: ServiceClient) -> Any:
    return service.error("GET", "batches/none00000000")["status"]


def batch_without_file(service: ServiceClient) -> Any:
    body = {"batch": {"displayName": "contract", "inputConfig": {"fileName": "files/contract-none"}}}
    return service.error("POST", f"models/{MODEL}:batchGenerateContent", body)["http"] // 100


def batch_of_retired(service: ServiceClient) -> Any:
    rows = {"requests": [{"request": {"contents": user_contents("x")}}]}
    body = {"batch": {"displayName": "contract", "inputConfig": {"requests": rows}}}
    return service.error("POST", "models/gemini-2.0-flash-001:batchGenerateContent", body)["status"]


def pending_then_cancelled(service: ServiceClient) -> Any:
    rows = [{"request": {"contents": user_contents(str(i))}, "metadata": {"key": str(i)}} for i in range(2)]
    body = {"batch": {"displayName": "contract", "inputConfig": {"requests": {"requests": rows}}}}
    operation = service.create(f"models/{MODEL}:batchGenerateContent", body)
    cancelled = service.call("POST", f"{operation['name']}:cancel", {})
    metadata = operation["metadata"]
    return {
        "fields": sorted(operation),
        "metadata": sorted(metadata),
        "stats": metadata["batchStats"],
        "state": metadata["state"],
        "nanoseconds": bool(re.fullmatch(NANOS, metadata["createTime"])),
        "id": bool(re.fullmatch("batches/[a-z0-9]{36}", operation["name"])),
        "cancel": cancelled,
    }


def chunk_granularity(service: ServiceClient) -> Any:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    headers |= {"X-Goog-Upload-Header-Content-Length": "3", "X-Goog-Upload-Header-Content-Type": "text/plain"}
    reply = service.http.post("/upload/v1beta/files", json={"file": {}}, headers=headers)
    return reply.headers["x-goog-upload-chunk-granularity"]


def listed_models(service: ServiceClient) -> Any:
    """Whether a page has fifty, models that were shut down are listed, and speech takes batches."""
    page = service.call("GET", "models")[1]
    models = {m["name"]: m for m in [*page["models"], *service.call("GET", "models?pageSize=1000")[1]["models"]]}
    speech = models.get("models/gemini-3.1-flash-tts-preview", {}).get("supportedGenerationMethods", [])
    return len(page["models"]), "models/gemini-2.0-flash" in models, "batchGenerateContent" in speech


def stream_error(service: ServiceClient) -> Any:
    path = f"/v1beta/models/{OTHER}:streamGenerateContent"
    reply = service.http.post(path, json={"contents": []}, params={"alt": "sse"})
    return reply.status_code, reply.headers["content-type"].split(";")[0]


def cancelled_before_it_runs(service: ServiceClient) -> Any:
    """How a job that is cancelled at once ends; live, it may have begun to run, and here where the machine is busy."""
    rows = [{"request": {"contents": user_contents("x")}, "metadata": {"request_id": "0"}}]
    body = {"batch": {"displayName": "contract", "inputConfig": {"requests": {"requests": rows}}}}
    for _ in range(1 if service.emulator is None else 10):
        name = service.create(f"models/{MODEL}:batchGenerateContent", body)["name"]
        service.call("POST", f"{name}:cancel", {})
        operation = service.wait_until_ended(name)
        if operation["metadata"]["state"] != "BATCH_STATE_SUCCEEDED":
            break
    return operation["metadata"]["state"], operation.get("error", {}).get("code"), operation["metadata"]["batchStats"]


def usage_fields(service: ServiceClient) -> Any:
    body = {"contents": user_contents("Say hi."), "generationConfig": {"maxOutputTokens": 200}}
    usage = service.call("POST", f"models/{OTHER}:generateContent", body)[1]["usageMetadata"]
    return usage["serviceTier"], "candidatesTokensDetails" in usage


def usage_adds_up(service: ServiceClient) -> Any:
    body = {"contents": user_contents("Say hi."), "generationConfig": {"maxOutputTokens": 20}}
    usage = service.call("POST", f"models/{MODEL}:generateContent", body)[1]["usageMetadata"]
    parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    return usage["totalTokenCount"] == sum(usage.get(part, 0) for part in parts)


def life_of_a_cache(service: ServiceClient) -> Any:
    body = {
        "model": f"models/{MODEL}",
        "contents": user_contents("word " * 3000),
        "ttl": "120s",
        "displayName": "contract",
    }
    cache = service.create("cachedContents", body)
    request = {
        "contents": user_contents("Say hi."),
        "cachedContent": cache["name"],
        "generationConfig": {"maxOutputTokens": 8},
    }
    usage = service.call("POST", f"models/{MODEL}:generateContent", request)[1]["usageMetadata"]
    system = {"systemInstruction": {"parts": [{"text": "s"}]}}
    conflict = service.error("POST", f"models/{MODEL}:generateContent", {**request, **system})
    other_model_error = service.error("POST", f"models/{OTHER}:generateContent", request)
    renamed = service.error("PATCH", cache["name"], {"displayName": "x"})["http"]
    deleted = service.call("DELETE", cache["name"])
    return {
        "fields": sorted(cache),
        "hit": usage["cachedContentTokenCount"] == cache["usageMetadata"]["totalTokenCount"],
        "within": usage["promptTokenCount"] > usage["cachedContentTokenCount"],
        "conflict": conflict,
        "other model": other_model_error["message"],
        "renamed": renamed,
        "deleted": deleted,
        "gone": service.error("GET", cache["name"]),
    }


def batch_over_file(service: ServiceClient) -> Any:
    good = {"contents": user_contents("Say hi."), "generationConfig": {"maxOutputTokens": 8}}
    file = service.rows(
        [
            {"key": "b", "request": good},
            {"key": "bad", "request": {**good, "thinking_config": {}}},
            {"key": "a", "request": {**good, "cachedContent": "cachedContents/none0000"}},
        ]
    )
    body = {"batch": {"displayName": "contract", "inputConfig": {"fileName": file}}}
    operation = service.wait_until_ended(service.create(f"models/{MODEL}:batchGenerateContent", body)["name"])
    lines = service.lines(operation)
    output = operation["metadata"]["output"]["responsesFile"]
    return {
        "state": operation["metadata"]["state"],
        "done": operation["done"],
        "stats": operation["metadata"]["batchStats"],
        "keys": [line["key"] for line in lines],
        "codes": [line.get("error", {}).get("code") for line in lines],
        "output": output == f"files/batch-{operation['name'].removeprefix('batches/')}",
        "both": operation["response"].get("responsesFile") == output,
        "delete": service.error("DELETE", output)["message"],
    }


CONTRACT_CASES = (
    ContractCase(
        "a bad key",
        bad_key,
        {"http": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid. Please pass a valid API key."},
    ),
    ContractCase(
        "an unknown model",
        unknown_model,
        {"http": 404, "status": "NOT_FOUND", "message": "models/gemini-none is not found for API version v1beta, or i"},
    ),
    ContractCase(
        "what a model can do",
        model_fields,
        (
            ["batchGenerateContent", "countTokens", "createCachedContent", "generateContent"],
            1_048_576,
            f"models/{OTHER}",
        ),
    ),
    ContractCase(
        "tokens of the fox",
        count_fox,
        {"totalTokens": 11, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}]},
    ),
    ContractCase("countTokens refuses a system instruction of its own", count_refuses, "INVALID_ARGUMENT"),
    ContractCase("countTokens takes a whole request", count_whole, (200, True)),
    ContractCase(
        "an unknown field",
        unknown_field,
        {
            "http": 400,
            "status": "INVALID_ARGUMENT",
            "message": "Invalid JSON payload received. Unknown name \"cached_content\" at 'generation_config': "
            "Cannot find field.",
        },
    ),
    ContractCase("snake_case inside a part", snake_case, 200),
    ContractCase("JSON in single quotes", guides_json, 200),
    ContractCase(
        "an unknown field inside a map",
        unknown_in_a_map,
        'Invalid JSON payload received. Unknown name "none_such" at '
        "'generation_config.response_schema.properties[1].value': Cannot find field.",
    ),
    ContractCase("a page token that is none", no_page_token, [400, 400]),
    ContractCase(
        "a missing file",
        missing_file,
        {
            "http": 403,
            "status": "PERMISSION_DENIED",
            "message": "You do not have permission to access the File contract-none or it may not exist.",
        },
    ),
    ContractCase("a type that is none", bad_mime, (400, True)),
    ContractCase(
        "an upload in two chunks",
        chunks,
        (["active", "active", "final"], "262154", "contract", [True, True, True], True, True),
    ),
    ContractCase("a deleted file", deleted_file, ((200, {}), "PERMISSION_DENIED")),
    ContractCase("downloading an upload", no_download, 400),
    ContractCase("v1 serves what v1beta serves", versions, [200, 200, 200, 200]),
    ContractCase(
        "too small a cache",
        small_cache,
        {
            "http": 400,
            "status": "INVALID_ARGUMENT",
            "message": "Cached content is too small. total_token_count=N, min_total_token_count=1024",
        },
    ),
    ContractCase("a missing cache", missing_cache, [CACHE_NOT_FOUND, CACHE_NOT_FOUND, CACHE_NOT_FOUND]),
    ContractCase("a missing batch job", missing_batch, "NOT_FOUND"),
    ContractCase("a batch over a missing file", batch_without_file, 4),
    ContractCase("a batch of a retired model", batch_of_retired, "NOT_FOUND"),
    *(ContractCase(name, partial(ask_rule, name=name), (400, text)) for name, (_, _, text) in RULES.items()),
    ContractCase("a cache that ends inside a tool exchange", cut_exchange, 400),
    ContractCase("the granularity of an upload's chunks", chunk_granularity, "8388608"),
    ContractCase("the list of models", listed_models, (50, True, True)),
    ContractCase("an error of an event stream", stream_error, (400, "text/event-stream")),
    ContractCase(
        "a batch that is cancelled before it runs",
        cancelled_before_it_runs,
        ("BATCH_STATE_CANCELLED", 13, {"requestCount": "1", "pendingRequestCount": "1"}),
        cost=0.002,
    ),
    ContractCase("the fields of usage", usage_fields, ("standard", False), cost=0.002),
    ContractCase(
        "a batch, pending and cancelled",
        pending_then_cancelled,
        {
            "fields": ["metadata", "name"],
            "metadata": [
                *("@type", "batchStats", "createTime", "displayName", "model", "name", "state", "updateTime"),
            ],
            "stats": {"requestCount": "2", "pendingRequestCount": "2"},
            "state": "BATCH_STATE_PENDING",
            "nanoseconds": True,
            "id": True,
            "cancel": (200, {}),
        },
        cost=0.002,
    ),
    ContractCase("usage adds up", usage_adds_up, True, cost=0.01),
    ContractCase(
        "the life of a cache",
        life_of_a_cache,
        {
            "fields": [
                *("createTime", "displayName", "expireTime", "model", "name", "updateTime", "usageMetadata"),
            ],
            "hit": True,
            "within": True,
            "conflict": {
                "http": 400,
                "status": "INVALID_ARGUMENT",
                "message": "CachedContent can not be used with GenerateContent request setting system_instruction, "
                "tools or tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent "
                "request.",
            },
            "other model": f"Model used by GenerateContent request (models/{OTHER}) and CachedContent (models/{MODEL}) "
            "has to be the same.",
            "renamed": 400,
            "deleted": (200, {}),
            "gone": CACHE_NOT_FOUND,
        },
        cost=0.01,
    ),
    ContractCase(
        "a batch over a file, with rows that fail",
        batch_over_file,
        {
            "state": "BATCH_STATE_SUCCEEDED",
            "done": True,
            "stats": {"requestCount": "3", "successfulRequestCount": "1", "failedRequestCount": "2"},
            "keys": ["b", "bad", "a"],
            "codes": [None, 3, 7],
            "output": True,
            "both": True,
            "delete": "* DeleteFileRequest.name: File ID (name excluding 'files/') cannot be more than 40 characters.",
        },
        cost=0.02,
    ),
)
