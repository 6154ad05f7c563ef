"""Files and folders as people give them: dropped, chosen, a whole folder at once."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage
from tests.browser.test_rehearsal import rehearse

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
