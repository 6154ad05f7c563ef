"""An instruction shows how it reads, and says which columns it misnames."""

from __future__ import annotations

import pytest

from ui.table.instruction_check import UnknownColumn, readings, rename_column, unknown_columns, with_column

NAMES = ("item", "comment", "Price & <tax>")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{item}} {{ COMMENT }}", []),
        ("{{itme}}: {{itme}}", [UnknownColumn("itme", "item")]),
        ("{{zzzz}}", [UnknownColumn("zzzz", "")]),
        ("{{{{literal}}", []),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_nearest(text: str, found: list[UnknownColumn]) -> None:
    assert unknown_columns(text, NAMES) == found


def test_a_misnamed_column_is_put_right_wherever_it_stands() -> None:
    assert rename_column("{{itme}}, {{ itme }} and {{comment}}", "itme", "item") == "{{item}}, {{item}} and {{comment}}"


@pytest.mark.parametrize(("text", "after"), [("", "{{item}}"), ("Of", "Of {{item}}"), ("Of:\n", "Of:\n{{item}}")])
def test_a_column_goes_to_the_end(text: str, after: str) -> None:
    assert with_column(text, "item") == after


def test_rows_read_with_their_values_marked_and_nothing_of_them_is_markup() -> None:
    rows = [("<b>", "", "1"), ("x", "y", "2")]
    first, second = readings("<i>{{item}}</i> {{comment}} {{price & <tax>}}", NAMES, rows)
    assert first == '&lt;i&gt;<mark>&lt;b&gt;</mark>&lt;/i&gt; <mark class="empty">empty</mark> <mark>1</mark>'
    assert "<mark>y</mark>" in second
    assert readings("{{nothing}}", NAMES, rows) == [] == readings("no column", NAMES, rows)
