"""What would save more but changes prompts: said with its USD, never done silently. Pure.

What is said of other arrangements is the difference of two plans: of the batch as it is, and of the batch arranged
otherwise, both by estimated tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from xxhash import xxh3_64_intdigest as digest

from batch.arrangement.rearrange import Moved
from batch.arrangement.rules import Rule, in_order
from batch.arrangement.shared_text import decode_turn
from batch.formatting import money
from batch.planning.arrangements import Arranged, Arrangements
from batch.planning.cost_model import CostModel, may_be_cached, token_rates
from batch.planning.decision import Decision
from batch.planning.groups import group_id
from batch.prefixes.forest import Floats, PrefixSurvey
from batch.prefixes.request_parts import Measure

PAD, TEXT, UNSIZED = "pad", "text", "size-unknown"
"""Kinds of hints beside the rules: make a shared beginning long enough to cache; cut inside texts; a shared file whose
size is not known stands behind what differs."""
MIN_SAVING_SHARE = 0.01
"""Share of the plan's cost, or it is not said."""
MOST_RULES_APART = 3
"""Of more rules that apply, each is not tried alone."""
PlanUsd = Callable[[PrefixSurvey], float]
"""What the plan of a batch costs, under the assumptions of the plan that the hints are for; NaN if it is unknown."""


@dataclass(frozen=True)
class Hint:
    """A change that would save `usd_saved` of the `usd` that the plan costs; NaN where that cannot be known.

    `kind` is a rule, several joined by "+", or one of the kinds above; `rules` are those rules. `rows` are the requests
    concerned, `tokens` the size of the largest shared text (0: not known), `texts` how many such texts there are;
    `where` says where they stand. `group` is the prefix, if it is one.
    """

    kind: str
    where: str
    rows: int
    tokens: int
    usd_saved: float
    usd: float
    texts: int = 1
    rules: tuple[Rule, ...] = ()
    group: str | None = None

    def __str__(self) -> str:
        return self.words()

    @property
    def is_priced(self) -> bool:
        """Whether it is known what would be saved: not for files of unknown size."""
        return not math.isnan(self.usd_saved)

    def words(self, priced: bool = True) -> str:
        """What is to be said, with its price if prices are known."""
        if self.kind == UNSIZED:
            return self._unsized_words()
        price = f"{money(self.usd - self.usd_saved)} instead of {money(self.usd)}"
        if self.kind == Rule.NOT_MOVED:
            would = f"the input would cost {price}" if priced else "less would be paid for"
            return (
                f"{self._words()} {would}, but it is not moved: a list, an object or a conversation would fall apart."
            )
        return f"{self._words()} {f'the input would cost {price}' if priced else 'less would be paid for'}."

    def _unsized_words(self) -> str:
        what = "The same file stands" if self.texts == 1 else f"{self.texts:,} files stand"
        its, it = ("its size is", "it") if self.texts == 1 else ("their sizes are", "them")
        return (
            f"{what} behind {self.where} in {self.rows:,} rows; {its} not known, nor what it would save to put {it} "
            f"first. With an API key, files at Google are counted."
        )

    def _words(self) -> str:
        rows, tokens, size = f"{self.rows:,} rows", f"{self.tokens:,} tokens", f"the same {self.tokens:,} tokens"
        if self.kind == PAD:
            return f"{rows} begin with {size}, too few for a cache; with a longer beginning, say more examples,"
        if self.kind == TEXT:
            return f"{rows} begin alike inside a text; with cuts inside texts"
        if len(self.rules) > 1:
            up_to = f" of up to {tokens}" if self.tokens else ""
            return f"In {rows}, shared text{up_to} stands behind what differs; with all that is shared first"
        if self.kind == Rule.TOOLS_IN_ORDER:
            return f"{rows} have {size} of tools, in another order from row to row; with one order"
        if self.kind == Rule.SYSTEM_WORD:
            return f"{rows} have {size} of tools and no system instruction, and tools alone cannot be cached; with one"
        if self.kind == Rule.SYSTEM_APART:
            return f"{self.where.capitalize()} differs in {rows}, before {size} that do not; with it at the end"
        if self.kind == Rule.OWN_PART:
            return f"{rows} have a text that begins as others do, with up to {tokens}; with that as a part of its own"
        if not self.tokens:
            what = "The same file stands" if self.texts == 1 else f"{self.texts:,} files stand"
        else:
            what = f"T{size[1:]} stand" if self.texts == 1 else f"{self.texts:,} texts of up to {tokens} stand"
        return f"{what} behind {self.where} in {rows}; with them first"


def find_hints(
    cost_model: CostModel,
    decision: Decision,
    usd: float,
    *,
    arrangements: Arrangements,
    plan_usd: PlanUsd,
) -> list[Hint]:
    """All hints worth saying, the most saving first. `usd` is what the plan costs, as it is shown."""
    if cost_model.tariff.explicit_minimum is None or not len(cost_model.survey):
        return []
    before, minimum = plan_usd(cost_model.survey), cost_model.tariff.explicit_minimum
    hints: list[Hint] = []
    if may_be_cached(cost_model.survey, cost_model.tariff):
        hints += _arranged(arrangements, plan_usd, before, usd)
        hints += _text(arrangements, plan_usd, before, usd, minimum)
        hints += _unsized(arrangements, usd)
    pad = _pad(cost_model, decision, _saved_tokens(cost_model, decision), usd)
    hints += [pad] if pad else []
    min_usd = MIN_SAVING_SHARE * float(np.nan_to_num(usd))
    said = [hint for hint in hints if not hint.is_priced or hint.usd_saved > min_usd]
    return sorted(said, key=lambda hint: -hint.usd_saved if hint.is_priced else math.inf)


def _arranged(arrangements: Arrangements, plan_usd: PlanUsd, before: float, usd: float) -> Iterator[Hint]:
    """What rules save: the fewest of them that together save the most, and each that saves something alone."""
    applicable = arrangements.applicable - {Rule.NOT_MOVED}
    if Rule.NOT_MOVED in arrangements.applicable:
        yield from _not_moved(arrangements, plan_usd, before, usd)
    if not applicable:
        return
    saved = {applicable: before - plan_usd(arrangements.under(applicable).survey)}
    if len(applicable) > 1:
        for rule in in_order(applicable) if len(applicable) <= MOST_RULES_APART else ():
            alone = frozenset([rule])
            saved[alone] = before - plan_usd(arrangements.under(alone).survey)
    most = max(saved.values())
    if not most > 0:
        return
    best = min((rules for rules, each in saved.items() if each >= most * (1 - MIN_SAVING_SHARE)), key=len)
    for rules, each in saved.items():
        if each > 0 and (rules == best or len(rules) == 1):
            yield _hint_of(rules, arrangements.under(rules), each, usd, arrangements.measure)


def _unsized(arrangements: Arrangements, usd: float) -> Iterator[Hint]:
    """Files of unknown size that stand behind what differs: that they do is said, and no figure."""
    if Rule.PART_FIRST not in arrangements.applicable or not (files := arrangements.unsized_files):
        return
    moved = arrangements.under(frozenset([Rule.PART_FIRST])).moved.get(Rule.PART_FIRST)
    if moved is not None and not moved.names.isdisjoint(map(digest, files)):
        texts = sum(digest(part) in moved.names for part in files)
        yield Hint(UNSIZED, _where(Rule.PART_FIRST, moved), moved.rows, 0, math.nan, usd, texts)


def _not_moved(arrangements: Arrangements, plan_usd: PlanUsd, before: float, usd: float) -> Iterator[Hint]:
    """What shared text costs where no rule moves it, since what it stands in would fall apart."""
    arranged = arrangements.under(frozenset([Rule.NOT_MOVED]))
    saved = before - plan_usd(arranged.survey)
    if saved > 0:
        hint = _hint_of(frozenset([Rule.NOT_MOVED]), arranged, saved, usd, arrangements.measure)
        yield replace(hint, rules=())


def _hint_of(rules: frozenset[Rule], arranged: Arranged, saved: float, usd: float, measure: Measure) -> Hint:
    moved = {rule: arranged.moved[rule] for rule in in_order(rules) if rule in arranged.moved}
    main = max(moved, key=lambda rule: moved[rule].rows * len(moved[rule].largest))
    one = moved[main]
    tokens = sum(map(np.nan_to_num, map(measure, _measurable(one.largest))))
    return Hint(
        kind="+".join(moved),
        where=_where(main, one),
        rows=max(each.rows for each in moved.values()),
        tokens=round(tokens),
        usd_saved=saved,
        usd=usd,
        texts=max(1, len(one.names)),
        rules=tuple(moved),
    )


def _measurable(part: bytes) -> list[bytes]:
    """A part, a list of tools, or the parts of a system instruction, as what is measured."""
    if not part.startswith(b'{"parts":'):
        return [part]
    return list(map(bytes, decode_turn(part).parts))


def _where(rule: Rule, moved: Moved) -> str:
    """What stands before the shared text, most often."""
    count = moved.before.most_common(1)[0][0]
    if rule is Rule.SYSTEM_APART:
        return f"line {count + 1} of the system instruction"
    if rule in (Rule.SYSTEM_WORD, Rule.TOOLS_IN_ORDER):
        return "tools"
    unit = {Rule.PART_FIRST: "part", Rule.MEMBERS_FIRST: "member"}.get(rule, "line")
    return f"{unit} 1" if count == 1 else f"{count} {unit}s" if count else "text of fewer rows"


def _text(arrangements: Arrangements, plan_usd: PlanUsd, before: float, usd: float, minimum: int) -> Iterator[Hint]:
    """What cuts inside texts save."""
    survey = arrangements.cut_inside_texts
    if survey is None:
        return
    saved, forest = before - plan_usd(survey), survey.forest
    if saved > 0:
        shared = np.append(forest.deepest(forest.tokens >= minimum), -1)[forest.leaf] >= 0
        tokens = round(float(forest.tokens.max(initial=0.0)))
        yield Hint(TEXT, "inside texts", int(shared.sum()), tokens, saved, usd)


def _saved_tokens(cost_model: CostModel, decision: Decision) -> Floats:
    """Per row the tokens that the plan saves already, explicitly or by expected implicit hits."""
    explicit = np.append(cost_model.length, 0.0)[decision.used]
    implicit = np.append(decision.implicit_saving_tokens, 0.0)[cost_model.forest.leaf]
    return np.where(decision.used >= 0, explicit, implicit)


def _cache_usd(cost_model: CostModel, tokens: Floats, hours: float) -> Floats:
    """USD of caches of so many tokens."""
    rate = token_rates(tokens, cost_model.tariff)
    return (rate.standard + rate.storage * hours) * tokens + cost_model.options.cache_fixed_usd


def _pad(cost_model: CostModel, decision: Decision, saved: Floats, usd: float) -> Hint | None:
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
    gain = now - forest.sums(cached) * min_tokens - _cache_usd(cost_model, np.array([min_tokens]), decision.hours)
    count = forest.sums(row_counts)
    eligible = forest.can_end & (cost_model.length < min_tokens) & (count > 1) & (gain > 0)
    if not eligible.any():
        return None
    node = int(np.argmax(np.where(eligible, gain, -np.inf)))
    return Hint(
        kind=PAD,
        where="at the beginning",
        rows=int(count[node]),
        tokens=round(cost_model.length[node]),
        usd_saved=float(gain[node]),
        usd=usd,
        group=group_id(cost_model, node),
    )
