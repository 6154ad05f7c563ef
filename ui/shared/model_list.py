"""The models to choose from: the service's own, asked for beside the page, or the catalog's until they are known."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lifecycle.core.models import Account, ModelChoice, RunView
from ui.shared import background
from ui.shared.app_state import get_state

NAME = "models"
MAX_AGE_SECONDS = 60.0


def available_models(account: Account | None) -> Sequence[ModelChoice]:
    """The service's models if it answers soon; else its last answer, or the catalog's."""
    accounts = get_state().runner.accounts
    if account is None:
        return accounts.models(None)
    latest: background.BackgroundResult[list[ModelChoice]] | None = background.latest(NAME)
    is_known = latest is not None and latest.cache_key == account.owner_id and latest.last_known is not None
    ask = background.run_without_waiting if is_known else background.run_once
    result = ask(NAME, account.owner_id, lambda: accounts.models(account), MAX_AGE_SECONDS)
    return result.last_known or accounts.models(None)


def display_name(model: str) -> str:
    """What people call a model: the catalog's name for it, or its id."""
    return get_state().runner.forecasts.model_rules(model).facts.label or model


def with_id(model: str) -> str:
    """Its name with the id behind it: "Gemini 3.8 Flash (gemini-3.8-flash)"."""
    name = display_name(model)
    return name if name == model else f"{name} ({model})"


def draw_override(account: Account, run: RunView, key: str) -> str:
    """Offer to send rows of a run with another model; "" for the model that they had."""
    other_models = [choice.id for choice in available_models(account) if choice.id != run.model]
    return st.selectbox(
        "Model",
        ["", *other_models],
        key=key,
        format_func=lambda name: display_name(name) if name else f"{display_name(run.model)}, as before",
        width=280,
    )
