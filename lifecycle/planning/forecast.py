"""What a draft will cost, and how its shared text is best paid for: the plan, and the cost card beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

import gem_cache
from batch.errors import ApiError
from batch.kinds.registry import kind_of
from batch.media.scale import UNKNOWN_MODEL, MediaScale
from batch.media.tokens import Weighing
from batch.model import ContextMode, Tariff, Usage
from batch.planning.duration import MAX_JOB_HOURS, learn_duration
from batch.planning.file_delivery import FileDelivery
from batch.prefixes.request_parts import canonical_json, default_measure
from batch.pricing import estimate
from batch.pricing.answer_sizes import Task
from batch.pricing.catalog import CatalogModel
from batch.pricing.estimate import CostEstimate
from batch.pricing.output_lengths import SeenRun, predict
from batch.pricing.workload import (
    UNCOUNTED_NOTE,
    CachePlan,
    OutputAssumption,
    TierTotals,
    Workload,
    apply_canary,
    apply_tries,
    learned_output,
)
from batch.requests.shared.fields import SharedFields
from gem_cache import Plan
from lifecycle.core.models import RunSpec
from lifecycle.planning.history.measured_rows import MEASURED_NOTE, MeasuredRows
from lifecycle.planning.history.prompt_sketch import PromptSketch, Sampled, sample_requests, with_config
from lifecycle.planning.media_levels import MediaLevels, media_levels
from lifecycle.planning.media_scale import TokenCounter, UnknownSize, count_with_files, media_scale, weighing_of
from lifecycle.planning.request_demands import OwnDemands
from lifecycle.planning.tried_rows import Tries
from lifecycle.requests.request_file import ReopenableFile, rows_of, shared_fields
from lifecycle.sending.delivery import plan_delivery, row_limit

MAX_COUNTED_PREFIXES = 200
MAX_COUNTED_NEAR, NEAR_FACTOR = 300, 1.5  # further ones, up to so many times the minimum: there a size decides
SAMPLE_SIZE = 100
COUNT_THREADS = 8  # calls at once
MAX_CAPS = 32  # different limits of output tokens that are told apart
RunsLike = Callable[[PromptSketch, float], list[SeenRun]]
"""Earlier runs that were like what such requests ask, given the mean tokens of their prompts."""
MIN_CACHE_HOURS = 0.25


class ExpectedHours(NamedTuple):
    """How long the jobs are expected to take: the mean that is planned with, a long case, and from how many jobs."""

    expected: float
    p95: float
    jobs: int


class DraftReadings(NamedTuple):
    """What was read of a draft's rows, kept for other forecasts of the same rows: under other settings, say."""

    requests: Path
    rows: tuple[int, int, int]
    fields: SharedFields
    model: str
    weighing: Weighing
    demands: OwnDemands
    sampled: Sampled


@dataclass(frozen=True)
class Forecast:
    """A plan and its price. `counted_texts` is how many were counted exactly, `warning` what to know before.

    `tries` is how many rows were tried that the output was measured on, 0 where it is a guess. `weighing` says by what
    its files were weighed, `delivery` how they travel, `levels` what they would weigh and cost at other ones.
    """

    plan: Plan
    estimate: CostEstimate
    hours: ExpectedHours
    counted_texts: int
    warning: str = ""
    tries: int = 0
    weighing: Weighing = UNKNOWN_MODEL
    delivery: FileDelivery | None = None
    levels: MediaLevels | None = None
    readings: DraftReadings | None = None

    @property
    def spec_model(self) -> str:
        """The model that it is for, "" if that is not known."""
        return "" if self.readings is None else self.readings.model


def expected_hours(finished_hours: Sequence[float], fixed_hours: float | None = None) -> ExpectedHours:
    """The expected duration: as given, else learned from finished jobs, weighed against a prior."""
    if fixed_hours is not None:
        return ExpectedHours(fixed_hours, fixed_hours, len(finished_hours))
    learned = learn_duration(finished_hours)
    return ExpectedHours(learned.mean, learned.p95, learned.jobs)


def forecast(
    requests: Path,
    spec: RunSpec,
    *,
    tariff: Tariff | None,
    model: CatalogModel | None,
    hours: ExpectedHours,
    known_caches: Mapping[str, int] | None = None,
    count: TokenCounter | None = None,
    counts: Mapping[str, int] | None = None,
    implicit_rate: float = 0.0,
    output: OutputAssumption | None = None,
    runs_like: RunsLike | None = None,
    observed: Sequence[Usage] = (),
    predicted: Sequence[int] = (),
    tries: Tries | None = None,
    measured: MeasuredRows | None = None,
    previous: Forecast | None = None,
) -> Forecast:
    """Plan and price the requests of a draft. `count` makes shared texts and a sample of the rest exact.

    Without a tariff everything is planned plain, and every figure in USD is None. `previous` is a forecast of the same
    rows, maybe under other settings or for another model: what it read and counted is used again; else `counts` are
    exact ones known already. `output` says how long answers are; else they are by `runs_like` it, where there were
    any, or assumed.
    `observed` is the usage of a canary's rows, `predicted` their estimated prompt tokens. `tries` are rows that were
    tried before: of this draft, or of one that asked for the same otherwise, which tells of the output alone.
    `measured` is what the same rows used in an earlier run.
    Overrides of groups that the draft does not have are left out.
    """
    mode = spec.context if tariff else ContextMode.NONE
    dedupe = True if spec.dedupe else None
    weighing = weighing_of(requests, spec, model)
    scale = media_scale(requests, weighing)
    known_plan = None if previous is None else _plan_of_same_rows(previous, requests, spec, weighing, tariff)
    if known_plan is not None:
        plan = known_plan.replan(
            tariff=tariff or gem_cache.FALLBACK_TARIFF,
            mode=mode,
            overrides={},
            hours=hours.expected,
            dedupe=dedupe,
            implicit_rate=implicit_rate,
        )
    else:

        def read_with(sizes: Mapping[bytes, int]) -> Plan:
            return gem_cache.plan_batches(
                ReopenableFile(requests),
                tariff or gem_cache.FALLBACK_TARIFF,
                hours=hours.expected,
                implicit_rate=implicit_rate,
                split=spec.split,
                mode=mode,
                dedupe=dedupe,
                tokens=default_measure(scale, sizes),
                known=known_caches,
                counts=counts,
            )

        plan = read_with({})
        if count is not None and (sizes := _file_sizes(plan, count)):
            plan = read_with(sizes)
    overrides = _for_known_groups(plan, spec.overrides)
    plan = plan.replan(overrides=overrides) if overrides or plan.overrides else plan
    readings = _readings(previous, requests, spec, len(plan.survey), scale)
    exact_counts = {**plan.options.counts, **(_exact_counts(plan, count_with_files(count, scale)) if count else {})}
    plan = plan.replan(counts=exact_counts) if count and exact_counts else plan
    workload = apply_canary(
        _workload(plan, readings, tariff, model, measured, output, runs_like, len(exact_counts), hours),
        observed,
        predicted,
    )
    workload = (
        apply_tries(workload, tries.usages, _predicted_tokens(plan, requests, tries), tries.cut_off)
        if tries
        else workload
    )
    cost_estimate = estimate.estimate_cost(workload, tariff)
    tried = len(tries.usages) if tries else 0
    warning = _why_no_cache(plan, spec, tariff)
    delivery = plan_delivery(requests, spec.send_files, row_limit(spec.send_as))
    levels = media_levels(requests, plan, scale, cost_estimate.usd.expected) if delivery else None
    counted = len(exact_counts)
    return Forecast(plan, cost_estimate, hours, counted, warning, tried, weighing, delivery, levels, readings)


def _plan_of_same_rows(
    previous: Forecast, requests: Path, spec: RunSpec, weighing: Weighing, tariff: Tariff | None
) -> Plan | None:
    """The plan of a forecast for the same rows, if what was found in them holds still; None where they have to be read.

    Rows are the same under other settings that all of them share, and for another model.
    """
    before, plan = previous.readings, previous.plan
    if before is None or before.rows != rows_of(requests) or plan.split != spec.split:
        return None
    if previous.weighing != weighing and before.demands.has_media:
        return None
    if before.model != spec.model:
        cuts_texts = spec.split in ("text", "auto") and not _has_minimum_of(plan, tariff)
        if cuts_texts or len(plan.survey.own_cache_rows) or before.demands.has_media:
            return None  # how large those are depends on the model
        plan = plan.replan(counts={})
    fields, other = shared_fields(requests), before.fields
    if not _says_the_same(fields, other):
        return None
    if before.requests == requests:
        return plan
    if fields.config_json == other.config_json:
        return plan.of(ReopenableFile(requests))
    return plan.of(ReopenableFile(requests), fields.temperature == 0)


def _has_minimum_of(plan: Plan, tariff: Tariff | None) -> bool:
    """Whether cuts inside texts were looked for from the size on that is a cache's under this tariff."""
    return plan.tariff.explicit_minimum == (tariff or gem_cache.FALLBACK_TARIFF).explicit_minimum


def _says_the_same(one: SharedFields, other: SharedFields) -> bool:
    """Whether what all rows share is the same but for settings."""
    return one.part == other.part and one.system == other.system


def _readings(previous: Forecast | None, requests: Path, spec: RunSpec, rows: int, scale: MediaScale) -> DraftReadings:
    """What the rows say, read anew only where another forecast has not read it."""
    before = None if previous is None else previous.readings
    same_rows = before is not None and before.rows == rows_of(requests)
    if before is not None and same_rows and (before.weighing == scale.weighing or not before.demands.has_media):
        demands = before.demands
    else:
        demands = OwnDemands(requests, rows, scale)
    fields = shared_fields(requests)
    if before is not None and same_rows and _says_the_same(fields, before.fields):
        same_settings = before.requests == requests or fields.config_json == before.fields.config_json
        sampled = before.sampled if same_settings else with_config(before.sampled, fields.config_json or b"{}")
    else:
        sampled = sample_requests(requests)
    return DraftReadings(requests, rows_of(requests), fields, spec.model, scale.weighing, demands, sampled)


def _predicted_tokens(plan: Plan, requests: Path, tries: Tries) -> list[int]:
    """The estimated prompt tokens of the rows that were tried; none if they are of another draft."""
    if tries.draft != str(requests.parent):
        return []
    return [round(float(plan.cost_model.prompt_tokens[row.n])) for row in tries.measured]


_CACHE_RATES = {"input_standard": "making", "cached": "reading", "storage": "keeping"}


def _why_no_cache(plan: Plan, spec: RunSpec, tariff: Tariff | None) -> str:
    """Why a run in mode Explicit makes no cache; "" where it makes one, or reads one that exists."""
    if (
        spec.context is not ContextMode.EXPLICIT
        or plan.caches
        or plan.overrides
        or bool(plan.cost_model.own_cache_tokens.any())
    ):
        return ""
    if tariff is None:
        return "No cache is planned: the price of this model is unknown."
    missing = [action for rate, action in _CACHE_RATES.items() if getattr(tariff, rate) is None]
    if missing:
        return f"No cache is planned: the price of {' and '.join(missing)} one on this model is unknown."
    if tariff.explicit_minimum is None:
        return "No cache is planned: this model is not known to take any."
    return f"No cache is planned: no two requests begin with the same {tariff.explicit_minimum:,} tokens, the fewest."


def rebuild_plan(
    requests: Path,
    spec: RunSpec,
    *,
    tariff: Tariff | None,
    model: CatalogModel | None,
    hours: float,
    counts: Mapping[str, int] | None,
    implicit_rate: float,
) -> Plan:
    """The plan that a run follows: the one that was forecast, made again from its assumptions and counts."""
    plan = gem_cache.plan_batches(
        ReopenableFile(requests),
        tariff or gem_cache.FALLBACK_TARIFF,
        hours=hours,
        implicit_rate=implicit_rate,
        split=spec.split,
        mode=spec.context if tariff else ContextMode.NONE,
        dedupe=True if spec.dedupe else None,
        tokens=default_measure(media_scale(requests, weighing_of(requests, spec, model))),
        counts=counts,
    )
    return plan.replan(overrides=_for_known_groups(plan, spec.overrides))


def _for_known_groups(plan: Plan, choices: Mapping[str, str]) -> dict[str, gem_cache.CachingChoice]:
    """The choices for groups that this batch has."""
    if not choices:
        return {}
    known_groups = {f"{ident:016x}" for ident in plan.survey.forest.ids.tolist()}
    return {group: gem_cache.CachingChoice(choice) for group, choice in choices.items() if group in known_groups}


def _exact_counts(plan: Plan, count: TokenCounter) -> dict[str, int]:
    """Exact counts of what may become a cache, and of a sample of all the rest. What cannot be counted is left out."""
    first_candidates, other_candidates = plan.candidates[:MAX_COUNTED_PREFIXES], plan.candidates[MAX_COUNTED_PREFIXES:]
    near_minimum = [c for c in other_candidates if c.tokens < NEAR_FACTOR * (plan.tariff.explicit_minimum or 0)][
        :MAX_COUNTED_NEAR
    ]
    ids = [c.id for c in (*first_candidates, *near_minimum, *plan.samples(SAMPLE_SIZE))]

    def count_one(item: tuple[str, bytes]) -> tuple[str, int] | None:
        try:
            return item[0], count(item[1])
        except (ApiError, UnknownSize):
            return None

    with ThreadPoolExecutor(COUNT_THREADS) as pool:
        return dict(counted for counted in pool.map(count_one, plan.contents(ids)) if counted)


def _file_sizes(plan: Plan, count: TokenCounter) -> dict[bytes, int]:
    """Tokens of files that rows share and that only the service knows, by their parts; what it refuses is left out."""
    if plan.arrangements is None or not plan.cost_model.unknown_rows.any():
        return {}
    files = [part for part in plan.arrangements.unsized_files if b'"blob:' not in part][:MAX_COUNTED_PREFIXES]

    def count_one(part: bytes) -> int | None:
        try:
            return count(b'{"contents":[{"role":"user","parts":[%b]}]}' % part)
        except (ApiError, UnknownSize):
            return None

    with ThreadPoolExecutor(COUNT_THREADS) as pool:
        counted = zip(files, pool.map(count_one, files), strict=True)
        return {canonical_json(part): size for part, size in counted if size is not None}


def count_tokens_body(prefix: bytes) -> dict[str, Any]:
    """A prefix's JSON as countTokens takes it: contents, and tools if it has any.

    A system instruction counts the same as a turn, and so a prefix that is nothing else has contents too.
    """
    body = orjson.loads(prefix)
    system = body.pop("systemInstruction", None)
    turns = [{"role": "user", "parts": system["parts"]}] if system else []
    return {**body, "contents": [*turns, *(body.get("contents") or [])]}


def _workload(
    plan: Plan,
    readings: DraftReadings,
    tariff: Tariff | None,
    model: CatalogModel | None,
    measured: MeasuredRows | None,
    output: OutputAssumption | None,
    runs_like: RunsLike | None,
    counted: int,
    hours: ExpectedHours,
) -> Workload:
    cost_model, totals = plan.cost_model, plan.totals
    sent = np.flatnonzero(cost_model.sent)
    prompt = cost_model.prompt_tokens[sent]
    used_cache = plan.decision.used[sent]
    cached = cost_model.own_cache_tokens[sent] + np.where(
        used_cache >= 0, np.append(cost_model.length, 0.0)[used_cache], 0.0
    )
    demands = readings.demands.under(readings.requests, model.output_cap if model else None)
    threshold = tariff.long_context_threshold if tariff else None
    long = np.round(prompt) > threshold if threshold is not None else np.zeros(len(prompt), bool)
    of_sent = demands[sent]
    tiers = [_tier_totals(prompt[rows], cached[rows], of_sent[rows]) for rows in (~long, long)]
    counting_note = (
        f"{counted} texts were counted exactly, the rest is estimated from them." if counted else UNCOUNTED_NOTE
    )
    caps = _caps(of_sent)
    base = Workload(short=tiers[0], long=tiers[1], prompt=totals.tokens)
    if measured is not None:
        base, counting_note = replace(base, prompt=measured.prompt), MEASURED_NOTE
        output = measured.output
    counted_rows = [int(key.partition("@")[0]) for key in plan.options.counts if "@" in key]
    open_ = cost_model.sent & ~np.isin(np.arange(len(cost_model.sent)), counted_rows)
    return replace(
        base,
        media=int((demands["media"] & open_).sum()),
        searching=int(of_sent["searches"].sum()),
        searches=float(of_sent["searches"].sum()),
        unknown_size=int((cost_model.unknown_rows & open_).sum()),
        unknown_tokens=model.context_window if model else None,
        output=output or _expected_output(readings.sampled, model, of_sent, _mean(prompt), caps, runs_like),
        caches=tuple(CachePlan(g.prefix_tokens, *_cache_hours(plan.options.hours, hours.p95)) for g in plan.caches),
        counting_note=counting_note,
        caps=tuple(caps.items()),
    )


def _expected_output(
    sampled: Sampled,
    model: CatalogModel | None,
    demands: Any,
    prompt_tokens: float,
    caps: dict[int | None, int],
    runs_like: RunsLike | None,
) -> OutputAssumption:
    """How long answers are: as in runs that were like this one, else as is assumed of what the requests ask."""
    if runs_like is not None and kind_of(model).assumed_output(model, Task()).has_output:
        prediction = predict(runs_like(sampled.sketch, prompt_tokens), len(demands), caps)
        if prediction is not None:
            return learned_output(prediction)
    task = Task(sampled.schema, sampled.thinking, _picture_sizes(demands))
    return kind_of(model).assumed_output(model, task)


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else 0.0


def _caps(demands: Any) -> dict[int | None, int]:
    """How many rows have which limit of output tokens, None where there is none; of very many limits the middle one."""
    caps, counts = np.unique(demands["cap"], return_counts=True)
    if len(caps) > MAX_CAPS:
        return {int(np.median(demands["cap"])): len(demands)}
    return {None if cap < 0 else cap: n for cap, n in zip(caps.tolist(), counts.tolist(), strict=True)}


def _picture_sizes(demands: Any) -> dict[str, int]:
    """How many rows ask for a picture of which size, "" where they name none."""
    if not (demands["picture_size"] != "").any():
        return {"": len(demands)} if len(demands) else {}
    sizes, counts = np.unique(demands["picture_size"], return_counts=True)
    return dict(zip(sizes.tolist(), counts.tolist(), strict=True))


def _cache_hours(hours: float, p95: float) -> tuple[float, float, float, float]:
    """Hours that a cache lives at least, probably, in 1 of 20 cases and for as long as a job may take; where nobody
    stays to end it, as long as planned."""
    return min(MIN_CACHE_HOURS, hours), hours, max(hours, p95), max(MAX_JOB_HOURS, hours)


def _tier_totals(prompt: Any, cached: Any, demands: Any) -> TierTotals:
    caps = demands["cap"]
    prompt_total = round(float(prompt.sum()))
    return TierTotals(
        rows=len(prompt),
        prompt=prompt_total,
        cached=min(round(float(cached.sum())), prompt_total),
        output_cap=None if bool((caps < 0).any()) else int((caps * demands["answers"]).sum()),
        extra_answers=int(demands["answers"].sum()) - len(prompt),
        audio=round(float(np.minimum(demands["audio"], prompt).sum())),
    )
