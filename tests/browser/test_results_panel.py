"""A result in a real browser: counted, narrowed, sorted, selected, sent again, merged, exported; open to everybody."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import check_accessibility, click_until_seen, open_export, open_menu, unfold
from tests.patience import PATIENCE_MS

pytestmark = pytest.mark.browser

HEADER, ROW = 37, 33  # heights in the grid, in pixels
CITY = {
    "type": "OBJECT",
    "properties": {"city": {"type": "STRING"}, "people": {"type": "INTEGER"}},
    "required": ["city"],
}
AS_JSON = {"responseMimeType": "application/json", "responseSchema": CITY}


def line(key: str, text: str, **config: Any) -> dict[str, Any]:
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    return {"key": key, "request": {**body, "generationConfig": config} if config else body}


MIXED = [
    line("plain-00", "See https://evil.example/x"),
    *(line(f"plain-{n:02}", f"Name river number {n}") for n in range(1, 52)),
    *(line(f"cut-{n}", f"Tell a long story of river {n}", maxOutputTokens=12) for n in range(3)),
    line("json-0", "Which city is number 0?", **AS_JSON),
    line("json-1", "[[emulate: invalid_json]] Which city?", **AS_JSON),
    line("broken", "[[emulate: error:13]] Break"),
    line("lost", "[[emulate: drop_row]] Vanish"),
    line("nameless", "[[emulate: drop_key]] Who?"),
    line("blocked", "[[emulate: safety]] No"),
]


@pytest.fixture(scope="module")
def mixed(app: AppProcess, browser: Browser) -> Page:
    """A visitor whose run has ended with rows of many kinds; the tests look at it one after another."""
    page = browser.new_context(viewport={"width": 1280, "height": 2400}, reduced_motion="reduce").new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(app.url)
    page.get_by_role("button", name="Rehearse without a key").click()
    page.get_by_text("File (JSONL)").click()
    data = "\n".join(map(json.dumps, MIXED)).encode()
    box = page.locator(".st-key-submit .pick.files input")
    box.set_input_files({"name": "mixed.jsonl", "mimeType": "application/jsonl", "buffer": data})
    expect(page.get_by_text(f"{len(MIXED)} requests can be sent")).to_be_visible()
    page.get_by_role("button", name="Submit batch").click()
    expect(page.get_by_text("SUCCEEDED: 53 answered, 8 need attention")).to_be_visible()
    return page


def click(page: Page, column: int, row: int, expected: Locator) -> None:
    """Click into the grid until something is seen.

    `column` in pixels from its left edge, `row` counted from 0, -1 for the columns' names.
    """

    def into_the_grid() -> None:
        grid = page.get_by_test_id("stDataFrame").first
        grid.scroll_into_view_if_needed()
        place = grid.bounding_box()
        assert place is not None
        page.mouse.click(place["x"] + column, place["y"] + HEADER * (row >= 0) + ROW * max(row, 0) + ROW // 2)

    click_until_seen(page, into_the_grid, expected)


def clear(page: Page) -> None:
    """Take the filter back; a click before all rows are there again would be a choice among the filtered."""
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_text(f"1 to 50 of {len(MIXED)} rows")).to_be_visible()


def row_detail(page: Page) -> Locator:
    return page.locator(".st-key-row-detail")


def export_incomplete(page: Page, label: str, folder: Path) -> Path:
    """Export what is not whole, after the question whether that is meant."""
    open_export(page).get_by_role("button", name=label, exact=True).click()
    expect(page.get_by_text("This result is not complete: nothing came back for 2 of 61 rows")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export anyway").click()
    assert "-incomplete." in waiting.value.suggested_filename
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    expect(page.get_by_role("button", name="Export anyway")).to_have_count(0)
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nothing_of_ours_keeps_anybody_out(mixed: Page, width: int, scheme: Any) -> None:
    """Checked with everything unfolded, under the page's own content security policy."""
    page = mixed
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 1800})
    page.goto(page.url.partition("&")[0])  # with nothing narrowed: a reload keeps what is
    page.get_by_text("53 good").first.click()
    expect(page.get_by_text("1 to 50 of 53 rows")).to_be_visible()
    click(page, 200, 0, row_detail(page))
    rendered = row_detail(page).get_by_test_id("stMarkdownContainer").filter(has_text="evil.example")
    click_until_seen(page, page.get_by_text("Draw the answer as Markdown").click, rendered)
    expect(rendered.locator("a")).to_have_count(0)
    unfold(page, "As received (JSON)", page.get_by_text("Response", exact=True))
    unfold(page, "1 line fits no row", page.get_by_text("Rows are never matched by their position"))
    unfold(page, "Send rows again", page.get_by_text("It would cost"))
    check_accessibility(page)
    open_export(page).get_by_role("button", name="Export CSV").click()
    expect(page.get_by_role("button", name="Export anyway")).to_be_visible()
    check_accessibility(page)
    page.keyboard.press("Escape")


def test_the_first_screen_has_head_outcomes_and_table_and_arrows_lead_from_row_to_row(mixed: Page) -> None:
    page = mixed
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(page.url.partition("&")[0])
    grid = page.get_by_test_id("stDataFrame").first
    expect(grid).to_be_in_viewport(ratio=0.95)
    expect(page.get_by_text("finished, 1 to decide")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Send 7 rows again")).to_be_in_viewport()
    click(page, 200, 0, row_detail(page).get_by_text("plain-00", exact=True))
    expect(row_detail(page)).to_be_in_viewport(ratio=0.95)
    page.keyboard.press("ArrowDown")
    expect(row_detail(page).get_by_text("plain-01", exact=True)).to_be_visible()
    page.get_by_role("button", name="Next row").click()
    expect(row_detail(page).get_by_text("plain-02", exact=True)).to_be_visible()
    page.get_by_role("button", name="Close row").click()
    expect(row_detail(page)).to_have_count(0)
    page.set_viewport_size({"width": 1280, "height": 2400})


def test_from_a_mixed_run_to_one_that_is_sent_again_merged_and_exported(mixed: Page, tmp_path: Path) -> None:
    page = mixed
    expect(
        page.get_by_text("61 sent · 60 returned · 59 matched · 2 missing · 0 duplicate · 1 unmatched")
    ).to_be_visible()
    page.get_by_text("7 to try again").click()
    expect(page.get_by_text("1 to 7 of 7 rows")).to_be_visible()
    click(page, 80, -1, page.get_by_text("of 7 rows, sorted by Outcome", exact=False))
    click(page, 200, 0, row_detail(page).get_by_text("broken", exact=True))
    click(page, 80, -1, page.get_by_text("sorted by Outcome, highest first"))
    click(page, 200, 0, row_detail(page).get_by_text("cut-0", exact=True))

    clear(page)
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_text("cut off 3").first.click()
    expect(page.get_by_text("1 to 3 of 3 rows")).to_be_visible()
    page.keyboard.press("Escape")
    for row in range(3):
        click(page, 18, row, page.get_by_text(f"{row + 1} row{'s' if row else ''} selected: to send"))
    clear(page)
    unfold(page, "Send rows again", page.get_by_text("3 rows selected."))
    cap = page.get_by_role("spinbutton", name="Output cap, tokens")
    cap.fill("4096")
    first = page.get_by_text("It would cost").inner_text()
    cap.blur()
    expect(page.get_by_text(first)).to_have_count(0)
    page.get_by_role("button", name="Send 3 rows again", exact=True).click()
    expect(page.get_by_text("SUCCEEDED: 56 answered, 5 need attention")).to_be_visible()

    check_tables(export_incomplete(page, "Export CSV", tmp_path), export_incomplete(page, "Export XLSX", tmp_path))
    check_lines(export_incomplete(page, "Export Parquet", tmp_path), export_incomplete(page, "Export JSONL", tmp_path))
    page.keyboard.press("Escape")


def test_a_link_is_copied_and_said_to_be_and_shown_where_it_cannot_be(mixed: Page, app: AppProcess) -> None:
    page = mixed
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.url)
    open_menu(page).get_by_role("menuitem", name="Copy link").click()
    told, link = page.locator(".gbr-copied"), page.url.partition("&")[0]
    expect(told).to_have_text("Copied.")
    expect(page.locator(".st-key-run-link")).to_contain_text(link)
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
    open_menu(page).get_by_role("menuitem", name="Copy link").click()
    expect(told).to_have_text("Copy it from here:")


def test_a_tired_hand_sends_rows_again_once(mixed: Page) -> None:
    page = mixed
    page.get_by_role("button", name="Send 4 rows again").dblclick()
    expect(page.get_by_text("Sent 4 rows, about $")).to_be_visible()
    page.get_by_role("button", name="Open retry").click()
    expect(page.get_by_role("button", name="Open the whole result")).to_be_visible()
    expect(page.get_by_text("Runs 3", exact=True)).to_be_visible()


def check_tables(csv: Path, xlsx: Path) -> None:
    """The merged rows as pandas and openpyxl read them."""
    keys = [row["key"] for row in MIXED]
    frame = pd.read_csv(csv, keep_default_na=False).set_index("key")
    assert list(frame.index) == keys and frame["incomplete"].iloc[0].startswith("INCOMPLETE: nothing came back for 2")
    assert list(frame.loc["cut-0":"cut-2", "outcome"]) == ["answered"] * 3
    assert "story of river 1" in frame.loc["cut-1", "prompt"] and len(str(frame.loc["cut-1", "text"])) > 20
    rest = ["invalid_output", "error_transient", "missing", "missing", "answer_blocked"]
    assert list(frame.loc["json-1":"blocked", "outcome"]) == rest
    with closing(openpyxl.load_workbook(xlsx, read_only=True)) as book:
        header, *rows = list(book["Results"].iter_rows(values_only=True))
    shown_text = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["key"] for row in shown_text] == keys
    assert [row["text"] or "" for row in shown_text] == list(frame["text"])


def check_lines(parquet: Path, lines: Path) -> None:
    """The merged rows as DuckDB reads them, and every attempt's cost counted once in their total."""
    element = duckdb.sql(f"SELECT p.key, p.text, j.text, p.cost_usd FROM '{parquet}' p JOIN '{lines}' j USING (key)")
    rows = {key: (one, two, usd) for key, one, two, usd in element.fetchall()}
    assert set(rows) == {row["key"] for row in MIXED}
    assert all(one == two for one, two, _ in rows.values())
    assert rows["lost"][2] is None and rows["broken"][2] == 0 and rows["cut-0"][2] > 0
