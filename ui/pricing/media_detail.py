"""How closely files are looked at, with the price of the whole run at each level."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from batch.formatting import money
from batch.media.facts import MediaFacts
from batch.media.file_types import PDF
from batch.media.tokens import RESOLUTIONS, Resolution, Weighing, media_tokens, resolution_of
from lifecycle.planning.forecast import Forecast
from lifecycle.planning.media_levels import MediaLevels
from ui.shared.notices import escape_markdown

KEY = "media_resolution"
LEVELS: tuple[Resolution, ...] = ("", *RESOLUTIONS)
LABELS: Mapping[Resolution, str] = {"": "As usual", "low": "Low", "medium": "Medium", "high": "High"}
WORDS: Mapping[Resolution, str] = {"": "tokens as usual", "low": "at low", "medium": "at medium", "high": "at high"}
SAMPLES: Mapping[str, tuple[str, MediaFacts]] = {
    "PDF": ("page", MediaFacts(PDF, pages=1)),
    "picture": ("picture", MediaFacts("image/png", width=1500, height=2000)),
    "video": ("second of film", MediaFacts("video/mp4", seconds=1)),
}


def chosen() -> Resolution:
    """The level that is chosen; "" leaves it to the model."""
    return resolution_of(st.session_state.get(KEY))


def draw(forecast: Forecast) -> None:
    """Draw the choice where the level makes a difference to a file."""
    levels = forecast.levels
    if levels is None or len(set(levels.tokens.values())) == 1:
        return
    st.session_state.setdefault(KEY, "")
    with st.container(key="media-detail", gap="xsmall"):
        st.segmented_control(
            "Detail of the pictures",
            LEVELS,
            key=KEY,
            required=True,
            format_func=lambda level: label(level, levels),
            persist_state="session",
            help="How many tokens Gemini makes of a picture or a page. The price is that of the whole run.",
        )
        told = [describe_tokens(kind, forecast.weighing.family) for kind in SAMPLES if levels.kinds.get(kind)]
        st.caption(escape_markdown(" ".join(told)))


def label(level: Resolution, levels: MediaLevels) -> str:
    """A level with the price of the whole run."""
    usd = levels.usd.get(level)
    return LABELS[level] if usd is None else f"{LABELS[level]} {escape_markdown(money(usd))}"


def describe_tokens(kind: str, family: str) -> str:
    """How many tokens a file of this kind has at each level."""
    noun, facts = SAMPLES[kind]
    weights = {level: media_tokens(facts, Weighing(family, level)) for level in LEVELS}
    told = [f"{weight.tokens:,} {WORDS[level]}" for level, weight in weights.items() if weight is not None]
    return f"A {noun} has {', '.join(told)}."
