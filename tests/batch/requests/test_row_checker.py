"""Each bad line is named by fault and remedy; each good one is sent as it was meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.model import Generation
from batch.requests.canonicalize import duplicate_names, read_object
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow, Problem, RowChecker

USER = {"role": "user", "parts": [{"text": "hi"}]}


def checker(generation: Generation | None = None, shared_text: str = "", model: str = "") -> RowChecker:
    return RowChecker(EncodedSettings(generation or Generation(), shared_text), model=model)


def line(**request: Any) -> bytes:
    """A line with one turn of the user and whatever else the request is to have."""
    return json.dumps({"key": "k", "request": {"contents": [USER], **request}}).encode()


def problems(raw: bytes, number: int = 7) -> list[Problem]:
    checked = checker().check_line(raw, number)
    assert isinstance(checked, list), checked
    assert checked
    assert all(problem.line == number and problem.fault.endswith(".") and problem.remedy for problem in checked)
    return checked


def row(raw: bytes, check: RowChecker | None = None) -> CheckedRow:
    checked = (check or checker()).check_line(raw, 1)
    assert isinstance(checked, CheckedRow), checked
    return checked


def sent(checked: CheckedRow) -> dict[str, Any]:
    """The request as it would go out."""
    request = json.loads(checked.line)["request"] if checked.line else json.loads(checked.request)
    assert isinstance(request, dict)
    return request


# -- bad lines ---------------------------------------------------------------------------------------------------------

BAD = {
    # JSON
    "cut off": (b'{"key": "a", "request": {"contents"', "not valid JSON", "ends too early"),
    "single quotes": (b"{'key': 'a'}", "not valid JSON", "double quotation marks"),
    "trailing comma": (b'{"key": "a",}', "column 12", "Correct"),
    "pretty-printed": (b"{", "not valid JSON", "one line"),
    "NaN": (b'{"key":"a","request":{"contents":[],"generationConfig":{"temperature":NaN}}}', "not valid JSON", ""),
    "a list": (b'[{"key": "a"}]', "a list, not an object", "each line"),
    "a text": (b'"hello"', "single value", "each line"),
    "two on a line": (b'{"key": "a"} {"key": "b"}', "not valid JSON", ""),
    "half a character": (b'{"key":"a","request":{"contents":[{"parts":[{"text":"\\ud800"}]}]}}', "not valid JSON", ""),
    "control character": (b'{"key":"a\x01"}', "not valid JSON", ""),
    "not UTF-8": (b'{"key": "caf\xe9"}', "0xE9 at position 13", "Save the file as UTF-8"),
    "empty object": (b"{}", "empty object", '"request"'),
    # the line's own shape
    "no request": (b'{"key": "a"}', 'no "request"', '"contents"'),
    "request is a text": (b'{"key": "a", "request": "hello"}', '"request" must be an object', '"contents"'),
    "key is a list": (b'{"key":[1],"request":{"contents":[{"parts":[{"text":"x"}]}]}}', '"key" must be a text', ""),
    "settings beside the request": (
        b'{"key":"a","request":{"contents":[{"parts":[{"text":"x"}]}]},"generationConfig":{}}',
        '"generationConfig" stands beside',
        'into "request"',
    ),
    "temperature beside the request": (
        b'{"key":"a","request":{"contents":[{"parts":[{"text":"x"}]}]},"temperature":1}',
        '"temperature" stands beside',
        "request.generationConfig",
    ),
    "misspelt key": (b'{"Key":"a","request":{"contents":[{"parts":[{"text":"x"}]}]}}', 'no "Key"', '"key"'),
    # other APIs
    "OpenAI's results": (b'{"id":"x","custom_id":"1","response":{}}', "OpenAI's results", "file of requests"),
    "Anthropic's results": (b'{"custom_id":"1","result":{}}', "Anthropic's results", "file of requests"),
    "Vertex result": (b'{"status":"","processed_time":"x","request":{},"response":{}}', "Vertex AI's results", ""),
    "a result": (b'{"key":"a","response":{"candidates":[]}}', "line of results", "file of requests"),
    "a failed result": (b'{"key":"a","error":{"code":13}}', "line of results", "file of requests"),
    "embedding": (b'{"request":{"contents":[]},"content":{"parts":[{"text":"x"}]}}', "embedding", "generateContent"),
    # wrong nesting
    "thinking_config at the top": (
        line(thinking_config={"thinking_level": "low"}),
        '"thinking_config" is in the wrong place',
        'inside "generationConfig"',
    ),
    "thinkingConfig at the top": (line(thinkingConfig={}), "wrong place", 'inside "generationConfig"'),
    "temperature at the top": (line(temperature=0.5), '"temperature" is in the wrong place', '"generationConfig"'),
    "thinkingLevel in generationConfig": (
        line(generationConfig={"thinkingLevel": "LOW"}),
        "wrong place",
        'inside "thinkingConfig"',
    ),
    "cachedContent in generationConfig": (
        line(generationConfig={"cachedContent": "cachedContents/a"}),
        '"cachedContent" is in the wrong place: it stands in generationConfig',
        'beside "contents"',
    ),
    "cached_content in generation_config": (
        line(generation_config={"cached_content": "cachedContents/a"}),
        "wrong place",
        'beside "contents"',
    ),
    "systemInstruction inside": (line(generationConfig={"systemInstruction": {}}), "wrong place", "beside"),
    "safety settings in generationConfig": (line(generationConfig={"safetySettings": []}), "wrong place", "beside"),
    "metadata inside": (line(metadata={"key": "a"}), 'no field "metadata"', 'beside "request"'),
    # unknown fields
    "misspelt temperature": (line(generationConfig={"temprature": 1}), "in generationConfig", '"temperature"'),
    "misspelt contents": (
        b'{"key":"a","request":{"content":[{"parts":[{"text":"x"}]}]}}',
        'no field "content"',
        '"contents"',
    ),
    "maxTokens": (line(generationConfig={"max_tokens": 5}), '"max_tokens"', '"maxOutputTokens"'),
    "top_K": (line(generationConfig={"topk": 5}), '"topk"', '"topK"'),
    "stop": (line(generationConfig={"stop": ["x"]}), '"stop"', '"stopSequences"'),
    "system prompt": (line(system_prompt="Be brief"), '"system_prompt"', '"systemInstruction"'),
    "system_instructions": (line(system_instructions={}), '"system_instructions"', '"systemInstruction"'),
    "Vertex only": (line(generationConfig={"audioTimestamp": True}), "only on Vertex AI", "Remove"),
    "SDK only": (line(http_options={}), "setting of the SDK", "Remove"),
    "OpenAI's response_format": (line(response_format={"type": "json_object"}), '"response_format"', "responseSchema"),
    "a part with a type": (
        line(contents=[{"parts": [{"type": "text", "text": "x"}]}]),
        'no field "type" in contents[0].parts[0]',
        "no type",
    ),
    "nothing like it": (line(frobnicate=1), 'no field "frobnicate"', '"contents"'),
    # wrong types
    "an image as text": (line(contents=[{"parts": [{"inlineData": "iVBOR"}]}]), "must be an object", "base64"),
    "text a number": (line(contents=[{"parts": [{"text": 5}]}]), "must be a text; here it is a number", '"'),
    "temperature a text": (line(generationConfig={"temperature": "hot"}), "temperature must be a number", "quotation"),
    "temperature in quotes": (line(generationConfig={"temperature": "0.5"}), "must be a number", "quotation marks"),
    "tokens with a fraction": (line(generationConfig={"maxOutputTokens": 10.5}), "whole number; here", "Write 10"),
    "thoughts a text": (
        line(generationConfig={"thinkingConfig": {"includeThoughts": "yes"}}),
        "includeThoughts must be true or false",
        "quotation marks",
    ),
    "tools an object": (line(tools={"googleSearch": {}}), "tools must be a list", "["),
    "stop sequences a text": (line(generationConfig={"stopSequences": "END"}), "stopSequences must be a list", '["'),
    # out of range
    "temperature 3": (line(generationConfig={"temperature": 3}), "temperature is 3", "highest value is 2"),
    "top_p 2": (line(generationConfig={"top_p": 2}), "topP is 2", "highest value is 1"),
    "no tokens": (line(generationConfig={"maxOutputTokens": 0}), "maxOutputTokens is 0", "lowest value is 1"),
    "thinking level": (
        line(generationConfig={"thinkingConfig": {"thinkingLevel": "extreme"}}),
        'no value "extreme"',
        '"HIGH"',
    ),
    "safety category": (
        line(safetySettings=[{"category": "HARM_CATEGORY_RUDE", "threshold": "OFF"}]),
        "HARM_CATEGORY_RUDE",
        "HARM_CATEGORY_HARASSMENT",
    ),
    # empty things
    "no contents": (b'{"key":"a","request":{}}', "no contents", '"contents"'),
    "empty contents": (line(contents=[]), "contents are empty", '"parts"'),
    "null contents": (line(contents=None), "no contents", '"contents"'),
    "no parts": (line(contents=[{"role": "user"}]), "contents[0] has no parts", '"parts"'),
    "empty parts": (line(contents=[{"parts": []}]), "empty list of parts", '"parts"'),
    "an empty part": (line(contents=[{"parts": [{}]}]), "parts[0] holds nothing", "leave the part out"),
    "an empty prompt": (line(contents=[{"parts": [{"text": "  \n"}]}]), "prompt is empty", "Write a prompt"),
    "two things in a part": (
        line(contents=[{"parts": [{"text": "x", "fileData": {"fileUri": "https://a/b"}}]}]),
        '"text", "fileData" together',
        "part of its own",
    ),
    # roles
    "role assistant": (line(contents=[{**USER, "role": "assistant"}]), '"assistant"', 'Write "model"'),
    "role system": (line(contents=[{**USER, "role": "system"}, USER]), '"system"', "systemInstruction"),
    "the model's turn last": (
        line(contents=[USER, {"role": "model", "parts": [{"text": "x"}]}]),
        "last turn is the model's",
        "End with a turn of the user",
    ),
    # media
    "a data URL": (
        line(contents=[{"parts": [{"inlineData": {"mimeType": "image/png", "data": "data:image/png;base64,AA"}}]}]),
        "data URL",
        "base64",
    ),
    "not base64": (
        line(contents=[{"parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": "cat.png!"}}]}]),
        "not base64",
        "base64",
    ),
    "no mime type": (line(contents=[{"parts": [{"inlineData": {"data": "AA"}}]}]), 'no "mimeType"', "mimeType"),
    "a path": (
        line(contents=[{"parts": [{"fileData": {"mimeType": "image/png", "fileUri": "cat.png"}}]}]),
        "not an address",
        "https://",
    ),
    # caches
    "a cache by another name": (line(cachedContent="my cache"), 'cachedContent is "my cache"', "@use_cache NAME"),
    "cache and system instruction": (
        line(cachedContent="cachedContents/a", systemInstruction={"parts": [{"text": "x"}]}),
        "uses a cache and sets systemInstruction",
        "Move them into the cache",
    ),
    "cache and tools": (line(cachedContent="cachedContents/a", tools=[{"googleSearch": {}}]), "sets tools", "Move"),
    "marker and tools": (
        line(contents=[{"parts": [{"text": "@use_cache a\nhi"}]}], tools=[{"googleSearch": {}}]),
        "sets tools",
        "Move",
    ),
    "marker without a name": (line(contents=[{"parts": [{"text": "@use_cache\nhi"}]}]), "does not name", "NAME"),
    "marker without a prompt": (line(contents=[{"parts": [{"text": "@use_cache a"}]}]), "no prompt after", "below"),
    "two caches": (
        line(contents=[{"parts": [{"text": "@use_cache a\nhi"}]}], cachedContent="cachedContents/b"),
        "a cache twice",
        "Keep one",
    ),
    # what excludes each other
    "level and budget": (
        line(generationConfig={"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 5}}),
        "together",
        "Keep one",
    ),
    "a field twice": (
        b'{"key":"a","request":{"contents":[],  "contents":[{"parts":[{"video_metadata":{},"text":"x"}]}]}}',
        '"contents" is given twice',
        "Keep one",
    ),
    "a field twice in two spellings": (line(toolConfig={}, tool_config={}), '"toolConfig" is given in two', "Keep one"),
    "a turn with a name": (line(contents=[{**USER, "name": "x"}]), 'no field "name" in contents[0]', '"parts"'),
    "a request twice": (b'{"key":"a","request":{},"request":{},"x":1}', '"request" is given twice', "Keep one"),
    "a request in a request": (b'{"request":{"request":{"contents":[]}}}', 'no field "request"', "one level"),
    "a number beyond all numbers": (line(generationConfig={"seed": 10**400}), "infinity", "as a text"),
    "two spellings": (line(generationConfig={"topK": 5, "top_k": 6}), '"topK" is given in two spellings', "Keep one"),
    "schema without a type of answer": (
        line(generationConfig={"responseSchema": {"type": "STRING"}}),
        "without a responseMimeType",
        "application/json",
    ),
    "schema with an unknown type": (
        line(generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "STRNG"}}),
        '"STRNG" is not a type',
        '"STRING"',
    ),
    "a function without a name": (line(tools=[{"functionDeclarations": [{"description": "x"}]}]), 'no "name"', "Name"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "fault", "remedy"), BAD.values(), ids=BAD)
def test_a_bad_line_is_named_by_fault_and_remedy(raw: bytes, fault: str, remedy: str) -> None:
    found = checker().check_line(raw, 7)
    assert isinstance(found, list), found
    assert any(fault in p.fault and remedy in p.remedy for p in found), found
    assert all(p.line == 7 for p in found)


@pytest.mark.parametrize("depth", [*range(940, 1030, 5), 5000, 200_000])
@pytest.mark.parametrize("place", ["args", "text"])
def test_nesting_however_deep_is_a_row_or_a_problem(depth: int, place: str) -> None:
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    part = b'{"functionCall":{"name":"f","args":' + nested + b"}}" if place == "args" else b'{"text":' + nested + b"}"
    for check in (checker(), checker(Generation(temperature=0.5), "shared")):
        checked = check.check_line(b'{"key":"a","request":{"contents":[{"parts":[' + part + b"]}]}}", 7)
        assert isinstance(checked, CheckedRow) or checked[0].line == 7


def test_every_fault_of_a_line_is_named_and_a_hopeless_line_stays_short() -> None:
    several = problems(line(temperature=1, generationConfig={"temprature": 1, "topP": "x"}))
    assert [p.fault.split('"')[1] if '"' in p.fault else "" for p in several] == ["temperature", "temprature", ""]
    assert {p.key for p in several} == {"k"}
    assert len(problems(line(contents=[{"parts": [{"text": n} for n in range(5000)]}]))) <= 20


# -- good lines --------------------------------------------------------------------------------------------------------

CANONICAL = {
    "the shortest": {"contents": [{"parts": [{"text": "hi"}]}]},
    "everything usual": {
        "contents": [USER, {"role": "model", "parts": [{"text": "a", "thoughtSignature": "AA=="}]}, USER],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 512, "thinkingConfig": {"thinkingLevel": "low"}},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "tools": [
            {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"a_b": {}}}}]}
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    },
    "an agent's history": {
        "contents": [
            USER,
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a_b": 1, "aB": [1e3]}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"max_output_tokens": 1}}}]},
        ]
    },
    "media": {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                    {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/v1beta/files/a"}},
                    {"text": "What is this?"},
                ],
            }
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("request_", CANONICAL.values(), ids=CANONICAL)
def test_a_line_in_the_wires_own_form_is_sent_byte_for_byte(request_: dict[str, Any]) -> None:
    raw = json.dumps({"key": "k", "request": request_}, indent=None).encode()
    checked = row(raw)
    assert checked.line == raw
    assert checked.key == "k"


def test_snake_case_is_respelled_where_it_is_ours_and_nowhere_else() -> None:
    mine = {"user_name": {"max_output_tokens": 1, "topK": 2}}
    checked = row(
        line(
            system_instruction={"parts": [{"text": "x"}]},
            generation_config={
                "max_output_tokens": 9,
                "response_mime_type": "application/json",
                "response_schema": {"type": "OBJECT", "properties": {"top_k": {"type": "STRING", "max_length": 5}}},
                "thinking_config": {"include_thoughts": True},
            },
            tools=[{"function_declarations": [{"name": "f", "parameters_json_schema": {"user_name": {"any_of": []}}}]}],
            contents=[
                USER,
                {"role": "model", "parts": [{"function_call": {"name": "f", "args": mine}}]},
                {"role": "user", "parts": [{"function_response": {"name": "f", "response": mine}}, {"text": "hi"}]},
            ],
            labels={"cost_center": "a"},
        )
    )
    request = sent(checked)
    assert request["systemInstruction"] == {"parts": [{"text": "x"}]}
    assert request["generationConfig"]["maxOutputTokens"] == 9
    assert request["generationConfig"]["thinkingConfig"] == {"includeThoughts": True}
    assert request["generationConfig"]["responseSchema"]["properties"] == {"top_k": {"type": "STRING", "maxLength": 5}}
    declared = request["tools"][0]["functionDeclarations"][0]
    assert declared["parametersJsonSchema"] == {"user_name": {"any_of": []}}
    assert request["contents"][1]["parts"][0]["functionCall"]["args"] == mine
    assert request["contents"][2]["parts"][0]["functionResponse"]["response"] == mine
    assert request["labels"] == {"cost_center": "a"}


@pytest.mark.parametrize("respelled", [False, True])
def test_numbers_escapes_and_order_inside_free_values_are_kept_to_the_byte(respelled: bool) -> None:
    odd = b'{"z":123456789012345678901234567890,"a":1.10,"e":1E5,"u":"\\u00e9\\/","m":-0.0}'
    name = b"function_call" if respelled else b"functionCall"
    raw = (
        b'{"key":"k","request":{"contents":[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"'
        + name
        + b'":{"name":"f","args":'
        + odd
        + b"}}]},"
        b'{"role":"user","parts":[{"functionResponse":{"name":"f"}},{"text":"x"}]}]}}'
    )
    checked = row(raw)
    assert odd in (checked.line or checked.request)


def test_nulls_are_left_out_and_whole_floats_become_whole_numbers() -> None:
    request = sent(row(line(systemInstruction=None, generation_config={"maxOutputTokens": 100.0, "topK": None})))
    assert json.dumps(request) == json.dumps({"contents": [USER], "generationConfig": {"maxOutputTokens": 100}})


def test_a_single_part_as_an_object_is_put_into_a_list_as_googles_examples_have_it() -> None:
    check = checker()
    assert sent(row(line(systemInstruction={"parts": {"text": "x"}}), check))["systemInstruction"]["parts"] == [
        {"text": "x"}
    ]
    assert check.notes["one_part"] == 1


@pytest.mark.parametrize(
    ("raw", "key", "note"),
    [
        (b'{"contents":[{"parts":[{"text":"hi"}]}],"key":"a"}', "a", "bare"),
        (b'{"prompt":"hi","id":7}', "7", "prompt_line"),
        (b'{"text":"hi"}', "", "prompt_line"),
        (b'{"request":{"contents":[{"parts":[{"text":"hi"}]}]},"metadata":{"key":"m"}}', "m", ""),
        (b'{"request":{"contents":[{"parts":[{"text":"hi"}]}]},"id":"x"}', "x", "id_as_key"),
        (b'{"key":12,"request":{"contents":[{"parts":[{"text":"hi"}]}]}}', "12", "number_key"),
        (b'{"key":null,"request":{"contents":[{"parts":[{"text":"hi"}]}]}}', "", ""),
        (b'{"key":"","request":{"contents":[{"parts":[{"text":"hi"}]}]}}', "", ""),
        (b'{"key":"a","request":{"contents":[{"parts":[{"text":"hi"}]}]},"tenant":5}', "a", "beside"),
    ],
)  # fmt: skip
def test_other_forms_are_taken_where_their_meaning_is_plain(raw: bytes, key: str, note: str) -> None:
    check = checker()
    checked = row(raw, check)
    assert checked.key == key
    assert checked.prompt == "hi"
    assert sent(checked)["contents"][0]["parts"] == [{"text": "hi"}]
    assert not note or check.notes[note] == 1


def test_what_is_remembered_of_one_field_is_not_taken_for_another() -> None:
    check = checker()
    assert isinstance(check.check_line(line(toolConfig={}), 1), CheckedRow)
    found = check.check_line(line(systemInstruction={}), 2)
    assert isinstance(found, list)
    assert "systemInstruction has no parts" in found[0].fault


def test_a_byte_order_mark_inside_a_file_is_passed_over() -> None:
    assert row(b"\xef\xbb\xbf" + line()).key == "k"


def test_the_prompt_is_the_text_of_the_last_turn_without_thoughts() -> None:
    history = [USER, {"role": "model", "parts": [{"text": "no"}]}]
    parts = [
        {"text": "first"},
        {"text": "hm", "thought": True},
        {"fileData": {"fileUri": "https://a/b"}},
        {"text": "second"},
    ]
    checked = row(line(contents=[*history, {"parts": parts}]))
    assert checked.prompt == "first\nsecond"
    assert checked.media


def test_images_asked_for_are_seen_in_every_spelling() -> None:
    for config in ({"responseModalities": ["TEXT", "IMAGE"]}, {"response_modalities": ["image"]}):
        assert row(line(generationConfig=config)).image_output
    assert not row(line(generationConfig={"responseModalities": ["TEXT"]})).image_output


# -- caches and models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("marker", ["@use_cache my doc\n", "@use_cache {my doc}\r\n", "  @use_cache   my doc  \n"])
def test_a_marker_is_cut_out_and_leaves_the_name_to_be_resolved(marker: str) -> None:
    checked = row(line(contents=[USER, {"parts": [{"text": marker + "What is it?\n"}]}]))
    assert checked.cache == "my doc"
    assert checked.prompt == "What is it?\n"
    request = sent(checked)
    assert request["cachedContent"] == "@use_cache:my doc"
    assert request["contents"] == [USER, {"parts": [{"text": "What is it?\n"}]}]
    prompt = checker().check_prompt(marker + "What is it?\n", "k", 1)
    assert isinstance(prompt, CheckedRow)
    assert (prompt.cache, json.loads(prompt.request)["cachedContent"]) == ("my doc", "@use_cache:my doc")


def test_a_marker_that_is_a_part_of_its_own_goes_with_it() -> None:
    checked = row(line(contents=[{"parts": [{"text": "@use_cache cachedContents/a1"}, {"text": "hi"}]}]))
    assert sent(checked) == {"contents": [{"parts": [{"text": "hi"}]}], "cachedContent": "cachedContents/a1"}


def test_a_draft_of_ours_can_be_given_again() -> None:
    again = row(line(cachedContent="@use_cache:my doc"))
    assert again.cache == "my doc"
    assert sent(again)["cachedContent"] == "@use_cache:my doc"


@pytest.mark.parametrize(
    "text", ["Tell me about @use_cache x", "@use_cached x\nhi", "@emulate ok\nhi", "hi\n@use_cache x\n"]
)
def test_words_that_only_look_like_a_marker_are_text(text: str) -> None:
    checked = row(line(contents=[{"parts": [{"text": text}]}]))
    assert (checked.cache, checked.prompt) == ("", text)


def test_a_rows_own_model_is_taken_out_counted_and_held_against_the_runs() -> None:
    check = checker()
    assert "model" not in sent(row(line(model="models/gemini-3.8-flash"), check))
    assert check.models == {"gemini-3.8-flash": 1}
    other = checker(model="gemini-3.8-flash")
    assert isinstance(other.check_line(line(model="gemini-3.8-flash"), 1), CheckedRow)
    refused = other.check_line(line(model="gemini-2.5-pro"), 1)
    assert isinstance(refused, list)
    assert 'asks for the model "gemini-2.5-pro"' in refused[0].fault


# -- settings ----------------------------------------------------------------------------------------------------------

FULL = Generation(
    temperature=0.0,
    max_output_tokens=100,
    thinking="low",
    system_instruction="Be brief.",
    response_schema='{"type": "object", "properties": {"a": {"type": "string"}}}',
)
FULL_CONFIG = {
    "temperature": 0.0,
    "maxOutputTokens": 100,
    "thinkingConfig": {"thinkingLevel": "LOW"},
    "responseMimeType": "application/json",
    "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
}


def test_settings_go_into_every_form_of_row() -> None:
    wanted = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": FULL_CONFIG,
    }
    check = checker(FULL)
    prompt = check.check_prompt("hi", "k", 1)
    assert isinstance(prompt, CheckedRow)
    assert json.loads(prompt.request) == wanted
    assert sent(row(line(), check)) == wanted
    assert sent(row(line(generation_config={}), check)) == wanted


def test_what_a_row_sets_itself_stays() -> None:
    own = {
        "temperature": 1.5,
        "max_output_tokens": 7,
        "thinkingConfig": {"thinkingBudget": 5},
        "responseMimeType": "text/plain",
    }
    request = sent(row(line(generationConfig=own, system_instruction={"parts": [{"text": "Mine."}]}), checker(FULL)))
    assert request["systemInstruction"] == {"parts": [{"text": "Mine."}]}
    assert request["generationConfig"] == {
        "temperature": 1.5,
        "maxOutputTokens": 7,
        "thinkingConfig": {"thinkingBudget": 5},
        "responseMimeType": "text/plain",
    }


def test_settings_fill_in_beside_what_a_row_sets() -> None:
    own = {"topK": 4, "thinkingConfig": {"includeThoughts": True}, "responseMimeType": "application/json"}
    config = sent(row(line(generationConfig=own), checker(FULL)))["generationConfig"]
    assert config == {**FULL_CONFIG, "topK": 4, "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}}


def test_nothing_is_sent_for_settings_that_are_not_set() -> None:
    prompt = checker().check_prompt("hi", "k", 1)
    assert isinstance(prompt, CheckedRow)
    assert json.loads(prompt.request) == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def test_the_runs_system_instruction_stays_out_of_rows_with_a_cache() -> None:
    check = checker(Generation(system_instruction="Be brief.", temperature=0.5))
    for request in (
        sent(row(line(cachedContent="cachedContents/a"), check)),
        json.loads(check.check_prompt("@use_cache a\nhi", "k", 1).request),
    ):
        assert "systemInstruction" not in request
        assert request["generationConfig"] == {"temperature": 0.5}
    assert check.notes["system_left_out"] == 2


def test_shared_text_leads_every_request_in_the_same_bytes() -> None:
    check = checker(shared_text="Shared ü\n")
    part = '{"text":"Shared ü\\n"}'.encode()
    prompt = check.check_prompt("hi", "k", 1)
    history = [USER, {"role": "model", "parts": [{"text": "no"}]}, USER]
    for request in (prompt.request, row(line(), check).request, row(line(contents=history), check).request):
        assert request.count(part) == 1
        assert json.loads(request)["contents"][0]["parts"][0] == {"text": "Shared ü\n"}
    assert row(line(), check).prompt == "hi"


def test_a_long_lead_is_a_part_of_its_own() -> None:
    prompt = checker().check_prompt("The guide.\nTicket 5", "k", 1, prefix_chars=11)
    assert isinstance(prompt, CheckedRow)
    parts = json.loads(prompt.request)["contents"][0]["parts"]
    assert parts == [{"text": "The guide.\n"}, {"text": "Ticket 5"}]
    assert prompt.prompt == "The guide.\nTicket 5"


def test_half_a_character_in_a_prompt_is_a_problem_and_not_a_crash() -> None:
    found = checker().check_prompt("a\ud800b", "k", 3)
    assert isinstance(found, list)
    assert "half a character" in found[0].fault


# -- properties --------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = (
    "key request metadata contents parts text role generationConfig generation_config temperature thinking_config tools"
    " systemInstruction cachedContent inlineData fileData functionCall args responseSchema type properties items anyOf"
    " responseModalities safetySettings model stopSequences id prompt"
)
NAMES = st.sampled_from(WORDS.split())
SHAPED = st.recursive(
    JSON | st.sampled_from(["user", "model", "OBJECT", "hi", 0.5, 3, True, "@use_cache a\nhi", "IMAGE"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=400, deadline=None)
@given(raw=st.binary(max_size=200) | SHAPED.map(lambda value: json.dumps(value).encode()), number=st.integers(1, 10**7))
def test_no_line_whatever_breaks_the_checker_and_faults_name_their_line(raw: bytes, number: int) -> None:
    checked = checker(Generation(temperature=0.5, system_instruction="x"), "shared").check_line(raw, number)
    if isinstance(checked, list):
        assert checked
        assert all(p.line == number and p.fault and p.remedy for p in checked)
    else:
        assert json.loads(checked.request)["contents"]


def one_turn(value: object) -> list[dict[str, Any]]:
    return [{"role": "user", "parts": [{"text": "x"}, {"functionCall": {"name": "f", "args": {"v": value}}}]}]


CONFIGS = st.fixed_dictionaries({}, optional={"temperature": st.floats(0, 2), "seed": st.integers(0, 99)})
REQUESTS = st.fixed_dictionaries(
    {"contents": SHAPED.map(one_turn)},
    optional={
        "generationConfig": CONFIGS,
        "systemInstruction": st.text(min_size=1).map(lambda text: {"parts": [{"text": text}]}),
    },
)


@settings(max_examples=200, deadline=None)
@given(request_=REQUESTS, key=st.text(min_size=1))
def test_good_requests_come_out_as_they_went_in(request_: dict[str, Any], key: str) -> None:
    raw = json.dumps({"key": key, "request": request_}).encode()
    checked = row(raw)
    assert checked.key == key
    assert sent(checked) == request_
    turn = request_["contents"][0]
    parts = [{"text": "x"}, {"function_call": turn["parts"][1]["functionCall"]}]
    snake = {"generationConfig": "generation_config", "systemInstruction": "system_instruction"}
    respelled = {snake.get(name, name): value for name, value in request_.items()} | {
        "contents": [{**turn, "parts": parts}]
    }
    assert sent(row(json.dumps({"key": key, "request": respelled}).encode())) == request_


@settings(max_examples=100, deadline=None)
@given(text=st.text(), shared=st.text(max_size=20), lead=st.integers(0, 10))
def test_a_prompt_is_sent_as_it_was_written(text: str, shared: str, lead: int) -> None:
    checked = checker(shared_text=shared).check_prompt(text, "k", 1, min(lead, len(text)))
    if isinstance(checked, list):
        assert not text.strip() or "@use_cache" in text
        return
    parts = [part["text"] for part in json.loads(checked.request)["contents"][0]["parts"]]
    assert "".join(parts) == (shared if shared.strip() else "") + checked.prompt
    assert checked.cache or checked.prompt == text


@settings(max_examples=500, deadline=None)
@given(
    names=st.lists(st.sampled_from(["a", "bc", "é", "d\\n", "", "e" * 9]), min_size=1, max_size=9),
    values=st.lists(st.sampled_from(["1", '"x"', "{}", '{"a": 1, "a": 2}']), min_size=9, max_size=9),
    colon=st.sampled_from([":", ": ", " : "]),
    comma=st.sampled_from([",", ", ", " ,  "]),
)
def test_a_name_given_twice_is_seen_however_the_json_is_written(
    names: list[str], values: list[str], colon: str, comma: str
) -> None:
    text = "{" + comma.join(f'"{name}"{colon}{value}' for name, value in zip(names, values, strict=False)) + "}"
    members = read_object(text.encode())
    wanted = sorted({json.loads(f'"{name}"') for name in names if names.count(name) > 1})
    assert duplicate_names(text.encode(), members) == wanted


_ONE, _OTHER = b'[{"parts":[{"text":"x"}]}]', b'[{"parts":[{"text":"y"}]}]'
TWICE = {
    "the key": b'{"key":"a","key":"b","request":{"contents":%b}}' % _ONE,
    "the request": b'{"key":"a","request":{"contents":%b},"request":{"contents":%b}}' % (_ONE, _OTHER),
    "the contents": b'{"key":"a","request":{"contents":%b,"contents":%b}}' % (_ONE, _OTHER),
    "the role": b'{"key":"a","request":{"contents":[{"role":"model","parts":[{"text":"x"}],"role":"user"}]}}',
    "the text": b'{"key":"a","request":{"contents":[{"parts":[{"text":"x","text":"y"}]}]}}',
    "a quoted text": b'{"key":"a","request":{"contents":[{"parts":[{"text":"say \\"x\\"","text":"\\"y\\""}]}]}}',
    "a file": b'{"key":"a","request":{"contents":[{"parts":[{"fileData":{"fileUri":"a://b","fileUri":"c://d"}}]}]}}',
    "the text of a line without a key": b'{"request":{"contents":[{"parts":[{"text":"x","text":"y"}]}]}}',
}


@pytest.mark.parametrize("generation", [Generation(), Generation(temperature=0.5)], ids=["as it is", "with settings"])
@pytest.mark.parametrize("raw", TWICE.values(), ids=TWICE)
def test_what_is_said_twice_is_never_guessed(raw: bytes, generation: Generation) -> None:
    """Google may take the first where we take the last: then an answer would miss its request."""
    found = checker(generation).check_line(raw, 1)
    assert isinstance(found, list)
    assert "given twice" in found[0].fault
