"""Rules by model, by type and by MIME: each has a request that is refused and one beside it that passes.

A refused request ends as a row error with code 3 in a file, and as 400 where it is created inline or asked at once.
"""

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from emulator.core.errors import ServiceError
from emulator.schema.checks import check_contents
from tests.emulator.striped_png import striped_png
from tests.emulator_api import ApiClient, Json, contents, jsonl

FLASH_2, PRO_2, LITE_2 = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite"
FLASH_3, PRO_3 = "gemini-3.8-flash", "gemini-3.1-pro-preview"
F, G = ({"name": name, "description": "Of a place"} for name in "fg")
JSON = "application/json"


@dataclass(frozen=True)
class Rule:
    """What is refused on a model and in which words, and what is not."""

    name: str
    refused: Json
    passes: Json
    text: str
    model: str = FLASH_2


def config(**values: Any) -> Json:
    return {"contents": contents("Say hello"), "generationConfig": values}


def thinking(**values: Any) -> Json:
    return config(thinkingConfig=values)


def schema(value: Json) -> Json:
    whole = {"type": "OBJECT", "properties": {"m": value}}
    return config(responseMimeType=JSON, responseSchema=whole)


def parameters(value: Json) -> Json:
    declaration = {**F, "parameters": {"type": "OBJECT", "properties": {"m": value}}}
    return {"contents": contents("x"), "tools": [{"functionDeclarations": [declaration]}]}


def tools(*declarations: Json, **more: Any) -> Json:
    return {"contents": contents("x"), "tools": [{"functionDeclarations": list(declarations)}], **more}


def call(name: str = "f", **more: Any) -> Json:
    return {"functionCall": {"name": name, "args": {}}, **more}


def response(name: str = "f") -> Json:
    return {"functionResponse": {"name": name, "response": {"r": 1}}}


def user(*parts: Json) -> Json:
    return {"role": "user", "parts": list(parts)}


def model_turn(*parts: Json) -> Json:
    return {"role": "model", "parts": list(parts)}


def history(*turns: Json) -> Json:
    return {"contents": list(turns), "tools": [{"functionDeclarations": [F, G]}]}


def blob(mime: str, data: bytes = b"data") -> Json:
    inline = {"mimeType": mime, "data": base64.b64encode(data).decode()}
    return {"contents": [user({"text": "What is it?"}, {"inlineData": inline})]}


def choice(*names: str) -> Json:
    return tools(F, toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": list(names)}})


HI, ASK = {"text": "hi"}, {"text": "and?"}
RESOLUTION = {"mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(striped_png(1)).decode()}}
CALLS_TEXT = "the number of function response parts is equal"
MIME_TEXT = "Unsupported MIME type: "

RULES = (
    Rule(
        "a level on 2.5", thinking(thinkingLevel="LOW"), thinking(thinkingBudget=512), "Thinking level is not supported"
    ),
    Rule(
        "a level that is not listed",
        thinking(thinkingLevel="MINIMAL"),
        thinking(thinkingLevel="LOW"),
        "MINIMAL",
        FLASH_3,
    ),
    Rule(
        "too large a budget", thinking(thinkingBudget=52_428), thinking(thinkingBudget=32_768), "between 128 and", PRO_2
    ),
    Rule("too small a budget", thinking(thinkingBudget=100), thinking(thinkingBudget=512), "between 512 and", LITE_2),
    Rule("budget 0 on 2.5 Pro", thinking(thinkingBudget=0), thinking(thinkingBudget=-1), "Budget 0 is invalid", PRO_2),
    Rule(
        "budget 0 on 3.1 Pro", thinking(thinkingBudget=0), thinking(thinkingLevel="LOW"), "Budget 0 is invalid", PRO_3
    ),
    Rule("too long an output", config(maxOutputTokens=1_000_000), config(maxOutputTokens=65_536), "max_output_tokens"),
    Rule(
        "several candidates on 3.x", config(candidateCount=2), config(candidateCount=1), "Multiple candidates", FLASH_3
    ),
    Rule("nine candidates", config(candidateCount=9), config(candidateCount=8), "candidate_count"),
    Rule("logprobs", config(responseLogprobs=True), config(responseLogprobs=False), "Logprobs is not enabled", FLASH_3),
    Rule(
        "a lower-case size",
        config(imageConfig={"imageSize": "2k"}),
        config(imageConfig={"imageSize": "2K"}),
        "image_size",
        "gemini-3-pro-image",
    ),
    Rule(
        "functions and JSON on 2.5",
        tools(F, generationConfig={"responseMimeType": JSON}),
        tools(F),
        "response mime type",
    ),
    Rule(
        "functions and search on 2.5",
        {"contents": contents("x"), "tools": [{"functionDeclarations": [F]}, {"googleSearch": {}}]},
        {"contents": contents("x"), "tools": [{"googleSearch": {}}]},
        "Tool use with function calling",
    ),
    Rule("a name with a space", tools({"name": "my tool"}), tools({"name": "my_tool:1.a-b"}), "Invalid function name"),
    Rule("a name that is too long", tools({"name": "a" * 65}), tools({"name": "a" * 64}), "maximum length of 64"),
    Rule(
        "a name that begins with a digit", tools({"name": "1st"}), tools({"name": "_1st"}), "Must start with a letter"
    ),
    Rule("two of one name", tools(F, F), tools(F, G), "Duplicate function declaration found: f"),
    Rule("a choice that is not declared", choice("g"), choice("f"), "g is not a declared function"),
    Rule(
        "the model begins",
        history(model_turn(HI), user(ASK)),
        history(user(HI), model_turn(HI), user(ASK)),
        "first turn",
    ),
    Rule(
        "two calls and one response",
        history(user(HI), model_turn(call(), call("g")), user(response())),
        history(user(HI), model_turn(call(), call("g")), user(response(), response("g"))),
        CALLS_TEXT,
    ),
    Rule(
        "a call without a response",
        history(user(HI), model_turn(call()), user(ASK)),
        history(user(HI), model_turn(call()), user(response(), ASK)),
        CALLS_TEXT,
    ),
    Rule(
        "the call comes last",
        history(user(HI), model_turn(call())),
        history(user(HI), model_turn(call()), user(response())),
        CALLS_TEXT,
    ),
    Rule(
        "a response without a call",
        history(user(HI), model_turn(HI), user(response())),
        history(user(HI), model_turn(HI), user(ASK)),
        "function response turn",
    ),
    Rule(
        "a call after the model's turn",
        history(user(HI), model_turn(HI), model_turn(call()), user(response())),
        history(user(HI), model_turn(HI, call()), user(response())),
        "function call turn comes immediately",
    ),
    Rule(
        "a call that is not signed",
        history(user(HI), model_turn(call()), user(response())),
        history(user(HI), model_turn(call(thoughtSignature="c2ln"), call("g")), user(response(), response("g"))),
        "missing a thought_signature",
        FLASH_3,
    ),
    Rule(
        "an empty object",
        schema({"type": "object", "properties": {}}),
        schema({"type": "object", "properties": {"a": {"type": "STRING"}}}),
        "response_schema.properties[m].properties: should be non-empty for OBJECT type",
    ),
    Rule(
        "a free dictionary",
        schema({"type": "OBJECT", "additionalProperties": {"type": "STRING"}}),
        schema({"type": "ARRAY", "items": {"type": "STRING"}}),
        "should be non-empty for OBJECT type",
    ),
    Rule(
        "properties on a string",
        schema({"type": "STRING", "properties": {"a": {"type": "STRING"}}}),
        schema({"type": "STRING"}),
        "properties[m].properties: only allowed for OBJECT type",
    ),
    Rule(
        "an enum of integers",
        schema({"type": "INTEGER", "enum": ["1"]}),
        schema({"type": "STRING", "enum": ["1"]}),
        "properties[m].enum: only allowed for STRING type",
    ),
    Rule(
        "an unknown format",
        schema({"type": "STRING", "format": "uri"}),
        schema({"type": "STRING", "format": "date-time"}),
        "format: only 'enum' and 'date-time' are supported for STRING type",
    ),
    Rule(
        "a format of numbers",
        schema({"type": "INTEGER", "format": "float"}),
        schema({"type": "INTEGER", "format": "int32"}),
        "'int32' and 'int64'",
    ),
    Rule(
        "items of nothing",
        schema({"type": "ARRAY"}),
        schema({"type": "ARRAY", "items": {"type": "STRING"}}),
        "properties[m].items: missing field.",
    ),
    Rule(
        "required and not there",
        schema({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["b"]}),
        schema({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]}),
        "required[0]: property is not defined",
    ),
    Rule(
        "inside a choice",
        schema({"anyOf": [{"type": "STRING"}, {"type": "OBJECT", "properties": {}}]}),
        schema({"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        "any_of[1].properties: should be non-empty",
    ),
    Rule(
        "an empty object of a tool",
        parameters({"type": "OBJECT"}),
        parameters({"type": "STRING"}),
        "tools[0].function_declarations[0].parameters.properties[m].properties: should be non-empty",
    ),
    Rule(
        "an enum of a tool",
        parameters({"type": "NUMBER", "enum": ["1"]}),
        parameters({"type": "STRING", "enum": ["1"]}),
        "parameters.properties[m].enum: only allowed for STRING type",
    ),
    Rule(
        "a resolution of a part on 2.5",
        {"contents": [user({**PICTURE, **RESOLUTION})]},
        {"contents": [user(PICTURE)]},
        "Media resolution of a part",
        FLASH_2,
    ),
    Rule(
        "bytes of no type", blob("application/octet-stream"), blob("text/plain"), MIME_TEXT + "application/octet-stream"
    ),
    Rule("a short type", blob("png"), blob("image/png", striped_png(1)), MIME_TEXT + "png"),
    Rule(
        "a word processor's file",
        blob("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        blob("application/pdf", b"%PDF-1.4"),
        MIME_TEXT + "application/vnd",
    ),
    Rule("a GIF", blob("image/gif", b"GIF89a"), blob("image/webp", b"RIFF    WEBP"), MIME_TEXT + "image/gif"),
    Rule("an SVG", blob("image/svg+xml", b"<svg/>"), blob("image/heic"), MIME_TEXT + "image/svg+xml"),
    Rule(
        "a page that claims to be a picture",
        blob("image/jpeg", b"<!DOCTYPE html><p>404"),
        blob("image/jpeg", b"\xff\xd8"),
        "Unable to process input image. Please retry",
    ),
    Rule(
        "a page that claims to be a document",
        blob("application/pdf", b"\n<html>"),
        blob("application/pdf", b"%PDF-1.4"),
        "The document has no pages.",
    ),
)
each = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


@each
def test_what_a_model_does_not_take_is_refused_everywhere(api: ApiClient, rule: Rule) -> None:
    error = api.expect_error("POST", f"models/{rule.model}:generateContent", rule.refused)
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert rule.text in error["message"]
    rows = [{"request": rule.refused, "metadata": {"key": "a"}}]
    body = {"batch": {"displayName": "x", "inputConfig": {"requests": {"requests": rows}}}}
    assert api.expect_error("POST", f"models/{rule.model}:batchGenerateContent", body) == error
    refused, passed = api.run([{"key": "a", "request": rule.refused}, {"key": "b", "request": rule.passes}], rule.model)
    assert refused["error"] == {"code": 3, "message": error["message"]}
    assert "response" in passed, "a rule that is kept is no reason to refuse"


@pytest.mark.parametrize("model", [FLASH_3, PRO_3])
def test_what_only_2_5_refuses_is_taken_on_3(api: ApiClient, model: str) -> None:
    for request in (
        tools(F, generationConfig={"responseMimeType": JSON}),
        {"contents": contents("x"), "tools": [{"functionDeclarations": [F]}, {"googleSearch": {}}]},
        {"contents": [user({**PICTURE, **RESOLUTION})]},
    ):
        assert "response" in api.run([{"key": "a", "request": request}], model)[0]


def test_a_call_before_the_user_spoke_again_needs_no_signature(api: ApiClient) -> None:
    past = history(user(HI), model_turn(call()), user(response()), model_turn(HI), user(ASK))
    assert "response" in api.run([{"key": "a", "request": past}], FLASH_3)[0]


def test_an_answer_that_calls_a_tool_on_3_is_signed(api: ApiClient) -> None:
    request = tools(F, contents=contents("[[emulate: tool_call]]"))
    (part,) = api.post(f"models/{FLASH_3}:generateContent", request)["candidates"][0]["content"]["parts"]
    answered = history(user(HI), model_turn(part), user(response()))
    assert "response" in api.run([{"key": "a", "request": answered}], FLASH_3)[0]


@pytest.mark.parametrize("mime", ["application/octet-stream", "image/gif"])
def test_a_file_of_a_type_that_is_not_read_can_be_uploaded_and_not_used(api: ApiClient, mime: str) -> None:
    uri = api.upload(b"data", mime)["uri"]
    (result,) = api.run([{"key": "a", "request": {"contents": [user({"fileData": {"fileUri": uri}})]}}])
    assert result["error"] == {"code": 3, "message": MIME_TEXT + mime}


WORDS = {"text": "word " * 2000}


@pytest.mark.parametrize(
    "turns",
    [
        (user(WORDS), model_turn(call())),
        (user(WORDS), model_turn(call(), call("g")), user(response())),
        (user(WORDS), model_turn(HI), user(response())),
    ],
    ids=["before the responses", "inside the responses", "without the call"],
)
def test_a_cache_may_not_cut_a_tool_exchange(api: ApiClient, turns: tuple[Json, ...]) -> None:
    body = {"model": f"models/{FLASH_2}", **history(*turns)}
    assert api.expect_error("POST", "cachedContents", body)["code"] == 400
    assert api.emulator.ledger()["cached_contents"] == []


def test_a_cache_that_ends_with_the_exchange_is_taken_and_gone_on_from(api: ApiClient) -> None:
    turns = (user(WORDS), model_turn(call()), user(response()))
    cache = api.post("cachedContents", {"model": f"models/{FLASH_2}", **history(*turns)})
    request = {"contents": [model_turn(HI), user(ASK)], "cachedContent": cache["name"]}
    assert "response" in api.run([{"key": "a", "request": request}])[0]
    cut = {"contents": [user(response())], "cachedContent": cache["name"]}
    assert api.run([{"key": "a", "request": cut}])[0]["error"]["code"] == 3


def test_one_bad_row_refuses_an_inline_job_as_a_whole(api: ApiClient) -> None:
    rows = [{"request": request} for request in (config(), config(candidateCount=9))]
    body = {"batch": {"displayName": "x", "inputConfig": {"requests": {"requests": rows}}}}
    assert api.expect_error("POST", f"models/{FLASH_2}:batchGenerateContent", body)["code"] == 400
    assert api.get("batches") == {}


def test_a_json_schema_is_not_held_to_the_types_of_a_schema(api: ApiClient) -> None:
    value = {
        "type": "object",
        "properties": {"n": {"type": "integer", "enum": [1, 2]}, "u": {"type": "string", "format": "uri"}},
    }
    request = config(responseMimeType=JSON, responseJsonSchema=value)
    file = api.upload(jsonl([{"key": "a", "request": request}]))["name"]
    assert "response" in api.results(api.finish_job(api.create(FLASH_2, {"fileName": file})))[0]


@pytest.mark.parametrize(
    ("mime", "megabytes", "refused"),
    [("image/png", 100, True), ("image/png", 70, False), ("application/pdf", 70, True), ("application/pdf", 60, False)],
)
def test_what_a_request_may_hold_inline(mime: str, megabytes: int, refused: bool) -> None:
    """In base64: 100 MB in all, and 50 MB of a document before it is encoded."""
    data = "A" * ((megabytes << 20) + 4)
    part = {"inlineData": {"mimeType": mime, "data": data}}
    request = {"contents": [{"role": "user", "parts": [part]}]}
    if refused:
        with pytest.raises(ServiceError, match="payload size exceeds the limit"):
            check_contents(request)
    else:
        check_contents(request)
