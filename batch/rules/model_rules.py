"""Hold what a request asks for to what its model takes, by the facts of the catalog."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from batch.errors import Fault
from batch.pricing.catalog import CatalogModel
from batch.rules.rule_table import broken
from batch.rules.tool_history import HistoryTurn, history_verdict

REMEMBERED, REMEMBERED_CHARACTERS = 256, 65_536
"""So many combinations of demands are remembered, of names no longer than that together; rows repeat them."""
MOST_CANDIDATES = 8
"""No model gives more answers to one request."""
LONGEST_BUDGET = 32_768
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")


@dataclass(frozen=True)
class Verdict:
    """What was found: faults, and the ids of rules that only warn or that nobody knows the model's fact for."""

    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(self.faults + other.faults, self.warnings + other.warnings)


NOTHING_FOUND = Verdict()


class Demands(NamedTuple):
    """What fields of a request ask for that matters beside other fields."""

    functions: frozenset[str] = frozenset()
    allowed_functions: tuple[str, ...] = ()
    json_output: bool = False


class ModelRules:
    """The rules as one model has them. Without a name there is no model yet, and only what holds for all is checked.

    `facts` None: the model is not in the catalog, so that what depends on it is warned of, never refused.
    """

    def __init__(self, name: str = "", facts: CatalogModel | None = None) -> None:
        self.name = name
        self._facts = facts or CatalogModel()
        self._words = _describe_facts(self._facts)
        self._together: dict[tuple[tuple[Demands, ...], bool], Verdict] = {}

    @property
    def facts(self) -> CatalogModel:
        """What the catalog knows of the model."""
        return self._facts

    def check_config(self, config: Mapping[str, Any]) -> Verdict:
        """Judge a generationConfig, whose values have the right types already."""
        verdict = Verdict()
        thinking, image = config.get("thinkingConfig") or {}, config.get("imageConfig") or {}
        for rule_id, value, accepts in (
            ("thinking_level_kind", thinking.get("thinkingLevel"), _takes_levels),
            ("thinking_level", thinking.get("thinkingLevel"), _has_level),
            ("thinking_budget", thinking.get("thinkingBudget"), _in_budget),
            ("thinking_off", thinking.get("thinkingBudget"), _can_be_off),
            ("output_limit", config.get("maxOutputTokens"), _within_output),
            ("candidates", config.get("candidateCount"), _within_candidates),
            ("logprobs", config.get("responseLogprobs") or None, lambda facts, value: facts.logprobs),
            ("aspect_ratio", image.get("aspectRatio"), _has_ratio),
            ("image_size", image.get("imageSize"), _has_size),
        ):
            if value is not None:
                verdict += self._judge(rule_id, accepts(self._facts, value), value=value)
        if config.get("logprobs") is not None and not config.get("responseLogprobs"):
            verdict += Verdict((broken("logprobs_alone"),))
        if str(config.get("mediaResolution")).upper() == "MEDIA_RESOLUTION_ULTRA_HIGH":
            verdict += Verdict((broken("ultra_high_resolution", value=config["mediaResolution"]),))
        return verdict

    def check_tools(self, tools: Sequence[Mapping[str, Any]]) -> Verdict:
        """Judge the tools: names of functions, and functions beside search."""
        names = _declared(tools)
        faults = [broken("function_name", name=name[:80]) for name in names if not _FUNCTION_NAME.fullmatch(name)]
        seen: set[str] = set()
        for name in names:
            if name in seen:
                faults.append(broken("function_declared_twice", name=name[:80]))
            seen.add(name)
        verdict = Verdict(tuple(faults))
        if names and any("googleSearch" in tool for tool in tools):
            verdict += self._judge("functions_with_search", self._facts.functions_with_search)
        return verdict

    def check_together(self, demands: tuple[Demands, ...], has_cache: bool = False) -> Verdict:
        """Judge what the fields of one request ask for together. A cache may hold tools that are not seen here."""
        verdict = self._together.get((demands, has_cache))
        if verdict is None:
            verdict = self._judge_together(demands, has_cache)
            if sum(map(_size, demands)) <= REMEMBERED_CHARACTERS:
                if len(self._together) >= REMEMBERED:
                    self._together.clear()
                self._together[demands, has_cache] = verdict
        return verdict

    def _judge_together(self, demands: Iterable[Demands], has_cache: bool) -> Verdict:
        functions, allowed, json_output = frozenset[str](), tuple[str, ...](), False
        for demand in demands:
            functions, allowed = functions | demand.functions, allowed + demand.allowed_functions
            json_output = json_output or demand.json_output
        verdict = Verdict()
        if not has_cache:
            unknown = [name for name in allowed if name not in functions]
            verdict = Verdict(tuple(broken("allowed_function", name=name[:80]) for name in unknown))
        if functions and json_output:
            verdict += self._judge("functions_with_json", self._facts.functions_with_json)
        return verdict

    def check_part_resolution(self, path: str) -> Verdict:
        """Judge a mediaResolution that stands at a part."""
        return self._judge("part_media_resolution", self._facts.part_media_resolution, path=path)

    def check_history(self, turns: Sequence[HistoryTurn]) -> Verdict:
        """Judge the exchanges with functions in the turns of a request."""
        faults, unsigned = history_verdict(turns)
        if not faults and not unsigned:
            return NOTHING_FOUND
        warnings: dict[str, None] = {}
        needed = self._facts.thought_signatures
        for turn, name, current in unsigned:
            # Of earlier rounds Google says that it does not look; nobody has measured it.
            accepted = None if needed is None or (needed and not current) else not needed
            judged = self._judge("thought_signature", accepted, turn=turn, name=name[:80])
            faults += judged.faults
            warnings |= dict.fromkeys(judged.warnings)
        return Verdict(tuple(faults), tuple(warnings))

    def _judge(self, rule_id: str, accepted: bool | None, **words: object) -> Verdict:
        if accepted or not self.name:
            return Verdict()
        if accepted is None:
            return Verdict(warnings=(rule_id,))
        return Verdict((broken(rule_id, **{**self._words, "model": self.name, **words}),))


def demands_of(field: str, value: Any) -> Demands:
    """What a field asks for beside others, given as decoded JSON in the wire's spelling."""
    if field == "tools":
        return Demands(functions=frozenset(_declared(value)))
    if field == "toolConfig":
        calling = value.get("functionCallingConfig") or {}
        return Demands(allowed_functions=tuple(calling.get("allowedFunctionNames") or ()))
    if field == "generationConfig":
        return Demands(json_output=value.get("responseMimeType") == "application/json")
    return Demands()


def _size(demands: Demands) -> int:
    return sum(map(len, demands.functions)) + sum(map(len, demands.allowed_functions))


def _declared(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(function.get("name", "")) for tool in tools for function in tool.get("functionDeclarations") or ()]


# -- what a model takes: True, False, or None where the catalog does not know ------------------------------------------

Accepts = Callable[[CatalogModel, Any], bool | None]


def _takes_levels(facts: CatalogModel, level: str) -> bool | None:
    return None if facts.thinking is None else facts.thinking == "levels"


def _has_level(facts: CatalogModel, level: object) -> bool | None:
    if facts.thinking != "levels":
        return True  # that is thinking_level_kind's to tell
    return level.lower() in facts.thinking_levels if facts.thinking_levels and isinstance(level, str) else None


def _in_budget(facts: CatalogModel, budget: int) -> bool | None:
    if budget <= 0:
        return True
    if facts.thinking == "levels":  # these still take a budget; no range is documented, and 2.5's longest is safe
        return True if budget <= LONGEST_BUDGET else None
    return facts.thinking_budget[0] <= budget <= facts.thinking_budget[1] if facts.thinking_budget else None


def _can_be_off(facts: CatalogModel, budget: int) -> bool | None:
    return facts.thinking_off if budget == 0 else True


def _within_output(facts: CatalogModel, tokens: int) -> bool | None:
    return None if facts.output_cap is None else tokens <= facts.output_cap


def _within_candidates(facts: CatalogModel, count: int) -> bool | None:
    if count == 1:
        return True
    if facts.max_candidates is None:
        return None if count <= MOST_CANDIDATES else False
    return count <= facts.max_candidates


def _has_ratio(facts: CatalogModel, ratio: str) -> bool | None:
    return ratio in facts.aspect_ratios if facts.aspect_ratios else None


def _has_size(facts: CatalogModel, size: str) -> bool | None:
    return size in facts.picture_tokens if facts.picture_tokens else None


def _describe_facts(facts: CatalogModel) -> dict[str, object]:
    """The facts as the words of rules name them."""
    low, high = facts.thinking_budget or (0, 0)
    levels = [level.upper() for level in facts.thinking_levels]
    return {
        "levels": ", ".join(levels),
        "low": low,
        "high": high,
        "or_off": ", 0 to turn it off" if facts.thinking_off else "",
        "least_thinking": f'"thinkingBudget": {low}' if low else f'"thinkingLevel": "{next(iter(levels), "LOW")}"',
        "output_cap": facts.output_cap or 0,
        "max_candidates": facts.max_candidates or MOST_CANDIDATES,
        "ratios": ", ".join(facts.aspect_ratios),
        "sizes": ", ".join(facts.picture_tokens),
    }
