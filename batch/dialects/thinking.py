"""How much a model is to think, in other APIs' words, as the model that the run uses can be told."""

from __future__ import annotations

from typing import Any

from batch.rules.model_rules import ModelRules

_EFFORTS = ("minimal", "low", "medium", "high", "xhigh")
_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 32_768}
_LEVELS_ASSUMED = ("low", "medium", "high")  # of a model that the catalog does not know


def thinking_config(effort: str, rules: ModelRules) -> dict[str, Any] | None:
    """An effort ("none", "minimal", … "xhigh") as a thinkingConfig; None for a word that is no effort."""
    if effort not in _BUDGETS:
        return None
    facts = rules.facts
    if facts.thinking == "budget":
        return {"thinkingBudget": _budget(_BUDGETS[effort], rules)}
    wanted = _EFFORTS.index(effort) if effort in _EFFORTS else -1
    levels = [level for level in facts.thinking_levels or _LEVELS_ASSUMED if level in _EFFORTS]
    nearest = min(levels, key=lambda level: abs(_EFFORTS.index(level) - wanted), default="low")
    return {"thinkingLevel": nearest.upper()}


def thinking_of_budget(tokens: int, rules: ModelRules) -> dict[str, Any]:
    """A budget in tokens as a thinkingConfig: the same budget, or the level that comes nearest."""
    if rules.facts.thinking == "budget":
        return {"thinkingBudget": _budget(tokens, rules)}
    effort = next((word for word in ("low", "medium", "high") if tokens <= _BUDGETS[word]), "high")
    return thinking_config(effort, rules) or {}


def _budget(tokens: int, rules: ModelRules) -> int:
    low, high = rules.facts.thinking_budget or (0, _BUDGETS["xhigh"])
    return 0 if not tokens and rules.facts.thinking_off is not False else max(low, min(high, tokens))
