"""How long a click takes in a real browser: first paint, the switch of places, the mode of the input.

Each is the median from the click until the page shows what was asked for. Reference: the same click on a page of
Streamlit with nothing but one choice and one line, served by a process of its own in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.app_process import AppProcess
from tests.browser.find_browser import FLAGS, find_browser
from tests.patience import PATIENCE_MS

EMPTY_PAGE = """
import streamlit as st
chosen = st.segmented_control("Choice", ["One", "Two"], default="One", required=True)
st.header("Shown " + chosen)
"""


def median_ms(times: int, act: Callable[[], None]) -> float:
    """The median of so many, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def click_through(page: Page, steps: dict[str, Callable[[], None]], times: int) -> float:
    """Click each choice by turns, and wait for what it shows."""

    def once() -> None:
        for label, is_shown in steps.items():
            page.get_by_role("radiogroup").get_by_text(label, exact=True).first.click()
            is_shown()

    once()  # what is loaded once is not counted
    return median_ms(times, once) / len(steps)


def heading(page: Page, name: str) -> Callable[[], None]:
    """Waits for a heading that comes first in its place."""
    return lambda: expect(page.get_by_role("heading", name=name)).to_be_visible()


def measure_empty(browser: Browser, folder: Path, times: int) -> tuple[float, float]:
    """First paint and a click of the reference."""
    script = folder / "empty.py"
    script.write_text(EMPTY_PAGE)
    app = AppProcess(folder / "empty-data", script=script).start()
    try:
        page = browser.new_page()
        paint = median_ms(times, lambda: (page.goto(app.url), heading(page, "Shown One")())[-1])
        steps = {"Two": heading(page, "Shown Two"), "One": heading(page, "Shown One")}
        return paint, click_through(page, steps, times)
    finally:
        app.stop_all()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=9)
    options = parser.parse_args()
    expect.set_options(timeout=PATIENCE_MS)
    browser_path = find_browser()  # which must not be asked for while Playwright runs
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        empty_paint, empty_click = measure_empty(browser, Path(name), options.times)
        app = AppProcess(Path(name) / "data").start()
        try:
            page = browser.new_page()
            page.goto(app.url)
            page.get_by_role("button", name="Rehearse without a key").click()
            expect(page.get_by_text("nothing reaches Google")).to_be_visible()
            places = {
                "Runs": lambda: expect(page.locator(".st-key-monitor")).to_be_visible(),
                "New": lambda: expect(page.locator(".st-key-submit")).to_be_visible(),
            }
            modes = {
                "File (JSONL)": lambda: expect(page.get_by_label("Or write prompts")).to_have_count(0),
                "Inline": lambda: expect(page.get_by_label("Or write prompts")).to_be_visible(),
            }
            switch = click_through(page, places, options.times)
            mode = click_through(page, modes, options.times)
            paint = median_ms(options.times, lambda: (page.reload(), places["New"]())[-1])
        finally:
            app.stop_all()
            browser.close()
    print(f"reference: first paint {empty_paint:.0f} ms, a click {empty_click:.0f} ms")
    print(f"first paint  {paint:5.0f} ms  ratio {paint / empty_paint:.2f}")
    print(f"place switch {switch:5.0f} ms  ratio {switch / empty_click:.2f}")
    print(f"mode switch  {mode:5.0f} ms  ratio {mode / empty_click:.2f}")


if __name__ == "__main__":
    main()
