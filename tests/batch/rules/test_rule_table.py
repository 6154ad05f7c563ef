"""Every rule has a line that the check names by number and rule, and a neighbour that passes."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

import pytest

from batch.errors import Problem
from batch.model import Generation
from batch.pricing import catalog
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow, RowChecker
from batch.rules.model_rules import ModelRules
from batch.rules.rule_table import RULES

Json = dict[str, Any]
CATALOG = catalog.load()
FLASH, PRO, LITE = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite"
NEW, PRO_3, NEW_LITE = "gemini-3.8-flash", "gemini-3.1-pro-preview", "gemini-3.5-flash-lite"
UNKNOWN = "gemini-9-neon"
USER = {"role": "user", "parts": [{"text": "hi"}]}


class Case(NamedTuple):
    """A request of one model, and what is said of it; `fine` is a neighbour that passes (maybe of another model)."""

    model: str
    request: Json
    words: str
    fine: Json
    fine_model: str = ""


def config(**values: Any) -> Json:
    return {"contents": [USER], "generationConfig": values}


def thinking(**values: Any) -> Json:
    return config(thinkingConfig=values)


def schema(node: Json) -> Json:
    """A response schema with this node as its one property."""
    whole = {"type": "OBJECT", "properties": {"m": node}}
    return config(responseMimeType="application/json", responseSchema=whole)


def parameters(node: Json) -> Json:
    return tools({"functionDeclarations": [{"name": "f", "parameters": node}]})


def tools(*listed: Json, **rest: Any) -> Json:
    return {"contents": [USER], "tools": list(listed), **rest}


def functions(*names: str) -> Json:
    return {"functionDeclarations": [{"name": name} for name in names]}


def allowing(name: str, *listed: Json) -> Json:
    calling = {"mode": "ANY", "allowedFunctionNames": [name]}
    return {"contents": [USER], "tools": list(listed), "toolConfig": {"functionCallingConfig": calling}}


def part(content: Json) -> Json:
    return {"contents": [{"role": "user", "parts": [{"text": "What is this?"}, content]}]}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


PNG = base64_of(b"\x89PNG\r\n\x1a\n" + bytes(24))
HTML = base64_of(b"\n<!DOCTYPE html><html><body>404</body></html>")
PDF = base64_of(b"%PDF-1.4\n1 0 obj")
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def blob(kind: str, data: str = PNG) -> Json:
    return part({"inlineData": {"mimeType": kind, "data": data}})


def file(uri: str = "https://x/f", **rest: str) -> Json:
    return part({"fileData": {"fileUri": uri, **rest}})


def picture_in(level: str) -> Json:
    return part({"inlineData": {"mimeType": "image/png", "data": PNG}, "mediaResolution": {"level": level}})


def call(*names: str, signed: bool = True) -> Json:
    parts: list[Json] = [{"functionCall": {"name": name, "args": {}}} for name in names]
    return {"role": "model", "parts": [{**parts[0], **({"thoughtSignature": "c2ln"} if signed else {})}, *parts[1:]]}


def answer(*names: str) -> Json:
    return {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {"r": 1}}} for name in names]}


def turns(*contents: Json) -> Json:
    return {"contents": list(contents)}


JSON_ANSWER = {"responseMimeType": "application/json"}
LOW = "MEDIA_RESOLUTION_LOW"
NUMBERS = {"a": {"type": "number"}}
TEXTS = {"a": {"type": "STRING"}}
TWO_CALLS = call("f", "g", signed=False)

CASES: dict[str, list[Case]] = {
    "thinking_level_kind": [
        Case(FLASH, thinking(thinkingLevel="LOW"), "LOW", thinking(thinkingLevel="LOW"), NEW),
        Case(FLASH, thinking(thinkingLevel="high"), "budget", thinking(thinkingBudget=100)),
    ],
    "thinking_level": [
        Case(NEW, thinking(thinkingLevel="MINIMAL"), "LOW, MEDIUM, HIGH", thinking(thinkingLevel="low")),
        Case(PRO_3, thinking(thinkingLevel="XHIGH"), "XHIGH", thinking(thinkingLevel="MINIMAL"), NEW_LITE),
    ],
    "thinking_budget": [
        Case(PRO, thinking(thinkingBudget=52_428), "128 to 32,768", thinking(thinkingBudget=32_768)),
        Case(FLASH, thinking(thinkingBudget=24_577), "24,576", thinking(thinkingBudget=-1)),
        Case(LITE, thinking(thinkingBudget=511), "512", thinking(thinkingBudget=0)),
    ],
    "thinking_off": [
        Case(PRO, thinking(thinkingBudget=0), '"thinkingBudget": 128', thinking(thinkingBudget=128)),
        Case(PRO_3, thinking(thinkingBudget=0), '"thinkingLevel": "LOW"', thinking(thinkingBudget=0), FLASH),
    ],
    "output_limit": [
        Case(FLASH, config(maxOutputTokens=1_000_000), "65,536", config(maxOutputTokens=65_536)),
        Case("gemini-3-pro-image", config(maxOutputTokens=65_536), "32,768", config(maxOutputTokens=32_768)),
    ],
    "candidates": [
        Case(NEW, config(candidateCount=2), "at most 1", config(candidateCount=1)),
        Case(FLASH, config(candidateCount=9), "at most 8", config(candidateCount=8)),
        Case(UNKNOWN, config(candidateCount=9), "at most 8", config(candidateCount=1)),
    ],
    "aspect_ratio": [
        Case("gemini-3-pro-image", config(imageConfig={"aspectRatio": "1:8"}), "1:1", config(), ""),
        Case(
            "gemini-3-pro-image",
            config(imageConfig={"aspectRatio": "1:8"}),
            "does not make",
            config(imageConfig={"aspectRatio": "1:8"}),
            "gemini-3.1-flash-image",
        ),
    ],
    "image_size": [
        Case(
            "gemini-3.1-flash-image",
            config(imageConfig={"imageSize": "2k"}),
            "the K is a capital",
            config(imageConfig={"imageSize": "2K"}),
        ),
    ],
    "logprobs": [
        Case(NEW, config(responseLogprobs=True), "probabilities", config(responseLogprobs=False)),
        Case(FLASH, config(responseLogprobs=True, logprobs=3), "probabilities", config()),
    ],
    "logprobs_alone": [Case(UNKNOWN, config(logprobs=3), "without", config(responseLogprobs=True, logprobs=3))],
    "ultra_high_resolution": [
        Case(
            NEW,
            config(mediaResolution="MEDIA_RESOLUTION_ULTRA_HIGH"),
            "single part",
            config(mediaResolution="MEDIA_RESOLUTION_HIGH"),
        )
    ],
    "functions_with_json": [
        Case(FLASH, tools(functions("f"), generationConfig=JSON_ANSWER), "refuses", config(**JSON_ANSWER)),
        Case(
            FLASH,
            tools(functions("f"), generationConfig=JSON_ANSWER),
            "refuses",
            tools(functions("f"), generationConfig=JSON_ANSWER),
            NEW,
        ),
    ],
    "functions_with_search": [
        Case(PRO, tools({"googleSearch": {}}, functions("f")), "googleSearch", tools({"googleSearch": {}})),
        Case(PRO, tools({"googleSearch": {}, **functions("f")}), "googleSearch", tools(functions("f"))),
    ],
    "part_media_resolution": [
        Case(FLASH, picture_in(LOW), "contents[0].parts[1].mediaResolution", picture_in(LOW), NEW),
    ],
    "function_name": [
        Case(NEW, tools(functions("1st")), '"1st"', tools(functions("_1st"))),
        Case(NEW, tools(functions("get weather")), '"get weather"', tools(functions("get.weather:now-1"))),
        Case(NEW, tools(functions("f" * 65)), "64", tools(functions("f" * 64))),
        Case(NEW, tools(functions("größe")), "größe", tools(functions("F"))),
    ],
    "function_declared_twice": [
        Case(NEW, tools(functions("f", "f")), '"f" is declared twice', tools(functions("f", "g"))),
        Case(NEW, tools(functions("f"), functions("f")), "twice", tools(functions("f"), functions("F"))),
    ],
    "allowed_function": [
        Case(NEW, allowing("g", functions("f")), '"g"', allowing("f", functions("f"))),
        Case(NEW, {**allowing("f"), "tools": None}, '"f"', allowing("g", functions("f"), functions("g"))),
    ],
    "first_turn": [
        Case(NEW, turns(call("f"), answer("f")), "first turn", turns(USER, call("f"), answer("f"))),
        Case(FLASH, turns({"role": "model", "parts": [{"text": "Hello."}]}, USER), "first turn", turns(USER)),
    ],
    "response_without_call": [
        Case(NEW, turns(USER, answer("f")), "contents[1]", turns(USER, call("f"), answer("f"))),
        Case(
            NEW,
            turns(USER, call("f"), answer("f"), answer("f")),
            "contents[3]",
            turns(USER, call("f"), answer("f"), call("f"), answer("f")),
        ),
        Case(FLASH, turns(answer("f")), "contents[0]", turns(USER)),
    ],
    "response_count": [
        Case(
            FLASH,
            turns(USER, TWO_CALLS, answer("f")),
            "contents[1] calls 2 functions, and the turn after it has 1 response.",
            turns(USER, TWO_CALLS, answer("f", "g")),
        ),
        Case(NEW, turns(USER, call("f"), USER), "0 responses", turns(USER, call("f"), answer("f"), USER)),
        Case(NEW, turns(USER, call("f"), answer("f", "f")), "2 responses", turns(USER, call("f"), answer("f"))),
    ],
    "thought_signature": [
        Case(
            NEW,
            turns(USER, call("f", signed=False), answer("f")),
            'functionCall "f" in contents[1]',
            turns(USER, call("f", "g"), answer("f", "g")),
        ),
        Case(
            PRO_3,
            turns(USER, call("f"), answer("f"), call("g", signed=False), answer("g")),
            "contents[3]",
            turns(USER, call("f", signed=False), answer("f")),
            FLASH,
        ),
    ],
    "schema_empty_object": [
        Case(NEW, schema({"type": "object", "properties": {}}), "the schema › m", schema({"type": "STRING"})),
        Case(NEW, schema({"type": "OBJECT"}), "no properties", schema({"type": "NUMBER"})),
        Case(NEW, parameters({"type": "OBJECT", "properties": {}}), '"parameters"', tools(functions("f"))),
    ],
    "schema_free_dictionary": [
        Case(
            NEW,
            schema({"type": "object", "additionalProperties": {"type": "number"}}),
            "list",
            schema({"type": "object", "properties": NUMBERS, "additionalProperties": False}),
        ),
        Case(
            NEW,
            parameters({"type": "object", "additionalProperties": True}),
            "names of any kind",
            parameters({"type": "object", "properties": NUMBERS, "additionalProperties": True}),
        ),
    ],
    "schema_keyword_type": [
        Case(
            NEW,
            schema({"type": "STRING", "properties": TEXTS}),
            '"properties" stands at the type STRING',
            schema({"type": "OBJECT", "properties": TEXTS}),
        ),
        Case(
            NEW,
            parameters({"type": "OBJECT", "properties": {"a": {"type": "STRING", "items": {"type": "STRING"}}}}),
            '"items"',
            parameters({"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {"type": "STRING"}}}}),
        ),
    ],
    "schema_enum_type": [
        Case(NEW, schema({"type": "INTEGER", "enum": [1, 2]}), "texts", schema({"type": "INTEGER", "minimum": 1})),
        Case(NEW, schema({"type": "INTEGER", "enum": ["1"]}), "INTEGER", schema({"type": "STRING", "enum": ["1"]})),
        Case(
            NEW,
            parameters({"type": "OBJECT", "properties": {"a": {"type": "NUMBER", "enum": ["1"]}}}),
            "NUMBER",
            parameters({"type": "OBJECT", "properties": {"a": {"enum": ["1"]}}}),
        ),
    ],
    "schema_format": [
        Case(NEW, schema({"type": "STRING", "format": "uri"}), '"uri"', schema({"type": "STRING", "format": "enum"})),
        Case(
            NEW, schema({"type": "INTEGER", "format": "float"}), "int32", schema({"type": "NUMBER", "format": "float"})
        ),
        Case(NEW, schema({"type": "BOOLEAN", "format": "yes"}), "Remove", schema({"type": "BOOLEAN"})),
    ],
    "media_type_missing": [
        Case(NEW, blob(""), 'write "mimeType": "image/png"', blob("image/png")),
        Case(NEW, file(mimeType=" "), "empty", file()),
    ],
    "media_type_malformed": [
        Case(NEW, blob("pdf", PDF), 'write "mimeType": "application/pdf"', blob("application/pdf", PDF)),
        Case(NEW, file(mimeType=".mp3"), '"audio/mp3"', file(mimeType="audio/mpeg")),
    ],
    "media_type_refused": [
        Case(NEW, blob("application/octet-stream"), '"mimeType": "image/png"', blob("image/png")),
        Case(NEW, blob(WORD, "UEsDBBQA"), "PDF", blob("text/plain", "aGVsbG8=")),
        Case(NEW, file(mimeType="image/svg+xml"), "PNG", file(mimeType="image/webp")),
    ],
    "media_bytes": [
        Case(NEW, blob("image/jpeg", HTML), "a page of HTML", blob("text/html; charset=utf-8", HTML)),
        Case(NEW, blob("image/png", base64_of(b"<?xml version='1.0'?><Error/>")), "XML", blob("text/xml", "PD94bWwg")),
        Case(NEW, blob("image/png", base64_of(b"<!-- - --><HTML>")), "HTML", blob("image/png", base64_of(bytes(20)))),
        Case(NEW, blob("application/pdf"), "image/png", blob("application/pdf", PDF)),
        Case(NEW, blob("text/plain", base64_of(b"PK\x03\x04" + bytes(9))), "ZIP", blob("text/plain", "aGVsbG8=")),
        Case(
            NEW,
            blob("image/png", base64_of(b"GIF89a" + bytes(9))),
            "image/gif",
            blob("video/mp4", base64_of(b"\0\0\0\x20ftypisom")),
        ),
        Case(NEW, blob("audio/mp3", base64_of(b'{"error": 404}')), "JSON", blob("audio/mp3", base64_of(b"ID3\x04"))),
    ],
    "media_address": [
        Case(NEW, file("gs://bucket/a.png", mimeType="image/png"), "Vertex", file(mimeType="image/png")),
    ],
}

# What is only warned of: a request, its model, and a neighbour of which nothing is said.
WARNED: dict[str, tuple[str, Json, Json]] = {
    "schema_large": (
        NEW,
        schema({"type": "STRING", "enum": [f"v{n}" for n in range(101)]}),
        schema({"type": "ARRAY", "maxItems": 50, "items": {"type": "STRING"}}),
    ),
    "media_type_unknown": (NEW, blob("image/x-odd", "AAAA"), blob("image/png", "AAAA")),
    "media_bytes_differ": (NEW, blob("image/jpeg"), blob("image/png")),
}
SENTENCE = base64_of(b"The file was not found.")
BY_MODEL = [rule.id for rule in RULES.values() if rule.fact]


def check(model: str, request: Json, generation: Generation | None = None) -> tuple[Any, dict[str, int]]:
    """The checked row or its problems, and the notes."""
    rules = ModelRules(model, CATALOG.model(model))
    checker = RowChecker(EncodedSettings(generation or Generation()), rules=rules)
    raw = json.dumps({"key": "k", "request": request}).encode()
    return checker.check_line(raw, 7), dict(checker.notes)


def rule_ids(problems: Any) -> list[str]:
    assert isinstance(problems, list), problems
    assert all(isinstance(problem, Problem) and problem.line == 7 and problem.remedy for problem in problems)
    return [problem.rule for problem in problems]


def test_every_rule_has_its_cases_and_its_source() -> None:
    assert RULES.keys() == CASES.keys() | WARNED.keys()
    assert all(rule.source and rule.looks_at and (rule.fault or rule.id in WARNED) for rule in RULES.values())
    assert {RULES[rule_id].fact for rule_id in BY_MODEL} <= set(catalog.CatalogModel.__struct_fields__)


@pytest.mark.parametrize(("rule_id", "case"), [(rule_id, case) for rule_id, cases in CASES.items() for case in cases])
def test_a_broken_rule_is_named_and_its_neighbour_passes(rule_id: str, case: Case) -> None:
    problems, _ = check(case.model, case.request)
    assert rule_id in rule_ids(problems)
    assert case.words in " ".join(str(problem) for problem in problems)
    fine, _ = check(case.fine_model or case.model, case.fine)
    assert isinstance(fine, CheckedRow), fine


@pytest.mark.parametrize("rule_id", BY_MODEL)
def test_an_unknown_model_is_warned_of_and_not_refused(rule_id: str) -> None:
    """A fact that the catalog does not have is no reason to send nothing."""
    checked, notes = check(UNKNOWN, CASES[rule_id][0].request)
    assert isinstance(checked, CheckedRow), checked
    assert notes.get("thinking_level_kind" if rule_id == "thinking_level" else rule_id) == 1


@pytest.mark.parametrize("rule_id", BY_MODEL)
def test_without_a_model_its_facts_are_not_asked_for(rule_id: str) -> None:
    checked, notes = check("", CASES[rule_id][0].request)
    assert isinstance(checked, CheckedRow)
    assert notes == {}


@pytest.mark.parametrize("rule_id", WARNED)
def test_what_may_be_refused_is_warned_of(rule_id: str) -> None:
    model, request, fine = WARNED[rule_id]
    checked, notes = check(model, request)
    assert isinstance(checked, CheckedRow)
    assert notes == {rule_id: 1}
    assert check(model, fine)[1] == {}


def test_a_sentence_said_to_be_a_picture_is_warned_of() -> None:
    assert check(NEW, blob("image/jpeg", SENTENCE))[1] == {"media_bytes_differ": 1}
    assert check(NEW, blob("text/plain", SENTENCE))[1] == {}


def test_snake_case_and_the_long_way_are_held_to_the_same_rules() -> None:
    spelled = {"contents": [USER], "generation_config": {"thinking_config": {"thinking_level": "low"}}}
    assert rule_ids(check(FLASH, spelled)[0]) == ["thinking_level_kind"]
    calls = [USER, {"role": "model", "parts": [{"function_call": {"name": "f"}}]}, USER]
    assert rule_ids(check(NEW, {"contents": calls})[0]) == ["response_count"]


@pytest.mark.parametrize("values", [{"thinkingBudget": 32_769}, {"thinkingLevel": 3}, {"thinkingBudget": 0}])
def test_a_known_model_is_only_warned_of_where_nothing_is_documented(values: Json) -> None:
    """A budget on a model with levels, a level by the wire's number, and no thinking where users report both."""
    checked, notes = check(NEW, thinking(**values))
    assert isinstance(checked, CheckedRow)
    assert list(notes.values()) == [1]
    assert check(NEW, thinking(thinkingBudget=100))[1] == {}


def test_calls_of_earlier_rounds_are_only_warned_of() -> None:
    """Google looks at the signatures of the round under way."""
    history = turns(USER, call("f", signed=False), answer("f"), {"role": "model", "parts": [{"text": "1"}]}, USER)
    checked, notes = check(NEW, history)
    assert isinstance(checked, CheckedRow)
    assert notes == {"thought_signature": 1}
    assert check(FLASH, history)[1] == {}
    twice = turns(*history["contents"], *history["contents"])
    assert check(NEW, twice)[1] == {"thought_signature": 1}, "rows are counted, not calls"


def test_a_schema_of_the_settings_counts_as_an_answer_in_json() -> None:
    settings = Generation(response_schema='{"type": "STRING"}')
    assert rule_ids(check(FLASH, tools(functions("f")), settings)[0]) == ["functions_with_json"]
    own_form = tools(functions("f"), generationConfig={"responseMimeType": "text/plain"})
    assert isinstance(check(FLASH, own_form, settings)[0], CheckedRow)
    assert isinstance(check(NEW, tools(functions("f")), settings)[0], CheckedRow)


def test_a_remembered_field_is_judged_in_every_row() -> None:
    """Settings repeat from row to row and are read once."""
    checker = RowChecker(EncodedSettings(Generation()), rules=ModelRules(FLASH, CATALOG.model(FLASH)))
    raw = json.dumps({"key": "k", "request": thinking(thinkingLevel="LOW")}).encode()
    assert [rule_ids(checker.check_line(raw, 7)) for _ in range(3)] == [["thinking_level_kind"]] * 3
