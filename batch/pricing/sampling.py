"""What a few counts say about many estimates: a total with a 95 % interval. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

_MIN_ROWS = 3  # rows from which a canary says something about prompts
_T_TABLE = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365)  # 1 to 7 degrees of freedom


@dataclass(frozen=True)
class Interval:
    """A total and half the width of its 95 % interval, in tokens (or in anything else that adds up)."""

    total: float
    half_width: float = 0.0

    @property
    def low(self) -> float:
        return max(0.0, self.total - self.half_width)

    @property
    def high(self) -> float:
        return self.total + self.half_width

    def __add__(self, other: Interval) -> Interval:
        """The sum of two independent totals."""
        return Interval(self.total + other.total, math.hypot(self.half_width, other.half_width))


def ratio_estimate(observed: Sequence[int], predicted: Sequence[int], estimate: float) -> Interval | None:
    """What `estimate` is in truth if it errs as `predicted` did against `observed`; None if that says too little."""
    if len(observed) != len(predicted) or len(observed) < _MIN_ROWS or not sum(predicted):
        return None
    count, ratio = len(observed), sum(observed) / sum(predicted)
    residual = sum((y - ratio * x) ** 2 for x, y in zip(predicted, observed, strict=True)) / (count - 1)
    standard_error = math.sqrt(residual / count) / (sum(predicted) / count)
    return Interval(ratio * estimate, _t_quantile(count - 1) * standard_error * estimate)


def mean_estimate(values: Sequence[float]) -> Interval:
    """The mean of a few values; with one alone, as uncertain as itself."""
    average = sum(values) / len(values)
    if len(values) == 1:
        return Interval(average, abs(average))
    variance = sum((value - average) ** 2 for value in values) / (len(values) - 1)
    return Interval(average, _t_quantile(len(values) - 1) * math.sqrt(variance / len(values)))


def _t_quantile(freedom: int) -> float:
    """The 97.5 % point of Student's t: from the table, and by Cornish and Fisher's expansion beyond it."""
    return _T_TABLE[freedom - 1] if freedom <= len(_T_TABLE) else t_quantile(freedom, 0.975)


def t_quantile(freedom: float, level: float) -> float:
    """A point of Student's t above its middle: exact for 1 and 2 degrees of freedom, else by Cornish and Fisher's
    expansion, which is within 2 % from 3 on up to the 97.5 % point."""
    if freedom < 2:
        return math.tan(math.pi * (level - 0.5))
    if freedom < 3:
        side = 2 * level - 1
        return side * math.sqrt(2 / (1 - side**2))
    z = NormalDist().inv_cdf(level)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
