"""A real browser on the real app: one for each file of tests. Each test has a context, that is a visitor, of its own.

The browser's driver keeps an event loop running in the thread of the tests; a file of tests therefore gives it back
before the next file, whose tests may want a loop of their own.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload, Locator, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser.app_process import AppProcess
from tests.browser.find_browser import FLAGS, find_browser
from tests.patience import PATIENCE_MS, PATIENCE_SECONDS

LOOKS = 6  # at a page that may be drawn anew meanwhile
CLICKS = 8  # into a grid

OpenPage = Callable[..., Page]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


@pytest.fixture(scope="session")
def browser_path() -> str:
    path = find_browser()
    if path is None:
        pytest.fail("There is no browser. Run scripts/ensure_browser.py.")
    return path


@pytest.fixture(scope="module")
def playwright(browser_path: str) -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, browser_path: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The app without a key, rehearsing quickly, for all tests of a module."""
    started = AppProcess(tmp_path_factory.mktemp("app") / "data", {"REHEARSAL_PACE": "1"}).start()
    yield started
    started.stop_all()


@pytest.fixture(scope="module")
def script_failures() -> Iterator[list[str]]:
    """What failed in scripts of the page, by test. A second try of a test forgives none of it."""
    failures: list[str] = []
    yield failures
    assert not failures


@pytest.fixture
def open_page(browser: Browser, script_failures: list[str], request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Open the page as a new visitor: visit(url, **options of the browser context). No script in it may fail."""
    with ExitStack() as stack:

        def open_url(url: str, **options: Any) -> Page:
            context = browser.new_context(**options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("pageerror", lambda error: script_failures.append(f"{request.node.name}: {error}"))
            page.goto(url)
            return page

        yield open_url


def check_accessibility(page: Page) -> None:
    """Check what is on the page now, once it is steady: what waits to be drawn anew is pale, and that is no finding."""
    expect(page.locator(".st-key-style")).to_be_attached()
    for _ in range(LOOKS):
        with suppress(AssertionError):
            expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=5_000)
        violations = Axe().run(page, options=RULES).response["violations"]
        serious = [fault for fault in violations if fault["impact"] in ("serious", "critical")]
        if not serious:
            return
        page.wait_for_timeout(500)
    raise AssertionError(json.dumps(serious, indent=1))


def wait_for_preference(page: Page, words: str) -> None:
    """Wait until the browser has written it down: it does so some time after the click."""
    for _ in range(int(PATIENCE_MS / 50)):
        kept = (unquote(str(cookie.get("value"))) for cookie in page.context.cookies())
        if any(words in text for text in kept):
            return
        page.wait_for_timeout(50)
    raise AssertionError("the browser has not written it down")


def wait_for_cookie(page: Page, name: str) -> None:
    """Wait until the browser has a cookie, which the page asks for only after it was drawn."""
    for _ in range(int(PATIENCE_MS / 50)):
        if any(cookie.get("name") == name for cookie in page.context.cookies()):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"the browser was not given {name}")


def open_place(page: Page, name: str) -> Page:
    """Open a place of the page by its switch: New, Runs, or a run by its name."""
    page.get_by_role("radiogroup", name="Place").get_by_text(re.compile(f"^{name}")).click()
    return page


def write_prompts(page: Page, prompts: str) -> None:
    """Open the place where a run is composed, if another is open, and write prompts."""
    box = page.get_by_label("Or write prompts")
    if page.locator(".st-key-submit").count() == 0:
        open_place(page, "New")
    box.fill(prompts)


def submit(page: Page, prompts: str) -> str:
    """Send prompts and return the run's id."""
    write_prompts(page, prompts)
    before = page.url
    page.get_by_role("button", name="Submit batch").click()
    expect(page).not_to_have_url(before)
    expect(page).to_have_url(re.compile(r"run=r\w+"))
    return page.url.split("run=")[1]


def open_export(page: Page) -> Page:
    """Unfold what a result is exported as, unless it is unfolded."""
    if page.locator(".st-key-export-choices").count() == 0:
        page.get_by_role("button", name="Export", exact=True).click()
    return page


def open_menu(page: Page) -> Page:
    """Unfold the rarer things to do with the run that is open."""
    wanted = page.get_by_role("menuitem", name="Event log and jobs")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not wanted.is_visible():  # a page that is being drawn anew shuts what was just unfolded
        assert time.monotonic() < deadline
        page.locator("[class*=st-key-run-menu-] button").click()
        with suppress(AssertionError):
            expect(wanted).to_be_visible(timeout=3_000)
    return page


def rest(page: Page) -> None:
    """Wait until the page is drawn, unless it is always being drawn: a click into what moves may go astray."""
    with suppress(AssertionError):
        expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=20_000)
        expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=20_000)


def click_until_seen(page: Page, click: Callable[[], None], expected: Locator) -> None:
    """Click until something is seen: a grid that is being drawn anew takes no clicks, and what moves loses them.

    A second click may undo the first, so it comes only after a wait that is long enough for any machine.
    """
    for _ in range(CLICKS):
        rest(page)
        with suppress(PlaywrightError):
            click()
        with suppress(AssertionError):
            return expect(expected).to_be_visible(timeout=PATIENCE_MS / CLICKS)
    return expect(expected).to_be_visible()


def unfold(page: Page, title: str, expected: Locator) -> None:
    """Open a drawer unless it is open; what lies above it may still be moving, and a click go astray."""
    drawer = page.locator("details").filter(has=page.locator("summary").get_by_text(title, exact=True))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not expected.is_visible():
        assert time.monotonic() < deadline, f"{title} does not open"
        rest(page)
        if drawer.get_attribute("open") is None:
            page.get_by_text(title, exact=True).click()
        with suppress(AssertionError):
            expect(expected).to_be_visible(timeout=4_000)


def drop_files(page: Page, *files: Path | FilePayload) -> None:
    """Choose files in the composer's drop zone."""
    box = page.locator(".st-key-submit .pick.files input")
    box.set_input_files(
        [file for file in files if isinstance(file, Path)] or [file for file in files if isinstance(file, dict)]
    )


expect.set_options(timeout=PATIENCE_MS)
