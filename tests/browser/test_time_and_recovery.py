"""What the Monitor offers when a job takes long, and for a job that was made elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, open_menu, open_place, submit
from tests.emulator_process import EmulatorProcess, start_emulator

pytestmark = pytest.mark.browser

KEY = "made-up-key-for-the-monitor"
MODEL = "gemini-3.8-flash"
HOUR = 3600.0


@pytest.fixture(scope="module")
def api() -> Iterator[EmulatorProcess]:
    with start_emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def app(api: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The app of a single user, whose key is in the environment."""
    environment = {
        "GOOGLE_GEMINI_BASE_URL": api.base_url,
        "GEMINI_API_KEY": KEY,
        "LEASE_SECONDS": "2",
        "SETTLE_SECONDS": "1",
    }
    started = AppProcess(tmp_path_factory.mktemp("keyed") / "data", environment).start()
    yield started
    started.stop_all()


def test_a_job_that_takes_long_is_warned_about_kept_and_then_submitted_elsewhere(
    app: AppProcess, api: EmulatorProcess, open_page: OpenPage
) -> None:
    api.settings(job_outcome="stuck")
    page = open_page(app.url)
    old = submit(page, "one\ntwo")
    expect(page.get_by_text("Google's queue").first).to_be_visible()
    api.clock(13 * HOUR)
    slow_job = page.locator(".st-key-slow-job")
    expect(slow_job.get_by_text("35 hours are left")).to_be_visible()
    expect(page.get_by_text(re.compile("34 h .*left until Google ends it"))).to_be_visible()
    page.get_by_role("button", name="Keep waiting").click()
    expect(slow_job).to_have_count(0)
    assert [job["state"] for job in api.ledger()["batch_jobs"]] == ["BATCH_STATE_PENDING"]
    api.clock(12 * HOUR)
    expect(slow_job.get_by_text("23 hours are left")).to_be_visible()
    page.get_by_role("button", name="Cancel and submit elsewhere…").click()
    rows = page.get_by_role("spinbutton", name="Rows in a job, at most")
    rows.fill("1")
    rows.press("Enter")
    while old in page.url:  # a click that comes before the new choice is priced does nothing
        with suppress(TimeoutError):
            page.get_by_role("button", name="Cancel and submit the rest").click(timeout=2_000)
        page.wait_for_timeout(500)
    expect(page.get_by_text("2 × JOB_STATE_PENDING")).to_be_visible()
    api.settings(job_outcome="succeeded")
    expect(page.get_by_text("SUCCEEDED: 2 answered")).to_be_visible()
    page.get_by_role("button", name="Open the whole result").click()
    expect(page.get_by_text("CANCELLED: 2 answered")).to_be_visible()
    assert [job["request_count"] for job in api.ledger()["batch_jobs"]] == [2, 1, 1]


def test_a_job_made_elsewhere_is_recovered_by_its_name_and_from_the_list(
    app: AppProcess, api: EmulatorProcess, open_page: OpenPage, tmp_path: Path
) -> None:
    from gemini.client import GeminiClient

    def made(*texts: str) -> tuple[str, Path]:
        request: dict[str, Any] = {}
        path = tmp_path / f"{texts[0]}.jsonl"
        with path.open("w") as out:
            for text in texts:
                request = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
                out.write(json.dumps({"key": text, "request": request}) + "\n")
        uploaded = GeminiClient(KEY, api.base_url).upload_file(path, "theirs")
        batch = {"displayName": f"job of {texts[0]}", "inputConfig": {"fileName": uploaded["name"]}}
        return str(GeminiClient(KEY, api.base_url).create_batch(MODEL, batch)["name"]), path

    api.reset()
    (first, _), (_, requests) = made("alpha", "beta"), made("gamma")
    page = open_place(open_page(app.url), "Runs")
    page.get_by_text("Recover a batch job").click()
    page.get_by_label("Name of the batch job").fill("batches/nowhere")
    page.get_by_role("button", name="Recover", exact=True).click()
    expect(page.get_by_text("Google finds no batch job batches/nowhere under this key")).to_be_visible()
    page.get_by_label("Name of the batch job").fill(first)
    page.get_by_role("button", name="Recover", exact=True).click()
    expect(page.get_by_text("SUCCEEDED: 2 answered")).to_be_visible()
    expect(page.get_by_text("What it was asked is not known here").last).to_be_visible()
    expect(open_menu(page).get_by_role("menuitem", name="Edit and run again")).to_have_count(0)
    page.keyboard.press("Escape")
    open_place(page, "Runs").get_by_text("Recover a batch job").click()
    page.get_by_role("button", name="List jobs made elsewhere").click()
    expect(page.get_by_text(re.compile("job of gamma · 1 request"))).to_be_visible()
    expect(page.get_by_text("job of alpha · 2 requests")).to_have_count(0)
    page.locator(".st-key-import-job").get_by_test_id("stFileUploaderDropzoneInput").set_input_files(requests)
    expect(page.get_by_text("gamma.jsonl")).to_be_visible()
    expect(page.locator(".st-key-import-job").get_by_role("progressbar")).to_have_count(0)  # the file has arrived
    page.get_by_role("button", name="Recover this").click()
    expect(page.get_by_text("SUCCEEDED: 1 answered")).to_be_visible()
    expect(open_menu(page).get_by_role("menuitem", name="Edit and run again")).to_be_visible()
    assert not any(":cancel" in call or call.startswith("DELETE /v1/batches") for call in api.ledger()["calls"])
