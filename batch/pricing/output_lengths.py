"""How long answers are: what a run was seen to answer as a few quantiles, and what a later run like it will use. Pure.

A limit cuts the longest answers, so what is beyond it was never seen: it is taken to go on as a log-normal tail,
through the median and the point where the limit cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from batch.pricing.sampling import t_quantile

LEVELS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
ASSUMED_SPREAD, LEAST_SPREAD, MOST_SPREAD = 0.8, 0.2, 1.5
"""Of the logarithm of lengths beyond a limit: where nothing better is known, and within which it is believed."""
FITTING_SHARE = 0.99  # of answers that a suggested limit has room for
CAP_STEP = 256
RANGE_LEVEL, WORST_LEVEL = 0.95, 0.995  # one-sided: the range holds 9 of 10 later runs, and 1 of 200 exceeds the worst
LEAST_MEAN, MOST_FACTOR = 0.5, 6.0  # tokens; two runs that differ say little, and a worst case is to be believed
_GRID = (np.arange(512) + 0.5) / 512
_NORMAL = NormalDist()


@dataclass(frozen=True)
class OutputLengths:
    """Output tokens of single answers, thoughts included, as they were seen.

    `quantiles` are at LEVELS. The share `cut` of the answers was cut off by a limit: they are at least as long as seen.
    `images` is the share of the tokens that are pictures, `searches` are web searches a row, `prompt` the mean prompt.
    """

    rows: int
    mean: float
    variance: float
    quantiles: tuple[float, ...]
    cut: float = 0.0
    images: float = 0.0
    searches: float = 0.0
    prompt: float = 0.0

    def quantile(self, level: float) -> float:
        """The length that the share `level` of answers does not exceed."""
        return float(self._lengths(np.array([level]))[0])

    def share_above(self, tokens: float) -> float:
        """The share of answers that are longer than that, and so cut off by such a limit."""
        return float((self._lengths(_GRID) > tokens).mean())

    def moments_at(self, cap: int | None) -> tuple[float, float]:
        """Mean and variance of an answer's billed tokens under a limit."""
        if not self.cut and (cap is None or self.quantiles[-1] <= cap):
            return self.mean, self.variance
        lengths = self._lengths(_GRID)
        if cap is not None:
            lengths = np.minimum(lengths, cap)
        return float(lengths.mean()), float(lengths.var())

    def cap_that_fits(self, most: int | None = None, share: float = FITTING_SHARE) -> int:
        """A round limit under which that share of answers is whole; never above `most`, the model's own."""
        cap = max(CAP_STEP, -(-math.ceil(self.quantile(share)) // CAP_STEP) * CAP_STEP)
        return min(cap, most) if most else cap

    def _lengths(self, levels: Any) -> Any:
        """The lengths at these levels, beyond what a limit cut by the assumed tail."""
        seen = np.interp(levels, LEVELS, self.quantiles)
        if not self.cut:
            return seen
        start = min(1.0 - self.cut, 0.999)
        limit = float(np.interp(start, LEVELS, self.quantiles)) or 1.0
        return np.where(
            levels > start,
            limit * np.exp(self._spread(start, limit) * (_z(levels) - _NORMAL.inv_cdf(max(0.001, start)))),
            seen,
        )

    def _spread(self, start: float, limit: float) -> float:
        median = self.quantiles[LEVELS.index(0.5)]
        if start <= 0.55 or median <= 0 or limit <= median:
            return ASSUMED_SPREAD
        return min(MOST_SPREAD, max(LEAST_SPREAD, math.log(limit / median) / _NORMAL.inv_cdf(start)))


def measure(
    outputs: Sequence[int], cut: int = 0, *, images: float = 0.0, searches: float = 0.0, prompt: float = 0.0
) -> OutputLengths | None:
    """Sum up what answers used, `cut` of which a limit cut off; None where there are none."""
    if not len(outputs):
        return None
    values = np.asarray(outputs, dtype=np.float64)
    return OutputLengths(
        rows=len(values),
        mean=float(values.mean()),
        variance=float(values.var(ddof=1)) if len(values) > 1 else float(values[0]) ** 2,
        quantiles=tuple(float(value) for value in np.quantile(values, LEVELS)),
        cut=min(1.0, cut / len(values)),
        images=images,
        searches=searches,
        prompt=prompt,
    )


def log_normal(median: float, spread: float = ASSUMED_SPREAD) -> OutputLengths:
    """Lengths that nobody saw, as they are assumed."""
    lengths = median * np.exp(spread * _z(_GRID))
    quantiles = median * np.exp(spread * _z(np.array(LEVELS)))
    return OutputLengths(0, float(lengths.mean()), float(lengths.var()), tuple(float(value) for value in quantiles))


@dataclass(frozen=True)
class SeenRun:
    """What one earlier run answered, and how like it is to what is to be sent: 1 is the same but for the data."""

    lengths: OutputLengths
    likeness: float


@dataclass(frozen=True)
class Prediction:
    """Mean output tokens of an answer in a run to come: the range that holds 9 of 10 such runs, and a bad case."""

    low: float
    expected: float
    high: float
    worst: float
    lengths: OutputLengths
    runs: int


def predict(seen: Sequence[SeenRun], rows: int, caps: dict[int | None, int] | None = None) -> Prediction | None:
    """What a run of so many rows will answer, by runs like it; None where none was seen.

    `caps` are the limits of its rows, with how many have each. Runs differ among themselves by more than chance: by
    how much is found from them (DerSimonian and Laird), and what is less alike counts less.
    """
    seen = [run for run in seen if run.lengths.rows > 1 and run.likeness > 0]
    if not seen or rows < 1:
        return None
    moments = [_moments(run.lengths, caps or {None: rows}) for run in seen]
    means = np.array([max(mean, LEAST_MEAN) for mean, _ in moments])
    spreads = np.array([variance for _, variance in moments]) / means**2
    sizes = np.array([run.lengths.rows for run in seen], dtype=np.float64)
    likeness = np.array([run.likeness for run in seen])
    own = max(1e-9, float(sizes @ spreads / sizes.sum()))  # of one answer; all on the scale of logarithms
    errors = own / sizes
    between = _between_runs(np.log(means), errors)
    weights = likeness / (between + errors)
    centre = float(weights @ np.log(means) / weights.sum())
    expected = float(weights @ means / weights.sum())
    chance = own / rows + float(1.0 / (1.0 / (between + errors)).sum())
    drift = between + (1.0 - float(likeness.max())) ** 2
    error, freedom = math.sqrt(chance + drift), _freedom(between, chance + drift - between, len(seen), int(sizes.sum()))
    high, worst = (math.exp(centre + t_quantile(freedom, level) * error) for level in (RANGE_LEVEL, WORST_LEVEL))
    return Prediction(
        low=min(expected, math.exp(centre - t_quantile(freedom, RANGE_LEVEL) * error)),
        expected=expected,
        high=max(expected, min(high, MOST_FACTOR * expected)),
        worst=max(expected, min(worst, MOST_FACTOR * expected)),
        lengths=pooled(seen),
        runs=len(seen),
    )


def pooled(seen: Sequence[SeenRun]) -> OutputLengths:
    """Several runs' answers as one, each run's by how like it is and, up to a hundred, by its rows."""
    weights = [run.likeness * min(100, run.lengths.rows) for run in seen]
    if len(seen) == 1:
        return seen[0].lengths
    total = sum(weights)
    lengths = np.concatenate([run.lengths._lengths(_GRID) for run in seen])
    shares = np.repeat(np.array(weights) / total / len(_GRID), len(_GRID))
    order = np.argsort(lengths)
    reached = np.cumsum(shares[order])
    mean = float(lengths @ shares)
    return OutputLengths(
        rows=sum(run.lengths.rows for run in seen),
        mean=mean,
        variance=float(((lengths - mean) ** 2) @ shares),
        quantiles=tuple(float(value) for value in np.interp(LEVELS, reached, lengths[order])),
        images=sum(w * run.lengths.images for w, run in zip(weights, seen, strict=True)) / total,
        searches=sum(w * run.lengths.searches for w, run in zip(weights, seen, strict=True)) / total,
        prompt=sum(w * run.lengths.prompt for w, run in zip(weights, seen, strict=True)) / total,
    )


def _moments(lengths: OutputLengths, caps: dict[int | None, int]) -> tuple[float, float]:
    """Mean and variance over rows with these limits."""
    rows = sum(caps.values())
    each = [(n / rows, *lengths.moments_at(cap)) for cap, n in caps.items()]
    mean = sum(share * m for share, m, _ in each)
    return mean, sum(share * (v + (m - mean) ** 2) for share, m, v in each)


def _between_runs(means: Any, errors: Any) -> float:
    """The variance of the runs' own means beyond what chance explains (Hedges)."""
    return max(0.0, float(means.var(ddof=1) - errors.mean())) if len(means) > 1 else 0.0


def _freedom(between: float, rest: float, runs: int, rows: int) -> float:
    """Degrees of freedom of the sum of both variances (Welch and Satterthwaite)."""
    rows = max(1, rows - runs)
    if between <= 0:
        return rows
    return (between + rest) ** 2 / (between**2 / max(1, runs - 1) + rest**2 / rows)


def _z(levels: Any) -> Any:
    """Quantiles of the normal distribution, the ends cut at 1 in 1,000."""
    return np.array([_NORMAL.inv_cdf(float(level)) for level in np.clip(levels, 0.001, 0.999)])
