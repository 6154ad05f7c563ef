"""One row in full: what was asked, answered and thought, what it used and cost, what was sent and received.

Every text is shown as it is. An answer is drawn as Markdown only when that is asked for, and then without images and
links; pictures are shown only if they are in the data itself and are of a kind that holds no code.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from batch.formatting import money, plural
from batch.model import Outcome
from batch.pricing.rates import explain_cost
from batch.responses.outcome_groups import CUT_OFF, GROUPS, OutcomeGroup
from batch.responses.outcome_tables import LABELS
from batch.responses.outcome_words import EXPLANATIONS
from lifecycle.core.models import Account, RunView
from lifecycle.core.run_files import PICTURES
from lifecycle.results.read.row_detail import RowDetail
from lifecycle.results.read.shared_text import own_part
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store.row_marks import RowMark
from lifecycle.runner import Runner
from ui.rows import row_files, row_marks, send_again
from ui.rows.answer_fields import fields_html
from ui.shared.app_state import get_state
from ui.shared.format import OUTCOME_COLOURS, outcome, size, truncate
from ui.shared.notices import WORD_JOINER, escape_markdown
from ui.thumbnails.addresses import TILE, picture_address
from ui.thumbnails.tiles import Tile, grid_html

IMAGE_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
MAX_IMAGES, MAX_IMAGE_BYTES = 12, 8_000_000
PREVIEW_CHARACTERS = 4_000  # of a text, until all of it is asked for
MAX_CHARACTERS = 100_000  # of one text; a row may hold megabytes
MAX_OTHER_LINES = 20
KEY_CHARACTERS = 60
PLAIN_ENDINGS = ("", "STOP", "MAX_TOKENS")  # reasons that the outcome says in words


class Neighbours(NamedTuple):
    """What leads from a row to others, None at an end of the rows that fit; and what closes it."""

    previous: Callable[[], None] | None
    following: Callable[[], None] | None
    close: Callable[[], None] | None = None


def draw(
    runner: Runner, account: Account, run: RunView, table: ResultTable, key: str, neighbours: Neighbours | None = None
) -> None:
    """Draw a row of the run that is being looked at."""
    detail = table.detail(key)
    folder = table.folder_of(detail.run)
    with st.container(border=True, key="row-detail", gap="xsmall"):
        _draw_title(detail, neighbours)
        _draw_explanation(detail, run)
        fields = _answer_fields(table, key)
        with row_files.beside(detail, run, folder):
            _draw_answer(detail, fields)
        with st.container(horizontal=True, gap="xsmall", key="row-actions"):
            if run.inputs_known and run.state.ended and not run.parent_id:
                _draw_send_again(runner, account, run, table, key)
            row_marks.draw(runner, account, run.id, key, table.marks().get(key, RowMark()))
        _draw_differing(detail, table)
        _draw_pictures(detail, folder)
        for number, answer in enumerate(detail.other_answers, 2):
            _draw_text(f"Answer {number}", answer)
        _draw_text("Tool calls", _pretty_json(detail.tool_calls))
        _draw_text("Code that was run", _pretty_json(detail.executed_code))
        _draw_images("Pictures received", detail.response)
        _draw_usage(detail, run)
        _draw_safety(detail)
        _draw_folds(detail)


def _draw_title(detail: RowDetail, neighbours: Neighbours | None) -> None:
    """The row's key and outcome, between the ways to other rows and the way out."""
    outcome_name = Outcome(detail.outcome)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall", key="row-title"
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            if neighbours is not None:
                for name, label, step in (
                    ("previous", "Previous row", neighbours.previous),
                    ("next", "Next row", neighbours.following),
                ):
                    icon = f":material/chevron_{'left' if name == 'previous' else 'right'}:"
                    st.button(label, key=f"{name}-row", icon=icon, on_click=step, disabled=step is None)
            st.markdown(f"**{escape_markdown(truncate(detail.key, KEY_CHARACTERS))}**", width="content")
            st.badge(outcome(outcome_name), color=OUTCOME_COLOURS[outcome_name])
        if neighbours is not None and neighbours.close is not None:
            st.button("Close row", key="close-row", icon=":material/close:", type="tertiary", on_click=neighbours.close)


def _draw_explanation(detail: RowDetail, run: RunView) -> None:
    """What happened, in a sentence, with what can be done; what Google said of it; where the answer is from."""
    explanation = EXPLANATIONS[Outcome(detail.outcome)]
    if detail.outcome != Outcome.ANSWERED:
        st.markdown(escape_markdown(f"{explanation.happened} {explanation.remedy}".strip()))
    if detail.error_message and not _says_the_same(detail):
        code = "" if detail.error_code is None else f" (code {detail.error_code})"
        reason = detail.error_message[:1].upper() + detail.error_message[1:]
        st.caption(escape_markdown(_truncate(f"{reason}{code}")))
    if origin := _origin(detail, run):
        st.caption(escape_markdown(origin))


def _says_the_same(detail: RowDetail) -> bool:
    """Whether a message is our own for the outcome, which was explained already; why something is blocked is not."""
    own_words = detail.error_message.casefold().startswith(LABELS[Outcome(detail.outcome)].casefold())
    return own_words and not detail.block_reason and GROUPS[Outcome(detail.outcome)] is not OutcomeGroup.DECIDE


def _answer_fields(table: ResultTable, key: str) -> str:
    """The answer as fields, as HTML; "" where none were asked for."""
    if not table.reconciliation.fields:
        return ""
    rows, _ = table.page(Filter(keys=(key,)), limit=1, fields=True, include_repaired=True)
    if rows.empty:
        return ""
    cells = rows.iloc[0]
    values = {field.column: cells[field.column] for field in table.reconciliation.fields}
    known = {name: value for name, value in values.items() if value is not None and value == value}
    if not known and cells["outcome"] not in CUT_OFF:
        return ""
    return fields_html(table.reconciliation.fields, known, cut_off=cells["outcome"] in CUT_OFF)


def _draw_send_again(runner: Runner, account: Account, run: RunView, table: ResultTable, key: str) -> None:
    where = Filter(keys=(key,))
    quoted = runner.retries.quote(account, run.id, where)
    price = "" if quoted.usd is None else f", {money(quoted.usd)}"
    label = f"Send this row again{price}".replace("$", "\\$")
    send_again.draw(runner, account, run, table, quoted, where=where, label=label)


def _draw_differing(detail: RowDetail, table: ResultTable) -> None:
    """The row's own part of the prompt, and its own columns; all of the prompt is in a fold."""
    rest = own_part(detail.prompt, table.shared_text)
    if rest:
        _draw_text("What differs in the prompt" if rest != detail.prompt else "Prompt", rest)
    own = {name: value for name, value in detail.source_columns.items() if value is not None}
    if own:
        st.caption("Input")
        rows = [{"Column": name, "Value": _truncate(str(value))} for name, value in own.items()]
        st.dataframe(rows, hide_index=True, placeholder="", alt="The row of the input", height="content")


def _draw_folds(detail: RowDetail) -> None:
    """All that there is, as it was sent and received."""
    with st.expander("Full prompt", key="row-prompt"):
        _draw_text("Prompt as sent", detail.prompt)
        _draw_images("Pictures sent", detail.request)
        _draw_text("Thoughts", detail.thoughts)
    _draw_other_lines(detail)
    with st.expander("As received (JSON)", key="row-json"):
        for title, text in (("Request", detail.request), ("Response", detail.response)):
            st.caption(title)
            st.code(_pretty_json(text) or "none", language=None, wrap_lines=True)


def _origin(detail: RowDetail, run: RunView) -> str:
    """Which run and attempt gave this answer."""
    parts = [f"Answered by run {detail.run}, which sent it again." if detail.run != run.id else ""]
    parts += [f"{detail.attempts} attempts came back." if detail.attempts > 1 else ""]
    parts += [f"Taken over from run {detail.reused_from}; it was not sent again." if detail.reused_from else ""]
    parts += ["An identical row was sent in its place." if detail.shared else ""]
    parts += [{"lenient": "Its form was mended.", "failed": "It is not in your fields."}.get(detail.parsed, "")]
    return " ".join(part for part in parts if part)


def _truncate(text: str) -> str:
    """A text that a browser can hold. What is left out is counted; exports hold it."""
    rest = len(text) - MAX_CHARACTERS
    return text if rest <= 0 else f"{text[:MAX_CHARACTERS]}… and {rest:,} more characters, which exports hold"


def _draw_text(title: str, text: str) -> None:
    """A text, its beginning if it is long. No box of its own to scroll in: a keyboard could not reach into it."""
    if not text:
        return
    st.caption(title)
    rest = len(text) - PREVIEW_CHARACTERS
    if rest > 0 and not st.toggle(f"Show all {len(text):,} characters", key=f"whole-{title}"):
        text = f"{text[:PREVIEW_CHARACTERS]}… and {rest:,} more characters"
    st.code(_truncate(text), language=None, wrap_lines=True)


def _draw_answer(detail: RowDetail, fields: str) -> None:
    """The answer: as fields where they were asked for, else as text."""
    if fields:
        st.html(fields)
    if not detail.text or (fields and detail.parsed == "strict"):
        return
    if fields:
        _draw_text("As it came", detail.text)
    elif st.toggle(
        "Draw the answer as Markdown", key="as-markdown", help="Pictures and links stay as they are written."
    ):
        with st.container(border=True):
            st.markdown(safe_markdown(_truncate(detail.text)))
    else:
        _draw_text("Answer", detail.text)


def safe_markdown(text: str) -> str:
    """Markdown that cannot load or open anything, nor run a directive of Streamlit's: brackets, `<`, `:`, `$` are text.

    Bare addresses, which Markdown would make links of, are cut in two by a sign of no width.
    """
    escaped = "".join(f"\\{char}" if char in "\\[]<>!:$@" else char for char in text)
    return _ADDRESS.sub(lambda match: match[0] + WORD_JOINER, escaped)


_ADDRESS = re.compile(r"\\[:@]|www", re.IGNORECASE)


def _draw_usage(detail: RowDetail, run: RunView) -> None:
    """Tokens by kind, and the cost with its sum."""
    reason = detail.finish_reason or detail.block_reason
    facts = [f"ended with {reason}"] if reason not in PLAIN_ENDINGS else []
    usage = detail.usage
    if usage:
        kinds = {
            "in": usage.prompt,
            "of them cached": usage.cached,
            "for tools": usage.tool_prompt,
            "answered": usage.candidates,
            "thought": usage.thoughts,
        }
        facts += [f"{plural(number, 'token')} {kind}" for kind, number in kinds.items() if number or kind == "in"]
    st.caption(escape_markdown(" · ".join([*facts, f"cost {money(detail.usd)}"])), help=_formula(detail, run))


def _formula(detail: RowDetail, run: RunView) -> str | None:
    """How the cost comes about, at today's prices; None where this run did not buy the answer, or tells no usage."""
    tariff = get_state().runner.forecasts.tariff(run.model) if detail.run == run.id and not detail.shared else None
    return (
        escape_markdown(f"{explain_cost(detail.usage, tariff)}, at today's prices") if detail.usage and tariff else None
    )


def _draw_safety(detail: RowDetail) -> None:
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


def _draw_other_lines(detail: RowDetail) -> None:
    """Earlier attempts and duplicates, each as received."""
    if not detail.others:
        return
    with st.expander(f"{plural(len(detail.others), 'other line')} came back for this row", key="row-others"):
        for other in detail.others[:MAX_OTHER_LINES]:
            label = f"{other.kind} · run {other.run} · {outcome(Outcome(other.outcome))} · cost {money(other.usd)}"
            st.caption(escape_markdown(label))
            st.code(_pretty_json(other.raw), language=None, wrap_lines=True)


# -- pictures ----------------------------------------------------------------------------------------------------------


def _draw_pictures(detail: RowDetail, folder: Path) -> None:
    """The pictures of the answer, as they lie in the run's folder."""
    if detail.pictures:
        st.caption("Pictures received")
        addresses = [picture_address(folder / PICTURES, Path(one["file"]).stem, TILE) for one in detail.pictures]
        st.html(grid_html([Tile("image", address, alt=detail.prompt) for address in addresses], "Pictures received"))


class InlineImage(NamedTuple):
    """A picture that is in the data, and its media type."""

    media_type: str
    data: bytes


def _draw_images(title: str, raw: str) -> None:
    images = list(inline_images(raw))
    if images:
        st.caption(f"{title}: {', '.join(f'{kind}, {size(len(data))}' for kind, data in images)}")
        with st.container(horizontal=True, gap="small"):
            for kind, data in images:
                st.image(f"data:{kind};base64,{base64.b64encode(data).decode()}", width=140)


def inline_images(raw: str) -> Iterator[InlineImage]:
    """The pictures within a request or response; what is not what it says it is, or too large, is left out."""
    if "nline" not in raw:  # inlineData, or inline_data
        return
    try:
        parts = _inline_data(json.loads(raw))
        for number, part in enumerate(parts):
            kind, data = str(part.get("mimeType") or part.get("mime_type") or ""), part.get("data")
            if number >= MAX_IMAGES:
                return
            decoded = _decode_base64(data) if kind in IMAGE_SIGNATURES and isinstance(data, str) else b""
            if decoded.startswith(IMAGE_SIGNATURES.get(kind, b"\0")):
                yield InlineImage(kind, decoded)
    except (ValueError, RecursionError):
        return


def _decode_base64(data: str) -> bytes:
    """Base64 of either alphabet; b"" for anything else."""
    if len(data) > MAX_IMAGE_BYTES * 4 // 3:
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


def _pretty_json(text: str) -> str:
    """JSON with line breaks; anything else as it is. Long data within it are cut before the rest is."""
    try:
        formatted = json.dumps(_elide_data(json.loads(text)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        formatted = text
    return _truncate(formatted)


def _elide_data(value: Any) -> Any:
    """The same JSON, the data of files within it replaced by their size."""
    if isinstance(value, list):
        return [_elide_data(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: f"{inner[:64]}… {size(len(inner))} of base64"
        if name == "data" and isinstance(inner, str) and len(inner) > 2000
        else _elide_data(inner)
        for name, inner in value.items()
    }
