"""Answers and counts: tokens depend on the text, JSON satisfies its schema, everything admits to being simulated."""

import base64
import json

import pytest

from emulator.answers.schema_sampler import count_enumerated, sample
from emulator.answers.text_answers import answer
from emulator.core.settings import pace_seconds
from emulator.core.text_tokens import text_tokens, truncate
from tests.emulator.striped_png import striped_png
from tests.emulator_api import FOX, MODEL, ApiClient, Json, contents, text_of


def count(api: ApiClient, parts: list[Json]) -> Json:
    return api.post(f"models/{MODEL}:countTokens", {"contents": [{"role": "user", "parts": parts}]})


def test_the_fox_is_eleven_tokens(api: ApiClient) -> None:
    """Recorded by Google's own tests on gemini-2.5-flash."""
    answer = count(api, [{"text": FOX}])
    assert answer["totalTokens"] == 11
    assert answer["promptTokensDetails"] == [{"modality": "TEXT", "tokenCount": 11}]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("   ", 0),
        ("hello", 1),
        ("hello, world!", 4),
        ("internationalization", 4),
        ("2026", 4),
        ("a\n\nb", 3),
        ("안녕하세요", 5),
        ("今日は良い天気", 4),
        ("Привет мир", 3),
        ("שלום", 2),
        ("🙂🙂", 2),
        ("naïve", 3),
    ],
)
def test_counts_follow_the_script(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


def test_long_texts_are_counted_like_short_ones() -> None:
    assert text_tokens("hello " * 10_000) == 10_000
    assert text_tokens("hello " * 10_000) == 10_000


def test_a_cut_text_has_the_tokens_asked_for() -> None:
    for tokens in range(1, 10):
        assert text_tokens(truncate(FOX, tokens)) == tokens
    assert truncate(FOX, 100) == FOX


def test_media_count_by_kind(api: ApiClient) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(striped_png(1)).decode()}}
    pages = b"%PDF" + b"<</Type/Pages/Count 3>>" + b"<</Type/Page/X 1>>" * 3
    pdf = {"inlineData": {"mimeType": "application/pdf", "data": base64.b64encode(pages).decode()}}
    sound = {"inlineData": {"mimeType": "audio/mp3", "data": base64.b64encode(bytes(160_000)).decode()}}
    counts = {d["modality"]: d["tokenCount"] for d in count(api, [image, pdf, sound])["promptTokensDetails"]}
    assert counts == {"TEXT": 1, "IMAGE": 258, "DOCUMENT": 3 * 258, "AUDIO": 320}


def test_a_stored_file_counts_as_what_it_is(api: ApiClient) -> None:
    uri = api.upload(striped_png(2), "image/png")["uri"]
    assert count(api, [{"fileData": {"fileUri": uri, "mimeType": "image/png"}}])["totalTokens"] == 259
    text = api.upload(b"hello world", "text/plain")
    assert count(api, [{"file_data": {"file_uri": text["name"]}}])["totalTokens"] == 3


def test_a_system_prompt_counts_in_a_whole_request(api: ApiClient) -> None:
    request = {"contents": contents("hello"), "systemInstruction": {"parts": [{"text": "be brief"}]}}
    answer = api.post(f"models/{MODEL}:countTokens", {"generateContentRequest": request})
    assert answer["totalTokens"] == 2 + 3
    body = {"contents": contents("x"), "systemInstruction": {"parts": [{"text": "s"}]}}
    assert api.expect_error("POST", f"models/{MODEL}:countTokens", body)["code"] == 400


@pytest.mark.parametrize("name", ["responseSchema", "responseJsonSchema"])
def test_a_schema_is_kept_over_the_wire_and_a_string_admits_the_simulation(api: ApiClient, name: str) -> None:
    schema = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["a", "b"]}, "why": {"type": "string"}},
    }
    config = {"responseMimeType": "application/json", name: schema}
    value = json.loads(text_of(api.generate("x", generationConfig=config)))
    assert value["label"] in ("a", "b")
    assert "[simulated]" in value["why"]


def test_what_the_prompt_says_is_found_in_structured_output() -> None:
    schema: Json = {"type": "object"}
    schema["properties"] = {n: {"type": "string"} for n in ("note", "order", "date", "email")}
    schema["properties"]["amount"] = {"type": "number"}
    value = sample(schema, 1, "Order 49378 of 2026-03-02 for €234.45, write to ann@example.com.")
    assert {name: value[name] for name in ("order", "date", "email", "amount")} == {
        "order": "49378",
        "date": "2026-03-02",
        "email": "ann@example.com",
        "amount": 234.45,
    }


def test_an_enum_answer_is_one_of_its_values(api: ApiClient) -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["red", "blue"]}}
    assert text_of(api.generate("x", generationConfig=config)) in ("red", "blue")


def test_json_without_a_schema_is_json(api: ApiClient) -> None:
    text = text_of(api.generate("x", generationConfig={"responseMimeType": "application/json"}))
    assert "[simulated]" in json.loads(text)["answer"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Classify the sentiment: I love it, the best lamp.", "Positive"),
        ("Classify the sentiment: broke after a day, I want a refund.", "Negative"),
        ("Classify the sentiment: One star, good box.", "Negative"),
        ("Triage this support ticket: I was charged twice.", "Category: Billing"),
        ("Summarize: The council met on Monday and agreed on a new park.", "The council met on Monday"),
        ("Translate to German: Where is the station?", "(German)"),
        ("Extract the fields as JSON: Paid $12.50 by ann@example.com on 2026-01-02", '"$12.50"'),
        ("What is the tallest mountain?", "tallest mountain"),
    ],
)
def test_answers_look_right_for_the_sample_tasks(prompt: str, expected: str) -> None:
    text = answer(prompt, "", 12345)
    assert expected in text
    assert "[simulated]" in text


def test_the_task_may_be_stated_in_the_system_instruction(api: ApiClient) -> None:
    system = {"parts": [{"text": "You classify the sentiment of reviews."}]}
    text = text_of(api.generate("I love this great lamp", systemInstruction=system))
    assert text.startswith("[simulated] Positive")


@pytest.mark.parametrize(
    ("prompt", "items"), [("Tell me about Peru, Chile, and Fiji.", 3), ("Say hello", 0), ("salt and pepper", 0)]
)
def test_lists_are_as_long_as_what_the_prompt_names(prompt: str, items: int) -> None:
    assert count_enumerated(prompt) == items


def test_two_candidates_where_the_model_has_them(api: ApiClient) -> None:
    both = api.generate("x", generationConfig={"candidateCount": 2})["candidates"]
    assert [c["index"] for c in both] == [0, 1]
    body = {"contents": contents("x"), "generationConfig": {"candidateCount": 2}}
    error = api.expect_error("POST", "models/gemini-3.8-flash:generateContent", body)
    assert error["message"] == "Multiple candidates is not enabled for this model"


def test_stop_sequences_end_the_text(api: ApiClient) -> None:
    assert "simulated" not in text_of(api.generate("x", generationConfig={"stopSequences": ["simul"]}))


def test_a_stream_comes_in_three_events_or_more_and_ends_with_a_blank_line(api: ApiClient) -> None:
    full_response = api.generate("Tell me")
    reply = api.http.post(
        f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", json={"contents": contents("Tell me")}
    )
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.text.endswith("\r\n\r\n")
    events = [json.loads(block.removeprefix("data: ")) for block in reply.text.split("\r\n\r\n") if block]
    assert len(events) >= 3
    assert "".join(text_of(event) for event in events) == text_of(full_response)
    assert [("finishReason" in e["candidates"][0]) for e in events] == [False] * (len(events) - 1) + [True]
    assert events[-1]["usageMetadata"] == full_response["usageMetadata"]


def test_a_stream_without_sse_is_one_array_without_a_line_break_behind_it(api: ApiClient) -> None:
    reply = api.http.post(f"/v1beta/models/{MODEL}:streamGenerateContent", json={"contents": contents("Tell me")})
    assert reply.text.endswith("]")
    assert len(reply.json()) >= 3


def test_answers_are_compressed_for_who_accepts_it(api: ApiClient) -> None:
    assert api.http.get("/v1beta/files", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    plain = api.http.get("/v1beta/files", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == b"{}"


def test_models_are_listed_with_what_they_can_do(api: ApiClient) -> None:
    seen: dict[str, Json] = {}
    token = ""
    while True:
        page = api.get("models", pageSize=5, pageToken=token)
        seen |= {m["name"]: m for m in page["models"]}
        token = page.get("nextPageToken", "")
        if not token:
            break
    flash = seen["models/gemini-3.8-flash"]
    assert {"batchGenerateContent", "createCachedContent"} <= set(flash["supportedGenerationMethods"])
    assert flash["inputTokenLimit"] == 1_048_576
    assert "models/gemini-2.0-flash-001" in seen, "shut down, and listed all the same (recorded 2026-08-05)"
    assert "nextPageToken" in api.get("models"), "a page has fifty"
    tts = seen["models/gemini-3.1-flash-tts-preview"]
    assert ("batchGenerateContent" in tts["supportedGenerationMethods"], tts["thinking"]) == (True, True)
    image = seen["models/gemini-3-pro-image"]
    assert (image["inputTokenLimit"], image["outputTokenLimit"], image["maxTemperature"]) == (131_072, 32_768, 1)
    assert api.get("models/gemini-3.8-flash") == flash
    assert api.get("tunedModels") == {}


def test_latest_names_exist_on_v1beta_only(api: ApiClient) -> None:
    assert api.get("models/gemini-flash-latest")
    assert api.http.get("/v1/models/gemini-flash-latest").status_code == 404


@pytest.mark.parametrize(("rows", "seconds"), [(1, 18), (10, 18), (1000, 22), (1_000_000, 28)])
def test_the_realistic_pace_grows_slowly(rows: int, seconds: float) -> None:
    assert pace_seconds("realistic", rows) == seconds
