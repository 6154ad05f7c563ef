"""How closely files are looked at, with the price of the whole run at each level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from batch.formatting import money
from batch.media.facts import MediaFacts
from batch.media.file_types import PDF
from batch.media.tokens import RESOLUTIONS, Resolution, Weighing, media_tokens, resolution_of
from batch.pricing.rates import MILLION
from lifecycle.inputs.files.file_entry import FileEntry
from ui.pricing.forecasts import DisplayedForecast
from ui.shared.notices import escape_markdown

KEY = "media_resolution"
LEVELS: tuple[Resolution, ...] = ("", *RESOLUTIONS)
LABELS: Mapping[Resolution, str] = {"": "As usual", "low": "Low", "medium": "Medium", "high": "High"}
WORDS: Mapping[Resolution, str] = {"": "tokens as usual", "low": "at low", "medium": "at medium", "high": "at high"}
KINDS = ("picture", "PDF", "video")
_PAGE, _PICTURE = MediaFacts(PDF, pages=1), MediaFacts("image/png", width=1500, height=2000)


def chosen() -> Resolution:
    """The level that is chosen; "" leaves it to the model."""
    return resolution_of(st.session_state.get(KEY))


def draw(entries: Sequence[FileEntry], displayed: DisplayedForecast | None, family: str) -> None:
    """Draw the choice for files of these, if it makes a difference to any."""
    kinds = {entry.kind for entry in entries}
    if not kinds.intersection(KINDS):
        return
    prices = prices_by_level(entries, displayed) if displayed else {}
    st.session_state.setdefault(KEY, "")
    st.segmented_control(
        "Detail of the pictures",
        LEVELS,
        key=KEY,
        required=True,
        format_func=lambda level: _label(level, prices),
        persist_state="session",
        help="How many tokens Gemini makes of a picture or a page. The price is that of the whole run.",
    )
    weighed = (("PDF", _PAGE, "page"), ("picture", _PICTURE, "picture"))
    told = [describe_tokens(facts, noun, family) for kind, facts, noun in weighed if kind in kinds]
    st.caption(escape_markdown(" ".join(told)))


def prices_by_level(entries: Sequence[FileEntry], displayed: DisplayedForecast) -> dict[Resolution, float]:
    """What the run is expected to cost at each level; empty where that is not known.

    What changes with the level is the number of tokens that files have, and nothing else of the forecast.
    """
    forecast = displayed.forecast
    expected, rate = forecast.estimate.usd.expected, forecast.plan.tariff.input_batch
    if not displayed.priced or expected is None or rate is None:
        return {}
    sent = [entry for entry in entries if not (entry.copy_of and forecast.plan.options.dedupe)]
    tokens = {level: _tokens(sent, forecast.weighing._replace(resolution=level)) for level in LEVELS}
    now = tokens.get(forecast.weighing.resolution)
    if now is None:
        return {}
    return {level: expected + (n - now) * rate / MILLION for level, n in tokens.items() if n is not None}


def describe_tokens(facts: MediaFacts, noun: str, family: str) -> str:
    """How many tokens a file of this kind has at each level."""
    weights = {level: media_tokens(facts, Weighing(family, level)) for level in LEVELS}
    told = [f"{weight.tokens:,} {WORDS[level]}" for level, weight in weights.items() if weight is not None]
    return f"A {noun} has {', '.join(told)}."


def _tokens(entries: Sequence[FileEntry], weighing: Weighing) -> int | None:
    """Tokens of all files, but for those whose level makes no difference to their being known."""
    counts = [entry.tokens(weighing) for entry in entries]
    return None if None in counts else sum(count for count in counts if count is not None)


def _label(level: Resolution, prices: Mapping[Resolution, float]) -> str:
    price = f" {money(prices[level])}" if level in prices else ""
    return f"{LABELS[level]}{escape_markdown(price)}"
