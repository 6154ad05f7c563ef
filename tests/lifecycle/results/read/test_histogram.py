"""Numbers over rows: every row is in a bin, bounds are round, and an outlier squeezes nobody."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lifecycle.results.read.histogram import BINS, Distribution, distribution, nice_step
from tests.lifecycle.run_fixture import RunFixture, answer


def of(folder: Path, numbers: list[int]) -> Distribution | None:
    run = RunFixture(folder).send([f"k{n:05d}" for n in range(len(numbers) + 1)])  # the last one does not come back
    run.receive({"key": f"k{n:05d}", **answer("x", output=number)} for n, number in enumerate(numbers))
    run.build()
    return distribution(run.table(), "output_tokens")


@pytest.mark.parametrize(
    ("step", "whole", "found"),
    [(0.0, True, 1), (0.3, True, 1), (1.0, True, 1), (1.01, True, 2), (3.3, True, 5), (51, True, 100),
     (0.0, False, 1e-6), (0.00013, False, 0.0002), (0.5, False, 0.5)],
)  # fmt: skip
def test_steps_are_round(step: float, whole: bool, found: float) -> None:
    assert nice_step(step, integers=whole) == pytest.approx(found)


def test_a_hundred_numbers(tmp_path: Path) -> None:
    found = of(tmp_path / "r", list(range(1, 101)))
    assert found is not None
    assert (found.rows, found.low, found.median, found.p95, found.high) == (100, 1, 50.5, 95, 100)
    assert [(b.low, b.high) for b in found.bins[:2]] == [(0, 5), (5, 10)]
    assert [b.rows for b in found.bins] == [4, *[5] * 18, 6] and found.bins[-1].high == math.inf


def test_one_outlier_does_not_squeeze_the_others(tmp_path: Path) -> None:
    found = of(tmp_path / "r", [n % 20 for n in range(200)] + [60_000])
    assert found is not None
    assert sum(b.rows for b in found.bins) == 201 and len(found.bins) <= BINS + 1
    assert found.high == 60_000 and found.bins[-1].low == 19 and found.bins[-1].rows == 11


@pytest.mark.parametrize("numbers", [[7], [7] * 50, [0, 0]])
def test_equal_numbers_are_one_bin(tmp_path: Path, numbers: list[int]) -> None:
    found = of(tmp_path / "r", numbers)
    assert found is not None
    assert [(b.low, b.rows) for b in found.bins] == [(numbers[0], len(numbers))]


def test_without_numbers_there_is_nothing_to_see(tmp_path: Path) -> None:
    assert of(tmp_path / "r", []) is None
