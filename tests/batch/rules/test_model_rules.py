"""What a request asks for, held to the facts of its model: refused, warned of, or fine."""

from __future__ import annotations

from typing import Any

import pytest

from batch.pricing import catalog
from batch.rules.model_rules import NOTHING_FOUND, REMEMBERED, Demands, ModelRules, demands_of

MODELS = catalog.load().models
FLASH = ModelRules("gemini-2.5-flash", MODELS["gemini-2.5-flash"])
UNKNOWN = ModelRules("gemini-99-ultra")
FUNCTION = {"functionDeclarations": [{"name": "look_up"}]}


def rules_broken(rules: ModelRules, config: dict[str, Any]) -> list[str]:
    return [fault.rule for fault in rules.check_config(config).faults]


@pytest.mark.parametrize(
    ("config", "broken"),
    [
        ({}, []),
        ({"thinkingConfig": {"thinkingBudget": 0}, "maxOutputTokens": 100}, []),
        ({"thinkingConfig": {"thinkingLevel": "LOW"}}, ["thinking_level_kind"]),
        ({"thinkingConfig": {"thinkingBudget": 10**9}}, ["thinking_budget"]),
        ({"maxOutputTokens": 10**9}, ["output_limit"]),
        ({"candidateCount": 100}, ["candidates"]),
        ({"logprobs": 2}, ["logprobs_alone"]),
        ({"mediaResolution": "media_resolution_ultra_high"}, ["ultra_high_resolution"]),
    ],
)
def test_settings_are_held_to_the_models_facts(config: dict[str, Any], broken: list[str]) -> None:
    assert rules_broken(FLASH, config) == broken


def test_a_fault_names_model_and_value() -> None:
    fault = FLASH.check_config({"maxOutputTokens": 10**9}).faults[0]
    assert "gemini-2.5-flash" in fault.fault + fault.remedy
    assert fault.remedy


def test_an_unknown_model_is_warned_of_and_no_model_is_no_matter() -> None:
    config = {"maxOutputTokens": 10**9, "thinkingConfig": {"thinkingLevel": "LOW"}}
    assert UNKNOWN.check_config(config).faults == ()
    assert "output_limit" in UNKNOWN.check_config(config).warnings
    assert ModelRules().check_config(config) == NOTHING_FOUND


@pytest.mark.parametrize(
    ("tools", "broken"),
    [
        ([FUNCTION], []),
        ([{"functionDeclarations": [{"name": "look up"}]}], ["function_name"]),
        ([{"functionDeclarations": [{"name": "x" * 65}]}], ["function_name"]),
        ([FUNCTION, FUNCTION], ["function_declared_twice"]),
    ],
)
def test_tools_are_named_rightly(tools: list[dict[str, Any]], broken: list[str]) -> None:
    assert [fault.rule for fault in FLASH.check_tools(tools).faults] == broken


def test_what_fields_ask_for_together() -> None:
    demands = (
        demands_of("tools", [FUNCTION]),
        demands_of("toolConfig", {"functionCallingConfig": {"allowedFunctionNames": ["look_up", "other"]}}),
        demands_of("generationConfig", {"responseMimeType": "application/json"}),
        demands_of("safetySettings", []),
    )
    assert demands == (
        Demands(frozenset({"look_up"})),
        Demands(allowed_functions=("look_up", "other")),
        Demands(json_output=True),
        Demands(),
    )
    broken = {fault.rule for fault in FLASH.check_together(demands).faults}
    assert "allowed_function" in broken
    # A cache may declare what the request does not.
    assert "allowed_function" not in {fault.rule for fault in FLASH.check_together(demands, has_cache=True).faults}


def test_remembering_does_not_grow_without_end() -> None:
    rules = ModelRules("gemini-2.5-flash", MODELS["gemini-2.5-flash"])
    verdicts = [rules.check_together((Demands(frozenset({f"f{n}"}), (f"g{n}",)),)) for n in range(REMEMBERED + 10)]
    assert all(verdict.faults for verdict in verdicts)
    assert len(rules._together) <= REMEMBERED
