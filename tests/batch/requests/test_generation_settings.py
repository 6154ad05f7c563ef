"""Settings are checked before anything is built with them."""

from __future__ import annotations

import pytest

from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings, check_generation

WRONG = {
    "too warm": (Generation(temperature=2.1), "temperature", "highest value is 2"),
    "too cold": (Generation(temperature=-0.1), "temperature", "lowest value is 0"),
    "not a number": (Generation(temperature=float("nan")), "temperature", "Enter a number"),
    "no tokens": (Generation(max_output_tokens=0), "max_output_tokens", "lowest value is 1"),
    "too many tokens": (Generation(max_output_tokens=10**9), "max_output_tokens", "1,000,000"),
    "thinking": (Generation(thinking="a lot"), "thinking", "minimal, low"),
    "negative budget": (Generation(thinking="-5"), "thinking", "number of tokens"),
    "other digits": (Generation(thinking="٣"), "thinking", "number of tokens"),
    "schema no JSON": (Generation(response_schema="{"), "response_schema", ""),
    "schema wrong": (Generation(response_schema='{"type": "strng"}'), "response_schema", "STRING"),
    "half a character": (Generation(system_instruction="\ud800"), "system_instruction", ""),
}


@pytest.mark.parametrize(("generation", "setting", "remedy"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_named(generation: Generation, setting: str, remedy: str) -> None:
    (problem,) = check_generation(generation)
    assert (problem.line, problem.key) == (0, setting)
    assert problem.fault
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    "generation",
    [
        Generation(),
        Generation(temperature=0.0, max_output_tokens=1, thinking="minimal"),
        Generation(temperature=2, thinking="XHIGH"),
        Generation(thinking="0"),
        Generation(thinking="-1"),
        Generation(thinking=" 2048 ", response_schema="  "),
    ],
)
def test_right_settings_pass(generation: Generation) -> None:
    assert check_generation(generation) == []


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [("low", b'{"thinkingLevel":"LOW"}'), ("2048", b'{"thinkingBudget":2048}'), ("-1", b'{"thinkingBudget":-1}')],
)
def test_words_are_a_level_and_digits_a_budget(thinking: str, sent: bytes) -> None:
    assert bytes(EncodedSettings(Generation(thinking=thinking)).fields.config["thinkingConfig"]) == sent


def test_a_schema_that_was_rewritten_is_said_to_be() -> None:
    optional = '{"anyOf": [{"type": "string"}, {"type": "null"}]}'
    (note,) = EncodedSettings(Generation(response_schema=optional)).notes
    assert "nullable" in note
    assert EncodedSettings(Generation(response_schema='{"type": "STRING"}')).notes == []


def test_a_deep_schema_is_warned_of() -> None:
    schema = '{"type":"ARRAY","items":' * 6 + '{"type":"STRING"}' + "}" * 6
    (note,) = EncodedSettings(Generation(response_schema=schema)).notes
    assert "7 levels deep" in note


def test_blank_settings_add_nothing() -> None:
    settings = EncodedSettings(Generation(system_instruction=" \n"), shared_text="  ").fields
    assert not settings.has_values
    assert settings.config_tail == b""
