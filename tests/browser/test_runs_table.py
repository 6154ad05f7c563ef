"""Runs that are ticked in the table, by a hand, are tagged and deleted together."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from batch.model import RunState
from batch.pricing import catalog
from lifecycle.core.models import RunQuery
from lifecycle.runner import Runner, Setup
from tests.browser.app_process import AppProcess
from tests.browser.conftest import OpenPage, check_accessibility, open_place
from tests.browser.runs_grid import tick_runs
from tests.seed_runs import seed

pytestmark = pytest.mark.browser
KEY = "AIza-made-up-key-for-the-table-of-runs-1"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A runner on the data folder of the app, which only looks."""
    folder = tmp_path_factory.mktemp("table") / "data"
    url = f"sqlite:///{folder / 'runs.db'}"
    made = Runner(Setup(folder, url, catalog.load(), rehearsal_url=lambda: NOWHERE, base_url=NOWHERE))
    seed(made._context.store, made.accounts.register_key(KEY).owner_id, made.folder, time.time(), 12)
    yield made
    made.close()


@pytest.fixture(scope="module")
def seeded(runner: Runner) -> Iterator[AppProcess]:
    started = AppProcess(runner.data_dir, {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": NOWHERE}).start()
    yield started
    started.stop_all()


def test_no_state_keeps_anybody_out(seeded: AppProcess, runner: Runner, open_page: OpenPage) -> None:
    """Runs failed, mixed and under way; a table that is ticked, compared, and asked whether to delete."""
    lines = runner.run_table.page(runner.accounts.register_key(KEY), RunQuery()).lines
    failed = next(line for line in lines if line.state is RunState.FAILED)
    mixed = next(line for line in lines if line.attention and line.state is RunState.FINISHED)
    going = next(line for line in lines if line.ended_at is None)
    page = open_page(f"{seeded.url}/?run={failed.id}", viewport={"width": 1280, "height": 1000})
    for run, scheme in ((failed, "light"), (going, "light"), (mixed, "dark")):
        if scheme == "dark":
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 390, "height": 900})
        page.goto(f"{seeded.url}/?run={run.id}")
        expect(page.get_by_role("button", name="More")).to_be_visible()
        check_accessibility(page)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.get_by_role("button", name="Show runs").click()
    expect(page.get_by_text("Tick runs to compare")).to_be_visible()
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    tick_runs(page, 0, 2)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".st-key-runs-comparison")).to_be_visible()
    check_accessibility(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("cannot be undone")).to_be_visible()
    check_accessibility(page)


def test_ticked_runs_are_tagged_and_deleted_together(seeded: AppProcess, runner: Runner, open_page: OpenPage) -> None:
    account = runner.accounts.register_key(KEY)
    lines = runner.run_table.page(account, RunQuery(ended_only=True)).lines
    page = open_page(f"{seeded.url}/?place=runs")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    tick_runs(page, 0, 2)
    page.get_by_role("button", name="Tag", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").first.fill("checked twice")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the list of tags closes; until then the dialog is hidden from readers
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("2 selected")).to_be_visible()
    tagged = runner.run_table.page(account, RunQuery(text="checked twice")).lines
    assert {line.id for line in tagged} == {lines[0].id, lines[2].id}
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog.get_by_text(re.compile("2 runs.*This cannot be undone"))).to_be_visible()
    dialog.get_by_role("button", name="Delete 2 runs").dblclick()
    expect(page.get_by_text("10 runs, 2 under way")).to_be_visible()
    expect(page.get_by_text("Tick runs to compare")).to_be_visible()
    left = runner.run_table.page(account, RunQuery(ended_only=True)).lines
    assert [line.id for line in left] == [line.id for n, line in enumerate(lines) if n not in (0, 2)]


def test_reload_back_and_a_second_tab_find_the_runs_as_they_were_looked_at(
    seeded: AppProcess, open_page: OpenPage
) -> None:
    page = open_page(f"{seeded.url}/?place=runs")
    page.get_by_label("Find a run").fill("a")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?place=runs&find=a$"))
    page.get_by_role("radio", name=re.compile("^Good")).click()
    expect(page).to_have_url(re.compile(r"find=a&show=good$"))
    page.reload()
    expect(page.get_by_label("Find a run")).to_have_value("a")
    expect(page.get_by_role("radio", name=re.compile("^Good"))).to_be_checked()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_label("Find a run")).to_have_value("a")
    other.get_by_label("Find a run").fill("b")
    other.keyboard.press("Enter")
    expect(other).to_have_url(re.compile("find=b&show=good$"))
    open_place(page, "New")
    expect(page).to_have_url(re.compile(r"\?place=new$"))
    page.go_back()  # one step, however often it was looked for something
    expect(page).to_have_url(re.compile(r"find=a&show=good$"))
    expect(page.get_by_label("Find a run")).to_have_value("a")  # and not what the other tab looks for
