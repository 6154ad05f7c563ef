"""A visitor who composes, on a runner whose service cannot be reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import ContextMode
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from tests.lifecycle.whole_requests import whole_requests
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import KEY, Open, page_text
from tests.ui.pricing_runner import PricingRunner
from ui.shared.app_state import AppState


def submitted_rows(real: Runner, account: Account) -> list[dict[str, object]]:
    """The requests of the newest run."""
    folder = real.folder(real.runs.list_recent(account)[0].id)
    return [json.loads(line) for line in whole_requests(folder / "requests.jsonl").splitlines()]


@pytest.fixture
def runner(tmp_path: Path) -> PricingRunner:
    return PricingRunner(tmp_path)


@pytest.fixture
def at(page: Open, state: AppState, cookies: CookieJar) -> AppTest:
    """The page of someone signed in, two prompts typed and the shared context open."""
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    at = page()
    at.session_state["prompts"] = "Who?\nWhere?"
    at.session_state["shared-closed"] = True
    return at.run()


def drop_documents(at: AppTest, *given: tuple[str, bytes]) -> AppTest:
    (box,) = [element for element in at.get("file_uploader") if element.label == "Documents"]
    box.upload(given[0][0], given[0][1], "application/octet-stream")
    at.run()
    assert not at.exception
    return drop_documents(at, *given[1:]) if given[1:] else at


def use_explicit_mode(at: AppTest) -> AppTest:
    at.session_state["context"] = ContextMode.EXPLICIT
    at.run()
    assert not at.exception
    return at


def plain_text(at: AppTest) -> str:
    return page_text(at).replace("\\", "")


def button_labels(at: AppTest) -> list[str]:
    return [element.label for element in at.button]


def submitted_requests(runner: PricingRunner) -> list[dict[str, object]]:
    """The requests of the last submission."""
    return [json.loads(line)["request"] for line in runner.submitted[-1][2]]


def part_texts(request: dict[str, object]) -> list[str]:
    (content,) = request["contents"]
    return [part["text"] for part in content["parts"]]
