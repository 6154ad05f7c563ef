"""Cuts inside texts: where they are, and names that do not hang on what comes later."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.prefixes.text_cuts import (
    FIRST_GRID_PLACE,
    GRID,
    end_name,
    find_cuts,
    grid_names,
    grid_places_within,
    last_grid_place,
    name_at,
)


def string(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def cuts(text: bytes) -> list[int]:
    """All places, resumed as the scan does it: up to one grid place after another."""
    places, resume = [], 1
    for until in [*GRID[: grid_places_within(len(text))], len(text)]:
        for place, resume_at in find_cuts(text, resume, until):
            resume = resume_at
            if place:
                places.append(place)
    return places


@pytest.mark.parametrize(
    ("text", "beginnings"),
    [
        ("one\ntwo\n\n\nthree", ["one\n", "one\ntwo\n\n\n"]),
        ("one\r\ntwo", ["one\r\n"]),
        ("one\rtwo", []),
        ("no newline", []),
        ('a "quoted\\n" text\nend', ['a "quoted\\n" text\n']),
        ("ends with one\n", []),
    ],
)
def test_cuts_stand_after_runs_of_newlines(text: str, beginnings: list[str]) -> None:
    encoded = string(text)
    found = [json.loads(encoded[:place] + b'"') for place in cuts(encoded)]
    assert found == [beginning for beginning in beginnings if beginning != text]


def test_the_grid_grows_by_a_seventh() -> None:
    assert GRID[0] == FIRST_GRID_PLACE
    assert all(b == a * 8 // 7 for a, b in pairwise(GRID))
    assert grid_places_within(FIRST_GRID_PLACE + 1) == 0
    assert grid_places_within(FIRST_GRID_PLACE + 2) == 1


@given(st.integers(0, 9_000), st.integers(1, 3_000))
def test_texts_equal_up_to_a_place_have_one_name_there(common: int, more: int) -> None:
    first, second = string("a" * common + "\n" + "b" * more), string("a" * common + "\n" + "c" * more)
    place = common + 3  # behind the quotation mark, the text and the newline's two bytes
    names_1, names_2 = grid_names(first, 7), grid_names(second, 7)
    assert name_at(first, names_1, place) == name_at(second, names_2, place)
    assert end_name(first, names_1) != end_name(second, names_2)


def test_names_hang_on_what_stands_before_the_text() -> None:
    text = string("a" * 5_000)
    assert grid_names(text, 1)[-1] != grid_names(text, 2)[-1]
    assert last_grid_place(grid_names(text, 1)) == GRID[grid_places_within(len(text)) - 1]
    assert last_grid_place([1]) == 0
