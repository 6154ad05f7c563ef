"""A table shows itself, takes an instruction by clicks, and nothing that is merely not ready is an error."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import EmptyCells
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.ui.page_driver import give_files, page_text, press
from tests.ui.submit.conftest import submitted_rows

TABLE = b'item,comment\n"Lantern, blue",Broke\nTent,\nStove,"Loud ""hum"""\n'


def html_of(at: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in at.get("html"))


def plain(at: AppTest) -> str:
    return page_text(at).replace("\\", "")


@pytest.fixture
def table(composer: AppTest) -> AppTest:
    return give_files(composer, {"reviews.csv": TABLE})


def test_it_shows_its_rows_and_how_they_read_and_another_is_read_as_found(table: AppTest) -> None:
    assert "Lantern, blue" in html_of(table) and "1 empty" in html_of(table)
    assert "**reviews.csv**" in plain(table) and "Read as:" in plain(table)
    table.text_area(key="template").set_value("Say of {{item}}: {{comment}}").run()
    assert "<mark>Lantern, blue</mark>: <mark>Broke</mark>" in html_of(table)
    next(box for box in table.selectbox if box.label == "Separator").set_value(";").run()
    give_files(table, {"other.csv": TABLE})
    assert next(box for box in table.selectbox if box.label == "Separator").value == ""


NOT_READY = {
    "": "Write an instruction first",
    "Say something.": "Click the columns that Gemini is to read",
    "Say {{item": "not closed",
    "Say {{itme}}": 'There is no column "itme".',
}


def test_what_is_not_ready_is_said_and_is_no_error(table: AppTest) -> None:
    for template, said in NOT_READY.items():
        table.text_area(key="template").set_value(template).run()
        assert said in plain(table) and not table.error, template
    press(table, "Use item")
    assert table.text_area(key="template").value == "Say {{item}}"


def test_what_only_a_person_can_decide_is_asked_with_the_remedy(composer: AppTest) -> None:
    printed = give_files(composer, {"printed.csv": b"a   bb  c\nxx  y   1\nx   yy  2\n"})
    (asked,) = [warning.value for warning in printed.warning if "set apart by spaces" in warning.value]
    assert "choose the separator" in asked


def test_columns_are_clicked_into_the_instruction(table: AppTest) -> None:
    for column in ("item", "comment"):
        table.button_group(key="insert_column").set_value(column).run()
    assert table.text_area(key="template").value == "{{item}} {{comment}}"
    assert "3 requests can be sent" in plain(table)


def test_rows_with_empty_cells_are_counted_and_left_out_if_one_says_so(
    table: AppTest, real_runner: Runner, account: Account
) -> None:
    table.text_area(key="template").set_value("{{comment}}").run()
    assert "1 row has no comment" in plain(table) and "has an empty cell" not in plain(table)
    table.button_group(key="empty_cells").set_value(EmptyCells.SKIP).run()
    assert "2 requests can be sent" in plain(table)
    press(table, "Submit batch")
    assert len(submitted_rows(real_runner, account)) == 2
