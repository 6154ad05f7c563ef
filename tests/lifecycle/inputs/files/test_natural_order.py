"""Files come in the order in which people count."""

from __future__ import annotations

from lifecycle.inputs.files.natural_order import natural_key


def test_numbers_are_compared_as_numbers_and_folders_stay_together() -> None:
    names = ["b/1.png", "a/p10.png", "a/P2.png", "a/p1.png", "a b/x.png", "a/p2b.png", "10.png", "9.png"]
    ordered = ["9.png", "10.png", "a/p1.png", "a/P2.png", "a/p2b.png", "a/p10.png", "a b/x.png", "b/1.png"]
    assert sorted(names, key=natural_key) == ordered


def test_long_runs_of_digits_are_no_trouble() -> None:
    assert sorted(["9" * 9000, "1", "8" * 9000], key=natural_key) == ["1", "8" * 9000, "9" * 9000]
