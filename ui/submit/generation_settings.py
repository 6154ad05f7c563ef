"""Settings for every request, by what the model answers with: words, pictures or vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from batch.formatting import money
from batch.kinds.embedding_tasks import TASKS
from batch.model import Generation
from batch.pricing.catalog import CatalogModel
from batch.requests.generation_settings import THINKING_LEVELS, check_generation
from ui.pricing import media_detail
from ui.shared.app_state import get_state
from ui.shared.notices import escape_markdown

TASK_LABELS = {
    "RETRIEVAL_DOCUMENT": "documents to be searched",
    "RETRIEVAL_QUERY": "questions to search with",
    "QUESTION_ANSWERING": "questions to be answered",
    "FACT_VERIFICATION": "claims to be checked",
    "CODE_RETRIEVAL_QUERY": "questions about code",
    "CLASSIFICATION": "texts to classify",
    "CLUSTERING": "texts to group",
    "SEMANTIC_SIMILARITY": "texts to compare",
}
FIELDS = {
    "text": ("temperature", "max_output_tokens", "thinking", "system_instruction", "response_schema"),
    "image": ("aspect_ratio", "image_size", "temperature", "system_instruction"),
    "embedding": ("dimensions", "task_type"),
}


def values(model: str) -> Generation:
    """What is set for models of this one's kind; what is set for another kind waits until such a model is chosen."""
    given: dict[str, Any] = {name: st.session_state.get(name) for name in FIELDS[_facts(model).kind]}
    given |= {"thinking": str(given["thinking"] or "").strip()} if "thinking" in given else {}
    given |= {"media_resolution": media_detail.chosen()} if "thinking" in given else {}
    return Generation(**{name: value for name, value in given.items() if value not in (None, "")})


def draw(model: str) -> None:
    """Draw the settings that a model takes, and say what is wrong with them."""
    facts = _facts(model)
    key = f"generation-{facts.kind}"  # one that is there already would stay closed
    with st.expander("Generation settings", key=key, expanded=facts.kind != "text"):
        st.caption("Applied to every request that does not set them itself. Empty means the model's default.")
        if facts.kind == "image":
            _draw_picture(model, facts)
        if facts.kind == "embedding":
            _draw_vector(facts)
        else:
            _draw_texts(facts)
    rules = get_state().runner.forecasts.model_rules(model)
    for problem in check_generation(values(model), rules):
        st.error(escape_markdown(str(problem)))


def describe_picture_price(model: str) -> str:
    """What a picture of each size costs: "$0.017 at 1K"; "" where that is not known."""
    prices = {size: get_state().runner.forecasts.picture_usd(model, size) for size in _facts(model).picture_tokens}
    return ", ".join(f"{money(usd)} at {size}" for size, usd in prices.items() if usd is not None)


def _facts(model: str) -> CatalogModel:
    return get_state().runner.forecasts.model_rules(model).facts


def _draw_picture(model: str, facts: CatalogModel) -> None:
    """Shape and size of pictures, each size with what a picture of it costs."""
    sizes = {size: get_state().runner.forecasts.picture_usd(model, size) for size in facts.picture_tokens}
    _draw_choice("Aspect ratio", "aspect_ratio", {ratio: ratio for ratio in facts.aspect_ratios}, "default")
    labels = {size: f"{size}, {money(usd)} a picture" for size, usd in sizes.items()}
    _draw_choice("Size of the pictures", "image_size", labels, "default")


def _draw_choice(title: str, key: str, labels: Mapping[str, str], empty: str, hint: str | None = None) -> None:
    """One of a few values that depend on the model; what another model had is forgotten."""
    if st.session_state.get(key) not in labels:
        st.session_state[key] = ""
    st.selectbox(
        title,
        ["", *labels],
        key=key,
        persist_state="session",
        format_func=lambda value: labels.get(value, empty),
        help=hint,
    )


def _draw_vector(facts: CatalogModel) -> None:
    shortest, longest = facts.dimensions or (1, None)
    st.number_input(
        "Dimensions",
        shortest,
        longest,
        value=None,
        step=128,
        key="dimensions",
        persist_state="session",
        placeholder=f"{longest:,}" if longest else "default",
        help="Shorter vectors take less room. Many databases index up to 2,000.",
    )
    hint = "The task type. Vectors of one task compare best with each other."
    _draw_choice(
        "What the texts are", "task_type", {task: TASK_LABELS.get(task, task) for task in TASKS}, "not told", hint
    )


def _draw_texts(facts: CatalogModel) -> None:
    st.number_input(
        "Temperature", 0.0, 2.0, value=None, step=0.1, key="temperature", placeholder="default", persist_state="session"
    )
    if facts.kind == "text":
        st.number_input(
            "Max output tokens",
            1,
            value=None,
            step=256,
            key="max_output_tokens",
            persist_state="session",
            placeholder="default",
            help="Thinking counts towards this limit.",
        )
        st.selectbox(
            "Thinking",
            ["", *THINKING_LEVELS],
            key="thinking",
            persist_state="session",
            accept_new_options=True,
            format_func=lambda level: level or "default",
            help="A level, or for 2.5 models a budget in tokens (type a number).",
        )
    st.text_area("System instruction", key="system_instruction", persist_state="session", max_chars=200_000)
    if facts.kind == "text":
        st.text_area(
            "Response schema",
            key="response_schema",
            persist_state="session",
            max_chars=100_000,
            placeholder='{"type": "OBJECT", "properties": {…}}',
            help="JSON in Google's schema form. Answers are then asked for, and checked, as JSON.",
        )
