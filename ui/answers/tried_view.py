"""How tried rows look: own columns, answers beside them, and what they teach about all the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from batch.formatting import money
from lifecycle.planning.tried_rows import TriedRow, Tries
from ui.answers import tries
from ui.answers.grid import GridColumn, grid_html
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown

ANSWER = "Answer"
MAX_SHOWN = 9
CAP_KEY = "max_output_tokens"


def draw(sets: Sequence[tries.TrySet], output_cap: int | None) -> None:
    """Draw what was tried, the newest unless another is chosen. `output_cap` is the most that the model puts out."""
    number = len(sets)
    chosen = number
    if number > 1:
        shown = list(range(max(1, number - MAX_SHOWN + 1), number + 1))
        key = f"try-shown-{number}"
        st.session_state.setdefault(key, number)
        st.segmented_control(
            "Which try",
            shown,
            key=key,
            required=True,
            format_func=lambda n: f"Try {n}",
            label_visibility="collapsed",
            persist_state="session",
        )
        chosen = int(st.session_state[key])
    one = sets[chosen - 1]
    st.html(tried_html(one.tries))
    _draw_lessons(one, output_cap)
    if one.wording != sets[-1].wording and one.wording.instruction:
        st.caption(escape_markdown(f"Asked: {truncate(one.wording.instruction, 300)}"))


def tried_html(given: Tries) -> str:
    """The tried rows as a table: the row's place, own columns, the answer's fields."""
    own = list(dict.fromkeys(name for row in given.rows for name in row.own))
    fields = list(given.fields) or [ANSWER]
    is_troubled = any(row.error for row in given.rows)
    columns = [
        GridColumn("row", quiet=True, number=True),
        *([GridColumn(name) for name in own] or [GridColumn("prompt")]),
        *(GridColumn(name, answer=True, number=_are_numbers(given.rows, name)) for name in fields),
        *([GridColumn("what happened", quiet=True)] if is_troubled else []),
    ]
    rows = [
        [
            f"{row.n + 1:,}",
            *([as_text(row.own.get(name)) for name in own] or [row.prompt]),
            *([as_text(row.values.get(name)) for name in given.fields] or [row.text]),
            *([row.error] if is_troubled else []),
        ]
        for row in given.rows
    ]
    return grid_html("Tried rows", columns, rows)


def lessons(given: Tries) -> list[tuple[bool, str]]:
    """What the tries say, each with whether it is good: how many fit, how many were cut off or lost."""
    total = len(given.rows)
    verb = "fit the fields" if given.asks_for_json and given.fields else "were answered"
    said = [(given.fitting == total, f"{given.fitting} of {total} tries {verb}")]
    if given.cut_off:
        limit = f" at {given.output_cap:,} tokens" if given.output_cap else ""
        said.append((False, f"{given.cut_off} of {total} cut off{limit}"))
    if given.lost:
        said.append((False, f"{given.lost} got no reply, and may have been charged"))
    return said


def as_text(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list) and not any(isinstance(part, dict | list) for part in value):
        return ", ".join(map(as_text, value))
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)


def _are_numbers(rows: Sequence[TriedRow], name: str) -> bool:
    values = [row.values[name] for row in rows if row.values.get(name) is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _draw_lessons(one: tries.TrySet, output_cap: int | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="try-lessons"):
        for is_good, words in lessons(one.tries):
            colour, icon = ("green", "check") if is_good else ("orange", "warning")
            st.markdown(f":{colour}-badge[:material/{icon}: {escape_markdown(words)}]", width="content")
        cap = one.tries.suggested_cap(output_cap)
        if cap:
            st.button(f"Use {cap:,} tokens", key=f"use-cap-{cap}", on_click=_set_cap, args=(cap,))
        if one.tries.usd:
            st.caption(escape_markdown(f"These tries cost {money(one.tries.usd)}."), width="content")


def _set_cap(cap: int) -> None:
    st.session_state[CAP_KEY] = cap
