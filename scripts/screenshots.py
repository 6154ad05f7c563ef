"""Make the pictures in docs/screenshots against the rehearsal server: `make screenshots`, or with a folder to fill.

With --all every state, at three widths, light and dark, to be looked at one by one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from PIL import Image
from playwright.sync_api import Browser, FilePayload, FloatRect, Page, expect, sync_playwright

from batch.model import RunState
from batch.pricing import catalog
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import RunQuery
from lifecycle.runner import Runner, Setup
from tests.browser.app_process import ROOT, AppProcess
from tests.browser.find_browser import FLAGS, find_browser
from tests.browser.runs_grid import tick_runs
from tests.patience import PATIENCE_MS
from tests.seed_runs import seed

WIDTHS = (390, 1280, 1920)
SCHEMES = ("light", "dark")
README = {"plan-1280-light", "results-1280-light", "results-1280-dark", "results-390-light"}
MARGIN = 12  # pixels around a part of the page
KEY = "AIza-made-up-key-for-pictures-only-0001"
NOWHERE = "http://127.0.0.1:9"
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


def budget(page: Page) -> None:
    """A budget that is not enough for what is to be sent."""
    table(page)
    page.get_by_text("What the price rests on").click()
    page.get_by_role("spinbutton", name="Budget").fill("0.0001")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Submit batch")).to_be_disabled()


def gallery(page: Page) -> None:
    """Pictures that came back."""
    page.locator(".st-key-try-pictures button").click()
    page.get_by_role("button", name="Submit batch").click()
    expect(page.locator(".gbr-tile img").first).to_be_visible()


def runs_empty(page: Page) -> None:
    """The place of runs before there are any."""
    page.get_by_role("button", name="Start a rehearsal").click()
    expect(page.get_by_text("nothing reaches Google")).to_be_visible()
    page.get_by_role("radiogroup", name="Place").get_by_text("Runs").first.click()
    expect(page.get_by_text("No runs yet").first).to_be_visible()


def runs(page: Page) -> None:
    """Forty runs in their table."""
    page.goto(f"{page.url.split('?')[0]}?place=runs")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()


def ticked(page: Page) -> None:
    """Two of the runs ticked, and compared in numbers."""
    runs(page)
    tick_runs(page, 2, 9)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".st-key-runs-comparison")).to_be_visible()


def deleting(page: Page) -> None:
    """The question before runs are deleted."""
    runs(page)
    tick_runs(page, 1, 3)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("cannot be undone")).to_be_visible()


def gone(page: Page) -> None:
    """A link to a run that is not here."""
    page.goto(f"{page.url.split('?')[0]}?run=r0")
    expect(page.get_by_text("No run here has this link")).to_be_visible()


def a_run(words: str) -> Callable[[Page], None]:
    """The newest of the forty runs that stands so: found by the words of the table's filter."""

    def open_it(page: Page) -> None:
        page.goto(f"{page.url.split('?')[0]}?run={SEEDED[words]}")
        expect(page.locator(".st-key-run-head")).to_be_visible()
        expect(page.get_by_role("button", name="More")).to_be_visible()

    return open_it


STATES: dict[str, Callable[[Page], None]] = {
    "welcome": welcome,
    "table": table,
    "scans": scans,
    "plan": plan,
    "problems": problems,
    "budget": budget,
    "results": results,
    "gallery": gallery,
    "runs-empty": runs_empty,
}
SLOW_STATES: dict[str, Callable[[Page], None]] = {"running": running}  # of a run that takes longer than its pictures
SEEDED_STATES: dict[str, Callable[[Page], None]] = {  # on forty runs of seven kinds
    "runs": runs,
    "ticked": ticked,
    "deleting": deleting,
    "gone": gone,
    **{name: a_run(name) for name in ("mixed", "cancelled", "failed", "unreachable")},
}
SEEDED: dict[str, str] = {}  # which of them shows what
PARTS = {"plan": ".st-key-submit", "results": ".st-key-run"}  # of the others, the whole page


def shoot(
    browser: Browser, url: str, states: dict[str, Callable[[Page], None]], folder: Path, wanted: Callable[[str], bool]
) -> None:
    """Bring the page into each state, once for each scheme, and take its pictures at every width."""
    for state, scheme in ((state, scheme) for state in states for scheme in SCHEMES):
        widths = [width for width in WIDTHS if wanted(f"{state}-{width}-{scheme}")]
        if not widths:
            continue
        context = browser.new_context(
            viewport={"width": 1280, "height": 1600},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            timezone_id="Europe/Berlin",
        )
        page = context.new_page()
        page.goto(url)
        states[state](page)
        for width in widths:
            _shoot(page, state, folder / f"{state}-{width}-{scheme}.png", width)
            print(f"{state}-{width}-{scheme}", flush=True)
        context.close()


def _shoot(page: Page, state: str, path: Path, width: int) -> None:
    """Take one picture of the page or its part, however high, in few colours so that it stays small."""
    page.set_viewport_size({"width": width, "height": 1600})
    page.wait_for_timeout(500)  # in which what depends on the width is laid out anew
    height = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').offsetHeight")
    page.set_viewport_size({"width": width, "height": max(800, int(height))})
    page.mouse.move(2, 2)
    page.wait_for_timeout(1500)
    page.screenshot(path=path, clip=_place(page, PARTS[state]) if state in PARTS else None)
    with Image.open(path) as image:
        image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )


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
        browser = playwright.chromium.launch(executable_path=_browser(), args=list(FLAGS))

        def wanted(name: str) -> bool:
            return options.only in name and (options.all or name in README)

        rehearsing = AppProcess(Path(home) / "data", {"REHEARSAL_PACE": "8"})
        slow = AppProcess(Path(home) / "slow", {"REHEARSAL_PACE": "90"})
        seeded = AppProcess(Path(home) / "seeded", {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": NOWHERE})
        try:
            shoot(browser, rehearsing.start().url, STATES, options.folder, wanted)
            if options.all:
                shoot(browser, slow.start().url, SLOW_STATES, options.folder, wanted)
                SEEDED.update(prepare(seeded.data_dir))
                shoot(browser, seeded.start().url, SEEDED_STATES, options.folder, wanted)
        finally:
            browser.close()
            rehearsing.stop_all()
            slow.stop_all()
            seeded.stop_all()
    return 0


def prepare(data: Path) -> dict[str, str]:
    """Write forty runs of seven kinds, some under way and out of reach; returns which of them shows what."""
    url = f"sqlite:///{data / 'runs.db'}"
    runner = Runner(Setup(data, url, catalog.load(), rehearsal_url=lambda: NOWHERE, base_url=NOWHERE))
    try:
        account = runner.accounts.register_key(KEY)
        seed(runner._context.store, account.owner_id, runner.folder, time.time())
        lines = runner.run_table.page(account, RunQuery(ended_only=True, limit=100)).lines
        found = {
            "mixed": next(line.id for line in lines if line.group is RunGroup.DECIDE),
            "cancelled": next(line.id for line in lines if line.state is RunState.CANCELLED),
            "failed": next(line.id for line in lines if line.state is RunState.FAILED),
        }
        return {**found, "unreachable": runner.run_table.under_way(account)[0].id}
    finally:
        runner.close()


def _browser() -> str:
    return find_browser() or sys.exit("No browser was found. Run scripts/ensure_browser.py.")


if __name__ == "__main__":
    sys.exit(main())
