"""Pictures and vectors, from a sample to what can be taken away, and readable for all."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, check_accessibility

pytestmark = pytest.mark.browser


def run_sample(page: Page, name: str) -> Page:
    """Take a sample from its card, without having connected anything, and send it."""
    page.locator(f".st-key-try-{name} button").click()
    expect(page.get_by_text("requests can be sent")).to_be_visible()
    page.get_by_role("button", name="Submit batch").click()
    return page


def wait_until_drawn(pictures: Locator) -> None:
    """Wait until every picture has come, and is more than the empty one."""
    for number in range(pictures.count()):
        expect(pictures.nth(number)).to_have_js_property("complete", True)
        assert pictures.nth(number).evaluate("(one) => one.naturalWidth") > 100


def test_pictures_come_back_as_a_gallery_and_leave_as_an_archive(app: AppProcess, open_page: OpenPage) -> None:
    page = run_sample(open_page(app.url, viewport={"width": 1280, "height": 3000}), "pictures")
    gallery = page.locator(".st-key-gallery")
    expect(gallery.locator("img")).to_have_count(10)
    expect(gallery.get_by_text("No picture came, but words.")).to_be_visible()
    expect(gallery.get_by_text("The picture was blocked")).to_be_visible()
    wait_until_drawn(gallery.locator("img"))
    check_accessibility(page)

    gallery.get_by_role("button", name="mug, steam").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("3 of 12")).to_be_visible()
    expect(dialog.get_by_text("A violet mug of tea")).to_be_visible()
    with page.expect_download() as waiting:
        dialog.get_by_text("Download the picture").click()
    assert waiting.value.suggested_filename == "mug, steam.jpg"
    dialog.get_by_role("button", name="Next", exact=True).click()
    expect(dialog.get_by_text("4 of 12")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    with page.expect_download() as waiting:
        page.get_by_role("button", name="Get all 10 pictures").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        names = archive.namelist()
    assert "tent at dusk.jpg" in names and "results.csv" in names and len(names) == 11

    page.get_by_text("Table", exact=True).click()
    expect(page.get_by_text("1 to 12 of 12 rows")).to_be_visible()
    expect(gallery).to_have_count(0)


def test_vectors_come_back_with_their_neighbours_and_leave_as_parquet(app: AppProcess, open_page: OpenPage) -> None:
    page = run_sample(open_page(app.url, viewport={"width": 1280, "height": 3000}), "embeddings")
    expect(page.locator(".st-key-vectors").get_by_text("3,072")).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("message-002")
    page.get_by_role("searchbox", name="Search").press("Enter")
    nearest = page.locator(".st-key-nearest")
    expect(nearest.get_by_text("Nearest to message-002")).to_be_visible()
    expect(nearest.get_by_test_id("stDataFrame")).to_be_visible()
    check_accessibility(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Vectors as Parquet").click()
    frame = pd.read_parquet(waiting.value.path())
    assert len(frame) == 120 and len(frame["vector"][0]) == 3072 and frame["key"][1] == "message-002"
