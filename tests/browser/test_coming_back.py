"""A visitor who goes away, comes back, is notified, and holds one run against another."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, open_place, submit, wait_for_preference
from tests.browser.test_rehearsal import rehearse
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.browser

# A browser's notifications cannot be seen from outside; this one writes down what it was asked to show.
RECORDER = """
window.notifications = []
window.permissionRequests = 0
window.Notification = class {
  static permission = 'default'
  static async requestPermission() { window.permissionRequests++; return (this.permission = 'granted') }
  constructor(title, options) { window.notifications.push([title, options.body, options.tag]) }
  close() {}
}
Object.defineProperty(Document.prototype, 'hidden', {get: () => window.outOfSight ?? false})
"""


def wait_for_end(app: AppProcess, run_id: str) -> None:
    """Wait for the run's end without a page."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with closing(sqlite3.connect(app.data_dir / "runs.db")) as database:
        while database.execute("SELECT stage FROM run WHERE id = ?", [run_id]).fetchone() != ("finished",):
            assert time.monotonic() < deadline, "the run did not end"
            time.sleep(0.05)


def test_what_ended_while_nobody_looked_is_told_on_return_until_it_is_read(
    app: AppProcess, open_page: OpenPage
) -> None:
    page = rehearse(open_page(app.url))
    with app.held_jobs():
        run_id = submit(page, "A question of yesterday\n[[emulate: error:13]] Break")
        wait_for_preference(page, run_id)
        page.goto("about:blank")
    wait_for_end(app, run_id)
    page.goto(app.url)
    line = page.locator(".st-key-since-last-visit")
    expect(line.get_by_text("ended: 1 of 2 rows good, 1 to try again.")).to_be_visible()
    page.reload()
    before_the_click: Any = page.context.cookies()  # one kind of dictionary is read, another written
    line.get_by_role("button", name="Read").click()
    expect(page.get_by_text("While you were away")).to_have_count(0)
    page.context.add_cookies(before_the_click)  # as if the reload had come before the browser wrote its cookie
    page.reload()
    expect(page.get_by_text(re.compile(r"\d runs?, none under way"))).to_be_visible()
    expect(page.get_by_text("While you were away")).to_have_count(0)
    page.evaluate("document.getElementById('root').replaceChildren()")  # as where Streamlit throws its page away
    expect(page.get_by_text(re.compile(r"\d runs?, none under way"))).to_be_visible()


def test_a_browser_that_was_asked_to_notifies_once_also_out_of_sight(app: AppProcess, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.add_init_script(RECORDER)
    console_errors: list[str] = []
    page.on("console", lambda text: console_errors.append(text.text) if text.type == "error" else None)
    page.goto(app.url)
    submit(rehearse(page), "A run that ends before notifications are asked for")
    expect(page.get_by_text("SUCCEEDED: 1 answered")).to_be_visible()
    expect(page.get_by_text("1 run, none under way.")).to_be_visible()  # the end is known to the whole page
    page.get_by_role("button", name="Notify me when a run ends").click()
    expect(page.get_by_role("button", name="Stop notifying")).to_be_visible()
    page.evaluate("window.outOfSight = true")
    with app.held_jobs():
        run_id = submit(page, "Something private")
        open_place(page, "New")  # the end of a run that is open needs no telling
        expect(page.get_by_label("Or write prompts")).to_be_visible()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate("window.notifications.length"):
        assert time.monotonic() < deadline, "there was no notification"
        page.wait_for_timeout(50)
    page.evaluate("window.outOfSight = false")
    expect(page.locator(".st-key-since-last-visit").get_by_text("ended: its one row is good.")).to_be_visible()
    ((title, body, tag),) = page.evaluate("window.notifications")
    assert title == "A run has finished" and tag == f"gbr-{run_id}"
    assert body.startswith("1 answered · ") and "private" not in body
    assert page.evaluate("window.permissionRequests") == 1
    page.reload()
    expect(page.get_by_label("Or write prompts")).to_be_visible()
    assert page.evaluate("window.notifications") == [] and console_errors == []


def test_two_runs_side_by_side_and_what_both_have_cost(app: AppProcess, open_page: OpenPage) -> None:
    page = rehearse(open_page(app.url))
    for prompts, end in (("red\n[[emulate: error:13]] same", "SUCCEEDED: 1 answered"), ("blue\nsame", "SUCCEEDED: 2")):
        submit(page, prompts)
        expect(page.get_by_text(end)).to_be_visible()
    expect(page.locator(".st-key-run-cost").get_by_text("Would have cost")).to_be_visible()
    expect(page.locator(".st-key-run-cost").get_by_text(re.compile("than expected"))).to_be_visible()
    page.get_by_text("Compare with another run").click()
    expect(page.get_by_text("Of 2 rows in both runs, 2 changed and 0 stayed the same.")).to_be_visible()
    expect(page.get_by_text("Outcome better in 1, worse in 0.")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)  # a click into a running script may go astray
    page.get_by_text("better outcome 1").click()
    expect(page.get_by_role("region", name="Later answer")).to_contain_text("same")
    open_place(page, "Runs")
    page.get_by_text("Spent so far").click()
    expect(page.get_by_text(re.compile(r"2 runs with 4 rows: would have cost \$"))).to_be_visible()
