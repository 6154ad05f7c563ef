"""What a run will ask for, added up row by row, and what a canary's few rows teach about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from batch.model import Usage
from batch.pricing import sampling
from batch.pricing.sampling import Interval

Case = Literal["low", "expected", "worst"]
TYPICAL_ANSWER = 400  # some paragraphs
TYPICAL_THOUGHTS = 800  # a sample in Google's batch notebook thought for 829 tokens before an 11-token answer
TYPICAL_PICTURE = 1290  # price lists name 1,120 to 1,290 for the usual sizes
SHORTEST_ANSWER = 5
UNCOUNTED = "Prompt tokens are estimated from the texts' scripts; none were counted."


@dataclass(frozen=True)
class OutputGuess:
    """Output tokens of one row, thoughts included, and `words` that say where the guess comes from.

    `any` is False for models that never put out tokens.
    """

    low: float
    expected: float
    words: str
    any: bool = True


@dataclass(frozen=True)
class CachePlan:
    """An explicit cache that the run will hold: its tokens, and its life in hours in each case."""

    tokens: int
    low_hours: float
    hours: float
    worst_hours: float

    def life(self, case: Case) -> float:
        return {"low": self.low_hours, "expected": self.hours, "worst": self.worst_hours}[case]


@dataclass(frozen=True)
class Side:
    """Rows that share a price tier, summed: prompt tokens (cached included), and the most they may put out."""

    rows: int = 0
    prompt: int = 0
    cached: int = 0
    cap: int | None = 0


def guess_output(kind: str = "text", *, thinking: bool = True) -> OutputGuess:
    """What is assumed of a row's output before anything is known of the task; `kind` as in the catalog."""
    if kind == "embedding":
        return OutputGuess(0, 0, "Embeddings have no output tokens.", any=False)
    if kind == "image":
        return OutputGuess(
            TYPICAL_PICTURE, TYPICAL_PICTURE, f"Output: one picture of {TYPICAL_PICTURE:,} tokens a row."
        )
    thoughts = TYPICAL_THOUGHTS if thinking else 0
    also = f" and {thoughts:,} of thoughts" if thoughts else ""
    words = f"Output: {TYPICAL_ANSWER:,} tokens of answer{also} a row are assumed; a canary of a few rows would tell."
    return OutputGuess(SHORTEST_ANSWER, TYPICAL_ANSWER + thoughts, words)


@dataclass(frozen=True)
class Workload:
    """All that an estimate is made from.

    `prompt` is the interval of all rows' prompt tokens together, cached included; the sides' own sums are the
    estimates that it corrects in proportion. `counted` is a sentence on how it was come by. `media` and `unknown`
    are rows that hold pictures, pages or sound, and rows with parts of unknown size.
    """

    short: Side = field(default_factory=Side)
    long: Side = field(default_factory=Side)
    prompt: Interval = field(default_factory=lambda: Interval(0))
    output: OutputGuess = field(default_factory=guess_output)
    caches: tuple[CachePlan, ...] = ()
    counted: str = UNCOUNTED
    media: int = 0
    unknown: int = 0

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.short, self.long

    @property
    def rows(self) -> int:
        return self.short.rows + self.long.rows

    @property
    def estimated(self) -> int:
        return self.short.prompt + self.long.prompt

    @property
    def cached(self) -> int:
        return self.short.cached + self.long.cached

    @property
    def cap(self) -> int | None:
        """The most output tokens of all rows together; None if a row has no known limit."""
        return None if self.short.cap is None or self.long.cap is None else self.short.cap + self.long.cap

    def unread(self) -> Workload:
        """The same with nothing read from caches."""
        return replace(self, short=replace(self.short, cached=0), long=replace(self.long, cached=0))

    def uncached(self) -> Workload:
        """The same without caches."""
        return replace(self.unread(), caches=())


def canary_rows(rows: int, size: int) -> list[int]:
    """Which rows to try first: `size` of them, spread evenly over the whole input."""
    count = min(max(0, size), rows)
    return [(2 * i + 1) * rows // (2 * count) for i in range(count)]


def correct(workload: Workload, observed: Sequence[Usage], predicted: Sequence[int] = ()) -> Workload:
    """The workload as a canary's usage shows it: output from its rows, prompts in proportion if that is surer.

    `predicted` are the estimated prompt tokens of the same rows, in the same order. If caches were planned and no
    row read from one, none is counted on any more, though it is still paid for.
    """
    if not observed:
        return workload
    changed = replace(workload, output=_observed_output([usage.output for usage in observed]))
    seen = sampling.by_ratio([usage.prompt for usage in observed], predicted, workload.estimated)
    if seen is not None and seen.half_width < workload.prompt.half_width:
        words = f"Prompt tokens are corrected by the canary's {len(observed)} rows."
        changed = replace(changed, prompt=seen, counted=words)
    if workload.cached and not any(usage.cached for usage in observed):
        unread = "The canary read nothing from the cache: full price is assumed for every row."
        changed = replace(changed.unread(), counted=f"{changed.counted} {unread}")
    return changed


def _observed_output(tokens: list[int]) -> OutputGuess:
    mean = sampling.mean(tokens)
    words = f"Output: {mean.total:,.0f} tokens a row, as in the canary's {len(tokens)} rows."
    return OutputGuess(mean.low, mean.total, words)
