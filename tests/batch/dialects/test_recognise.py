"""Lines are told apart by what they hold; whatever a stranger writes is a request or a problem, never an exception."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from batch.dialects.conversion import FORM
from batch.dialects.recognise import convert_line
from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import RowChecker
from batch.rules.model_rules import ModelRules
from tests.batch.dialects.lines import accepted, chat, message, response

NAMES = [
    "custom_id",
    "body",
    "params",
    "request",
    "url",
    "method",
    "model",
    "messages",
    "input",
    "instructions",
    "role",
    "content",
    "type",
    "text",
    "image_url",
    "tools",
    "tool_choice",
    "function",
    "name",
    "arguments",
    "tool_calls",
    "id",
    "tool_call_id",
    "system",
    "max_tokens",
    "source",
    "data",
    "stop",
    "n",
    "response_format",
    "json_schema",
    "schema",
    "instances",
    "parameters",
    "prompt",
    "thinking",
    "reasoning",
    "contents",
    "parts",
    "config",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "user", "x", "text", "/v1/responses", "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=25,
)


def test_a_prediction_of_vertex_is_a_prompt() -> None:
    _, request, notes = accepted({"instances": [{"prompt": "Hi"}], "parameters": {"temperature": 0.1}})
    assert request["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
    assert request["generationConfig"] == {"temperature": 0.1}
    assert notes[FORM + "Vertex AI prediction"] == 1


def test_lines_for_gemini_are_not_touched() -> None:
    assert convert_line({"request": {"contents": []}}, ModelRules()) is None
    assert convert_line({"contents": [], "model": "x"}, ModelRules()) is None
    assert convert_line({"question": "x", "answer": "y"}, ModelRules()) is None


@given(st.sampled_from([chat, response, message]), st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_strange_bodies_are_problems_and_no_exceptions(make: Any, body: dict[str, Any]) -> None:
    RowChecker(EncodedSettings(Generation())).check_line(json.dumps(make(**body)).encode(), 1)


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5))
def test_strange_lines_are_problems_and_no_exceptions(line: dict[str, Any]) -> None:
    RowChecker(EncodedSettings(Generation())).check_line(json.dumps(line).encode(), 1)


def test_a_line_of_bedrock_is_one_of_anthropic_under_its_record_id() -> None:
    params = message(anthropic_version="bedrock-2023-05-31")["params"]
    key, request, notes = accepted({"recordId": "CALL1", "modelInput": params})
    assert (key, request["contents"][0]["parts"]) == ("CALL1", [{"text": "Hi"}])
    assert notes[f"{FORM}Anthropic messages"] == 1


def test_the_custom_id_beside_a_request_is_its_key() -> None:
    contents = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert accepted({"custom_id": "a", "request": contents})[0] == "a"
    assert accepted({"key": "k", "custom_id": "a", "request": contents})[0] == "k"
