"""The table of runs, which is drawn on a canvas: its lines are found by their place."""

from __future__ import annotations

from functools import partial

from playwright.sync_api import Page

from tests.browser.conftest import click_until_seen
from ui.runs.run_table import HEADER_HEIGHT, ROW_HEIGHT


def tick_runs(page: Page, *lines: int) -> None:
    """Click into the ticks of some lines, each once the one before was seen."""

    def tick(line: int) -> None:
        place = page.get_by_test_id("stDataFrame").first.bounding_box()
        assert place is not None
        page.mouse.click(place["x"] + 15, place["y"] + HEADER_HEIGHT + ROW_HEIGHT * line + ROW_HEIGHT / 2)

    for number, line in enumerate(lines, start=1):
        click_until_seen(page, partial(tick, line), page.get_by_text(f"{number} selected"))
