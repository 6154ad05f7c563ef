"""A visitor with a key, on an API that is not Google's: remembered, forgotten, alone, and found nowhere."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, open_export, submit, wait_for_cookie
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.browser

SECRET_KEY = "AIzaSyCANARY0123456789abcdefghijklmnoab12"


@pytest.fixture(scope="module")
def api() -> Iterator[EmulatorProcess]:
    with start_emulator(pace=1) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def app(api: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The app, whose calls go to the emulator instead of to Google."""
    environment = {
        "GOOGLE_GEMINI_BASE_URL": api.base_url,
        "LEASE_SECONDS": "2",
        "SETTLE_SECONDS": "1",
        "ALLOWED_HOSTS": "127.0.0.1,batch.example",
    }
    started = AppProcess(tmp_path_factory.mktemp("keyed") / "data", environment).start()
    yield started
    started.stop_all()


def connect(page: Page, key: str, *, remember: bool = False) -> Page:
    page.get_by_role("textbox", name="Gemini API key").fill(key)
    if remember:
        page.get_by_text("Remember on this browser").click()
    page.get_by_role("button", name="Check key").click()
    return page


def cookie_names(context: BrowserContext) -> set[str]:
    return {cookie.get("name", "") for cookie in context.cookies()}


FAILURES = {
    "invalid-1": "not valid|rejected|wrong",
    "unauth-1": "key",
    "forbidden-1": "not allow|permission|may not",
    "region-1": "region|location|country",
}


def test_what_google_says_is_text_and_no_link(app: AppProcess, api: EmulatorProcess, open_page: OpenPage) -> None:
    """An address in an error must not lead anywhere; it is in nobody's interest here but that of who wrote it."""
    text = "Read https://evil.example/a, www.evil.example, or write to you@evil.example [here](https://evil.example)."
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": text}}
    api.faults([{"method": "GET", "route": "models", "do": "status", "status": 400, "body": body}])
    page = connect(open_page(app.url), "a-good-key")
    alert = page.get_by_test_id("stSidebar").get_by_role("alert")
    expect(alert).to_contain_text("evil.example/a")
    api.faults([])
    assert alert.get_by_role("link").count() == 0


def test_a_key_that_fails_is_told_in_plain_words(app: AppProcess, open_page: OpenPage) -> None:
    page = open_page(app.url)
    alert = page.get_by_test_id("stSidebar").get_by_role("alert")
    for key, words in FAILURES.items():
        connect(page, key)
        expect(alert).to_contain_text(re.compile(words, re.I))
        assert "Traceback" not in alert.inner_text() and "{" not in alert.inner_text()
    page.get_by_role("button", name="Rehearse without a key").click()
    assert "gbr_key" not in cookie_names(page.context)


def test_a_key_is_remembered_only_if_asked_and_is_gone_when_forgotten(app: AppProcess, open_page: OpenPage) -> None:
    page = connect(open_page(app.url), "a-key-ending-in-ef56")
    expect(page.get_by_text("Connected with key ending in ef56")).to_be_visible()
    assert "gbr_key" not in cookie_names(page.context)
    page.reload()
    connect(page, "a-key-ending-in-ef56", remember=True)
    expect(page.get_by_text("Connected with key ending in ef56")).to_be_visible()
    expect(
        page.get_by_text(re.compile(f"Calls go to.*{app.environment['GOOGLE_GEMINI_BASE_URL'][7:]}"))
    ).to_be_visible()
    wait_for_cookie(page, "gbr_key")
    page.reload()
    expect(page.get_by_text("Connected with key ending in ef56")).to_be_visible()
    assert "gbr_key" not in page.evaluate("document.cookie")
    copies: Any = page.context.cookies()  # one kind of dictionary is read, another written
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_role("button", name="Check key")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Check key")).to_be_visible()
    assert "gbr_key" not in cookie_names(page.context)
    thief = open_page("about:blank")
    thief.context.add_cookies(copies)
    thief.goto(app.url)
    expect(thief.get_by_role("button", name="Check key")).to_be_visible()


def test_a_tampered_cookie_is_signed_out_without_an_error(app: AppProcess, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.context.add_cookies([{"name": "gbr_key", "value": "gAAAAABtampered", "url": app.url}])
    page.goto(app.url)
    expect(page.get_by_role("button", name="Check key")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_canary_key_goes_through_a_whole_run_a_kill_and_a_restart_and_is_found_nowhere(
    app: AppProcess, api: EmulatorProcess, open_page: OpenPage
) -> None:
    """One run, killed in the middle: it is still one batch job, it ends by itself, and nothing wrote the key down."""
    page = open_page("about:blank")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(app.url)
    connect(page, SECRET_KEY, remember=True)
    expect(page.get_by_text("Connected with key ending in ab12")).to_be_visible()
    api.settings(pace=24 * 3600)
    submit(page, "First question\nSecond question")
    expect(page.get_by_text("JOB_STATE_").first).to_be_visible()

    app.kill()
    app.start()
    api.settings(pace=1)
    expect(page.get_by_text("SUCCEEDED: 2 answered")).to_be_visible()
    assert [job["request_count"] for job in api.ledger()["batch_jobs"]] == [2]

    exports = {}
    for label in ("JSON", "JSONL", "CSV"):
        with page.expect_download() as waiting:
            open_export(page).get_by_role("button", name=f"Export {label}", exact=True).click()
        exports[label] = waiting.value.path().read_bytes()
    page.keyboard.press("Escape")
    page.get_by_text("Event log and batch jobs").click()
    expect(page.locator(".st-key-log").get_by_text("Results are saved on this computer")).to_be_visible()
    shown = page.content()
    stranger = connect(open_page(page.url), "another-key-zz99")
    expect(stranger.get_by_text("No run here has this link")).to_be_visible()
    assert "First question" not in stranger.content()

    canaries = [
        SECRET_KEY.encode(),
        quote(SECRET_KEY).encode(),
        SECRET_KEY.encode("utf-16-le"),
        SECRET_KEY.encode().hex().encode(),
    ]
    places = {str(path): path.read_bytes() for path in files_below(app.data_dir.parent)}
    places |= {
        "page": shown.encode(),
        "addresses": "\n".join(addresses).encode(),
        "log": app.log.read_bytes(),
        **exports,
    }
    element = [name for name, content in places.items() if any(canary in content for canary in canaries)]
    assert element == []


def files_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("host", "origin", "welcome"),
    [
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", True),
        ("batch.example", "http://batch.example", True),
        ("localhost:{port}", "http://localhost:{port}", False),  # ALLOWED_HOSTS replaces the shipped names
        ("evil.example", "http://evil.example", False),  # a name that was made to point here (DNS rebinding)
        ("127.0.0.1:{port}", "http://evil.example", False),
        ("127.0.0.1:{port}", "http://127.0.0.1:1", False),
    ],
)
def test_pages_of_other_sites_cannot_connect(app: AppProcess, host: str, origin: str, welcome: bool) -> None:
    """Neither the page's socket nor, for foreign names, the page itself."""
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host.format(port=app.port)}",
        f"Origin: {origin.format(port=app.port)}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    with socket.create_connection(("127.0.0.1", app.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        status = connection.recv(100).split()[1]
    assert (status == b"101") is welcome, status


def test_the_server_stops_cleanly_while_browsers_are_connected(app: AppProcess, open_page: OpenPage) -> None:
    expect(open_page(app.url).get_by_role("button", name="Check key")).to_be_visible()
    app.stop()
    assert "Traceback" not in app.log.read_text()
