"""Make the pictures in docs/screenshots against the rehearsal server: `make screenshots`, or with a folder to fill.

With --all every state, at three widths, light and dark, to be looked at one by one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from PIL import Image
from playwright.sync_api import Browser, FilePayload, FloatRect, Page, expect, sync_playwright

from tests.browser.app_process import ROOT, AppProcess
from tests.browser.find_browser import FLAGS, find_browser
from tests.patience import PATIENCE_MS

WIDTHS = (390, 1280, 1920)
SCHEMES = ("light", "dark")
README = {"plan-1280-light", "results-1280-light", "results-1280-dark", "results-390-light"}
MARGIN = 12  # pixels around a part of the page
expect.set_options(timeout=PATIENCE_MS)


def welcome(page: Page) -> None:
    """What a first visitor sees."""
    expect(page.get_by_role("button", name="Start a rehearsal")).to_be_visible()


def plan(page: Page) -> None:
    """Many questions on one document: what a cache saves, and what all will cost, before anything is sent."""
    page.get_by_role("button", name="Start a rehearsal").click()
    page.get_by_role("button", name="One long document, many questions").click()
    expect(page.get_by_text("Plan: 1 explicit cache")).to_be_visible()
    expect(page.get_by_text("What the price rests on")).to_be_visible()


def running(page: Page) -> None:
    """A run under way."""
    page.get_by_role("button", name="Start a rehearsal").click()
    page.get_by_role("button", name="A service desk's day").click()
    page.get_by_role("button", name="Submit batch").click()
    expect(page.get_by_text("JOB_STATE_RUNNING").first).to_be_visible()
    page.wait_for_timeout(3000)


def results(page: Page) -> None:
    """A run with mixed outcomes, one row open."""
    page.get_by_role("button", name="Start a rehearsal").click()
    page.get_by_role("button", name="Everything that can go wrong").click()
    page.get_by_role("button", name="Submit batch").click()
    expect(page.get_by_text("need attention").first).to_be_visible()
    expect(page.locator(".st-key-run-cost")).to_be_visible()
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    place = grid.bounding_box()
    if place:
        page.mouse.click(place["x"] + 200, place["y"] + 100)
    expect(page.get_by_text("As received (JSON)")).to_be_visible()


def problems(page: Page) -> None:
    """A file with faults."""
    page.get_by_role("button", name="Start a rehearsal").click()
    lines = [
        '{"key": "a", "request": {"contents": [{"parts": [{"text": "fine"}]}]}}',
        '{"key": "a", "request": {"contents": [{"parts": [{"text": "again"}]}]}}',
        '{"key": "c", "request": {"content": []}}',
        '{"key": "d", "request": {"contents": [{"parts": [{"text": "x"}]}], "thinking_config": {}}}',
        "not json",
    ]
    expect(page.get_by_text("nothing reaches Google")).to_be_visible()
    narrow = page.viewport_size is not None and page.viewport_size["width"] < 700
    if narrow:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_text("File (JSONL)").click()
    if narrow:
        page.get_by_test_id("stSidebarCollapseButton").locator("button").click()
    bad: FilePayload = {"name": "bad.jsonl", "mimeType": "application/jsonl", "buffer": "\n".join(lines).encode()}
    page.locator(".st-key-submit .pick.files input").set_input_files(bad)
    expect(page.get_by_text("Nothing is sent until")).to_be_visible()


def table(page: Page) -> None:
    """A table with its instruction and fields, priced."""
    page.locator(".st-key-try-table button").click()
    expect(page.get_by_text("200 requests can be sent")).to_be_visible()
    expect(page.locator(".gbr-price")).to_be_visible()


def scans(page: Page) -> None:
    """A pile of scans with its instruction, priced."""
    page.locator(".st-key-try-scans button").click()
    expect(page.get_by_text("requests can be sent")).to_be_visible()
    expect(page.locator(".gbr-price")).to_be_visible()


def runs(page: Page) -> None:
    """Two runs in their table."""
    for name in ("A few prompts", "Everything that can go wrong"):
        page.get_by_role("button", name=name).click()
        page.get_by_role("button", name="Submit batch").click()
        expect(page.locator(".st-key-run-cost")).to_be_visible()
        place = "New" if name == "A few prompts" else "Runs"
        page.get_by_role("radiogroup", name="Place").get_by_text(place).first.click()
    expect(page.get_by_role("heading", name="Monitor")).to_be_visible()


def gone(page: Page) -> None:
    """A link to a run that is not here."""
    page.get_by_role("button", name="Start a rehearsal").click()
    expect(page.get_by_text("nothing reaches Google")).to_be_visible()
    page.goto(f"{page.url.split('?')[0]}?run=r0")
    expect(page.get_by_text("No run here has this link").or_(page.get_by_text("to see this run"))).to_be_visible()


STATES: dict[str, Callable[[Page], None]] = {
    "welcome": welcome,
    "table": table,
    "scans": scans,
    "runs": runs,
    "gone": gone,
    "plan": plan,
    "problems": problems,
    "running": running,
    "results": results,
}
PARTS = {"plan": ".st-key-submit", "results": ".st-key-run"}  # of the others, the whole page


def shoot(browser: Browser, url: str, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Bring the page into each state anew and take its picture."""
    for state in STATES:
        for width in WIDTHS:
            for scheme in SCHEMES:
                name = f"{state}-{width}-{scheme}"
                if wanted(name):
                    _shoot(browser, url, state, folder / f"{name}.png", width, dark=scheme == "dark")
                    print(name, flush=True)


def _shoot(browser: Browser, url: str, state: str, path: Path, width: int, *, dark: bool) -> None:
    """Take one picture of the page or its part, however high, in few colours so that it stays small."""
    context = browser.new_context(
        viewport={"width": width, "height": 1600},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    STATES[state](page)
    height = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').offsetHeight")
    page.set_viewport_size({"width": width, "height": max(800, int(height))})
    page.mouse.move(2, 2)
    page.wait_for_timeout(1500)
    page.screenshot(path=path, clip=_place(page, PARTS[state]) if state in PARTS else None)
    context.close()
    with Image.open(path) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def _place(page: Page, part: str) -> FloatRect:
    """Where a part of the page is, with a margin."""
    box = page.locator(part).bounding_box()
    assert box is not None
    x, y = max(0.0, box["x"] - MARGIN), max(0.0, box["y"] - MARGIN)
    return {"x": x, "y": y, "width": box["width"] + 2 * MARGIN, "height": box["height"] + 2 * MARGIN}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--all", action="store_true", help="every state, not only those of the README")
    parser.add_argument("--only", default="", help="states whose name contains this")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        app = AppProcess(Path(home) / "data", {"REHEARSAL_PACE": "8"}).start()
        browser = playwright.chromium.launch(executable_path=_browser(), args=list(FLAGS))
        try:
            shoot(
                browser, app.url, options.folder, lambda name: options.only in name and (options.all or name in README)
            )
        finally:
            browser.close()
            app.stop_all()
    return 0


def _browser() -> str:
    return find_browser() or sys.exit("No browser was found. Run scripts/ensure_browser.py.")


if __name__ == "__main__":
    sys.exit(main())
