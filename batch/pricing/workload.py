"""What a run will ask for, added up row by row, and what a canary's few rows teach about it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from batch.formatting import plural
from batch.model import Usage
from batch.pricing import sampling
from batch.pricing.answer_sizes import THOUGHTS_FACTOR, Task, answer_size, assumed_thoughts
from batch.pricing.output_lengths import ASSUMED_SPREAD, OutputLengths, Prediction, log_normal, measure
from batch.pricing.sampling import Interval

Case = Literal["low", "expected", "high", "worst", "unbounded"]
Source = Literal["guess", "tries", "canary", "runs", "rows"]
GUESS_FACTOR = 3.0  # an output that nobody measured may well be so many times what is assumed
FEW_TRIES_FACTOR = 1.5  # of half the interval of a few rows' mean: a bad case of all the others
UNCOUNTED_NOTE = "Prompt tokens are estimated from the texts' scripts; none were counted."


@dataclass(frozen=True)
class OutputAssumption:
    """Output tokens of one answer, thoughts included, and a `description` that says where the guess comes from.

    `high` is what they may well be, `worst` a bad case to be believed, and both are far below what limits allow:
    as measured, or some times a guess. `has_output` is False for models that never put out tokens. `image_share` of
    the expected tokens are pictures, whose number is known; without bounds all are. With `per_row` the tokens are
    those of all a row's answers together. `source` says what it was taken from, `measured_on` how many of them;
    `lengths` are those of single answers, as far as they are known or assumed.
    """

    low: float
    expected: float
    description: str
    has_output: bool = True
    image_share: float = 0.0
    per_row: bool = False
    measured_high: float | None = None
    measured_worst: float | None = None
    source: Source = "guess"
    measured_on: int = 0
    lengths: OutputLengths | None = None

    @property
    def high(self) -> float:
        return GUESS_FACTOR * self.expected if self.measured_high is None else self.measured_high

    @property
    def worst(self) -> float:
        return self.high if self.measured_worst is None else self.measured_worst


@dataclass(frozen=True)
class CachePlan:
    """An explicit cache that the run will hold: its tokens, and its life in hours in each case."""

    tokens: int
    low_hours: float
    hours: float
    worst_hours: float
    unbounded_hours: float

    def hours_for(self, case: Case) -> float:
        bounds = {"low": self.low_hours, "worst": self.worst_hours, "unbounded": self.unbounded_hours}
        return bounds.get(case, self.hours)


@dataclass(frozen=True)
class TierTotals:
    """Rows that share a price tier, summed: prompt tokens (cached included), and the most they may put out.

    `extra_answers` are those beyond one a row (`candidateCount`), which `output_cap` counts in; `audio` tokens are part
    of the prompt.
    """

    rows: int = 0
    prompt: int = 0
    cached: int = 0
    output_cap: int | None = 0
    extra_answers: int = 0
    audio: int = 0

    @property
    def answers(self) -> int:
        return self.rows + self.extra_answers


def assumed_output(*, thinking: bool = True, task: Task | None = None) -> OutputAssumption:
    """What is assumed of a text's length before anything like it was seen."""
    task = task or Task()
    size, thoughts = answer_size(task.schema), assumed_thoughts(task.thinking) if thinking else 0.0
    thoughts_note = f" and {thoughts:,.0f} of thoughts" if thoughts else ""
    expected = size.expected + thoughts
    return OutputAssumption(
        size.low,
        expected,
        f"Output: {size.expected:,.0f} tokens of answer ({size.words}){thoughts_note} a row are assumed;"
        " trying a few rows first would tell.",
        measured_high=size.high + THOUGHTS_FACTOR * thoughts,
        lengths=log_normal(expected * math.exp(-(ASSUMED_SPREAD**2) / 2)),
    )


def learned_output(prediction: Prediction) -> OutputAssumption:
    """What earlier runs like this one teach."""
    runs = "run" if prediction.runs == 1 else f"{prediction.runs} runs"
    return OutputAssumption(
        prediction.low,
        prediction.expected,
        f"Output: {prediction.expected:,.0f} tokens a row, as in your last {runs} like this.",
        image_share=prediction.lengths.images,
        per_row=True,
        measured_high=prediction.high,
        measured_worst=prediction.worst,
        source="runs",
        measured_on=prediction.runs,
        lengths=prediction.lengths,
    )


@dataclass(frozen=True)
class Workload:
    """All that an estimate is made from.

    `prompt` is the interval of all rows' prompt tokens together, cached included; the sides' own sums are the
    estimates that it corrects in proportion. `counting_note` is a sentence on how it was come by. `media` and
    `unknown_size` are rows that hold pictures, pages or sound, and rows with parts of unknown size, each of which may
    come to `unknown_tokens` (None: that is not known either). `searching` rows may search the web, `searches` times in
    all if it goes as expected: once each, until a canary shows better. `caps` counts rows by their limit of output.
    """

    short: TierTotals = field(default_factory=TierTotals)
    long: TierTotals = field(default_factory=TierTotals)
    prompt: Interval = field(default_factory=lambda: Interval(0))
    output: OutputAssumption = field(default_factory=assumed_output)
    caches: tuple[CachePlan, ...] = ()
    counting_note: str = UNCOUNTED_NOTE
    media: int = 0
    unknown_size: int = 0
    unknown_tokens: int | None = None
    searching: int = 0
    searches: float = 0.0
    caps: tuple[tuple[int | None, int], ...] = ()

    @property
    def tiers(self) -> tuple[TierTotals, TierTotals]:
        return self.short, self.long

    @property
    def rows(self) -> int:
        return self.short.rows + self.long.rows

    @property
    def estimated_prompt(self) -> int:
        return self.short.prompt + self.long.prompt

    @property
    def cached(self) -> int:
        return self.short.cached + self.long.cached

    @property
    def output_cap(self) -> int | None:
        """The most output tokens of all rows together; None if a row has no known limit."""
        return (
            None
            if self.short.output_cap is None or self.long.output_cap is None
            else self.short.output_cap + self.long.output_cap
        )

    def without_cache_reads(self) -> Workload:
        """The same with nothing read from caches."""
        return replace(self, short=replace(self.short, cached=0), long=replace(self.long, cached=0))

    def without_caches(self) -> Workload:
        """The same without caches."""
        return replace(self.without_cache_reads(), caches=())


def tried_rows(rows: int, size: int) -> list[int]:
    """Which rows to try before anything is sent: the first, the last, and others spread evenly between them."""
    count = min(max(0, size), rows)
    return [i * (rows - 1) // (count - 1) for i in range(count)] if count > 1 else [0] * count


def canary_rows(rows: int, size: int) -> list[int]:
    """Which rows to try first: `size` of them, spread evenly over the whole input."""
    count = min(max(0, size), rows)
    return [(2 * i + 1) * rows // (2 * count) for i in range(count)]


def apply_canary(
    workload: Workload, observed: Sequence[Usage], predicted: Sequence[int] = (), cut: int = 0
) -> Workload:
    """The workload as a canary's usage shows it: output from its rows, prompts in proportion if that is surer.

    `predicted` are the estimated prompt tokens of the same rows, in the same order. If caches were planned and no
    row read from one, none is counted on any more, though it is still paid for. `cut` answers were cut off by a limit.
    """
    if not observed:
        return workload
    corrected = _as_measured(workload, observed, predicted, "canary", f"the canary's {len(observed)} rows", cut)
    if workload.cached and not any(usage.cached for usage in observed):
        no_reads_note = "The canary read nothing from the cache: full price is assumed for every row."
        corrected = replace(corrected.without_cache_reads(), counting_note=f"{corrected.counting_note} {no_reads_note}")
    return corrected


def apply_tries(workload: Workload, observed: Sequence[Usage], predicted: Sequence[int] = (), cut: int = 0) -> Workload:
    """The same by rows that were tried one by one: they cannot read a run's caches, and tell nothing about them."""
    return _as_measured(workload, observed, predicted, "tries", f"your {plural(len(observed), 'try', 'tries')}", cut)


def _as_measured(
    workload: Workload, observed: Sequence[Usage], predicted: Sequence[int], source: Source, words: str, cut: int
) -> Workload:
    """Output from rows that answered, prompts in proportion to what was predicted of them if that is surer."""
    if not observed:
        return workload
    corrected = replace(workload, output=_observed_output(observed, source, words, cut))
    if workload.searching:
        searches = sum(usage.search_queries for usage in observed) / len(observed)
        corrected = replace(corrected, searches=searches * workload.rows)
    prompt = sampling.ratio_estimate([usage.prompt for usage in observed], predicted, workload.estimated_prompt)
    if prompt is not None and prompt.half_width < workload.prompt.half_width:
        corrected = replace(corrected, prompt=prompt, counting_note=f"Prompt tokens are corrected by {words}.")
    return corrected


def _observed_output(observed: Sequence[Usage], source: Source, words: str, cut: int) -> OutputAssumption:
    mean = sampling.mean_estimate([usage.output for usage in observed])
    images = sum(usage.image for usage in observed) / max(1, sum(usage.output for usage in observed))
    return OutputAssumption(
        mean.low,
        mean.total,
        f"Output: {mean.total:,.0f} tokens a row, as in {words}.",
        image_share=images,
        per_row=True,
        measured_high=mean.high,
        measured_worst=mean.total + FEW_TRIES_FACTOR * mean.half_width,
        source=source,
        measured_on=len(observed),
        lengths=measure([usage.output for usage in observed], cut),
    )
