"""What would save more but changes prompts: said with its USD, never done silently. Pure.

Savings are estimates on the low side: what the plan saves already on the same requests is taken off, and what would
not pay is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from batch.formatting import money
from batch.planning.cost_model import CostModel, token_rates
from batch.planning.decision import Decision
from batch.planning.groups import group_id
from batch.planning.optimizer import select_caches
from batch.prefixes.forest import Floats, Ints

MIN_SAVING_SHARE = 0.01
"""Share of the plan's cost, or it is not said."""


class HintKind(StrEnum):
    """What to change: put long shared parts first; make a shared beginning long enough to cache; cut inside texts."""

    REORDER = "reorder"
    PAD = "pad"
    TEXT = "text"


_HINT_TEXTS = {
    HintKind.REORDER: "Many requests have the same long part, up to {tokens:,} tokens, behind something that differs: "
    "put it first.",
    HintKind.PAD: "Many requests begin with the same {tokens:,} tokens, too few for a cache: make that beginning "
    "longer, say with more examples.",
    HintKind.TEXT: "Many texts begin alike, with up to {tokens:,} tokens: let prefixes end inside a text.",
}


@dataclass(frozen=True)
class Hint:
    """A change that would save about `usd` on so many requests.

    `tokens` is the size of the largest shared text concerned; `group` its prefix, if it is one.
    """

    kind: HintKind
    usd: float
    requests: int
    tokens: int
    group: str | None = None

    def __str__(self) -> str:
        advice = _HINT_TEXTS[self.kind].format(tokens=self.tokens)
        return f"{advice} About {money(self.usd)} less on {self.requests:,} requests."


def find_hints(cost_model: CostModel, decision: Decision) -> list[Hint]:
    """All hints worth saying, the most saving first."""
    if cost_model.tariff.explicit_minimum is None or not len(cost_model.survey):
        return []
    saved = _saved_tokens(cost_model, decision)
    candidates = [hint(cost_model, decision, saved) for hint in (_reorder, _pad, _text)]
    min_usd = MIN_SAVING_SHARE * float(np.nan_to_num(cost_model.uncached_usd))
    return sorted((hint for hint in candidates if hint and hint.usd > min_usd), key=lambda hint: -hint.usd)


def _saved_tokens(cost_model: CostModel, decision: Decision) -> Floats:
    """Per row the tokens that the plan saves already, explicitly or by expected implicit hits."""
    explicit = np.append(cost_model.length, 0.0)[decision.used]
    implicit = np.append(decision.implicit_saving_tokens, 0.0)[cost_model.forest.leaf]
    return np.where(decision.used >= 0, explicit, implicit)


def _cache_usd(cost_model: CostModel, tokens: Floats, hours: float) -> Floats:
    """USD of caches of so many tokens."""
    rate = token_rates(tokens, cost_model.tariff)
    return (rate.standard + rate.storage * hours) * tokens + cost_model.options.cache_fixed_usd


def _reorder(cost_model: CostModel, decision: Decision, saved: Floats) -> Hint | None:
    """Long parts that many requests have, but behind something that differs."""
    long_parts = cost_model.survey.long_parts
    row, ids = np.asarray(long_parts.row, dtype=np.int64), np.asarray(long_parts.ids, dtype=np.uint64)
    tokens = np.asarray(long_parts.tokens)
    usable = cost_model.sent[row] & (tokens >= (cost_model.tariff.explicit_minimum or 0))
    row, ids, tokens = row[usable], ids[usable], tokens[usable]
    _, part, times = np.unique(ids, return_inverse=True, return_counts=True)
    best = np.lexsort((-times[part] * tokens, row))
    best = best[np.append(True, row[best][1:] != row[best][:-1])[: len(best)]]
    row, part, tokens = row[best], part[best], tokens[best]
    gain = cost_model.rate.saving_per_token[row] * np.maximum(0.0, tokens - saved[row])
    size = np.zeros(len(times))
    np.maximum.at(size, part, tokens)
    count = np.bincount(part, minlength=len(times))
    usd = np.bincount(part, weights=gain, minlength=len(times)) - _cache_usd(cost_model, size, decision.hours)
    pays = (usd > 0) & (count > 1)
    return _hint(HintKind.REORDER, usd[pays], count[pays], size[pays])


def _pad(cost_model: CostModel, decision: Decision, saved: Floats) -> Hint | None:
    """Shared beginnings just under the minimum size."""
    forest, min_tokens = cost_model.forest, float(cost_model.tariff.explicit_minimum or 0)
    rows = np.flatnonzero(cost_model.sent & (forest.leaf >= 0) & (decision.used < 0))
    fresh, cached, hits, row_counts = np.zeros((4, len(forest)))
    for total, each in (
        (fresh, cost_model.rate.batch),
        (cached, cost_model.rate.cached),
        (row_counts, np.ones(len(saved))),
    ):
        np.add.at(total, forest.leaf[rows], each[rows])
    np.add.at(hits, forest.leaf[rows], (saved * cost_model.rate.saving_per_token)[rows])
    now = forest.sums(fresh) * cost_model.length - forest.sums(hits)
    usd = now - forest.sums(cached) * min_tokens - _cache_usd(cost_model, np.array([min_tokens]), decision.hours)
    count = forest.sums(row_counts)
    eligible = forest.can_end & (cost_model.length < min_tokens) & (count > 1) & (usd > 0)
    if not eligible.any():
        return None
    node = int(np.argmax(np.where(eligible, usd, -np.inf)))
    return Hint(
        HintKind.PAD, float(usd[node]), int(count[node]), round(cost_model.length[node]), group_id(cost_model, node)
    )


def _text(cost_model: CostModel, decision: Decision, saved: Floats) -> Hint | None:
    """Long texts that begin alike: a lower bound, since only their first 4, 8, 16, … kB are compared."""
    long_text_starts = cost_model.survey.long_text_starts
    if cost_model.survey.split == "text" or not len(long_text_starts):
        return None
    rows = np.flatnonzero(cost_model.sent & (long_text_starts.leaf >= 0))
    weight, count = np.zeros((2, len(long_text_starts)))
    np.add.at(weight, long_text_starts.leaf[rows], cost_model.rate.saving_per_token[rows])
    np.add.at(count, long_text_starts.leaf[rows], 1.0)
    fixed = _cache_usd(cost_model, long_text_starts.tokens, decision.hours)
    eligible = (long_text_starts.tokens >= (cost_model.tariff.explicit_minimum or 0)) & (
        long_text_starts.sums(count) > 1
    )
    eligible &= long_text_starts.sums(weight) * long_text_starts.tokens > fixed
    leaf, saved_tokens, gain = long_text_starts.leaf[rows], saved[rows], cost_model.rate.saving_per_token[rows]
    cached = select_caches(
        long_text_starts, eligible, long_text_starts.tokens, fixed, leaf=leaf, implicit_tokens=saved_tokens, weight=gain
    )
    used = np.append(long_text_starts.deepest(cached), -1)[leaf]
    saved_usd = gain * np.maximum(0.0, np.append(long_text_starts.tokens, 0.0)[used] - saved_tokens)
    usd = np.bincount(used[used >= 0], weights=saved_usd[used >= 0], minlength=len(long_text_starts)) - fixed
    served = np.bincount(used[used >= 0], minlength=len(long_text_starts))
    return _hint(HintKind.TEXT, usd[cached], served[cached], long_text_starts.tokens[cached])


def _hint(kind: HintKind, usd: Floats, requests: Ints, tokens: Floats) -> Hint | None:
    """One hint for many texts; None for none."""
    if not len(usd):
        return None
    return Hint(kind, float(usd.sum()), int(requests.sum()), round(float(tokens.max())))
