"""Files and folders as people give them: dropped, chosen, a whole folder at once."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, check_accessibility, drop_files
from tests.browser.test_kinds import wait_until_drawn
from tests.browser.test_rehearsal import rehearse
from tests.ui.pile.piles import BROKEN, document, scan

pytestmark = pytest.mark.browser


def test_a_table_that_is_dropped_into_the_zone_arrives(app: AppProcess, open_page: OpenPage) -> None:
    page = rehearse(open_page(app.url))
    page.get_by_text("File (JSONL)").click()
    zone = page.locator(".st-key-submit .zone.wide")
    expect(zone).to_be_visible()
    dropped = page.evaluate_handle(
        """() => {
          const given = new DataTransfer()
          given.items.add(new File(['city\\nBern\\n'], 'cities.csv', {type: 'text/csv'}))
          return given
        }"""
    )
    zone.dispatch_event("drop", {"dataTransfer": dropped})
    expect(page.get_by_text("cities.csv").first).to_be_visible()


def test_a_first_visitor_drops_a_file_and_the_rehearsal_starts_by_itself(app: AppProcess, open_page: OpenPage) -> None:
    page = open_page(app.url)
    expect(page.locator(".st-key-submit .zone.wide")).to_be_visible()
    drop_files(page, FilePayload(name="cities.csv", mimeType="text/csv", buffer=b"city\nBern\n"))
    expect(page.get_by_text("Answers are simulated; nothing reaches Google")).to_be_visible()
    expect(page.get_by_text("cities.csv").first).to_be_visible()


def test_documents_are_seen_and_priced_before_and_answered_by_page(app: AppProcess, open_page: OpenPage) -> None:
    page = rehearse(open_page(app.url, viewport={"width": 1280, "height": 3000}))
    page.get_by_text("File (JSONL)").click()
    pdf, jpeg = "application/pdf", "image/jpeg"
    drop_files(
        page,
        FilePayload(name="ledger.pdf", mimeType=pdf, buffer=document(3)),
        FilePayload(name="turned.jpg", mimeType=jpeg, buffer=scan(form="JPEG", turned=True)),
        FilePayload(name="broken.pdf", mimeType=pdf, buffer=BROKEN),
    )
    tiles = page.get_by_role("list", name="Files")
    expect(tiles.get_by_role("listitem")).to_have_count(3)
    expect(tiles.get_by_text("3 pages")).to_be_visible()
    wait_until_drawn(tiles.locator("img"))
    page.get_by_role("textbox", name="Instruction", exact=True).fill("Transcribe this page.")
    page.get_by_text("each file", exact=True).click()
    expect(page.get_by_text("2 requests can be sent")).to_be_visible()
    page.get_by_text("each page", exact=True).click()
    expect(page.get_by_text("4 requests can be sent")).to_be_visible()
    expect(page.get_by_text("Medium $")).to_be_visible()
    check_accessibility(page)

    expect(page.get_by_text("1 file needs you before this can be sent")).to_be_visible()
    page.get_by_role("button", name="Leave it out").click()
    expect(tiles.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Submit batch").click()
    expect(page.get_by_text("SUCCEEDED: 4 answered")).to_be_visible()
    expect(page.get_by_text("1 to 4 of 4 rows")).to_be_visible()
