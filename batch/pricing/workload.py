"""What a run will ask for, added up row by row, and what a canary's few rows teach about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from batch.formatting import plural
from batch.model import Usage
from batch.pricing import sampling
from batch.pricing.sampling import Interval

Case = Literal["low", "expected", "high", "worst"]
TYPICAL_ANSWER_TOKENS = 400  # some paragraphs
TYPICAL_THOUGHT_TOKENS = 800  # a sample in Google's batch notebook thought for 829 tokens before an 11-token answer
MIN_ANSWER_TOKENS = 5
GUESS_FACTOR = 3.0  # an output that nobody measured may well be so many times what is assumed
UNCOUNTED_NOTE = "Prompt tokens are estimated from the texts' scripts; none were counted."


@dataclass(frozen=True)
class OutputAssumption:
    """Output tokens of one answer, thoughts included, and a `description` that says where the guess comes from.

    `high` is what they may well be, far below what they could be at worst: `measured_high`, or some times a guess.
    `has_output` is False for models that never put out tokens. `image_share` of the tokens are pictures, and in the
    worst case all of them where any is. With `per_row` the tokens are those of all a row's answers together.
    """

    low: float
    expected: float
    description: str
    has_output: bool = True
    image_share: float = 0.0
    per_row: bool = False
    measured_high: float | None = None

    @property
    def high(self) -> float:
        return GUESS_FACTOR * self.expected if self.measured_high is None else self.measured_high


@dataclass(frozen=True)
class CachePlan:
    """An explicit cache that the run will hold: its tokens, and its life in hours in each case."""

    tokens: int
    low_hours: float
    hours: float
    worst_hours: float

    def hours_for(self, case: Case) -> float:
        return {"low": self.low_hours, "worst": self.worst_hours}.get(case, self.hours)


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


def assumed_output(*, thinking: bool = True) -> OutputAssumption:
    """What is assumed of a text's length before anything is known of the task."""
    thoughts = TYPICAL_THOUGHT_TOKENS if thinking else 0
    thoughts_note = f" and {thoughts:,} of thoughts" if thoughts else ""
    description = (
        f"Output: {TYPICAL_ANSWER_TOKENS:,} tokens of answer{thoughts_note} a row are assumed;"
        " a canary of a few rows would tell."
    )
    return OutputAssumption(MIN_ANSWER_TOKENS, TYPICAL_ANSWER_TOKENS + thoughts, description)


@dataclass(frozen=True)
class Workload:
    """All that an estimate is made from.

    `prompt` is the interval of all rows' prompt tokens together, cached included; the sides' own sums are the
    estimates that it corrects in proportion. `counting_note` is a sentence on how it was come by. `media` and
    `unknown_size` are rows that hold pictures, pages or sound, and rows with parts of unknown size, each of which may
    come to `unknown_tokens` (None: that is not known either). `searching` rows may search the web, `searches` times in
    all if it goes as expected: once each, until a canary shows better.
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


def apply_canary(workload: Workload, observed: Sequence[Usage], predicted: Sequence[int] = ()) -> Workload:
    """The workload as a canary's usage shows it: output from its rows, prompts in proportion if that is surer.

    `predicted` are the estimated prompt tokens of the same rows, in the same order. If caches were planned and no
    row read from one, none is counted on any more, though it is still paid for.
    """
    if not observed:
        return workload
    corrected = _as_measured(workload, observed, predicted, f"the canary's {len(observed)} rows")
    if workload.cached and not any(usage.cached for usage in observed):
        no_reads_note = "The canary read nothing from the cache: full price is assumed for every row."
        corrected = replace(corrected.without_cache_reads(), counting_note=f"{corrected.counting_note} {no_reads_note}")
    return corrected


def apply_tries(workload: Workload, observed: Sequence[Usage], predicted: Sequence[int] = ()) -> Workload:
    """The same by rows that were tried one by one: they cannot read a run's caches, and tell nothing about them."""
    return _as_measured(workload, observed, predicted, f"your {plural(len(observed), 'try', 'tries')}")


def _as_measured(workload: Workload, observed: Sequence[Usage], predicted: Sequence[int], source: str) -> Workload:
    """Output from rows that answered, prompts in proportion to what was predicted of them if that is surer."""
    if not observed:
        return workload
    corrected = replace(workload, output=_observed_output(observed, source))
    if workload.searching:
        searches = sum(usage.search_queries for usage in observed) / len(observed)
        corrected = replace(corrected, searches=searches * workload.rows)
    prompt = sampling.ratio_estimate([usage.prompt for usage in observed], predicted, workload.estimated_prompt)
    if prompt is not None and prompt.half_width < workload.prompt.half_width:
        corrected = replace(corrected, prompt=prompt, counting_note=f"Prompt tokens are corrected by {source}.")
    return corrected


def _observed_output(observed: Sequence[Usage], source: str) -> OutputAssumption:
    mean = sampling.mean_estimate([usage.output for usage in observed])
    images = sum(usage.image for usage in observed) / max(1, sum(usage.output for usage in observed))
    return OutputAssumption(
        mean.low,
        mean.total,
        f"Output: {mean.total:,.0f} tokens a row, as in {source}.",
        image_share=images,
        per_row=True,
        measured_high=mean.high,
    )
