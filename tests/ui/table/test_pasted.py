"""A pasted table is a table."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import page_text, press
from ui.table.pasted import columns_in


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("item\tcomment\nLantern\tBroke\n", 2),
        ('a,b,c\n1,"x, y",3\n4,5,6', 3),
        ("Compare red, green, and blue.\nName five fish, five birds, and five trees.", 0),
        ("one\ntwo", 0),
        ("a\tb", 0),
        ("a\tb\n1\t2\t3", 0),
    ],
)
def test_a_table_is_told_from_prompts(text: str, columns: int) -> None:
    assert columns_in(text) == columns


def test_a_table_is_pasted_among_the_prompts_or_into_its_box(composer: AppTest) -> None:
    composer.text_area(key="prompts").set_value("item\tcomment\nLantern\tBroke").run()
    assert "a table of 2 columns" in page_text(composer)
    press(composer, "Use it as a table")
    assert "pasted.tsv" in page_text(composer).replace("\\", "")
    press(composer, "Remove")
    composer.session_state["pasting"] = True
    composer.run()
    composer.text_area(key="pasted_table").set_value("item,comment\nLantern,Broke").run()
    press(composer, "Use this table")
    assert "pasted.csv" in page_text(composer).replace("\\", "") and not composer.error
