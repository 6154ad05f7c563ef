"""What requests may say: unknown fields are refused by place, both spellings work at any depth, nothing crashes."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.answers.request_scope import RequestScope
from emulator.answers.respond import respond
from emulator.core.errors import ServiceError
from emulator.core.model_list import BY_ID
from emulator.core.settings import Settings
from emulator.core.state import State
from emulator.core.store import Store
from emulator.jobs.rows import execute
from emulator.schema import lenient_json
from emulator.schema.request_fields import InvalidField, read
from tests.emulator_api import MODEL, ApiClient, Json, client, contents
from tests.emulator_process import EmulatorProcess

GENERATE = f"models/{MODEL}:generateContent"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"contents": contents("x"), "x": 1}, 'Unknown name "x": Cannot find field.'),
        (
            {"contents": [{"parts": [{"texto": "x"}]}]},
            "Unknown name \"texto\" at 'contents[0].parts[0]': Cannot find field.",
        ),
        (
            {"contents": contents("x"), "generationConfig": {"thinkingConfig": {"budget": 1}}},
            "Unknown name \"budget\" at 'generation_config.thinking_config': Cannot find field.",
        ),
        (
            {"contents": contents("x"), "tools": [{"google_search": {"depth": 1}}]},
            "Unknown name \"depth\" at 'tools[0].google_search': Cannot find field.",
        ),
        (
            {"contents": contents("x"), "tools": [{"codeExecution": {"language": "c"}}]},
            "Unknown name \"language\" at 'tools[0].code_execution': Cannot find field.",
        ),
        (
            {
                "contents": contents("x"),
                "generationConfig": {"responseSchema": {"properties": {"a": {}, "b": {"const": 1}}}},
            },
            "Unknown name \"const\" at 'generation_config.response_schema.properties[1].value': Cannot find field.",
        ),
    ],
)
def test_an_unknown_field_is_refused_with_its_place(api: ApiClient, body: Json, text: str) -> None:
    error = api.expect_error("POST", GENERATE, body)
    assert error["message"] == f"Invalid JSON payload received. {text}"
    assert error["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"


def test_an_unknown_field_in_an_inline_row_names_the_row(api: ApiClient) -> None:
    rows = [{"request": {"contents": contents("x")}}, {"request": {"contents": contents("x"), "config": {}}}]
    body = {"batch": {"displayName": "x", "inputConfig": {"requests": {"requests": rows}}}}
    message = api.expect_error("POST", f"models/{MODEL}:batchGenerateContent", body)["message"]
    place = "batch.input_config.requests.requests[1].request"
    assert message == f"Invalid JSON payload received. Unknown name \"config\" at '{place}': Cannot find field."


@pytest.mark.parametrize(
    "body",
    [
        {"contents": "hello"},
        {"contents": [{"parts": "hello"}]},
        {"contents": [{"parts": [{"text": 5}]}]},
        {"contents": contents("x"), "generationConfig": {"temperature": "warm"}},
        {"contents": contents("x"), "generationConfig": {"maxOutputTokens": 1.5}},
        {"contents": contents("x"), "generationConfig": {"seed": 1e308}},
        {"contents": contents("x"), "generationConfig": {"seed": "9223372036854775808"}},
        {"contents": contents("x"), "generationConfig": {"maxOutputTokens": "²"}},
        {"contents": contents("x"), "generationConfig": {"maxOutputTokens": "--5"}},
        {"contents": contents("x"), "generationConfig": {"maxOutputTokens": "9" * 5000}},
        {"contents": contents("x"), "generationConfig": {"responseLogprobs": "yes"}},
        {"contents": contents("x"), "cachedContent": {}},
    ],
)
def test_a_value_of_another_kind_is_refused(api: ApiClient, body: Json) -> None:
    error = api.expect_error("POST", GENERATE, body)
    assert error["status"] == "INVALID_ARGUMENT"
    assert error["message"].startswith("Invalid value at '")


def test_broken_json_is_refused(api: ApiClient) -> None:
    reply = api.http.post(f"/v1beta/{GENERATE}", content=b"{")
    assert (reply.status_code, reply.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        (b"{'file': {'display_name': 'my \\'own\\' \"file\"'}}", {"file": {"display_name": "my 'own' \"file\""}}),
        (b'{batch: {"a": [1, 2,], b_c: "x: y, ]",},}', {"batch": {"a": [1, 2], "b_c": "x: y, ]"}}),
        (b'{"it\'s": "don\'t", \'n\': "\xc3\xa9\\n"}', {"it's": "don't", "n": "é\n"}),
        (b"{'a': 'b\\\\', 'c': 'd'}", {"a": "b\\", "c": "d"}),
        (b"{'a': '\\u00e9\\t'}", {"a": "é\t"}),
    ],
)
def test_json_may_be_written_as_in_googles_guides(sent: bytes, read_as: Json) -> None:
    assert lenient_json.loads(sent) == read_as


@pytest.mark.parametrize("bad", [b"{", b"{'a'}", b"{'a: 1}", b"{a b: 1}", b"\xff", b"[1 2]", b"{'a': 1,,}"])
def test_what_is_no_json_in_any_spelling_is_refused(bad: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        lenient_json.loads(bad)


@pytest.mark.parametrize(
    "hostile",
    [b"a" * 400_000, b"{'a':\"" + b'\\"' * 200_000, b"{'a':'" + b"\\'" * 200_000, b"{a" + b" " * 400_000 + b"x"],
)
def test_what_is_no_json_is_refused_in_time_linear_in_its_size(hostile: bytes) -> None:
    """A quadratic reading of these takes longer than a test may take at all."""
    with pytest.raises(ValueError):
        lenient_json.loads(hostile)


def test_the_curl_examples_of_the_batch_guide_work(api: ApiClient) -> None:
    headers = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    start = api.http.post("/upload/v1beta/files", headers=headers, content=b"{'file': {'display_name': 'rows'}}")
    line = json.dumps({"key": "a", "request": {"contents": [{"parts": [{"text": "x"}]}]}}).encode()
    file = api.send_chunk(start.headers["x-goog-upload-url"], line, 0, "upload, finalize").json()["file"]
    assert file["displayName"] == "rows"
    body = "{'batch': {'display_name': 'my-batch', 'input_config': {'file_name': 'NAME'}}}".replace(
        "NAME", file["name"]
    )
    operation = api.http.post(f"/v1beta/models/{MODEL}:batchGenerateContent", content=body).json()
    assert [result["key"] for result in api.results(api.finish_job(operation["name"]))] == ["a"]


def test_both_spellings_mean_the_same_at_any_depth(api: ApiClient) -> None:
    camel = {
        "contents": contents("Classify"),
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"oneTwo": {"anyOf": [{"type": "STRING"}]}}},
            "thinkingConfig": {"thinkingBudget": 0},
        },
    }
    snake = {
        "contents": contents("Classify"),
        "system_instruction": {"parts": [{"text": "s"}]},
        "generation_config": {
            "response_mime_type": "application/json",
            "response_schema": {"type": "object", "properties": {"oneTwo": {"any_of": [{"type": "string"}]}}},
            "thinking_config": {"thinking_budget": 0},
        },
    }
    assert api.post(GENERATE, camel) == api.post(GENERATE, snake)
    assert "oneTwo" in json.loads(api.post(GENERATE, snake)["candidates"][0]["content"]["parts"][0]["text"])


def test_types_may_come_as_numbers() -> None:
    """Google's proto client sends enums so."""
    schema = read("Schema", {"type": 6, "properties": {"a": {"type": 1}}})
    assert (schema["type"], schema["properties"]["a"]["type"]) == ("OBJECT", "STRING")
    assert read("GenerationConfig", {"responseModalities": [1, 2]})["responseModalities"] == ["TEXT", "IMAGE"]


def test_names_inside_maps_are_left_alone() -> None:
    schema = {"type": "OBJECT", "properties": {"first_name": {"type": "STRING"}, "lastName": {"type": "STRING"}}}
    args = {"some_arg": {"deep_key": 1}}
    body = {"contents": [{"parts": [{"function_call": {"name": "f", "args": args}}]}]}
    assert read("Schema", schema)["properties"].keys() == {"first_name", "lastName"}
    assert read("GenerateContentRequest", body)["contents"][0]["parts"][0]["functionCall"]["args"] == args


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"candidateCount": 0}, "candidate_count"),
        ({"maxOutputTokens": 0}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"logprobs": 2}, "response_logprobs is true"),
        ({"responseLogprobs": True}, f"Logprobs is not enabled for models/{MODEL}"),
        ({"speechConfig": {"voiceConfig": {}, "multiSpeakerVoiceConfig": {}}}, "mutually exclusive"),
        ({"responseSchema": {"type": "STRING"}}, "mime type"),
        ({"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING"}}, "enum"),
        ({"responseMimeType": "image/png"}, "mimetypes"),
    ],
)
def test_configs_that_the_service_refuses(api: ApiClient, config: Json, text: str) -> None:
    error = api.expect_error("POST", GENERATE, {"contents": contents("x"), "generationConfig": config})
    assert error["status"] == "INVALID_ARGUMENT"
    assert text in error["message"]


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [{"role": "user", "parts": []}],
        [{"role": "narrator", "parts": [{"text": "x"}]}],
        [{"parts": [{}]}],
        [{"parts": [{"text": "x", "inlineData": {"mimeType": "image/png", "data": "eA=="}}]}],
        [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}],
        [{"parts": [{"fileData": {"fileUri": "gs://bucket/x.png", "mimeType": "image/png"}}]}],
        [{"parts": [{"fileData": {"fileUri": "https://storage.googleapis.com/b/x.png"}}]}],
    ],
)
def test_contents_that_the_service_refuses(api: ApiClient, bad: list[Json]) -> None:
    assert api.expect_error("POST", GENERATE, {"contents": bad})["status"] == "INVALID_ARGUMENT"


def test_a_file_of_another_key_cannot_be_used(api: ApiClient, emulator: EmulatorProcess) -> None:
    with client(emulator, "key-two") as other:
        uri = other.upload(b"secret", "text/plain")["uri"]
    for address in (uri, "https://generativelanguage.googleapis.com/v1beta/files/nowhere"):
        body = {"contents": [{"parts": [{"fileData": {"fileUri": address}}]}]}
        assert api.expect_error("POST", GENERATE, body)["code"] == 403
        assert api.run([{"key": "a", "request": body}])[0]["error"]["code"] == 7


@pytest.mark.parametrize("form", ["batchPredictionJobs/1", "projects/p/cachedContents/1", "locations/x", "c1"])
def test_a_cache_name_of_another_form_is_invalid(api: ApiClient, form: str) -> None:
    assert api.expect_error("POST", GENERATE, {"contents": contents("x"), "cachedContent": form})["code"] == 400


def test_too_long_a_prompt_is_refused_with_the_limit(api: ApiClient) -> None:
    error = api.expect_error("POST", GENERATE, {"contents": contents("a " * 1_048_577)})
    assert error["message"] == "The input token count exceeds the maximum number of tokens allowed 1048576."


@pytest.mark.parametrize("path", ["models/nope:generateContent", "models/a/b/c:generateContent", "nothing", "models/x"])
def test_what_does_not_exist_is_not_found(api: ApiClient, path: str) -> None:
    method = "POST" if ":" in path else "GET"
    error = api.expect_error(method, path, {"contents": contents("x")} if method == "POST" else None)
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = """contents parts text role inlineData data mimeType fileData fileUri generationConfig responseSchema type
    properties items enum anyOf minItems maxItems minimum maximum required pattern $ref responseJsonSchema tools name
    responseMimeType functionDeclarations systemInstruction cachedContent maxOutputTokens candidateCount thinkingConfig
    thinkingBudget stopSequences format"""
NAMES = st.sampled_from(FIELDS.split())
NAMED = st.recursive(JSON, lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=2))


@pytest.fixture(scope="module")
def scope() -> Iterator[RequestScope]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        yield RequestScope(State(store, Settings()), "owner", 0.0)
        store.close()


@settings(max_examples=150, deadline=None)
@given(request=st.dictionaries(NAMES, NAMED, max_size=5), config=st.dictionaries(NAMES, NAMED, max_size=5))
def test_whatever_is_sent_is_answered_or_refused(scope: RequestScope, request: Json, config: Json) -> None:
    """No request makes the emulator fail: a 500 of its own would be taken for one of the service."""
    full_request = {
        "contents": contents("x"),
        **request,
        "generationConfig": {"responseMimeType": "application/json", **config},
    }
    for asked in (request, full_request):
        try:
            respond(read("GenerateContentRequest", asked), BY_ID[MODEL], scope)
        except (ServiceError, InvalidField):
            continue


@settings(max_examples=100, deadline=None)
@given(schema=JSON | st.dictionaries(NAMES, NAMED, max_size=5))
def test_no_schema_makes_a_row_fail_otherwise_than_by_an_error(scope: RequestScope, schema: Any) -> None:
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    line = json.dumps({"key": "k", "request": {"contents": contents("x"), "generationConfig": config}}).encode()
    result = json.loads(execute(line, False, False, BY_ID[MODEL], scope).line or b"")
    assert result["key"] == "k"
    assert ("response" in result) != ("error" in result)


@settings(max_examples=100, deadline=None)
@given(
    row=JSON.filter(lambda value: isinstance(value, dict)) | st.dictionaries(st.sampled_from(["key", "request"]), JSON)
)
def test_any_line_that_is_an_object_has_a_result(scope: RequestScope, row: Json) -> None:
    for embedding in (False, True):
        assert execute(json.dumps(row).encode(), False, embedding, BY_ID[MODEL], scope).line
