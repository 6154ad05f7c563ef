"""The price before paying, in a real browser: documents shared, caches made, chosen and deleted, budgets kept."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, check_accessibility, open_place, unfold
from tests.browser.test_with_a_key import connect
from tests.emulator_process import EmulatorProcess, start_emulator

pytestmark = pytest.mark.browser

SENTENCE = "Section {n}. Parcels of kind {k} wait on shelf {n} and are sent back after {k} days unless fetched.\n\n"
HANDBOOK = "".join(SENTENCE.format(n=n, k=n * 7 % 13) for n in range(700)).encode()
MANUAL = b"%PDF-1.4\n1 0 obj << /Type /Pages /Count 60 >> endobj\n" + b"x" * 2000
QUESTIONS = "\n".join(f"What is said of parcel {n}?" for n in range(50))


@pytest.fixture(scope="module")
def api() -> Iterator[EmulatorProcess]:
    with start_emulator(pace=0.5) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def app(api: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    where = {"GOOGLE_GEMINI_BASE_URL": api.base_url, "LEASE_SECONDS": "2", "SETTLE_SECONDS": "1"}
    started = AppProcess(tmp_path_factory.mktemp("money") / "data", where).start()
    yield started
    started.stop_all()


@pytest.fixture
def page(api: EmulatorProcess, app: AppProcess, open_page: OpenPage) -> Page:
    """A visitor with a key of their own, on an API that has nothing yet."""
    api.reset()
    api.settings(pace=0.5)
    page = connect(open_page(app.url), f"AIza-{secrets.token_hex(8)}")
    expect(page.get_by_text("Connected with")).to_be_visible()
    return page


def fill_prompts(page: Page, prompts: str = QUESTIONS) -> None:
    page.get_by_label("Prompts").fill(prompts)
    page.get_by_label("Prompts").blur()


def drop_documents(page: Page, **documents: bytes) -> None:
    """Drop documents that all requests are to share; `a_txt` is a.txt."""
    dropzone = page.get_by_label("Documents", exact=True)
    unfold(page, "Shared context", dropzone)
    box = dropzone.get_by_test_id("stFileUploaderDropzoneInput")
    names = [name.replace("_", ".") for name in documents]
    given = zip(names, documents.values(), strict=True)
    files: list[FilePayload] = [
        {"name": n, "mimeType": "application/octet-stream", "buffer": content} for n, content in given
    ]
    box.set_input_files(files)
    for name in names:
        expect(page.get_by_text(name).first).to_be_visible()


def submit(page: Page) -> Locator:
    """Submit, and return where the result is told once it is there."""
    page.get_by_role("button", name="Submit batch").click()
    expect(page).to_have_url(re.compile(r"run=r\w+"))
    headline = page.get_by_text("SUCCEEDED: ")
    expect(headline).to_be_visible()
    return headline


def set_budget(page: Page, usd: str) -> None:
    field = page.get_by_role("spinbutton", name="Budget, USD")
    unfold(page, "What the price rests on", field)
    field.fill(usd)
    field.blur()


def ledger_caches(api: EmulatorProcess) -> list[dict[str, Any]]:
    element: list[dict[str, Any]] = api.ledger()["cached_contents"]
    return element


def cached_tokens(api: EmulatorProcess) -> int:
    return sum(int(usage["cached"]) for usage in api.ledger()["usage"])


def test_a_long_document_with_many_questions_is_cached_and_answered(page: Page, api: EmulatorProcess) -> None:
    fill_prompts(page)
    drop_documents(page, handbook_txt=HANDBOOK)
    expect(page.get_by_text(re.compile("Plan: 1 explicit cache, input .* instead of"))).to_be_visible()
    expect(page.get_by_text("What the price rests on")).to_be_visible()
    expect(submit(page)).to_contain_text("50 answered")
    expect(page.get_by_text(re.compile(r"(as|more than|less than) expected; \$.* was the worst case"))).to_be_visible()
    (cache,) = ledger_caches(api)
    assert cache["deleted_at"] and cached_tokens(api) == 50 * cache["token_count"]


def test_a_choice_of_the_user_decides(page: Page, api: EmulatorProcess) -> None:
    fill_prompts(page)
    drop_documents(page, handbook_txt=HANDBOOK)
    expect(page.get_by_text("Plan: 1 explicit cache")).to_be_visible()
    page.get_by_test_id("stButtonGroup").get_by_text(re.compile(r"None \$")).click()
    expect(page.get_by_text("Plan: no explicit cache")).to_be_visible()
    submit(page)
    assert ledger_caches(api) == [] and cached_tokens(api) == 0


def test_a_pdf_becomes_a_cache_that_serves_every_request_until_it_is_deleted(page: Page, api: EmulatorProcess) -> None:
    fill_prompts(page)
    drop_documents(page, manual_pdf=MANUAL, handbook_txt=HANDBOOK)
    expect(page.get_by_text('"manual.pdf" can be shared only through an explicit cache.')).to_be_visible()
    page.get_by_role("button", name="Use an explicit cache").click()
    expect(page.get_by_text(re.compile(r"tokens: \$.* to make, \$.* an hour to keep"))).to_be_visible()
    page.get_by_role("button", name="Create cache").click()
    expect(page.get_by_text("Every request uses this cache")).to_be_visible()
    expect(submit(page)).to_contain_text("50 answered")
    (cache,) = ledger_caches(api)
    assert cache["deleted_at"] is None and cached_tokens(api) == 50 * cache["token_count"]
    request = json.loads(api.sent_bytes("batch_jobs", api.ledger()["batch_jobs"][0]["name"]).splitlines()[0])["request"]
    assert request["cachedContent"] == cache["name"] and len(request["contents"][0]["parts"]) == 1
    open_place(page, "Runs").get_by_text("Caches at Google").click()
    expect(page.get_by_text(re.compile("1 cache, .* an hour, 1 idle"))).to_be_visible()
    page.locator(".st-key-caches-drawer").get_by_role("button", name="Extend").click()
    expect(page.get_by_text("The cache lives another 1 hour")).to_be_visible()
    page.locator(".st-key-caches-drawer").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("nothing is charged for storage")).to_be_visible()
    ledger = api.ledger()
    assert ledger["cached_contents"][0]["deleted_at"]
    assert all(file["deleted_at"] for file in ledger["files"] if file["source"] == "UPLOADED")


def test_a_budget_stops_a_submission_before_anything_is_sent(page: Page, api: EmulatorProcess) -> None:
    fill_prompts(page)
    expect(page.get_by_text("What the price rests on")).to_be_visible()
    set_budget(page, "0.001")
    expect(page.get_by_text("the budget is $0.0010").first).to_be_visible()
    expect(page.get_by_role("button", name="Submit batch")).to_be_disabled()
    set_budget(page, "50")
    expect(page.get_by_role("button", name="Submit batch")).to_be_enabled()
    assert api.ledger()["batch_jobs"] == []


def test_exact_counts_are_asked_for_by_the_button_only(page: Page, api: EmulatorProcess) -> None:
    fill_prompts(page)
    drop_documents(page, handbook_txt=HANDBOOK)
    expect(page.get_by_text("requests begin with these about")).to_be_visible()
    count = page.get_by_role("button", name="Count exactly")
    unfold(page, "What the price rests on", count)
    check_accessibility(page)
    assert not any("countTokens" in call for call in api.ledger()["calls"])
    count.click()
    expect(page.get_by_text(re.compile(r"requests begin with these [\d,]+ tokens"))).to_be_visible()
    assert any("countTokens" in call for call in api.ledger()["calls"])


def test_plan_and_price_fit_a_phone(app: AppProcess, open_page: OpenPage) -> None:
    page = open_page(app.url, viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Start a rehearsal").click()
    page.get_by_role("button", name="A service desk's day").click()
    expect(page.get_by_text("What the price rests on")).to_be_visible()
    expect(page.get_by_text("Plan: 1 explicit cache")).to_be_visible()
    for part in (".st-key-plan-some", ".st-key-cost"):
        box = page.locator(part).first.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
