"""How long a batch job will take and how often the service finds a prefix by itself, learned from past jobs. Pure.

Storage cost is linear in time, so plans rest on the mean duration, not on the median. Few observations are weighed
against a prior: a plan that assumes an hour and waits a night costs more than it can save.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MAX_JOB_HOURS = 48.0
"""A batch job that is older expires."""
PRIOR_HOURS, PRIOR_WEIGHT = 4.0, 3
"""The mean of jobs nobody has seen yet, worth three observations. Public reports: minutes, hours, and some days."""
PRIOR_SPREAD = 1.3
"""Of the logarithm of durations."""
PRIOR_RATE, PRIOR_REQUESTS = 0.05, 20.0
"""Implicit hits in batches: most accounts see none, a few some (April to October 2026)."""
MAX_COUNTED_REQUESTS, DECAY = 20.0, 0.9
"""One job counts as at most so many requests, and each later job makes it count less: hits depend on the hour."""
_Z95 = 1.645


@dataclass(frozen=True)
class Duration:
    """Hours that caches of a run are expected to live: `mean` to plan with, `p95`, and how many jobs taught it."""

    mean: float
    p95: float
    jobs: int

    def __str__(self) -> str:
        source = f"learned from {self.jobs} finished jobs" if self.jobs else "assumed: no finished job yet"
        return f"{self.mean:.1f} h expected, {self.p95:.0f} h in 1 of 20 ({source})"


class JobObservation(NamedTuple):
    """A finished job without explicit caches: its requests that had a shared prefix long enough, and the share of
    those prefixes' tokens that came back as cached."""

    requests: int
    rate: float


def learn_duration(hours: Iterable[float]) -> Duration:
    """The expected duration, given those of finished jobs (of the same model, best the same owner)."""
    observed = [min(max(value, 0.0), MAX_JOB_HOURS) for value in hours]
    mean = (PRIOR_WEIGHT * PRIOR_HOURS + sum(observed)) / (PRIOR_WEIGHT + len(observed))
    return Duration(mean, min(MAX_JOB_HOURS, max(mean, _p95(observed))), len(observed))


def learn_implicit_rate(jobs: Sequence[JobObservation]) -> float:
    """The expected share of implicit hits, given finished jobs from the oldest to the newest."""
    weights = [DECAY**age * min(job.requests, MAX_COUNTED_REQUESTS) for age, job in enumerate(reversed(jobs))]
    rates = [min(1.0, max(0.0, job.rate)) for job in reversed(jobs)]
    hits = sum(weight * rate for weight, rate in zip(weights, rates, strict=True))
    return (PRIOR_REQUESTS * PRIOR_RATE + hits) / (PRIOR_REQUESTS + sum(weights))


def _p95(observed: list[float]) -> float:
    """Of a log-normal distribution whose logarithm has the prior's moments and the observations' together."""
    centre = math.log(PRIOR_HOURS) - PRIOR_SPREAD**2 / 2
    logs = [math.log(max(value, 1 / 60)) for value in observed]
    weight = PRIOR_WEIGHT + len(logs)
    mean = (PRIOR_WEIGHT * centre + sum(logs)) / weight
    square = (PRIOR_WEIGHT * (PRIOR_SPREAD**2 + centre**2) + sum(value**2 for value in logs)) / weight
    return math.exp(mean + _Z95 * math.sqrt(max(0.0, square - mean**2)))
