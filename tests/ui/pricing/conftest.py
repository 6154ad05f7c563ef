"""A visitor who composes something to plan and price."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.patience import PATIENCE_SECONDS
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import KEY, Open, give_files, open_new
from tests.ui.pricing_runner import GUIDE, PricingRunner
from ui.shared import background
from ui.shared.app_state import AppState

QUESTIONS = "\n".join(f"Where does parcel {n} go?" for n in range(60))


@pytest.fixture
def runner(tmp_path: Path) -> PricingRunner:
    return PricingRunner(tmp_path)


@pytest.fixture
def at(page: Open, state: AppState, cookies: CookieJar, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page of somebody whose key is known; a forecast is waited for, however busy the machine is."""
    monkeypatch.setattr(background, "INITIAL_WAIT_SECONDS", PATIENCE_SECONDS)
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    return page()


def compose(at: AppTest, prompts: str = QUESTIONS, shared: str = GUIDE) -> AppTest:
    at.session_state["prompts"], at.session_state["shared_text"] = prompts, shared
    return without_exception(open_new(at).run())


def upload(at: AppTest, requests: list[list[str]]) -> AppTest:
    """Upload a JSONL file of requests, each given as the texts of its parts."""
    contents = [[{"role": "user", "parts": [{"text": text} for text in parts]}] for parts in requests]
    lines = [json.dumps({"key": f"k{n}", "request": {"contents": content}}) for n, content in enumerate(contents)]
    return give_files(at, {f"given-{len(requests)}.jsonl": "".join(f"{line}\n" for line in lines).encode()})


def without_exception(at: AppTest) -> AppTest:
    assert not at.exception
    return at


def choose(at: AppTest, name: str) -> AppTest:
    """Choose how the one group on the page is paid for."""
    (control,) = [field for field in at.segmented_control if str(field.key).startswith("choice-")]
    control.set_value(name)
    return without_exception(at.run())


def price(at: AppTest) -> str:
    """What the price bar says, in plain text; "" where there is none."""
    bars = [element.proto.body for element in at.get("html") if 'class="gbr-price"' in element.proto.body]
    return re.sub(r"<[^>]+>", " ", bars[0]).strip() if bars else ""


def plan_titles(at: AppTest) -> list[str]:
    return [element.label.replace("\\", "") for element in at.expander if element.label.startswith("Plan")]
