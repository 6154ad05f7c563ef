"""One row in full: what was asked, answered and thought, what it used and cost, what was sent and received.

Every text is shown as it is. An answer is drawn as Markdown only when that is asked for, and then without images and
links; pictures are shown only if they are in the data itself and are of a kind that holds no code.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import streamlit as st

from batch.formatting import count
from batch.model import Outcome
from batch.pricing.rates import explain
from batch.responses.outcomes import WORDS
from batch.responses.spreadsheet_text import usd
from lifecycle.core.models import RunView
from lifecycle.results.read.row_detail import Detail
from ui.shared.app_state import get_state
from ui.shared.format import outcome, size
from ui.shared.notices import WORD_JOINER, plain

PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
MOST_PICTURES, MOST_PICTURE_BYTES = 12, 8_000_000
FIRST_CHARACTERS = 4_000  # of a text, until all of it is asked for
MOST_CHARACTERS = 100_000  # of one text; a row may hold megabytes
MOST_OTHERS = 20


def draw(detail: Detail, run: RunView) -> None:
    """Draw a row. `run` is the run that is being looked at."""
    with st.container(border=True, key="row-detail"):
        st.markdown(f"**Row {plain(detail.key)}** · {plain(outcome(Outcome(detail.outcome)))}")
        told = "" if detail.error_message else f"{WORDS[Outcome(detail.outcome)].capitalize()}."
        facts = f"{told} {_origin(detail, run)}".strip()
        if facts:
            st.caption(plain(facts))
        if detail.error_message:
            code = "" if detail.error_code is None else f" (code {detail.error_code})"
            st.error(plain(_bounded(f"{detail.error_message}{code}")))
        _own(detail)
        _text("Prompt", detail.prompt)
        _pictures("Pictures sent", detail.request)
        _answer(detail)
        _pictures("Pictures received", detail.response)
        _text("Thoughts", detail.thoughts)
        _usage(detail, run)
        _safety(detail)
        _others(detail)
        with st.expander("Full JSON", key="row-json"):
            for title, text in (("Request", detail.request), ("Response", detail.response)):
                st.caption(title)
                st.code(_indented(text) or "none", language=None, wrap_lines=True)


def _origin(detail: Detail, run: RunView) -> str:
    """Which run and attempt gave this answer."""
    parts = [f"Answered by run {detail.run}, which sent it again." if detail.run != run.id else ""]
    parts += [f"{detail.attempts} attempts came back." if detail.attempts > 1 else ""]
    parts += ["An identical row was sent in its place." if detail.shared else ""]
    parts += [{"lenient": "The JSON needed repair.", "failed": "It is not the JSON asked for."}.get(detail.parsed, "")]
    return " ".join(part for part in parts if part)


def _own(detail: Detail) -> None:
    """The row of the table that was sent, if it was one."""
    if detail.own:
        st.caption("Input")
        told = [
            {"Column": name, "Value": _bounded("" if value is None else str(value))}
            for name, value in detail.own.items()
        ]
        st.dataframe(told, hide_index=True, placeholder="", alt="The row of the input", height="content")


def _bounded(text: str) -> str:
    """A text that a browser can hold. What is left out is counted; exports hold it."""
    rest = len(text) - MOST_CHARACTERS
    return text if rest <= 0 else f"{text[:MOST_CHARACTERS]}… and {rest:,} more characters, which exports hold"


def _text(title: str, text: str) -> None:
    """A text, its beginning if it is long. No box of its own to scroll in: a keyboard could not reach into it."""
    if not text:
        return
    st.caption(title)
    rest = len(text) - FIRST_CHARACTERS
    if rest > 0 and not st.toggle(f"Show all {len(text):,} characters", key=f"whole-{title}"):
        text = f"{text[:FIRST_CHARACTERS]}… and {rest:,} more characters"
    st.code(_bounded(text), language=None, wrap_lines=True)


def _answer(detail: Detail) -> None:
    if not detail.text:
        return
    if st.toggle("Draw the answer as Markdown", key="as-markdown", help="Pictures and links stay as they are written."):
        with st.container(border=True):
            st.markdown(harmless(_bounded(detail.text)))
    else:
        _text("Answer", detail.text)


def harmless(text: str) -> str:
    """Markdown that cannot load or open anything, nor run a directive of Streamlit's: brackets, `<`, `:`, `$` are text.

    Bare addresses, which Markdown would make links of, are cut in two by a sign of no width.
    """
    escaped = "".join(f"\\{sign}" if sign in "\\[]<>!:$@" else sign for sign in text)
    return _ADDRESS.sub(lambda found: found[0] + WORD_JOINER, escaped)


_ADDRESS = re.compile(r"\\[:@]|www", re.IGNORECASE)


def _usage(detail: Detail, run: RunView) -> None:
    """Tokens by kind, and the cost with its sum."""
    reason = detail.finish_reason or detail.block_reason
    facts = [f"ended with {reason}"] if reason else []
    used = detail.usage
    if used:
        kinds = {
            "in": used.prompt,
            "of them cached": used.cached,
            "for tools": used.tool_prompt,
            "answered": used.candidates,
            "thought": used.thoughts,
        }
        facts += [f"{count(number, 'token')} {kind}" for kind, number in kinds.items() if number or kind == "in"]
    st.caption(plain(" · ".join([*facts, f"cost {usd(detail.usd)}"])), help=_formula(detail, run))


def _formula(detail: Detail, run: RunView) -> str | None:
    """How the cost comes about, at today's prices; None where this run did not buy the answer, or tells no usage."""
    tariff = get_state().runner.forecasts.tariff(run.model) if detail.run == run.id and not detail.shared else None
    return plain(f"{explain(detail.usage, tariff)}, at today's prices") if detail.usage and tariff else None


def _safety(detail: Detail) -> None:
    """Safety ratings as they came, blocked ones marked."""
    ratings = [
        {
            "Category": str(rating.get("category", "")).removeprefix("HARM_CATEGORY_").replace("_", " ").lower(),
            "Probability": str(rating.get("probability", "")).lower(),
            "Blocked": bool(rating.get("blocked")),
        }
        for rating in detail.safety
        if isinstance(rating, dict)
    ]
    if ratings:
        st.caption("Safety ratings")
        st.dataframe(ratings, hide_index=True, placeholder="", alt="Safety ratings of this row", height="content")


def _others(detail: Detail) -> None:
    """Earlier attempts and duplicates, each as received."""
    if not detail.others:
        return
    with st.expander(f"{count(len(detail.others), 'other line')} came back for this row", key="row-others"):
        for other in detail.others[:MOST_OTHERS]:
            words = f"{other.kind} · run {other.run} · {outcome(Outcome(other.outcome))} · cost {usd(other.usd)}"
            st.caption(plain(words))
            st.code(_indented(other.raw), language=None, wrap_lines=True)


# -- pictures ----------------------------------------------------------------------------------------------------------


class Picture(NamedTuple):
    """A picture that is in the data, and its media type."""

    media_type: str
    data: bytes


def _pictures(title: str, raw: str) -> None:
    found = list(pictures(raw))
    if found:
        st.caption(f"{title}: {', '.join(f'{kind}, {size(len(data))}' for kind, data in found)}")
        with st.container(horizontal=True, gap="small"):
            for kind, data in found:
                st.image(f"data:{kind};base64,{base64.b64encode(data).decode()}", width=140)


def pictures(raw: str) -> Iterator[Picture]:
    """The pictures within a request or response; what is not what it says it is, or too large, is left out."""
    if "nline" not in raw:  # inlineData, or inline_data
        return
    try:
        parts = _inline_data(json.loads(raw))
        for number, part in enumerate(parts):
            kind, data = str(part.get("mimeType") or part.get("mime_type") or ""), part.get("data")
            if number >= MOST_PICTURES:
                return
            decoded = _decoded(data) if kind in PICTURES and isinstance(data, str) else b""
            if decoded.startswith(PICTURES.get(kind, b"\0")):
                yield Picture(kind, decoded)
    except (ValueError, RecursionError):
        return


def _decoded(data: str) -> bytes:
    """Base64 of either alphabet; b"" for anything else."""
    if len(data) > MOST_PICTURE_BYTES * 4 // 3:
        return b""
    try:
        return base64.b64decode(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4), validate=True)
    except binascii.Error:
        return b""


def _inline_data(value: Any) -> Iterator[dict[str, Any]]:
    """Every inline part, in the order of the text."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("inlineData", "inline_data") and isinstance(inner, dict):
                yield inner
            else:
                yield from _inline_data(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _inline_data(inner)


def _indented(text: str) -> str:
    """JSON with line breaks; anything else as it is. Long data within it are cut before the rest is."""
    try:
        told = json.dumps(_without_data(json.loads(text)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        told = text
    return _bounded(told)


def _without_data(value: Any) -> Any:
    """The same JSON, the data of files within it replaced by their size."""
    if isinstance(value, list):
        return [_without_data(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: f"{inner[:64]}… {size(len(inner))} of base64"
        if name == "data" and isinstance(inner, str) and len(inner) > 2000
        else _without_data(inner)
        for name, inner in value.items()
    }
