"""What would save more but changes prompts: said with its USD, never done silently. Pure.

Savings are estimates on the low side: what the plan saves already on the same requests is taken off, and what would
not pay is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from batch.planning.cost_model import Stakes, rates
from batch.planning.decision import Decision
from batch.planning.groups import name
from batch.planning.selection import cheapest
from batch.prefixes.forest import Floats, Ints

WORTH_SAYING = 0.01
"""Share of the plan's cost, or it is not said."""


class HintKind(StrEnum):
    """What to change: put long shared parts first; make a shared beginning long enough to cache; cut inside texts."""

    REORDER = "reorder"
    PAD = "pad"
    TEXT = "text"


_WORDS = {
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
        words = _WORDS[self.kind].format(tokens=self.tokens)
        return f"{words} About {self.usd:.2f} USD less on {self.requests:,} requests."


def hints(stakes: Stakes, decision: Decision) -> list[Hint]:
    """All hints worth saying, the most saving first."""
    if stakes.tariff.explicit_minimum is None or not len(stakes.survey):
        return []
    saved = _saved_tokens(stakes, decision)
    found = [hint(stakes, decision, saved) for hint in (_reorder, _pad, _text)]
    least = WORTH_SAYING * float(np.nan_to_num(stakes.plain_usd))
    return sorted((hint for hint in found if hint and hint.usd > least), key=lambda hint: -hint.usd)


def _saved_tokens(stakes: Stakes, decision: Decision) -> Floats:
    """Per row the tokens that the plan saves already, explicitly or by expected implicit hits."""
    explicit = np.append(stakes.length, 0.0)[decision.used]
    implicit = np.append(decision.floor, 0.0)[stakes.forest.leaf]
    return np.where(decision.used >= 0, explicit, implicit)


def _cache_usd(stakes: Stakes, tokens: Floats, hours: float) -> Floats:
    """USD of caches of so many tokens."""
    rate = rates(tokens, stakes.tariff)
    return (rate.standard + rate.storage * hours) * tokens + stakes.options.cache_fixed_usd


def _reorder(stakes: Stakes, decision: Decision, saved: Floats) -> Hint | None:
    """Long parts that many requests have, but behind something that differs."""
    asides = stakes.survey.asides
    row, ids = np.asarray(asides.row, dtype=np.int64), np.asarray(asides.ids, dtype=np.uint64)
    tokens = np.asarray(asides.tokens)
    usable = stakes.sent[row] & (tokens >= (stakes.tariff.explicit_minimum or 0))
    row, ids, tokens = row[usable], ids[usable], tokens[usable]
    _, part, times = np.unique(ids, return_inverse=True, return_counts=True)
    best = np.lexsort((-times[part] * tokens, row))
    best = best[np.append(True, row[best][1:] != row[best][:-1])[: len(best)]]
    row, part, tokens = row[best], part[best], tokens[best]
    gain = stakes.rate.gain[row] * np.maximum(0.0, tokens - saved[row])
    size = np.zeros(len(times))
    np.maximum.at(size, part, tokens)
    count = np.bincount(part, minlength=len(times))
    usd = np.bincount(part, weights=gain, minlength=len(times)) - _cache_usd(stakes, size, decision.hours)
    pays = (usd > 0) & (count > 1)
    return _hint(HintKind.REORDER, usd[pays], count[pays], size[pays])


def _pad(stakes: Stakes, decision: Decision, saved: Floats) -> Hint | None:
    """Shared beginnings just under the minimum size."""
    forest, least = stakes.forest, float(stakes.tariff.explicit_minimum or 0)
    rows = np.flatnonzero(stakes.sent & (forest.leaf >= 0) & (decision.used < 0))
    fresh, cached, hits, one = np.zeros((4, len(forest)))
    for total, each in ((fresh, stakes.rate.batch), (cached, stakes.rate.cached), (one, np.ones(len(saved)))):
        np.add.at(total, forest.leaf[rows], each[rows])
    np.add.at(hits, forest.leaf[rows], (saved * stakes.rate.gain)[rows])
    now = forest.sums(fresh) * stakes.length - forest.sums(hits)
    usd = now - forest.sums(cached) * least - _cache_usd(stakes, np.array([least]), decision.hours)
    count = forest.sums(one)
    able = forest.next_user & (stakes.length < least) & (count > 1) & (usd > 0)
    if not able.any():
        return None
    node = int(np.argmax(np.where(able, usd, -np.inf)))
    return Hint(HintKind.PAD, float(usd[node]), int(count[node]), round(stakes.length[node]), name(stakes, node))


def _text(stakes: Stakes, decision: Decision, saved: Floats) -> Hint | None:
    """Long texts that begin alike: a lower bound, since only their first 4, 8, 16, … kB are compared."""
    heads = stakes.survey.heads
    if stakes.survey.split == "text" or not len(heads):
        return None
    rows = np.flatnonzero(stakes.sent & (heads.leaf >= 0))
    weight, count = np.zeros((2, len(heads)))
    np.add.at(weight, heads.leaf[rows], stakes.rate.gain[rows])
    np.add.at(count, heads.leaf[rows], 1.0)
    fixed = _cache_usd(stakes, heads.tokens, decision.hours)
    able = (heads.tokens >= (stakes.tariff.explicit_minimum or 0)) & (heads.sums(count) > 1)
    able &= heads.sums(weight) * heads.tokens > fixed
    leaf, floor, gain = heads.leaf[rows], saved[rows], stakes.rate.gain[rows]
    cached = cheapest(heads, able, heads.tokens, fixed, leaf=leaf, floor=floor, weight=gain)
    used = np.append(heads.deepest(cached), -1)[leaf]
    more = gain * np.maximum(0.0, np.append(heads.tokens, 0.0)[used] - floor)
    usd = np.bincount(used[used >= 0], weights=more[used >= 0], minlength=len(heads)) - fixed
    served = np.bincount(used[used >= 0], minlength=len(heads))
    return _hint(HintKind.TEXT, usd[cached], served[cached], heads.tokens[cached])


def _hint(kind: HintKind, usd: Floats, requests: Ints, tokens: Floats) -> Hint | None:
    """One hint for many texts; None for none."""
    if not len(usd):
        return None
    return Hint(kind, float(usd.sum()), int(requests.sum()), round(float(tokens.max())))
