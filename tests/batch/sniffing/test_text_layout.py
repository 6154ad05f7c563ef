"""Comments, `sep=`, names for rows, padding and fixed columns: what stands around a table of text."""

from __future__ import annotations

import pytest

from batch.sniffing.text_layout import NO_HEADER, TextLayout, WantedLayout, find_layout


def layout_of(text: str, wanted: WantedLayout | None = None) -> TextLayout:
    return find_layout(text.splitlines(keepends=True), wanted or WantedLayout(), complete=True)


@pytest.mark.parametrize(
    ("text", "names", "header", "first", "skipped"),
    [
        ("dish,n\nsoup,1\n", ("dish", "n"), 1, 2, 0),
        ("sep=;\na;b\n1;2\n", ("a", "b"), 2, 3, 1),
        ("# made in May\n# by Ann\ndish;n\nsoup;1\n", ("dish", "n"), 3, 4, 2),
        ("#id,dish\n1,soup\n2,cake\n", ("#id", "dish"), 1, 2, 0),
        ("# made in May\n#id\tdish\n1\tsoup\n2\tcake\n", ("#id", "dish"), 2, 3, 1),
        ("The menu,,\n,,\nid,dish,n\n1,soup,2\n2,pie,3\n", ("id", "dish", "n"), 3, 4, 1),
        ("a,b,\n1,2,\n3,4,\n", ("a", "b"), 1, 2, 0),
        ("a,b\n1,2,\n3,4,\n", ("a", "b"), 1, 2, 0),
        ("a,b\nx,1,2\ny,3,4\nz,5,6\n", ("", "a", "b"), 1, 2, 0),
        ('"a\nb",c\n1,2\n', ("a\nb", "c"), 1, 3, 0),
        ("1,2\n3,4\n", ("", ""), NO_HEADER, 1, 0),
        ("\n\na,b\n1,2\n", ("a", "b"), 3, 4, 0),
    ],
)
def test_the_table_is_found(text: str, names: tuple[str, ...], header: int, first: int, skipped: int) -> None:
    found = layout_of(text)
    assert (found.names, found.header_line, found.first_line, found.skipped_lines) == (names, header, first, skipped)


def test_columns_of_fixed_width_are_asked_about() -> None:
    text = "dish   price  day\nsoup    3     Mon\ncake    14    Tue\npie     5     Wed\n"
    assert "spaces" in layout_of(text).question
    assert layout_of(text, WantedLayout(separator=" ")).names == ("dish", "price", "day")
    assert not layout_of("question\nWhat  is it?\nWho are you?\nWhere?\n").question


def test_what_was_chosen_is_taken() -> None:
    assert layout_of("x\ny\na,b\n1,2\n", WantedLayout(header_row=3)).names == ("a", "b")
    assert layout_of("a,b\n1,2\n", WantedLayout(header_row=NO_HEADER)).first_line == 1
    assert layout_of("a;b\n", WantedLayout(separator=",")).names == ("a;b",)


def test_nothing_is_a_table_without_columns() -> None:
    assert layout_of("\n \n").names == ()
