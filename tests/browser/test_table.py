"""A table from its drop to its answers: read, asked about by clicks, tried, sent, and had back as a workbook."""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress

import openpyxl
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, check_accessibility, drop_files, open_export
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.browser

ROW, NAME_X, CHOICES_X = 33, 80, 310  # places in the grid of fields, in pixels
GRID_MS = 15_000  # in which a grid that took what was typed has said so, also on a busy machine
FIRST_ROWS = [
    'Lantern "Nord", blue|2026-11-02|1|Broke in a week, hinge',
    "Tent|2026-11-09|5|Dry in a storm 👍",
    "Stove|2026-11-14|3|",
]
ROWS = [*FIRST_ROWS, *(f"Item {n}|2026-10-{n:02}|{n % 5 + 1}|Comment number {n}" for n in range(1, 18))]


def csv_line(row: str) -> str:
    return ",".join('"{}"'.format(cell.replace('"', '""')) for cell in row.split("|"))


TABLE: FilePayload = {
    "name": "reviews.csv",
    "mimeType": "text/csv",
    "buffer": "\n".join(["item,received,stars,comment", *map(csv_line, ROWS)]).encode(),
}


def click_field(page: Page, name: str, choices: str) -> None:
    """Add a field by clicks and keys alone."""
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    place = grid.bounding_box()
    assert place
    middle = place["y"] + 1.5 * ROW
    page.mouse.click(place["x"] + NAME_X, middle)  # the last row adds one
    expect(grid).to_have_js_property("offsetHeight", 3 * ROW + 2)
    fill_cell(page, place["x"] + NAME_X, middle, name, f"Understood: {name}: text.")
    fill_cell(page, place["x"] + CHOICES_X, middle, choices, f"Understood: {name}: one of {choices}.")


def fill_cell(page: Page, x: float, y: float, text: str, until: str) -> None:
    """Type over a cell, again if the grid was being drawn and did not take it."""
    for _ in range(int(PATIENCE_SECONDS * 1000 / GRID_MS)):
        page.mouse.click(x, y)
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        with suppress(AssertionError):
            expect(page.get_by_text(until)).to_be_visible(timeout=GRID_MS)
            expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
            expect(page.get_by_text(until)).to_be_visible(timeout=1)  # and not what was typed before, and then again
            return
    raise AssertionError(f"the grid does not take {text}")


def test_a_table_is_asked_about_by_clicks_tried_sent_and_had_back(app: AppProcess, open_page: OpenPage) -> None:
    page = open_page(app.url, viewport={"width": 1280, "height": 2000})
    page.get_by_role("button", name="Rehearse without a key").click()
    expect(page.get_by_text("nothing reaches Google")).to_be_visible()
    drop_files(page, TABLE)

    first_rows = page.get_by_role("region", name="First rows")
    expect(first_rows.get_by_text('Lantern "Nord", blue')).to_be_visible()
    expect(page.get_by_text("Write an instruction first")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)  # nothing is an error yet

    page.get_by_role("radio", name="comment").click()
    expect(page.get_by_text("Row 1 reads: Broke in a week, hinge")).to_be_visible()
    expect(page.get_by_text("1 row has no comment")).to_be_visible()
    page.get_by_text("Skip them").click()
    expect(page.get_by_text("19 requests can be sent")).to_be_visible()

    click_field(page, "mood", "good, bad")

    page.get_by_role("button", name=re.compile(r"Try 5 rows, \$")).click()
    expect(page.get_by_text("5 of 5 tries fit the fields")).to_be_visible()
    tried = page.get_by_role("region", name="Tried rows")
    expect(tried.locator("td.answer")).to_have_text([re.compile("good|bad")] * 5)
    expect(page.get_by_text("Measured on your 5 tries.")).to_be_visible()
    check_accessibility(page)
    expect(page.get_by_text("No runs yet")).to_be_visible()

    page.get_by_role("button", name="Submit batch").click()
    expect(page.get_by_text("SUCCEEDED: 19 answered")).to_be_visible()
    check_workbook(page)
    check_table(page)


def check_workbook(page: Page) -> None:
    """The workbook has the user's own columns as they were, and the answers beside them."""
    open_export(page).get_by_text("Answers as typed columns").click()
    with page.expect_download() as waiting:
        open_export(page).get_by_role("button", name="Export XLSX").click()
    with waiting.value.path().open("rb") as file:
        book = openpyxl.load_workbook(file)
        heads, *rows = ([cell.value for cell in row] for row in book.worksheets[0].iter_rows())
    column = {str(name): n for n, name in enumerate(heads)}
    assert rows[0][column["item"]] == 'Lantern "Nord", blue' and rows[1][column["comment"]] == "Dry in a storm 👍"
    assert str(rows[1][column["received"]])[:10] == "2026-11-09" and str(rows[1][column["stars"]]) == "5"
    assert len(rows) == 19 and {row[column["answer.mood"]] for row in rows} == {"good", "bad"}


def check_table(page: Page) -> None:
    """The CSV comes back in its own order, with the answers right beside the user's columns, skipped rows too."""
    with page.expect_download() as waiting:
        open_export(page).get_by_role("button", name="Export CSV").click()
    heads, *rows = csv.reader(io.StringIO(waiting.value.path().read_text(encoding="utf-8-sig")))
    assert heads[:5] == ["item", "received", "stars", "comment", "mood"]
    assert [row[:4] for row in rows] == [row.split("|") for row in ROWS]
    assert {row[4] for row in rows if row[3]} == {"good", "bad"} and not any(rows[2][4:])
