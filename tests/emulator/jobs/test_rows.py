"""What a row can come to: every outcome a prompt can ask for, in the shape of the wire, with its usage."""

import json

import pytest

from tests.emulator_api import ApiClient, Json, row, text_of
from tests.emulator_process import EmulatorProcess


def one(api: ApiClient, outcome: str, **request: object) -> Json:
    results = api.run([row("k", f"Hello [[emulate: {outcome}]]", **request)])
    assert len(results) == 1
    return results[0]


def test_ok_is_an_ordinary_answer(api: ApiClient) -> None:
    response = one(api, "ok")["response"]
    candidate = response["candidates"][0]
    assert (candidate["finishReason"], candidate["index"], candidate["content"]["role"]) == ("STOP", 0, "model")
    assert response["modelVersion"] == "gemini-2.5-flash"
    assert response["responseId"]
    usage = response["usageMetadata"]
    parts = (usage["promptTokenCount"], usage["candidatesTokenCount"], usage.get("thoughtsTokenCount", 0))
    assert usage["totalTokenCount"] == sum(parts)
    assert usage["promptTokensDetails"] == [{"modality": "TEXT", "tokenCount": usage["promptTokenCount"]}]
    assert "cachedContentTokenCount" not in usage


def test_a_blocked_prompt_has_feedback_and_no_candidates(api: ApiClient) -> None:
    response = one(api, "prompt_blocked")["response"]
    assert response["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in response
    assert response["usageMetadata"]["totalTokenCount"] == response["usageMetadata"]["promptTokenCount"]


@pytest.mark.parametrize(
    ("outcome", "finish", "content"),
    [
        ("safety", "SAFETY", {}),
        ("recitation", "RECITATION", {}),
        ("max_tokens_empty", "MAX_TOKENS", {"role": "model"}),
        ("empty", "STOP", {"role": "model", "parts": [{"text": ""}]}),
    ],
)
def test_answers_without_text(api: ApiClient, outcome: str, finish: str, content: Json) -> None:
    candidate = one(api, outcome)["response"]["candidates"][0]
    assert (candidate["finishReason"], candidate["content"]) == (finish, content)


def test_a_blocked_answer_says_which_rating_blocked_it(api: ApiClient) -> None:
    ratings = one(api, "safety")["response"]["candidates"][0]["safetyRatings"]
    assert [rating["category"] for rating in ratings if rating.get("blocked")] == ["HARM_CATEGORY_HATE_SPEECH"]


def test_an_empty_max_tokens_spent_everything_on_thoughts(api: ApiClient) -> None:
    response = one(api, "max_tokens_empty", generationConfig={"maxOutputTokens": 77})["response"]
    assert response["usageMetadata"]["thoughtsTokenCount"] == 77
    assert "candidatesTokenCount" not in response["usageMetadata"]


def test_max_tokens_breaks_the_text_off(api: ApiClient) -> None:
    whole, cut = one(api, "ok")["response"], one(api, "max_tokens")["response"]
    assert cut["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert 0 < len(text_of(cut)) < len(text_of(whole)) or len(text_of(cut)) >= 8


def test_no_candidates_is_a_response_with_usage_only(api: ApiClient) -> None:
    response = one(api, "no_candidates")["response"]
    assert "candidates" not in response
    assert "promptFeedback" not in response
    assert response["usageMetadata"]["promptTokenCount"] > 0


def test_thoughts_alone_are_no_answer(api: ApiClient) -> None:
    (part,) = one(api, "thought_only")["response"]["candidates"][0]["content"]["parts"]
    assert part["thought"] is True


def test_a_tool_call_names_a_declared_function(api: ApiClient) -> None:
    tools = [{"functionDeclarations": [{"name": "look_up", "description": "d"}]}]
    (part,) = one(api, "tool_call", tools=tools)["response"]["candidates"][0]["content"]["parts"]
    assert part["functionCall"]["name"] == "look_up"


def test_a_refusal_is_ordinary_text(api: ApiClient) -> None:
    response = one(api, "refusal")["response"]
    assert "can't help" in text_of(response)
    assert response["candidates"][0]["finishReason"] == "STOP"


def test_invalid_json_cannot_be_parsed(api: ApiClient) -> None:
    text = text_of(one(api, "invalid_json", generationConfig={"responseMimeType": "application/json"})["response"])
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_no_response_has_neither_response_nor_error(api: ApiClient) -> None:
    assert one(api, "no_response") == {"key": "k"}


@pytest.mark.parametrize("code", [3, 4, 7, 8, 13, 14])
def test_a_row_error_is_a_grpc_number_and_a_text_without_details(api: ApiClient, code: int) -> None:
    error = one(api, f"error:{code}")["error"]
    assert set(error) == {"code", "message"}
    assert error["code"] == code


def test_row_errors_have_the_texts_users_report(api: ApiClient) -> None:
    assert one(api, "error:7")["error"]["message"] == "CachedContent not found (or permission denied)"
    assert one(api, "error:13")["error"]["message"].startswith("An internal error has occurred. Please retry or report")
    assert one(api, "error:RESOURCE_EXHAUSTED")["error"]["code"] == 8


def test_a_dropped_row_is_missing_and_a_dropped_key_is_not(api: ApiClient) -> None:
    results = api.run([row("a"), row("b", "[[emulate: drop_row]]"), row("c", "[[emulate: drop_key]]"), row("d")])
    assert [result.get("key") for result in results] == ["a", None, "d"]
    assert "response" in results[1]


def test_inline_rows_lose_their_metadata_when_told_to(api: ApiClient) -> None:
    from tests.emulator_api import contents

    rows = [{"request": {"contents": contents("x [[emulate: drop_key]]")}, "metadata": {"key": "a"}}]
    (result,) = api.results(api.finish_job(api.inline_batch(rows)))
    assert "metadata" not in result


def test_errors_and_lost_rows_bill_nothing_and_all_else_does(api: ApiClient, emulator: EmulatorProcess) -> None:
    billed = ["ok", "prompt_blocked", "safety", "recitation", "max_tokens", "max_tokens_empty", "empty"]
    billed += ["no_candidates", "thought_only", "tool_call", "refusal", "invalid_json", "drop_key"]
    free = ["error:13", "no_response", "drop_row"]
    results = api.run([row(o, f"Hello [[emulate: {o}]]") for o in billed + free])
    (usage,) = emulator.ledger()["usage"]
    assert usage["rows"] == len(billed)
    shown = [r["response"]["usageMetadata"] for r in results if "response" in r]
    fields = {"prompt": "promptTokenCount", "candidates": "candidatesTokenCount", "thoughts": "thoughtsTokenCount"}
    for column, field in fields.items():
        assert usage[column] == sum(meta.get(field, 0) for meta in shown)


def test_interactive_calls_take_outcomes_too(api: ApiClient) -> None:
    from tests.emulator_api import MODEL, contents

    asked = {"contents": contents("Hello [[emulate: error:14]]")}
    assert api.expect_error("POST", f"models/{MODEL}:generateContent", asked)["status"] == "UNAVAILABLE"
    assert api.generate("[[emulate: safety]]")["candidates"][0]["finishReason"] == "SAFETY"


def test_max_output_tokens_limits_thoughts_and_text_together(api: ApiClient) -> None:
    config = {"maxOutputTokens": 30}
    for response in (
        r["response"] for r in api.run([row(str(i), f"Long {i}", generationConfig=config) for i in range(9)])
    ):
        usage = response["usageMetadata"]
        assert usage["candidatesTokenCount"] + usage.get("thoughtsTokenCount", 0) <= 30
        long = response["candidates"][0]["finishReason"] == "MAX_TOKENS"
        assert long or text_of(response).endswith((".", "”", ")"))


def test_thinking_can_be_turned_off_where_the_model_allows_it(api: ApiClient) -> None:
    off = {"thinkingConfig": {"thinkingBudget": 0}}
    (result,) = api.run([row("a", generationConfig=off)])
    assert "thoughtsTokenCount" not in result["response"]["usageMetadata"]
    (result,) = api.run([row("a", generationConfig=off)], "gemini-3.8-flash")
    assert result["error"]["code"] == 3


def test_thoughts_can_be_seen(api: ApiClient) -> None:
    (result,) = api.run([row("a", generationConfig={"thinkingConfig": {"includeThoughts": True}})])
    thought, answer = result["response"]["candidates"][0]["content"]["parts"]
    assert (thought["thought"], "thought" in answer) == (True, False)


def test_an_outcome_that_there_is_not_is_told(api: ApiClient) -> None:
    error = one(api, "explode")["error"]
    assert error["code"] == 3
    assert "no outcome 'explode'" in error["message"]


def test_a_mark_of_its_own_part_leaves_the_prompt_alone(api: ApiClient) -> None:
    """The samples add the mark as a part: the answer is still about what was asked."""
    asked = {"contents": [{"parts": [{"text": "Translate to German: Where is it?"}, {"text": "[[emulate: ok]]"}]}]}
    (result,) = api.run([{"key": "a", "request": asked}])
    assert text_of(result["response"]) == "[simulated] (German) « Where is it? »"
