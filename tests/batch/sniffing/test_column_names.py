"""Columns have names that tell them apart, whatever the header holds."""

from __future__ import annotations

import itertools

from batch.sniffing.column_names import column_names, joined_names


def test_every_column_has_a_name_of_its_own() -> None:
    names = column_names(["a", "A", "", "a", "A (2)", " b "])
    assert names == ["a", "A (2)", "column 3", "a (3)", "A (2) (2)", "b"]
    for given_ in itertools.product(["a", "A", "", "a (2)"], repeat=3):
        names = column_names(list(given_))
        assert len({name.casefold() for name in names}) == 3


def test_a_name_over_two_lines_is_one_that_can_be_typed() -> None:
    assert column_names(["Unit\nprice", " a  b "]) == ["Unit price", "a b"]


def test_thousands_of_equal_names_are_numbered_in_one_go() -> None:
    """A header of 3,000 equal names took a quarter of an hour, and nobody else was served meanwhile."""
    assert column_names(["a"] * 100_000)[-1] == "a (100000)"


def test_groups_stand_before_the_names_of_their_columns() -> None:
    assert joined_names(["Customer", "", "Review"], ["id", "name", "text"]) == [
        "Customer id",
        "Customer name",
        "Review text",
    ]
    assert joined_names(["A", ""], ["x", "y"], carry=False) == ["A x", "y"]
    assert joined_names(["Name", "Size", ""], ["", "w", "h"]) == ["Name", "Size w", "Size h"]
