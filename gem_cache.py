"""Decide which shared text of a batch to cache, by arithmetic: the plan with the least expected input cost.

`plan_batches` reads a batch of normalised JSONL, finds every prefix that its requests share, and chooses for each
group an explicit cache, implicit caching, or nothing: the exact optimum of the cost model in `batch.stakes`. The
batch is read once; `Plan.again` makes the plan anew with other prices, durations, exact token counts or choices.
Pure: it opens nothing but the lines it is given and knows no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import IOBase
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np

from batch.errors import InputError, NotFound
from batch.model import ContextMode, Tariff
from batch.planning.cost_model import Options, Stakes, weigh
from batch.planning.decision import NOMINAL, Choice, Decision, cost, decide, floor_of
from batch.planning.groups import Group, group_list, name, without_dominated, worth_listing
from batch.planning.hints import Hint, hints
from batch.prefixes import locate
from batch.prefixes.forest import Bools, Ints, Lines, Survey, mine, reading
from batch.prefixes.request_parts import Measure
from batch.prefixes.rewrite import REMEMBERED_BYTES, Written, write_rows
from batch.pricing.sampling import Interval

__all__ = ["NOMINAL", "Choice", "Group", "Hint", "Plan", "Survey", "mine", "plan_batches", "plan_survey"]

WORST_HOURS = 48.0
"""A batch job that is older expires."""
BYTES_PER_TOKEN = 5
COUNT_FROM = 0.6
"""Share of the minimum size from which an estimated prefix is worth an exact count."""


class TotalUsd(NamedTuple):
    """Input cost of the whole batch in USD; None where a price is unknown.

    `standard` is the same outside a batch, `plain` without any cache, `implicit` with the expected implicit hits,
    `chosen` the plan. `low` is the plan at the low end of the tokens and at the lower cached price that is printed
    for some models; `worst` at the high end, with caches living 48 hours and no implicit hit.
    """

    plain: float | None
    implicit: float | None
    chosen: float | None
    low: float | None
    worst: float | None
    standard: float | None


class Totals(NamedTuple):
    """`requests` in the input, of which `sent` are sent (others are their twins) and `blind` hold parts of unknown
    size, whose tokens come on top."""

    requests: int
    sent: int
    blind: int
    tokens: Interval
    usd: TotalUsd


class CostAt(NamedTuple):
    """Input cost if the caches live so many hours: of this plan, and of the best plan had one known it."""

    hours: float
    chosen: float | None
    optimum: float | None
    plain: float | None
    implicit: float | None


class Countable(NamedTuple):
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

    stakes: Stakes
    mode: ContextMode
    overrides: Mapping[str, Choice]

    @property
    def survey(self) -> Survey:
        return self.stakes.survey

    @property
    def tariff(self) -> Tariff:
        return self.stakes.tariff

    @property
    def options(self) -> Options:
        return self.stakes.options

    def again(
        self,
        *,
        tariff: Tariff | None = None,
        mode: ContextMode | None = None,
        overrides: Mapping[str, Choice] | None = None,
        **options: Any,
    ) -> Plan:
        """The plan of the same batch under other assumptions (fields of `Options`), without reading it again."""
        return plan_survey(
            self.survey,
            tariff or self.tariff,
            replace(self.options, **options),
            self.mode if mode is None else mode,
            self.overrides if overrides is None else overrides,
        )

    @cached_property
    def decision(self) -> Decision:
        return decide(self.stakes, self.mode, self._chosen_nodes, self.options.hours)

    @cached_property
    def totals(self) -> Totals:
        """Requests, tokens and cost of the whole batch."""
        stakes, sent = self.stakes, self.stakes.sent
        return Totals(
            requests=len(self.survey),
            sent=int(sent.sum()),
            blind=int(((self.survey.flags & 4) > 0)[sent].sum()),
            tokens=stakes.tokens,
            usd=self._usd(),
        )

    def _usd(self) -> TotalUsd:
        stakes, decision = self.stakes, self.decision
        hits = np.append(stakes.floor, 0.0)[stakes.forest.leaf] * stakes.rate.gain
        few = weigh(self.survey, self.tariff, replace(self.options, stretch=1.0 - stakes.doubt))
        many = weigh(self.survey, self.tariff, replace(self.options, stretch=1.0 + stakes.doubt))
        floor = floor_of(few, self.mode, self._chosen_nodes)
        lasting = replace(decision, floor=np.zeros_like(floor), hours=max(WORST_HOURS, decision.hours))
        return TotalUsd(
            plain=_known(stakes.plain_usd),
            implicit=_known(stakes.plain_usd - float(hits[stakes.sent].sum())),
            chosen=_known(cost(stakes, decision)),
            low=_known(cost(few, replace(decision, floor=floor), few.rate.cached_best)),
            worst=_known(cost(many, lasting)),
            standard=_known(float((stakes.prompt * stakes.rate.standard)[stakes.sent].sum())),
        )

    @cached_property
    def groups(self) -> list[Group]:
        """Shared prefixes worth showing, longer ones after those they continue."""
        return group_list(self.stakes, self.decision, self._listed, self._overridden, self._counted)

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
        """What would save more but changes prompts or assumptions; never applied silently."""
        return hints(self.stakes, self.decision)

    def cost_at(self, hours: float) -> CostAt:
        """What the plan costs if its caches live so long, beside the best plan for that duration."""
        best = decide(self.stakes, self.mode, self._chosen_nodes, hours)
        usd = self.totals.usd
        chosen = cost(self.stakes, replace(self.decision, hours=hours))
        return CostAt(hours, _known(chosen), _known(cost(self.stakes, best)), usd.plain, usd.implicit)

    def curve(self, hours: Iterable[float]) -> list[CostAt]:
        """Cost against duration, for the picture."""
        return [self.cost_at(duration) for duration in hours]

    @cached_property
    def candidates(self) -> list[Countable]:
        """Prefixes to count exactly before the plan is final: what is or may become a cache, most at stake first."""
        stakes = self.stakes
        nodes = np.flatnonzero(self._to_count)
        order = nodes[np.argsort(-(stakes.weight * stakes.length)[nodes], kind="stable")]
        rows = zip(order.tolist(), stakes.length[order].tolist(), stakes.requests[order].tolist(), strict=True)
        return [Countable(name(stakes, node), round(length), count) for node, length, count in rows]

    def samples(self, limit: int = 100) -> list[Countable]:
        """Ends of requests, behind what is counted anyway, whose exact counts correct the estimate of all the rest.

        Drawn by size along the rows in the order of their prefixes and lengths: the same batch gives the same sample.
        """
        forest, survey = self.survey.forest, self.survey
        base = np.append(forest.deepest(self._to_count | self._counted), -1)[forest.leaf]
        size = np.where(self.stakes.sent, survey.tokens - np.append(forest.tokens, 0.0)[base], 0.0)
        order = np.lexsort((size, base))
        ahead = np.cumsum(size[order])
        if not len(order) or ahead[-1] <= 0:
            return []
        if np.count_nonzero(size) <= limit:
            rows = np.flatnonzero(size)
        else:
            rows = np.unique(order[np.searchsorted(ahead, (np.arange(limit) + 0.5) * ahead[-1] / limit)])
        found = []
        for row in rows.tolist():
            behind = f"{int(forest.ids[base[row]]):016x}" if base[row] >= 0 else ""
            found.append(Countable(f"{row}@{behind}", round(float(size[row])), 1))
        return found

    def contents(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """What each prefix (or sample) holds, as the JSON of a request or cached content: `systemInstruction`,
        `tools`, `toolConfig`, `contents`, as far as it has them. One pass over the lines if they cannot be sought.
        """
        wanted = [self._wanted(ident) for ident in ids]
        for ident, prefix in locate.recover(
            self.survey.lines(), self.survey.offset.tolist(), wanted, self.survey.split == "text"
        ):
            yield ident, prefix.json()

    def content(self, ident: str) -> bytes:
        """What one prefix holds; see `contents`."""
        return next(iter(self.contents([ident])))[1]

    def rows_in_order(self) -> Ints:
        """All rows that are sent: those without a cache so that those who share most stand together, then the rest,
        those of one cache together if the caches are too many to remember while rewriting.
        """
        forest, used, rows = self.survey.forest, self.decision.used, np.flatnonzero(self.stakes.sent)
        many = self.stakes.length[self.decision.cached].sum() * BYTES_PER_TOKEN > REMEMBERED_BYTES
        second = np.where(used < 0, forest.leaf, used if many else 0)
        return rows[np.lexsort((rows, second[rows], used[rows] >= 0))]

    def write(self, out: BinaryIO, rows: Sequence[int] | Ints | None = None) -> Written:
        """Write rows (default: all that are sent, in order) as they are to be sent, caches by placeholder.

        `lines` must open a stream that can seek.
        """
        survey, used, names = self.survey, self.decision.used, self.survey.forest.ids
        with self._stream() as source, self._stream() as other:

            def prefix(node: int) -> tuple[str, locate.Prefix]:
                wanted = locate.Wanted(name(self.stakes, node), int(survey.forest.row[node]), int(names[node]))
                return next(locate.recover(other, survey.offset, [wanted], survey.split == "text"))

            chosen = self.rows_in_order() if rows is None else rows
            return write_rows(source, out, chosen, survey.offset, used, prefix)

    def _stream(self) -> BinaryIO:
        opened = self.survey.lines()
        if not isinstance(opened, IOBase) or not opened.seekable():
            raise TypeError("rewriting needs a stream that can seek")
        return cast(BinaryIO, opened)

    @cached_property
    def _chosen_nodes(self) -> dict[int, Choice]:
        found = {}
        for ident, choice in self.overrides.items():
            node = self._node(ident)
            if choice == Choice.EXPLICIT and not self.stakes.cacheable[node]:
                raise InputError(
                    f"Group {ident} cannot be an explicit cache: it has about {self.stakes.length[node]:,.0f} tokens, "
                    f"and this model takes {self.tariff.explicit_minimum or 'an unknown number'} or more.",
                    "Choose implicit or none for it.",
                )
            found[node] = choice
        return found

    @cached_property
    def _overridden(self) -> Bools:
        return self._marks(self._chosen_nodes)

    @cached_property
    def _counted(self) -> Bools:
        known = np.array([int(key, 16) for key in self.options.counts if "@" not in key], dtype=np.uint64)
        return np.isin(self.survey.forest.ids, known)

    @cached_property
    def _listed(self) -> Ints:
        return worth_listing(self.stakes, self.decision.cached | self._overridden)

    @cached_property
    def _to_count(self) -> Bools:
        stakes = self.stakes
        least = COUNT_FROM * (stakes.tariff.explicit_minimum or 0)
        may_pay = stakes.weight * stakes.length > stakes.fixed(self.options.hours)
        may_pay |= stakes.unsure & (stakes.weight > stakes.cache_rate.standard)
        may_pay &= stakes.forest.next_user & (stakes.requests >= 2) & ((stakes.length >= least) | stakes.unsure)
        if stakes.tariff.explicit_minimum is None:
            may_pay[:] = False
        return without_dominated(stakes, may_pay) | self.decision.cached

    def _marks(self, nodes: Iterable[int]) -> Bools:
        marks = np.zeros(len(self.survey.forest), dtype=bool)
        marks[list(nodes)] = True
        return marks

    def _per_row(self, nodes: Ints) -> Ints:
        listed = self._listed
        marks = np.zeros(len(self.survey.forest), dtype=bool)
        marks[listed] = True
        place = np.full(len(marks) + 1, -1)
        place[listed] = np.arange(len(listed))
        found = place[np.append(self.survey.forest.deepest(marks), -1)[nodes]]
        return np.where(self.stakes.sent, found, -1)

    def _node(self, ident: str) -> int:
        found = np.flatnonzero(self.survey.forest.ids == np.uint64(int(ident, 16)))
        if not len(found):
            raise NotFound(f"There is no group {ident} in this batch.")
        return int(found[0])

    def _wanted(self, ident: str) -> locate.Wanted:
        """Where to find what has this id: a prefix in a row that begins with it, or what follows it in a sample."""
        row, at, prefix = ident.rpartition("@")
        node = self._node(prefix) if prefix else -1
        name = int(self.survey.forest.ids[node]) if prefix else 0
        return locate.Wanted(ident, int(row) if at else int(self.survey.forest.row[node]), name, bool(at))


def plan_batches(
    lines: Lines,
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
    overrides: Mapping[str, Choice] | None = None,
    cache_fixed_usd: float = 0.0,
) -> Plan:
    """Read a batch and plan it.

    `lines` opens the batch anew each time it is called: a binary stream of normalised JSONL, or any iterable of its
    lines. `tokens` measures one part given as JSON (default: the estimates of `batch.tokens`); `known` has the sizes
    of caches that requests name themselves; `counts` exact ones by the ids of `Plan.candidates` and `Plan.samples`.
    """
    survey = mine(lines, split, tokens, known, COUNT_FROM * (tariff.explicit_minimum or 1024))
    options = Options(hours, implicit_rate, dedupe, cache_fixed_usd, counts or {})
    return plan_survey(survey, tariff, options, mode, overrides or {})


def plan_survey(
    survey: Survey,
    tariff: Tariff,
    options: Options,
    mode: ContextMode = ContextMode.AUTO,
    overrides: Mapping[str, Choice] | None = None,
) -> Plan:
    """Plan a batch that was read before."""
    if options.dedupe is not False and not survey.twins_checked:
        with reading(survey.lines) as opened:
            unlike = locate.unlike_twins(opened, survey.offset, survey.twin)
        twin = survey.twin.copy()
        twin[unlike] = unlike
        survey = replace(survey, twin=twin, twins_checked=True)
    return Plan(weigh(survey, tariff, options), mode, overrides or {})


def _known(value: float) -> float | None:
    return None if value != value else value
