"""A visitor without a key: from the first click to exported results, undisturbed, and alone with their runs."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Playwright, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import (
    OpenPage,
    drop_files,
    open_export,
    open_place,
    submit,
    wait_for_cookie,
    wait_for_preference,
)
from tests.browser.find_browser import FLAGS
from tests.patience import PATIENCE_MS, PATIENCE_SECONDS

pytestmark = pytest.mark.browser

PROMPTS = "Say hi\nName a colour\n[[emulate: safety]] Never mind\n[[emulate: error:13]] Break"


def rehearse(page: Page) -> Page:
    page.get_by_role("button", name="Rehearse without a key").click()
    expect(page.get_by_text("nothing reaches Google")).to_be_visible()
    return page


@dataclass
class BrowserLog:
    """What a visitor's browser asked for and complained about."""

    hosts: set[str] = field(default_factory=set)
    console_errors: list[str] = field(default_factory=list)


browser_log = BrowserLog()


@pytest.fixture(scope="module")
def finished(app: AppProcess, browser: Browser) -> Page:
    """A visitor whose run has ended; several tests look at it."""
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("request", lambda request: browser_log.hosts.add(urlsplit(request.url).netloc))
    page.on("console", lambda text: browser_log.console_errors.append(text.text) if text.type == "error" else None)
    page.on("pageerror", lambda error: browser_log.console_errors.append(str(error)))
    page.goto(app.url)
    submit(rehearse(page), PROMPTS)
    expect(page.get_by_text("SUCCEEDED: 2 answered, 2 need attention")).to_be_visible()
    return page


def test_three_clicks_from_a_first_visit_to_the_results_of_a_sample(app: AppProcess, open_page: OpenPage) -> None:
    """From the first look to the answers, with nothing typed."""
    page = open_page(app.url)
    page.evaluate("window.clicks = 0; addEventListener('click', () => window.clicks++, true)")
    page.get_by_role("button", name="Rehearse without a key").click()
    page.get_by_role("button", name="A service desk's day").click()
    page.get_by_role("button", name="Submit batch").click()
    expect(page.get_by_text("SUCCEEDED: 1,200 answered")).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("window.clicks") == 3


def test_a_reload_is_signed_in_without_a_flash_of_signed_out(finished: Page) -> None:
    finished.add_init_script(
        """window.flashed = false
        new MutationObserver(() => {
          if (document.body?.innerText.includes('Start a rehearsal')) window.flashed = true
        }).observe(document, {childList: true, subtree: true, characterData: true})"""
    )
    finished.reload()
    expect(finished.get_by_text("SUCCEEDED: 2 answered, 2 need attention")).to_be_visible()
    assert finished.evaluate("window.flashed") is False


def test_an_export_downloads_every_row_beside_its_prompt(finished: Page) -> None:
    with finished.expect_download() as waiting:
        open_export(finished).get_by_role("button", name="Export CSV").click()
    with waiting.value.path().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["prompt"] for row in rows] == PROMPTS.split("\n")
    assert [row["outcome"] for row in rows] == ["answered", "answered", "answer_blocked", "error_transient"]
    assert rows[0]["text"] and "Say hi" in rows[0]["text"]


def test_another_visitor_cannot_open_the_run_by_its_address(
    app: AppProcess, finished: Page, open_page: OpenPage
) -> None:
    stranger = open_page(finished.url)
    expect(stranger.get_by_text("Enter a Gemini API key")).to_be_visible()
    assert "Say hi" not in stranger.content()
    rehearse(stranger)
    wait_for_cookie(stranger, "gbr_rehearsal")
    stranger.goto(finished.url)
    expect(stranger.get_by_text("No run here has this link")).to_be_visible()
    expect(stranger.get_by_text("Say hi")).to_have_count(0)


def test_two_clicks_submit_once_and_typing_is_undisturbed_while_it_ticks(app: AppProcess, open_page: OpenPage) -> None:
    page = rehearse(open_page(app.url))
    box = page.get_by_label("Prompts")
    box.fill("Only once")
    box.blur()
    expect(page.get_by_text("1 request can be sent")).to_be_visible()
    with app.held_jobs():
        page.get_by_role("button", name="Submit batch").dblclick()
        expect(page.get_by_text("JOB_STATE_").first).to_be_visible()
        open_place(page, "New")
        box.click()
        text = "typed while the progress moves "
        box.press_sequentially(text, delay=60)
        assert box.input_value() == text
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Or write prompts"
    expect(page.get_by_text("1 run, none under way.")).to_be_visible()
    assert box.input_value() == text


def test_a_large_file_streams_to_the_server_and_is_checked(
    app: AppProcess, open_page: OpenPage, tmp_path: Path
) -> None:
    line = {"request": {"contents": [{"role": "user", "parts": [{"text": "lorem ipsum " * 400}]}]}}
    path = tmp_path / "large.jsonl"
    with path.open("w") as file:
        for number in range(10_000):
            file.write(json.dumps({"key": f"k{number}", **line}) + "\n")
        file.write('{"key": "k1", "request": {}}\n')
    page = rehearse(open_page(app.url))
    page.get_by_text("File (JSONL)").click()
    drop_files(page, path)
    expect(page.get_by_text("10,000 requests can be sent")).to_be_visible()
    expect(page.get_by_text("large.jsonl").first).to_be_visible()
    expect(page.get_by_role("button", name="Submit the 10,000 good rows")).to_be_visible()
    assert any(path.stat().st_size > 40_000_000 for path in (app.data_dir / "uploads").rglob("*.jsonl"))
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Choose files")).to_be_visible()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any((app.data_dir / "uploads").iterdir()):
        assert time.monotonic() < deadline, "the removed file is still there"
        time.sleep(0.05)


def test_the_mode_is_remembered_a_table_becomes_prompts_and_a_bad_file_is_told_by_line(
    app: AppProcess, open_page: OpenPage
) -> None:
    page = rehearse(open_page(app.url))
    page.get_by_text("File (JSONL)").click()
    wait_for_preference(page, "File (JSONL)")
    page.reload()
    expect(page.get_by_role("radio", name="File (JSONL)")).to_be_checked()
    table: FilePayload = {
        "name": "cities.csv",
        "mimeType": "text/csv",
        "buffer": b"city,river\nBern,Aare\nBasel,Rhine\n",
    }
    drop_files(page, table)
    page.get_by_role("textbox", name="Instruction").fill("Does the {{river}} flow through {{city}}?")
    page.get_by_role("textbox", name="Instruction").blur()
    expect(page.get_by_text("Does the Aare flow through Bern?")).to_be_visible()
    page.get_by_role("button", name="Remove").click()

    lines = [
        '{"key": "a", "request": {"contents": [{"parts": [{"text": "fine"}]}]}}',
        '{"key": "b", "request": {"content": []}}',
        "not json",
    ]
    bad: FilePayload = {"name": "bad.jsonl", "mimeType": "application/jsonl", "buffer": "\n".join(lines).encode()}
    drop_files(page, bad)
    expect(page.get_by_text("in 2 rows. Nothing is sent")).to_be_visible()
    expect(page.get_by_text("2 rows need you first")).to_be_visible()
    expect(page.get_by_role("button", name="Submit batch")).to_be_disabled()
    page.get_by_role("button", name="Submit the 1 good row").click()
    expect(page.get_by_text("SUCCEEDED: 1 answered")).to_be_visible()


def test_everything_works_with_cookies_blocked(
    app: AppProcess, playwright: Playwright, browser_path: str, tmp_path: Path
) -> None:
    profile = tmp_path / "profile" / "Default"
    profile.mkdir(parents=True)
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (profile / "Preferences").write_text(json.dumps(blocked))
    with playwright.chromium.launch_persistent_context(
        str(profile.parent), executable_path=browser_path, args=list(FLAGS)
    ) as context:
        page = context.pages[0]
        page.set_default_timeout(PATIENCE_MS)
        page.goto(app.url)
        submit(rehearse(page), PROMPTS)
        expect(page.get_by_text("SUCCEEDED: 2 answered, 2 need attention")).to_be_visible()
        assert context.cookies() == []
        page.reload()
        expect(page.get_by_text("Enter a Gemini API key under Configuration")).to_be_visible()


def test_starting_costs_less_than_three_seconds_of_one_core(app: AppProcess) -> None:
    """Time on the clock would measure what else the computer does."""
    assert app.cpu_until_ready < 3.0


def test_the_browser_asked_nobody_else_and_broke_no_rule(app: AppProcess, finished: Page) -> None:
    assert browser_log.hosts <= {urlsplit(app.url).netloc, ""}
    assert browser_log.console_errors == []
