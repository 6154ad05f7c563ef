"""What earlier runs teach of a later one: its cost is in the range nine times of ten, and a limit's cut is foreseen."""

from __future__ import annotations

import numpy as np
import pytest

from batch.pricing.output_lengths import LEVELS, SeenRun, log_normal, measure, pooled, predict


def answers(rng: np.random.Generator, rows: int, mu: float = 5.0, spread: float = 0.7) -> list[int]:
    return [int(value) for value in np.round(np.exp(rng.normal(mu, spread, rows)))]


def seen(outputs: list[int], likeness: float = 1.0, cut: int = 0) -> SeenRun:
    lengths = measure(outputs, cut)
    assert lengths is not None
    return SeenRun(lengths, likeness)


@pytest.mark.parametrize(
    ("runs", "rows_seen", "rows", "between", "least"),
    [(1, 30, 300, 0.0, 0.83), (3, 100, 1_000, 0.0, 0.88), (1, 300, 50, 0.0, 0.83), (5, 200, 500, 0.3, 0.83)],
)
def test_the_range_holds_nine_of_ten_later_runs(
    runs: int, rows_seen: int, rows: int, between: float, least: float
) -> None:
    """Of the same distribution, and where runs differ by more than chance."""
    rng, tries = np.random.default_rng(20), 250
    hits = exceeded = 0
    for _ in range(tries):
        past = [seen(answers(rng, rows_seen, 5 + rng.normal(0, between))) for _ in range(runs)]
        prediction = predict(past, rows)
        assert prediction is not None and prediction.low <= prediction.expected <= prediction.high <= prediction.worst
        actual = float(np.mean(answers(rng, rows, 5 + rng.normal(0, between))))
        hits += prediction.low <= actual <= prediction.high
        exceeded += actual > prediction.worst
    assert least <= hits / tries <= 0.98
    assert exceeded / tries <= 0.04


def test_what_is_less_alike_counts_less_and_makes_it_less_sure() -> None:
    rng = np.random.default_rng(3)
    short, long = answers(rng, 200, 4), answers(rng, 200, 6)
    same, odd = predict([seen(short)], 100), predict([seen(short, 0.6)], 100)
    assert same and odd and odd.low < same.low and odd.high > same.high and odd.expected == same.expected
    both = predict([seen(short, 1.0), seen(long, 0.5)], 100)
    assert both is not None and same.expected < both.expected < (same.expected + float(np.mean(long))) / 2 + 1


def test_nothing_seen_teaches_nothing() -> None:
    assert predict([], 10) is None and measure([]) is None
    assert predict([seen([5])], 10) is None  # one answer has no spread


def test_a_limit_cuts_the_share_that_was_longer_and_99_of_100_fit_the_better_one() -> None:
    outputs = answers(np.random.default_rng(7), 4_000, 5.5, 0.8)
    lengths = seen(outputs).lengths
    cut = sum(value > 256 for value in outputs) / len(outputs)
    assert lengths.share_above(256) == pytest.approx(cut, abs=0.02)
    cap = lengths.cap_that_fits()
    assert cap % 256 == 0 and sum(value > cap for value in outputs) <= 0.015 * len(outputs)
    assert lengths.cap_that_fits(512) == 512


def test_what_a_limit_hid_is_taken_to_go_on() -> None:
    """A run that cut off a third says how long answers would have been."""
    outputs = answers(np.random.default_rng(7), 4_000, 5.5, 0.8)
    limit = int(np.quantile(outputs, 0.66))
    hidden = seen([min(value, limit) for value in outputs], cut=sum(value > limit for value in outputs)).lengths
    assert hidden.quantile(0.99) == pytest.approx(float(np.quantile(outputs, 0.99)), rel=0.3)
    assert hidden.moments_at(limit)[0] == pytest.approx(hidden.mean, rel=0.02)
    assert hidden.moments_at(None)[0] == pytest.approx(float(np.mean(outputs)), rel=0.15)


def test_limits_of_the_rows_to_come_bound_what_they_use() -> None:
    prediction = predict([seen(answers(np.random.default_rng(1), 500))], 100, {100: 50, None: 50})
    free = predict([seen(answers(np.random.default_rng(1), 500))], 100)
    assert prediction and free and prediction.expected < free.expected


def test_several_runs_together_have_the_answers_of_all() -> None:
    together = pooled([seen([10] * 50), seen([1_000] * 50)])
    assert together.rows == 100 and together.mean == pytest.approx(505)
    assert together.quantile(0.2) == pytest.approx(10) and together.quantile(0.9) == pytest.approx(1_000)


def test_assumed_lengths_have_the_median_that_was_asked_for() -> None:
    lengths = log_normal(300.0)
    assert lengths.quantiles[LEVELS.index(0.5)] == pytest.approx(300.0) and lengths.mean > 300
