"""What a draft will cost, and how its shared text is best paid for: the plan, and the cost card beside it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import orjson

import gem_cache
from batch.errors import ApiError
from batch.model import ContextMode, Tariff, Usage
from batch.planning.duration import LONGEST_HOURS, learn_duration
from batch.prefixes.scan import BLIND
from batch.pricing import estimate, rates
from batch.pricing.catalog import Model
from batch.pricing.estimate import Card
from batch.pricing.workload import UNCOUNTED, CachePlan, OutputGuess, Side, Workload, correct, guess_output
from gem_cache import Plan
from lifecycle.core.models import RunSpec

MOST_COUNTED_PREFIXES = 200
MOST_COUNTED_NEAR, NEAR = 300, 1.5  # further ones, up to so many times the minimum: there a size decides
SAMPLE_SIZE = 100
COUNTERS = 8  # calls at once
SHORTEST_HOURS = 0.25
INLINE_DATA = b'"inlineData":'

Count = Callable[[bytes], int]
"""Tokens of the JSON of a request's prefix or end, exactly."""


class Hours(NamedTuple):
    """How long the jobs are expected to take: the mean that is planned with, a long case, and from how many jobs."""

    expected: float
    p95: float
    jobs: int


@dataclass(frozen=True)
class Forecast:
    """A plan and its price. `counted` says how many texts were counted exactly, `caution` what to know before."""

    plan: Plan
    card: Card
    hours: Hours
    counted: int
    caution: str = ""


def expected_hours(seen: Sequence[float], given: float | None = None) -> Hours:
    """The expected duration: as given, else learned from finished jobs, weighed against a prior."""
    if given is not None:
        return Hours(given, given, len(seen))
    learned = learn_duration(seen)
    return Hours(learned.mean, learned.p95, learned.jobs)


def forecast(
    requests: Path,
    spec: RunSpec,
    *,
    tariff: Tariff | None,
    model: Model | None,
    hours: Hours,
    known_caches: Mapping[str, int] | None = None,
    count: Count | None = None,
    counts: Mapping[str, int] | None = None,
    implicit_rate: float = 0.0,
    output: OutputGuess | None = None,
    observed: Sequence[Usage] = (),
    predicted: Sequence[int] = (),
    before: Forecast | None = None,
) -> Forecast:
    """Plan and price the requests of a draft. `count` makes shared texts and a sample of the rest exact.

    Without a tariff everything is planned plain, and every figure in USD is None. `before` is a forecast of the same
    draft for the same model: what it read and counted is used again; else `counts` are exact ones known already.
    `observed` is the usage of a canary's rows, `predicted` their estimated prompt tokens. Overrides of groups that
    the draft does not have are left out.
    """
    mode = spec.context if tariff else ContextMode.NONE
    dedupe = True if spec.dedupe else None
    if before is not None and before.plan.survey.split == spec.split:
        plan = before.plan.again(
            tariff=tariff or gem_cache.NOMINAL, mode=mode, overrides={}, hours=hours.expected, dedupe=dedupe
        )
    else:
        plan = gem_cache.plan_batches(
            Lines(requests),
            tariff or gem_cache.NOMINAL,
            hours=hours.expected,
            implicit_rate=implicit_rate,
            split=spec.split,
            mode=mode,
            dedupe=dedupe,
            known=known_caches,
            counts=counts,
        )
    plan = plan.again(overrides=_of_groups(plan, spec.overrides))
    known = {**plan.options.counts, **(_counts(plan, count) if count else {})}
    plan = plan.again(counts=known) if count and known else plan
    workload = correct(_workload(plan, requests, tariff, model, output, len(known)), observed, predicted)
    card = estimate.card(workload, tariff)
    return Forecast(plan, card, hours, len(known), _unmet(plan, spec, tariff))


_PASSES = {"input_standard": "making", "cached": "reading", "storage": "keeping"}


def _unmet(plan: Plan, spec: RunSpec, tariff: Tariff | None) -> str:
    """Why a run in mode Explicit makes no cache; "" where it makes one, or reads one that exists."""
    if spec.context is not ContextMode.EXPLICIT or plan.caches or plan.overrides or bool(plan.stakes.pinned.any()):
        return ""
    if tariff is None:
        return "No cache is planned: the price of this model is unknown."
    missing = [words for rate, words in _PASSES.items() if getattr(tariff, rate) is None]
    if missing:
        return f"No cache is planned: the price of {' and '.join(missing)} one on this model is unknown."
    if tariff.explicit_minimum is None:
        return "No cache is planned: this model is not known to take any."
    return f"No cache is planned: no two requests begin with the same {tariff.explicit_minimum:,} tokens, the fewest."


def plan_of(
    requests: Path,
    spec: RunSpec,
    *,
    tariff: Tariff | None,
    hours: float,
    counts: Mapping[str, int] | None,
    implicit_rate: float,
) -> Plan:
    """The plan that a run follows: the one that was forecast, made again from its assumptions and counts."""
    plan = gem_cache.plan_batches(
        Lines(requests),
        tariff or gem_cache.NOMINAL,
        hours=hours,
        implicit_rate=implicit_rate,
        split=spec.split,
        mode=spec.context if tariff else ContextMode.NONE,
        dedupe=True if spec.dedupe else None,
        counts=counts,
    )
    return plan.again(overrides=_of_groups(plan, spec.overrides))


def _of_groups(plan: Plan, choices: Mapping[str, str]) -> dict[str, gem_cache.Choice]:
    """The choices for groups that this batch has."""
    if not choices:
        return {}
    there = {f"{ident:016x}" for ident in plan.survey.forest.ids.tolist()}
    return {group: gem_cache.Choice(choice) for group, choice in choices.items() if group in there}


class Lines:
    """A file of requests that can be read again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> io.BufferedReader:
        return _SelfClosing(io.FileIO(self._path))


class _SelfClosing(io.BufferedReader):
    """A file that closes when nobody reads it any more: the planner reads parts of it and never reaches an end."""

    def __del__(self) -> None:
        self.close()


def _counts(plan: Plan, count: Count) -> dict[str, int]:
    """Exact counts of what may become a cache, and of a sample of all the rest. What cannot be counted is left out."""
    most, rest = plan.candidates[:MOST_COUNTED_PREFIXES], plan.candidates[MOST_COUNTED_PREFIXES:]
    near = [c for c in rest if c.tokens < NEAR * (plan.tariff.explicit_minimum or 0)][:MOST_COUNTED_NEAR]
    wanted = [c.id for c in (*most, *near, *plan.samples(SAMPLE_SIZE))]

    def ask(item: tuple[str, bytes]) -> tuple[str, int] | None:
        try:
            return item[0], count(item[1])
        except ApiError:
            return None

    with ThreadPoolExecutor(COUNTERS) as pool:
        return dict(found for found in pool.map(ask, plan.contents(wanted)) if found)


def to_count(prefix: bytes) -> dict[str, Any]:
    """A prefix's JSON as countTokens takes it: contents, and tools if it has any.

    A system instruction counts the same as a turn, and so a prefix that is nothing else has contents too.
    """
    body = orjson.loads(prefix)
    system = body.pop("systemInstruction", None)
    turns = [{"role": "user", "parts": system["parts"]}] if system else []
    return {**body, "contents": [*turns, *(body.get("contents") or [])]}


def _workload(
    plan: Plan, requests: Path, tariff: Tariff | None, model: Model | None, output: OutputGuess | None, counted: int
) -> Workload:
    stakes, totals = plan.stakes, plan.totals
    sent = np.flatnonzero(stakes.sent)
    prompt = stakes.prompt[sent]
    used = plan.decision.used[sent]
    cached = stakes.pinned[sent] + np.where(used >= 0, np.append(stakes.length, 0.0)[used], 0.0)
    caps, media = _caps(requests, len(plan.survey), model.output_cap if model else None)
    long = np.array([tariff is not None and rates.is_long(round(p), tariff) for p in prompt], dtype=bool)
    sides = [_side(prompt[rows], cached[rows], caps[sent][rows]) for rows in (~long, long)]
    kind = model.kind if model else "text"
    words = f"{counted} texts were counted exactly, the rest is estimated from them." if counted else UNCOUNTED
    base = Workload(short=sides[0], long=sides[1], prompt=totals.tokens)
    counted_rows = [int(key.partition("@")[0]) for key in plan.options.counts if "@" in key]
    open_ = stakes.sent & ~np.isin(np.arange(len(stakes.sent)), counted_rows)
    return replace(
        base,
        media=int((media & open_).sum()),
        unknown=int(((plan.survey.flags & BLIND) > 0)[open_].sum()),
        output=output or guess_output(kind, thinking=model is None or model.thinking is not None),
        caches=tuple(CachePlan(g.prefix_tokens, *_lives(plan.options.hours)) for g in plan.caches),
        counted=words,
    )


def _lives(hours: float) -> tuple[float, float, float]:
    """Hours that a cache lives at least, probably and at worst; where nobody stays to end it, as long as planned."""
    return min(SHORTEST_HOURS, hours), hours, max(LONGEST_HOURS, hours)


def _side(prompt: Any, cached: Any, caps: Any) -> Side:
    cap = None if bool((caps < 0).any()) else int(caps.sum())
    whole = float(prompt.sum())
    return Side(len(prompt), round(whole), min(round(float(cached.sum())), round(whole)), cap)


class _Generation(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None


class _Request(msgspec.Struct, rename="camel"):
    generation_config: _Generation | None = None


class _Line(msgspec.Struct):
    request: _Request


def _caps(requests: Path, rows: int, model_cap: int | None) -> tuple[Any, Any]:
    """Of each row the most output tokens (its own limit or the model's; -1 where neither is known), and whether it
    holds pictures, pages or sound."""
    most = -1 if model_cap is None else model_cap
    found = np.fromiter(
        ((_cap(own, most), media) for own, media in _read(requests)), dtype=[("cap", "i8"), ("media", "?")], count=rows
    )
    return found["cap"], found["media"]


def _cap(own: int | None, most: int) -> int:
    return most if own is None else own if most < 0 else min(own, most)


def _read(requests: Path) -> Iterator[tuple[int | None, bool]]:
    decode = msgspec.json.Decoder(_Line).decode
    with requests.open("rb") as lines:
        for line in lines:
            config = decode(line).request.generation_config
            yield config.max_output_tokens if config else None, INLINE_DATA in line
