"""A visitor who looks at a result of many kinds of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open
from tests.ui.small_results import small_results
from ui.shared.app_state import AppState, Download

EVIL = '<img src="http://evil.example/x" onerror="alert(1)"> ![x](http://evil.example/y) [click](javascript:alert(1))'

BLOCKED = {"response": {"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": {"promptTokenCount": 5}}}

ANSWERS: dict[str, Any] = {
    **{f"row-{n}": f"answer {n}" for n in range(60)},
    "evil": EVIL,
    "blocked": BLOCKED,
    "failed": {"error": {"code": 13, "message": "Internal <b>error</b>."}},
    "lost": None,
}


@pytest.fixture
def results(page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path) -> AppTest:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    table = runner.tables["r1"] = small_results(tmp_path / "r1", ANSWERS)
    runner.runs_of[OWNER] = [
        finished_run(make_run("r1", name="May / June", rows=table.reconciliation.sent, counts=table.counts()))
    ]
    return page(run="r1")


def rows(at: AppTest) -> list[str]:
    return list(at.dataframe[0].value["key"])


def narrow(at: AppTest, *outcomes: Outcome) -> None:
    next(field for field in at.get("pills") if field.key == "outcomes-r1").set_value(list(outcomes)).run()


def export_download(at: AppTest, state: AppState) -> Download:
    """What the browser was told to download."""
    _, kind, address = at.session_state["browser_actions"]["download"]
    download = state.download_tokens.peek(address.removeprefix("/api/download/"))
    assert kind == "download" and download is not None
    return download
