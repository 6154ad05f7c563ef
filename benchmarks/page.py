"""How long a click takes in a real browser with a large run open, until the page shows what was asked for.

`python -m benchmarks.page [--rows 100000] [--large 1000000] [--times 9]`. Reference: the same click on a page of
Streamlit with nothing but one choice and one line, served by a process of its own in the same run; for a click with a
very large run open, the product's own page without one. Beside the median and its ratio stands the server's own
processor time for a click, with its ratio: what a busy machine does not change.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
from playwright.sync_api import Browser, Page, expect, sync_playwright

from batch.model import RunState, Stage
from batch.pricing import catalog
from benchmarks.results import price, write_run
from lifecycle.core.models import RunSpec
from lifecycle.core.run_progress import Collected, Ending, RunProgress
from lifecycle.core.run_records import RunRecord
from lifecycle.results.collect.build import build_results
from lifecycle.runner import Runner, Setup
from tests.browser.app_process import ROOT, AppProcess
from tests.browser.find_browser import FLAGS, find_browser
from tests.seed_runs import seed
from ui.results.table import HEADER_PIXELS, ROW_PIXELS

KEY = "AIza-made-up-key-for-a-benchmark-only-1"
NOWHERE = "http://127.0.0.1:9"
MODEL = "gemini-3.8-flash"
TIMEOUT_MS, TRIES = 8_000, 4
OPENING_MS = 120_000  # a run of a million rows, for the first time, on a busy machine
AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"
SETTLE_MS = 400  # after what was waited for, in which the server finishes and the browser is idle again
EMPTY_PAGE = """
import streamlit as st
chosen = st.segmented_control("Choice", ["One", "Two"], default="One", required=True)
st.header("Shown " + chosen)
"""
COUNT_RERUNS = """() => {
  const app = document.querySelector('[data-testid=stApp]')
  const look = () => { if (app.dataset.testScriptState === 'notRunning') document.documentElement.dataset.drawn = '' }
  new MutationObserver(look).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']})
}"""
Step = tuple[Callable[[], object], Callable[[], object]]  # what is done, and what waits until it is seen


class Taken(NamedTuple):
    """Medians of one kind of click, in milliseconds: until it was seen, and processor time of the server."""

    wall: float
    cpu: float

    def tell(self, name: str, empty: Taken) -> None:
        """Print both with their ratios."""
        print(
            f"{name:34s} {self.wall:6.0f} ms  ratio {self.wall / empty.wall:5.2f}   "
            f"server {self.cpu:5.0f} ms  ratio {self.cpu / max(empty.cpu, 1):5.2f}",
            flush=True,
        )


def measure(app: AppProcess, page: Page, steps: Sequence[Step], times: int) -> Taken:
    """Take the steps by turns; the first turn, in which things are loaded once, is not counted.

    A click is made on a page at rest. One that was lost all the same is made again, and not counted.
    """
    assert app.process is not None
    server = psutil.Process(app.process.pid)
    walls, cpus = [], []
    for turn in range(times + 1):
        for act, wait in steps:
            before, began, lost = sum(server.cpu_times()[:2]), time.perf_counter(), False
            act()
            for left in reversed(range(TRIES)):
                try:
                    wait()
                    break
                except AssertionError:  # a grid that is being drawn anew takes no click
                    if not left:
                        raise
                    lost = True
                    act()
            wall = time.perf_counter() - began
            page.wait_for_timeout(SETTLE_MS)
            expect(page.locator(AT_REST)).to_have_count(1)
            if turn and not lost:
                walls.append(wall * 1000)
                cpus.append((sum(server.cpu_times()[:2]) - before) * 1000)
    return Taken(statistics.median(walls), statistics.mean(cpus))


def add_run(runner: Runner, owner_id: str, rows: int) -> str:
    """Record an ended run of so many rows, with results built as real ones are."""
    run_id = f"r{rows:012x}"
    folder = runner.folder(run_id)
    folder.mkdir(parents=True)
    write_run(folder, rows, shuffled=False)
    (folder / "draft.json").write_text(json.dumps({"source_name": "", "preview": []}))
    account = build_results(folder, received=sorted((folder / "received").iterdir()), price=price)
    counts = {str(name): number for name, number in account.counts.items()}
    created = time.time() - 86_400
    record = RunRecord(
        id=run_id,
        owner_id=owner_id,
        spec=RunSpec(model=MODEL, name=run_id),
        model=MODEL,
        rows=rows,
        created_at=created,
        idempotency_key=run_id,
        name=f"rows-{rows}",
        stage=Stage.FINISHED,
        state=RunState.FINISHED,
        counts=counts,
        actual_usd=account.usd,
        progress=RunProgress(ending=Ending(RunState.FINISHED, ""), collected=Collected(counts, account.usd, 0)),
        ended_at=created + 4_000,
    )
    runner._context.store.add_run(record)
    return run_id


def prepare(data: Path, *sizes: int) -> list[str]:
    """A data folder with forty runs and the large ones; returns the ids of these."""
    runner = Runner(
        Setup(data, f"sqlite:///{data / 'runs.db'}", catalog.load(), rehearsal_url=lambda: NOWHERE, base_url=NOWHERE)
    )
    try:
        owner_id = runner.accounts.register_key(KEY).owner_id
        seed(runner._context.store, owner_id, runner.folder, time.time())
        return [add_run(runner, owner_id, rows) for rows in sizes]
    finally:
        runner.close()


def heading(page: Page, name: str) -> Callable[[], None]:
    """Waits for a heading that comes first in its place."""
    return lambda: expect(page.get_by_role("heading", name=name)).to_be_visible()


def seen(page: Page, selector: str) -> Callable[[], None]:
    """Waits for a part of the page."""
    return lambda: expect(page.locator(selector).first).to_be_visible()


def open_run(app: AppProcess, page: Page, run_id: str) -> None:
    """Open a run, and wait until all of it is there."""
    page.goto(f"{app.url}/?run={run_id}")
    expect(page.locator(".st-key-run-cost")).to_be_visible(timeout=OPENING_MS)


def told(page: Page, words: str, number: int | None = None) -> Callable[[], None]:
    """Waits for words below the table, or that they are there so often."""
    found = page.locator(".st-key-rows-table").get_by_text(words)
    return (lambda: expect(found).to_be_visible()) if number is None else (lambda: expect(found).to_have_count(number))


def radio(page: Page, label: str) -> Callable[[], None]:
    """Clicks a choice, of the first that has it."""
    return lambda: page.get_by_role("radiogroup").get_by_text(label).first.click()


def rerun_by(page: Page, label: str) -> Callable[[], None]:
    """Clicks a choice that shows nothing new; `rerun_seen` waits until the page was drawn."""

    def click() -> None:
        page.evaluate("delete document.documentElement.dataset.drawn")
        radio(page, label)()

    return click


def rerun_seen(page: Page) -> Callable[[], None]:
    """Waits until the page was drawn."""
    return lambda: expect(page.locator("html[data-drawn]")).to_have_count(1)


def start_empty(folder: Path, script: str) -> AppProcess:
    """Serve a page with nothing in it, under the product's own settings of Streamlit."""
    (folder / ".streamlit").mkdir()
    shutil.copy(ROOT / ".streamlit" / "config.toml", folder / ".streamlit")
    path = folder / "empty.py"
    path.write_text(script)
    return AppProcess(folder / "empty-data", script=path).start()


def measure_empty(browser: Browser, app: AppProcess, times: int) -> tuple[Taken, Taken]:
    """First paint and a click of the reference."""
    page = browser.new_page()
    paint = measure(app, page, [(lambda: page.goto(app.url), heading(page, "Shown One"))], times)
    turns = [(radio(page, name), heading(page, f"Shown {name}")) for name in ("Two", "One")]
    click = measure(app, page, turns, times)
    page.close()
    return paint, click


def measure_run(app: AppProcess, page: Page, rows: int, run_id: str, times: int, empty: Taken) -> None:
    """What is clicked in the table of a run."""
    open_run(app, page, run_id)
    grid = page.get_by_test_id("stDataFrame").first

    def cell(column: int, row: int) -> Callable[[], None]:
        def click() -> None:
            place = grid.bounding_box()
            assert place is not None
            below = HEADER_PIXELS // 2 if row < 0 else HEADER_PIXELS + ROW_PIXELS * row + ROW_PIXELS // 2
            page.mouse.click(place["x"] + column, place["y"] + below)

        return click

    def find(words: str) -> Callable[[], None]:
        def type_words() -> None:
            box = page.get_by_label("Search", exact=True)
            box.fill(words)
            box.press("Enter")

        return type_words

    def press(name: str) -> Callable[[], None]:
        return lambda: page.locator(".st-key-results").get_by_role("button", name=name).first.click()

    whole = f"1 to 50 of {rows:,} rows"
    turns = iter(range(10**6))
    detail = page.locator(".st-key-row-detail")

    def row(n: int) -> Callable[[], None]:
        return lambda: expect(detail.get_by_text(f"row-{n:07d}", exact=True)).to_be_visible()

    def close() -> None:
        page.get_by_role("button", name="Close row").click()
        expect(detail).to_have_count(0)

    kinds: dict[str, list[Step]] = {
        "filter": [(press("good"), told(page, whole, 0)), (press("good"), told(page, whole))],
        "page": [(press("Page 2"), told(page, "51 to 100 of")), (press("Page 1"), told(page, whole))],
        "sort": [
            (cell(80, -1), told(page, "sorted by Outcome")),
            (cell(80, -1), told(page, "sorted by Outcome, highest")),
            (cell(80, -1), told(page, "sorted by", 0)),
        ],
        "search, new words each time": [
            (lambda: find(f"magna letter {'abcdefghijklm'[next(turns) % 13]}")(), told(page, whole, 0)),
            (find(""), told(page, whole)),
        ],
        "row click": [(cell(200, 3), row(3)), (cell(200, 5), row(5))],
    }
    for name, steps in kinds.items():
        measure(app, page, steps, times).tell(f"{name}, {rows:,} rows open", empty)
    close()


def measure_places(app: AppProcess, page: Page, run_id: str, times: int, empty: Taken) -> None:
    """The switch of places and of the mode, a run with many rows being open or a click away."""
    open_run(app, page, run_id)
    results, monitor, submit = (seen(page, f".st-key-{name}") for name in ("run-cost", "monitor", "submit"))
    measure(app, page, [(radio(page, "Runs"), monitor), (radio(page, "rows-"), results)], times).tell("place", empty)
    measure(app, page, [(radio(page, "New"), submit), (radio(page, "Runs"), monitor)], times).tell(
        "place, no run", empty
    )
    radio(page, "New")()
    submit()
    prompts = page.get_by_label("Or write prompts")
    modes: list[Step] = [
        (radio(page, "File (JSONL)"), lambda: expect(prompts).to_have_count(0)),
        (radio(page, "Inline"), lambda: expect(prompts).to_be_visible()),
    ]
    measure(app, page, modes, times).tell("mode", empty)


def measure_reruns(app: AppProcess, page: Page, times: int) -> Taken:
    """A click that shows nothing new, until the page was drawn."""
    page.evaluate(COUNT_RERUNS)
    modes: list[Step] = [(rerun_by(page, name), rerun_seen(page)) for name in ("File (JSONL)", "Inline")]
    return measure(app, page, modes, times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000, help="rows of the run that is merely open")
    options = parser.parse_args()
    expect.set_options(timeout=TIMEOUT_MS)
    browser_path = find_browser()  # which must not be asked for while Playwright runs
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        folder = Path(name)
        run_id, large_id = prepare(folder / "data", options.rows, options.large)
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        environment = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": NOWHERE}
        reference = start_empty(folder, EMPTY_PAGE)
        app = AppProcess(folder / "data", environment).start()
        try:
            paint, click = measure_empty(browser, reference, options.times)
            print(f"reference: first paint {paint.wall:.0f} ms, a click {click.wall:.0f} ms, server {click.cpu:.0f} ms")
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            for path, wait in (("?place=new", ".st-key-submit"), (f"?run={run_id}", ".st-key-rows-table canvas")):
                opened = (partial(page.goto, f"{app.url}/{path}"), seen(page, wait))
                measure(app, page, [opened], options.times).tell(f"first paint, {path[1:4]}", paint)
            measure_run(app, page, options.rows, run_id, options.times, click)
            measure_places(app, page, run_id, options.times, click)
            page.goto(f"{app.url}/?place=new")
            seen(page, ".st-key-submit")()
            without = measure_reruns(app, page, options.times)
            without.tell("any click, no run open", click)
            open_run(app, page, large_id)
            measure_reruns(app, page, options.times).tell(f"any click, {options.large:,} rows open", without)
        finally:
            for started in (app, reference):
                started.stop_all()
            browser.close()


if __name__ == "__main__":
    main()
