"""Two texts side by side: what is marked is different, and nothing is lost or added."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.text_diff import TextPiece, diff_texts


def marked(pieces: list[TextPiece]) -> str:
    return "".join(f"[{piece.text}]" if piece.changed else piece.text for piece in pieces)


@pytest.mark.parametrize(
    ("one", "two", "left", "right"),
    [
        ("", "", "", ""),
        ("same", "same", "same", "same"),
        ("", "new", "", "[new]"),
        ("the red house", "the blue house", "the [red] house", "the [blue] house"),
        ("a b c", "a c", "a [b ]c", "a c"),
        ('{"n": 1, "m": 2}', '{"n": 1, "m": 3}', '{"n": 1, "m": [2]}', '{"n": 1, "m": [3]}'),
        ("one two", "three four", "[one] [two]", "[three] [four]"),
        ("aaa", "aa", "[aaa]", "[aa]"),
        ("x\ny\n", "x\r\ny\n", "x[\n]y\n", "x[\r\n]y\n"),
    ],
)
def test_words_that_differ_are_marked(one: str, two: str, left: str, right: str) -> None:
    assert tuple(map(marked, diff_texts(one, two))) == (left, right)


@given(st.text(st.sampled_from("ab \n.,é😀"), max_size=60), st.text(st.sampled_from("ab \n.,é😀"), max_size=60))
def test_pieces_are_the_texts_and_what_is_not_marked_is_alike(one: str, two: str) -> None:
    left, right = diff_texts(one, two)
    assert "".join(piece.text for piece in left) == one
    assert "".join(piece.text for piece in right) == two
    assert [p.text for p in left if not p.changed] == [p.text for p in right if not p.changed] or (
        "".join(p.text for p in left if not p.changed) == "".join(p.text for p in right if not p.changed)
    )


@pytest.mark.parametrize("end", [" ", "\n"])
def test_long_texts_are_compared_in_bounded_time(end: str) -> None:
    one, two = (end.join(f"{n * k % 9973} word" for n in range(40_000)) for k in (31, 37))
    began = time.process_time()
    left, right = diff_texts(f"Alike. {one}", f"Alike. {two}")
    assert time.process_time() - began < 5
    assert "".join(piece.text for piece in right) == f"Alike. {two}"
    assert left[0].text.startswith("Alike.") and not left[0].changed
