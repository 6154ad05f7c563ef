"""Lines and pairs are counted once a text, and never too low."""

from __future__ import annotations

import numpy as np
from xxhash import xxh3_64_intdigest as digest

from batch.arrangement.line_counts import MOST, LineCounts, next_to, one_between, strong_pairs

LONG, SHORT = 40, 5


def names(*values: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    return np.array(values, dtype=np.uint64)


def test_a_text_counts_once_however_often_it_has_a_line() -> None:
    counts = LineCounts()
    for other in range(5):
        counts.add([11, 11, 11, 100 + other], [LONG] * 4)
    counts.flush()
    assert counts.of(names(11, 100, 12)).tolist() == [5, 1, 0]


def test_pairs_look_past_short_lines_but_know_which_they_were() -> None:
    """Two long lines with "Why?" between are another pair than with "Who?" between; empty lines are none."""
    counts = LineCounts()
    counts.add([1, 7, 0, 2, 3], [LONG, SHORT, 0, LONG, LONG])
    counts.add([1, 8, 0, 2, 3], [LONG, SHORT, 0, LONG, LONG])
    counts.flush()
    first, second = names(1, 7, 2, 3), names(1, 8, 2, 3)
    places = np.array([0, 2, 3])
    assert counts.of(strong_pairs(first, places)).tolist() == [1, 2]
    assert counts.of(strong_pairs(second, places)).tolist() == [1, 2]
    assert counts.of(next_to(names(7, 8, 1), names(2, 2, 2))).tolist() == [1, 1, 0]
    assert counts.of(one_between(names(1), names(3))).tolist() == [2]


def test_pairs_end_with_their_text() -> None:
    counts = LineCounts()
    counts.add([1, 2], [LONG, LONG])
    counts.add([3, 4], [LONG, LONG])
    counts.flush()
    assert counts.of(next_to(names(1, 2, 3), names(2, 3, 4))).tolist() == [1, 0, 1]


def test_counters_end_at_their_largest() -> None:
    counts = LineCounts()
    for _ in range(3):
        for _ in range(MOST // 2):
            counts.add_name(9)
        counts.flush()
    assert counts.of(names(9)).tolist() == [MOST]


def test_a_few_names_have_the_counts_that_they_have_among_many() -> None:
    counts, met = LineCounts(), [digest(str(n).encode()) for n in range(200)]
    for n, name in enumerate(met):
        for _ in range(n % 7):
            counts.add_name(name)
    counts.flush()
    assert counts.of_few(met) == counts.of(names(*met)).tolist()
    assert counts.of_few(met[:7]) == [0, 1, 2, 3, 4, 5, 6]
