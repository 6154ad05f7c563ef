"""Decide which shared text of a batch to cache, by arithmetic: the plan with the least expected input cost.

`plan_batches` reads a batch of normalised JSONL, finds every prefix that its requests share, and chooses for each
group an explicit cache, implicit caching, or nothing: the exact optimum of `batch.planning.cost_model`. The batch is
read once; `Plan.replan` makes the plan anew with other prices, durations, exact token counts or choices. Pure: it
opens nothing but the lines it is given and knows no clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import IOBase
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np

from batch.arrangement.rearrange import Rearrangement
from batch.arrangement.rules import Rule
from batch.errors import InputError, NotFound
from batch.model import ContextMode, Tariff
from batch.planning.arrangements import AUTO, PART, TEXT, Arrangements
from batch.planning.cost_model import CostModel, PlanOptions, build_cost_model, may_be_cached
from batch.planning.decision import FALLBACK_TARIFF, CachingChoice, Decision, choose_caches, implicit_saving, plan_cost
from batch.planning.groups import Group, build_groups, drop_dominated, group_id, visible_groups
from batch.planning.hints import Hint, find_hints
from batch.prefixes import locate
from batch.prefixes.forest import Bools, Ints, LineSource, PrefixSurvey, find_prefixes, opened, with_temperature
from batch.prefixes.request_parts import Measure, default_measure
from batch.prefixes.rewrite import REMEMBERED_BYTES, RewriteResult, write_rows
from batch.pricing.sampling import Interval

__all__ = [
    "FALLBACK_TARIFF",
    "CachingChoice",
    "Group",
    "Hint",
    "Plan",
    "PrefixSurvey",
    "find_prefixes",
    "plan_batches",
    "plan_survey",
]

WORST_HOURS = 48.0
"""A batch job that is older expires."""
BYTES_PER_TOKEN = 5
MIN_SAVING_INSIDE_TEXTS = 0.05
"""Share of the cost that cutting inside texts must save, or texts stay whole: what is cached is sent in two parts."""
COUNT_FROM_SHARE = 0.6
"""Share of the minimum size from which an estimated prefix is worth an exact count."""


class CostTotals(NamedTuple):
    """Input cost of the whole batch in USD; None where a price is unknown.

    `standard` is the same outside a batch, `uncached` without any cache, `implicit` with the expected implicit hits,
    `chosen` the plan. `low` is the plan at the low end of the tokens and at the lower cached price that is printed
    for some models; `worst` at the high end, with caches living 48 hours and no implicit hit.
    """

    uncached: float | None
    implicit: float | None
    chosen: float | None
    low: float | None
    worst: float | None
    standard: float | None


class PlanTotals(NamedTuple):
    """`requests` in the input, of which `sent` are sent (the others equal one of these) and `unknown_size` hold
    parts of unknown size, whose tokens come on top."""

    requests: int
    sent: int
    unknown_size: int
    tokens: Interval
    usd: CostTotals


class CostAtDuration(NamedTuple):
    """Input cost if the caches live so many hours: of this plan, and of the best plan had one known it."""

    hours: float
    chosen: float | None
    optimum: float | None
    uncached: float | None
    implicit: float | None


class CountCandidate(NamedTuple):
    """A text whose exact count would make the plan surer. Its count goes into `counts` under `id`.

    `tokens` is the estimate; `requests` begin with it (1: it is the end of one request, a sample for many).
    """

    id: str
    tokens: int
    requests: int


@dataclass(frozen=True)
class Plan:
    """A decision about every shared prefix of a batch, with what it rests on.

    Rows are numbered in the order of the input, lines of nothing not counted. `mode` AUTO is the optimum; EXPLICIT
    caches every group that could pay at some duration (or else the one that loses least); IMPLICIT and NONE cache
    nothing. `overrides` are the user's choices by group id and win over everything.
    """

    cost_model: CostModel
    mode: ContextMode
    overrides: Mapping[str, CachingChoice]
    arrangements: Arrangements | None = None

    @property
    def survey(self) -> PrefixSurvey:
        return self.cost_model.survey

    @property
    def split(self) -> str:
        """Where it was asked to cut; where it is cut, the survey says."""
        return self.survey.split if self.arrangements is None else self.arrangements.split

    @property
    def tariff(self) -> Tariff:
        return self.cost_model.tariff

    @property
    def options(self) -> PlanOptions:
        return self.cost_model.options

    def replan(
        self,
        *,
        tariff: Tariff | None = None,
        mode: ContextMode | None = None,
        overrides: Mapping[str, CachingChoice] | None = None,
        **options: Any,
    ) -> Plan:
        """The plan of the same batch under other assumptions (fields of `PlanOptions`), without reading it again.

        Where texts are cut only if that saves enough it may come to cut them otherwise; then counts and choices, which
        are for groups of the plan before, are left out.
        """
        chosen_mode = self.mode if mode is None else mode
        chosen_options = replace(self.options, **options)
        survey, arrangements = self.survey, self.arrangements
        overrides = self.overrides if overrides is None else overrides
        if arrangements is not None and arrangements.split == AUTO:
            arrangements = _at_best_level(arrangements, tariff or self.tariff, chosen_options, chosen_mode)
            if arrangements.level != survey.split:
                survey = _with_duplicates_of(arrangements.as_is(arrangements.level), survey)
                chosen_options, overrides = replace(chosen_options, counts={}), {}
        return plan_survey(survey, tariff or self.tariff, chosen_options, chosen_mode, overrides, arrangements)

    def of(self, lines: LineSource, is_temperature_0: bool | None = None) -> Plan:
        """The same plan of a batch that differs in settings alone, which all of its rows share; nothing is read.

        `is_temperature_0` None: the temperature of rows is as it was.
        """

        def adapted(survey: PrefixSurvey) -> PrefixSurvey:
            if is_temperature_0 is None:
                return replace(survey, lines=lines)
            return with_temperature(survey, lines, is_temperature_0)

        arrangements = None if self.arrangements is None else self.arrangements.of(lines, adapted)
        return plan_survey(adapted(self.survey), self.tariff, self.options, self.mode, self.overrides, arrangements)

    @cached_property
    def decision(self) -> Decision:
        return choose_caches(self.cost_model, self.mode, self._override_nodes, self.options.hours)

    @cached_property
    def totals(self) -> PlanTotals:
        """Requests, tokens and cost of the whole batch."""
        cost_model, sent = self.cost_model, self.cost_model.sent
        return PlanTotals(
            requests=len(self.survey),
            sent=int(sent.sum()),
            unknown_size=int((cost_model.unknown_rows & sent).sum()),
            tokens=cost_model.tokens,
            usd=self._usd(),
        )

    def _usd(self) -> CostTotals:
        cost_model, decision = self.cost_model, self.decision
        hits = 0.0
        if cost_model.implicit_saving_tokens.any():
            saved_tokens = np.append(cost_model.implicit_saving_tokens, 0.0)[cost_model.forest.leaf]
            hits = cost_model.sum_of_sent(saved_tokens * cost_model.rate.saving_per_token)
        low_model = build_cost_model(
            self.survey, self.tariff, replace(self.options, token_factor=1.0 - cost_model.token_uncertainty)
        )
        high_model = build_cost_model(
            self.survey, self.tariff, replace(self.options, token_factor=1.0 + cost_model.token_uncertainty)
        )
        low_implicit_tokens = implicit_saving(low_model, self.mode, self._override_nodes)
        worst_decision = replace(
            decision, implicit_saving_tokens=np.zeros_like(low_implicit_tokens), hours=max(WORST_HOURS, decision.hours)
        )
        return CostTotals(
            uncached=_none_if_nan(cost_model.uncached_usd),
            implicit=_none_if_nan(cost_model.uncached_usd - hits),
            chosen=_none_if_nan(plan_cost(cost_model, decision)),
            low=_none_if_nan(
                plan_cost(
                    low_model, replace(decision, implicit_saving_tokens=low_implicit_tokens), low_model.rate.cached_best
                )
            ),
            worst=_none_if_nan(plan_cost(high_model, worst_decision)),
            standard=_none_if_nan(cost_model.sum_of_sent(cost_model.prompt_tokens * cost_model.rate.standard)),
        )

    @cached_property
    def groups(self) -> list[Group]:
        """Shared prefixes worth showing, longer ones after those they continue."""
        return build_groups(self.cost_model, self.decision, self._listed, self._overridden, self._counted)

    @property
    def caches(self) -> list[Group]:
        """The groups to create caches for."""
        return [group for group in self.groups if group.served]

    @cached_property
    def group_of_row(self) -> Ints:
        """Per row its deepest group, as a place in `groups`; -1 for none."""
        return self._per_row(self.survey.forest.leaf)

    @cached_property
    def cache_of_row(self) -> Ints:
        """Per row the group whose cache it uses, as a place in `groups`; -1 for none."""
        return self._per_row(self.decision.used)

    @property
    def duplicates(self) -> int:
        """Requests not sent because an equal one is."""
        return self.totals.requests - self.totals.sent

    @cached_property
    def hints(self) -> list[Hint]:
        """What would save more but changes prompts or assumptions; never applied silently.

        Texts are read anew for it where they share something that does not stand first. None where the plan was made of
        a survey alone.
        """
        if self.arrangements is None:
            return []
        return find_hints(
            self.cost_model,
            self.decision,
            math.nan if self.totals.usd.chosen is None else self.totals.usd.chosen,
            arrangements=self.arrangements,
            plan_usd=self._estimated_usd,
        )

    def _estimated_usd(self, survey: PrefixSurvey) -> float:
        """What this plan would cost by estimated tokens if the batch were that one; NaN where a price is unknown."""
        uncounted = plan_survey(self.survey, self.tariff, replace(self.options, counts={})).cost_model
        factor = self.cost_model.tokens.total / uncounted.tokens.total if uncounted.tokens.total else 1.0
        options = replace(self.options, counts={}, token_factor=self.options.token_factor * factor)
        usd = plan_survey(survey, self.tariff, options, self.mode).chosen_usd
        return math.nan if usd is None else usd

    @cached_property
    def usd_saved_inside_texts(self) -> float | None:
        """What cutting inside texts saves, where that was decided here; None where it was not, or is not known."""
        if self.arrangements is None or self.arrangements.split != AUTO or self.arrangements.level != TEXT:
            return None
        by_part = _with_duplicates_of(self.arrangements.as_is(PART), self.survey)
        return _none_if_nan(self._estimated_usd(by_part) - self._estimated_usd(self.survey))

    @property
    def rearrangement(self) -> Rearrangement:
        """All rules for arranging this batch otherwise. Raises ValueError where the plan was made of a survey alone."""
        if self.arrangements is None:
            raise ValueError("This plan was made without the lines of its batch.")
        return self.arrangements.rearrangement

    def usd_saved_by(self, rules: frozenset[Rule]) -> float:
        """What some rules save by estimated tokens; NaN where a price is unknown."""
        if self.arrangements is None or not rules:
            return 0.0
        return self._estimated_usd(self.survey) - self._estimated_usd(self.arrangements.under(rules).survey)

    @property
    def chosen_usd(self) -> float | None:
        """Expected input cost of the plan."""
        return _none_if_nan(plan_cost(self.cost_model, self.decision))

    def cost_at(self, hours: float) -> CostAtDuration:
        """What the plan costs if its caches live so long, beside the best plan for that duration."""
        best = choose_caches(self.cost_model, self.mode, self._override_nodes, hours)
        usd = self.totals.usd
        chosen = plan_cost(self.cost_model, replace(self.decision, hours=hours))
        return CostAtDuration(
            hours, _none_if_nan(chosen), _none_if_nan(plan_cost(self.cost_model, best)), usd.uncached, usd.implicit
        )

    def curve(self, hours: Iterable[float]) -> list[CostAtDuration]:
        """Cost against duration, for the picture."""
        return [self.cost_at(duration) for duration in hours]

    @cached_property
    def candidates(self) -> list[CountCandidate]:
        """Prefixes to count exactly before the plan is final: what is or may become a cache, most at stake first."""
        cost_model = self.cost_model
        nodes = np.flatnonzero(self._to_count)
        order = nodes[np.argsort(-(cost_model.weight * cost_model.length)[nodes], kind="stable")]
        rows = zip(order.tolist(), cost_model.length[order].tolist(), cost_model.requests[order].tolist(), strict=True)
        return [CountCandidate(group_id(cost_model, node), round(length), count) for node, length, count in rows]

    def samples(self, limit: int = 100) -> list[CountCandidate]:
        """Ends of requests, behind what is counted anyway, whose exact counts correct the estimate of all the rest.

        Drawn by size along the rows in the order of their prefixes and lengths: the same batch gives the same sample.
        """
        forest, survey = self.survey.forest, self.survey
        counted_prefix = np.append(forest.deepest(self._to_count | self._counted), -1)[forest.leaf]
        size = np.where(self.cost_model.sent, survey.tokens - np.append(forest.tokens, 0.0)[counted_prefix], 0.0)
        order = np.lexsort((size, counted_prefix))
        cumulative = np.cumsum(size[order])
        if not len(order) or cumulative[-1] <= 0:
            return []
        if np.count_nonzero(size) <= limit:
            rows = np.flatnonzero(size)
        else:
            rows = np.unique(order[np.searchsorted(cumulative, (np.arange(limit) + 0.5) * cumulative[-1] / limit)])
        samples = []
        for row in rows.tolist():
            prefix_id = f"{int(forest.ids[counted_prefix[row]]):016x}" if counted_prefix[row] >= 0 else ""
            samples.append(CountCandidate(f"{row}@{prefix_id}", round(float(size[row])), 1))
        return samples

    def contents(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """What each prefix (or sample) holds, as the JSON of a request or cached content: `systemInstruction`,
        `tools`, `toolConfig`, `contents`, as far as it has them. One pass over the lines if they cannot be sought.
        """
        queries = [self._query_for(ident) for ident in ids]
        for ident, prefix in locate.locate_prefixes(
            self.survey.lines(), self.survey.offset.tolist(), queries, self.survey.split == "text"
        ):
            yield ident, prefix.json()

    def content(self, ident: str) -> bytes:
        """What one prefix holds; see `contents`."""
        return next(iter(self.contents([ident])))[1]

    def rows_in_order(self) -> Ints:
        """All rows that are sent: those without a cache so that those who share most stand together, then the rest,
        those of one cache together if the caches are too many to remember while rewriting.
        """
        forest, used, rows = self.survey.forest, self.decision.used, np.flatnonzero(self.cost_model.sent)
        too_many_to_remember = self.cost_model.length[self.decision.cached].sum() * BYTES_PER_TOKEN > REMEMBERED_BYTES
        tie_break = np.where(used < 0, forest.leaf, used if too_many_to_remember else 0)
        return rows[np.lexsort((rows, tie_break[rows], used[rows] >= 0))]

    def write(self, out: BinaryIO, rows: Sequence[int] | Ints | None = None) -> RewriteResult:
        """Write rows (default: all that are sent, in order) as they are to be sent, caches by placeholder.

        `lines` must open a stream that can seek.
        """
        survey, used, names = self.survey, self.decision.used, self.survey.forest.ids
        with self._open_stream() as source, self._open_stream() as prefix_source:

            def prefix(node: int) -> tuple[str, locate.Prefix]:
                query = locate.PrefixQuery(
                    group_id(self.cost_model, node), int(survey.forest.row[node]), int(names[node])
                )
                return next(locate.locate_prefixes(prefix_source, survey.offset, [query], survey.split == "text"))

            ordered_rows = self.rows_in_order() if rows is None else rows
            return write_rows(source, out, ordered_rows, survey.offset, used, prefix)

    def _open_stream(self) -> BinaryIO:
        stream = self.survey.lines()
        if not isinstance(stream, IOBase) or not stream.seekable():
            raise TypeError("rewriting needs a stream that can seek")
        return cast(BinaryIO, stream)

    @cached_property
    def _override_nodes(self) -> dict[int, CachingChoice]:
        nodes = {}
        for ident, choice in self.overrides.items():
            node = self._node(ident)
            if choice == CachingChoice.EXPLICIT and not self.cost_model.cacheable[node]:
                minimum = self.tariff.explicit_minimum or "an unknown number"
                raise InputError(
                    f"Group {ident} cannot be an explicit cache: it has about"
                    f" {self.cost_model.length[node]:,.0f} tokens, and this model takes {minimum} or more.",
                    "Choose implicit or none for it.",
                )
            nodes[node] = choice
        return nodes

    @cached_property
    def _overridden(self) -> Bools:
        return self._mask(self._override_nodes)

    @cached_property
    def _counted(self) -> Bools:
        counted_ids = np.array([int(key, 16) for key in self.options.counts if "@" not in key], dtype=np.uint64)
        return np.isin(self.survey.forest.ids, counted_ids)

    @cached_property
    def _listed(self) -> Ints:
        return visible_groups(self.cost_model, self.decision.cached | self._overridden)

    @cached_property
    def _to_count(self) -> Bools:
        cost_model = self.cost_model
        min_tokens = COUNT_FROM_SHARE * (cost_model.tariff.explicit_minimum or 0)
        may_pay = cost_model.weight * cost_model.length > cost_model.fixed_usd(self.options.hours)
        may_pay |= cost_model.size_uncertain & (cost_model.weight > cost_model.cache_rate.standard)
        may_pay &= (
            cost_model.forest.can_end
            & (cost_model.requests >= 2)
            & ((cost_model.length >= min_tokens) | cost_model.size_uncertain)
        )
        if cost_model.tariff.explicit_minimum is None:
            may_pay[:] = False
        return drop_dominated(cost_model, may_pay) | self.decision.cached

    def _mask(self, nodes: Iterable[int]) -> Bools:
        mask = np.zeros(len(self.survey.forest), dtype=bool)
        mask[list(nodes)] = True
        return mask

    def _per_row(self, nodes: Ints) -> Ints:
        listed = self._listed
        mask = np.zeros(len(self.survey.forest), dtype=bool)
        mask[listed] = True
        position = np.full(len(mask) + 1, -1)
        position[listed] = np.arange(len(listed))
        ancestor = position[np.append(self.survey.forest.deepest(mask), -1)[nodes]]
        return np.where(self.cost_model.sent, ancestor, -1)

    def _node(self, ident: str) -> int:
        matches = np.flatnonzero(self.survey.forest.ids == np.uint64(int(ident, 16)))
        if not len(matches):
            raise NotFound(f"There is no group {ident} in this batch.")
        return int(matches[0])

    def _query_for(self, ident: str) -> locate.PrefixQuery:
        """Where to find what has this id: a prefix in a row that begins with it, or what follows it in a sample."""
        row, separator, prefix = ident.rpartition("@")
        node = self._node(prefix) if prefix else -1
        prefix_name = int(self.survey.forest.ids[node]) if prefix else 0
        return locate.PrefixQuery(
            ident, int(row) if separator else int(self.survey.forest.row[node]), prefix_name, bool(separator)
        )


def plan_batches(
    lines: LineSource,
    tariff: Tariff,
    *,
    hours: float,
    implicit_rate: float = 0.0,
    split: str = "part",
    mode: ContextMode = ContextMode.AUTO,
    dedupe: bool | None = False,
    tokens: Measure | None = None,
    known: Mapping[str, int] | None = None,
    counts: Mapping[str, int] | None = None,
    overrides: Mapping[str, CachingChoice] | None = None,
    cache_fixed_usd: float = 0.0,
) -> Plan:
    """Read a batch and plan it.

    `lines` opens the batch anew each time it is called: a binary stream of normalised JSONL, or any iterable of its
    lines. `tokens` measures one part given as JSON (default: the estimates of `batch.tokens`); `known` has the sizes
    of caches that requests name themselves; `counts` exact ones by the ids of `Plan.candidates` and `Plan.samples`.
    `split` AUTO cuts inside texts, after runs of newlines, where that saves 5 % or more, and between parts elsewhere.
    """
    measure, min_tokens = tokens or default_measure(), COUNT_FROM_SHARE * (tariff.explicit_minimum or 1024)

    def read(source: LineSource, cut_at: str) -> PrefixSurvey:
        return find_prefixes(source, cut_at, measure, known, min_tokens)

    options = PlanOptions(hours, implicit_rate, dedupe, cache_fixed_usd, counts or {})
    arrangements = Arrangements(lines, split, read, measure)
    survey = arrangements.as_is(arrangements.level)
    if split == AUTO:
        arrangements = _at_best_level(arrangements, tariff, options, mode)
        survey = arrangements.as_is(arrangements.level)
    return plan_survey(survey, tariff, options, mode, overrides or {}, arrangements)


def _at_best_level(arrangements: Arrangements, tariff: Tariff, options: PlanOptions, mode: ContextMode) -> Arrangements:
    """A batch cut inside texts if the plan is to make caches and that saves enough by estimated tokens; else by parts.

    What is counted or chosen for groups decides nothing here: their ids are those of one level.
    """
    arrangements = arrangements.at(PART)
    by_part = arrangements.as_is(PART)
    if mode not in (ContextMode.AUTO, ContextMode.EXPLICIT) or not may_be_cached(by_part, tariff):
        return arrangements
    by_text = arrangements.cut_inside_texts
    if by_text is None:
        return arrangements
    estimated = replace(options, counts={}, dedupe=False)
    before, after = (plan_survey(survey, tariff, estimated).chosen_usd for survey in (by_part, by_text))
    if before is None or after is None or before - after < MIN_SAVING_INSIDE_TEXTS * before:
        return arrangements
    return arrangements.at(TEXT)


def _with_duplicates_of(survey: PrefixSurvey, other: PrefixSurvey) -> PrefixSurvey:
    """A survey of the same rows, with what is known of equal ones."""
    return replace(survey, duplicate_of=other.duplicate_of, duplicates_checked=other.duplicates_checked)


def plan_survey(
    survey: PrefixSurvey,
    tariff: Tariff,
    options: PlanOptions,
    mode: ContextMode = ContextMode.AUTO,
    overrides: Mapping[str, CachingChoice] | None = None,
    arrangements: Arrangements | None = None,
) -> Plan:
    """Plan a batch that was read before; with its `arrangements`, hints can be given."""
    if options.dedupe is not False and not survey.duplicates_checked:
        with opened(survey.lines) as stream:
            false_duplicates = locate.false_duplicates(stream, survey.offset, survey.duplicate_of)
        duplicate_of = survey.duplicate_of.copy()
        duplicate_of[false_duplicates] = false_duplicates
        survey = replace(survey, duplicate_of=duplicate_of, duplicates_checked=True)
    return Plan(build_cost_model(survey, tariff, options), mode, overrides or {}, arrangements)


def _none_if_nan(value: float) -> float | None:
    return None if value != value else value
