"""Every result line becomes exactly one outcome, and says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.model import Outcome, Usage
from batch.responses.outcome_tables import FINISH_REASONS
from batch.responses.outcomes import classify
from batch.responses.parsed_row import ParsedRow
from batch.responses.structured_output import looks_like_refusal

GOLDEN = Path(__file__).parents[2] / "golden" / "outcomes" / "lines.json"
CASES: list[dict[str, Any]] = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_known_line_means_what_it_meant(case: dict[str, Any]) -> None:
    row = classify(json.dumps(case["line"]).encode())
    told = row._asdict()
    expected = case["expect"] | ({"usage": Usage(*case["expect"]["usage"])} if case["expect"].get("usage") else {})
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_spelling_and_order_of_fields_do_not_matter(case: dict[str, Any]) -> None:
    backwards = dict(reversed(case["line"].items()))
    rewritten = json.dumps(backwards, separators=(", ", " : "), ensure_ascii=False).encode() + b"\r\n"
    assert classify(rewritten) == classify(json.dumps(case["line"]).encode())


def test_the_cases_show_every_outcome_but_missing() -> None:
    shown = {case["expect"]["outcome"] for case in CASES}
    assert shown == {outcome.value for outcome in Outcome} - {"missing"}


@pytest.mark.parametrize("reason", sorted(FINISH_REASONS))
def test_every_finish_reason_says_why(reason: str) -> None:
    candidate = {"finishReason": reason, "content": {"parts": [{"text": "some text"}]}}
    row = classify(json.dumps({"key": "a", "response": {"candidates": [candidate]}}).encode())
    assert row.finish_reason == reason
    assert row.text == "some text"
    assert (row.outcome is Outcome.ANSWERED) == (reason == "STOP") == (row.error_message == "")
    assert reason in row.error_message or reason == "STOP"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"[1, 2]",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"key": "a", "response": {"candidates": [',
        b'{"key": "a"}{"key": "b"}',
        b"[" * 5000,
    ],
)
def test_a_broken_line_is_unknown_and_has_no_key(line: bytes) -> None:
    assert classify(line)[:2] in ((None, Outcome.UNKNOWN),)


@pytest.mark.parametrize("levels", [5_000, 200_000])
def test_a_line_nested_too_deeply_is_unknown_and_keeps_its_key(levels: int) -> None:
    row = classify(b'{"key": "a\\u0062", "response": ' + b"[" * levels + b"]" * levels + b"}")
    assert (row.key, row.outcome) == ("ab", Outcome.UNKNOWN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["key", "response", "error", "status", "metadata", "candidates", "content", "parts", "text", "finishReason"]
SHAPED = st.recursive(
    JSON, lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=4) | st.lists(inner, max_size=2)
)


@given(SHAPED)
def test_any_json_has_an_outcome(value: Any) -> None:
    row = classify(json.dumps(value).encode())
    assert isinstance(row.outcome, Outcome)
    assert row.key is None or isinstance(row.key, str)
    assert row.outcome is Outcome.ANSWERED or row.error_message


@given(st.binary(max_size=60))
def test_any_bytes_have_an_outcome(line: bytes) -> None:
    assert classify(line).outcome in Outcome


@given(st.text(), st.text(min_size=1))
def test_a_text_comes_back_as_it_was(key: str, text: str) -> None:
    candidate = {"finishReason": "STOP", "content": {"parts": [{"text": text}]}}
    row = classify(json.dumps({"key": key, "response": {"candidates": [candidate]}}).encode())
    whole = text.encode("utf-8", "replace").decode() if text.isprintable() else row.text
    assert row.key == key
    assert row.text == whole


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m unable to assist with this request.",
        "I cannot provide medical advice.",
        "Sorry, I can't do that.",
        "Unfortunately, I cannot fulfill this request.",
        "As an AI language model, I cannot generate this.",
        "I must decline to answer.",
        "I won't write that.",
        "We are not able to discuss this topic.",
    ],
)
def test_refusals_are_recognised(text: str) -> None:
    assert looks_like_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry for your loss. Here is a letter you could send.",
        "Sorry to hear that; your refund will be made today.",
        "I can't wait to help you!",
        "I cannot believe how good this is.",
        "Positive",
        "Unfortunately, the train was late.",
        "The customer said: I cannot provide the invoice.",
        "I cannot provide " + "details " * 200,
    ],
)
def test_answers_are_not_taken_for_refusals(text: str) -> None:
    assert not looks_like_refusal(text)


def response_row(*candidates: dict[str, Any], usage: Any = None, **more: Any) -> ParsedRow:
    response = {"candidates": list(candidates), **({"usageMetadata": usage} if usage is not None else {}), **more}
    return classify(json.dumps({"key": "a", "response": response}).encode())


def candidate(*parts: dict[str, Any], finish: str = "STOP", **more: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, **more}


def modalities(**tokens: int) -> list[dict[str, Any]]:
    return [{"modality": name, "tokenCount": count} for name, count in tokens.items()]


USED = [
    pytest.param(
        {"promptTokenCount": 900, "candidatesTokenCount": 7, "promptTokensDetails": modalities(TEXT=100, AUDIO=800)},
        Usage(900, 0, 7, audio=800),
        id="sound",
    ),
    pytest.param(
        {
            "promptTokenCount": 900,
            "cachedContentTokenCount": 500,
            "promptTokensDetails": modalities(TEXT=100, AUDIO=800),
            "cacheTokensDetails": modalities(TEXT=50, AUDIO=450),
        },
        Usage(900, 500, audio=800, cached_audio=450),
        id="cached-sound",
    ),
    # 900 of which 500 cached leave 400 fresh, so that at least 400 of 800 tokens of sound were cached
    pytest.param(
        {"promptTokenCount": 900, "cachedContentTokenCount": 500, "promptTokensDetails": modalities(AUDIO=800)},
        Usage(900, 500, audio=800, cached_audio=400),
        id="sound-cached-untold",
    ),
    # a recorded image answer: text and thoughts beside the picture are no picture
    pytest.param(
        {
            "promptTokenCount": 9,
            "candidatesTokenCount": 1466,
            "totalTokenCount": 1812,
            "candidatesTokensDetails": modalities(IMAGE=1120),
            "thoughtsTokenCount": 337,
            "serviceTier": "standard",
        },
        Usage(9, 0, 1466, 337, image=1120),
        id="picture",
    ),
    pytest.param(
        {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 65},
        Usage(10, 0, 5, unitemised=50),
        id="more-than-its-parts",
    ),
    pytest.param(
        {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 11}, Usage(10, 0, 5), id="less"
    ),
    pytest.param({}, None, id="empty"),
    pytest.param({"serviceTier": "standard"}, None, id="no-counts"),
    pytest.param({"promptTokenCount": 10, "promptTokensDetails": "AUDIO"}, Usage(10), id="details-of-no-form"),
    pytest.param({"promptTokenCount": 10, "promptTokensDetails": modalities(AUDIO=99)}, Usage(10, audio=10), id="most"),
]


@pytest.mark.parametrize(("told", "usage"), USED)
def test_usage_is_kept_by_what_it_is(told: dict[str, Any], usage: Usage | None) -> None:
    assert response_row(candidate({"text": "A"}), usage=told).usage == usage


def test_a_picture_without_details_is_paid_as_one() -> None:
    picture = candidate({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1290}
    assert response_row(picture, usage=usage).usage == Usage(9, 0, 1290, image=1290)
    assert response_row(candidate({"text": "A"}), usage=usage).usage == Usage(9, 0, 1290)


SEARCHED = [
    pytest.param([{"webSearchQueries": ["x", "y", "x", ""]}], 2, id="distinct"),
    pytest.param([{"webSearchQueries": ["x"]}, {"webSearchQueries": ["x", "z"]}], 2, id="over-all-candidates"),
    pytest.param([{"groundingChunks": [{"web": {"uri": "https://e.example"}}]}], 1, id="queries-not-told"),
    pytest.param([{"groundingChunks": [{"maps": {"uri": "https://e.example"}}]}], 0, id="no-web"),
    pytest.param([{"webSearchQueries": []}], 0, id="none"),
    pytest.param([{"webSearchQueries": 3}], 0, id="of-no-form"),
]


@pytest.mark.parametrize(("metadata", "queries"), SEARCHED)
def test_web_searches_are_counted_once_each(metadata: list[dict[str, Any]], queries: int) -> None:
    candidates = [candidate({"text": "A"}, groundingMetadata=one) for one in metadata]
    usage = response_row(*candidates, usage={"promptTokenCount": 1}).usage
    assert usage is not None
    assert (usage.search_queries, usage.grounded_prompts) == (queries, min(1, queries))


def test_every_candidate_is_kept_beside_the_best() -> None:
    row = response_row(
        candidate({"text": "cut"}, finish="MAX_TOKENS"),
        candidate({"text": "first"}),
        candidate({"text": "second"}),
        candidate(finish="SAFETY"),
    )
    assert (row.outcome, row.text, row.other_answers) == (Outcome.ANSWERED, "first", ("cut", "second"))


def test_calls_and_code_are_kept_as_received() -> None:
    call = {"name": "look_up", "args": {"q": "größe", "half": "\ud83d"}}
    row = response_row(candidate({"text": "Let me see."}, {"functionCall": call}, {"functionCall": {"name": "two"}}))
    assert row.outcome is Outcome.TOOL_CALL
    assert json.loads(row.tool_calls) == [{**call, "args": {"q": "größe", "half": "\ufffd"}}, {"name": "two"}]
    ran = {"executableCode": {"language": "PYTHON", "code": "print(1)"}}
    got = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
    row = response_row(candidate({"text": "So: "}, ran, got, {"text": "1"}))
    assert (row.outcome, row.text, json.loads(row.code)) == (Outcome.ANSWERED, "So: 1", [ran, got])


def test_thoughts_and_signatures_are_no_answer() -> None:
    signature = {"thoughtSignature": "AbCd"}
    draft = {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}, "thought": True}
    assert response_row(candidate({"text": "A"}, signature))[1:3] == (Outcome.ANSWERED, "A")
    assert response_row(candidate(signature)).outcome is Outcome.EMPTY
    only_thoughts = response_row(candidate({"text": "hm", "thought": True}, draft, signature))
    assert (only_thoughts.outcome, only_thoughts.text, only_thoughts.images) == (Outcome.THOUGHTS_ONLY, "", 0)
    assert response_row(candidate(draft)).outcome is Outcome.EMPTY
