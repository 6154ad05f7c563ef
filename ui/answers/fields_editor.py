"""The answer's fields: clicked into a small table, or typed or pasted as a text; both say the same.

What is sent is the response schema among the generation settings; the table and the text are two views of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from batch.errors import Fault
from batch.fields.answer_field import AnswerField, FieldsReading, FieldType
from batch.fields.line_writer import write_line
from batch.fields.parse import LINE, SCHEMA, parse_fields, reading_of
from lifecycle.runner import Runner
from ui.answers import field_rows
from ui.answers.field_rows import COLUMNS, NAME, NOTE, TYPE, VALUES, Row
from ui.files.given_input import Missing
from ui.shared.app_state import get_state
from ui.shared.notices import escape_markdown

TYPES = [kind.value for kind in FieldType if kind is not FieldType.GROUP]
SCHEMA_KEY, TEXT_KEY = "response_schema", "fields_text"
_DRAWN, _ROWS, _FIELDS, _VERSION = "fields_drawn", "fields_rows", "fields", "fields_version"
_WRITTEN, _PROBLEMS, _NOTES = "fields_schema", "fields_problems", "fields_notes"
PLACEHOLDER = "sentiment: positive | negative | neutral; urgency: 1..5; product"
WITHOUT = "Each field becomes a column. Without fields, the answer is one text."


def is_offered(runner: Runner, model: str) -> bool:
    """Whether answers of this model have fields: only those in words do."""
    return runner.forecasts.model_rules(model).facts.kind == "text"


def draw(runner: Runner, model: str) -> None:
    """Draw the table of fields and the text beside it; nothing for models that draw pictures or make vectors."""
    if not is_offered(runner, model):
        return
    _follow_schema()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Answer fields** :small[each becomes a column]", width="content")
        st.space("stretch")
        with st.popover("Type or paste", key="fields-popover"):
            _draw_text()
    _draw_table()
    _draw_understood()


def take(text: str) -> None:
    """Have the fields that a text describes, in any of its forms; what it cannot mean is kept as a problem."""
    st.session_state[TEXT_KEY] = text
    if not text.strip():
        _set((), {}, ())
        return
    reading = parse_fields(text)
    if reading.problems:
        st.session_state[_PROBLEMS] = reading.problems
        return
    _set(reading.fields, reading.schema, _notes(reading))


def clear() -> None:
    """Have no fields, unless a schema of the user's own is set."""
    if st.session_state.get(_WRITTEN) and st.session_state.get(SCHEMA_KEY) == st.session_state[_WRITTEN]:
        st.session_state[SCHEMA_KEY] = ""
    _follow_schema()


def require_complete() -> None:
    """Raise Missing while a field cannot be understood."""
    problems: Sequence[Fault] = st.session_state.get(_PROBLEMS) or ()
    if problems and is_offered(get_state().runner, str(st.session_state.get("model") or "")):
        raise Missing(problems[0].fault, problems[0].remedy)


def _notes(reading: FieldsReading) -> tuple[str, ...]:
    return (*([] if reading.form in (LINE, "") else [f"Taken for {reading.form}."]), *reading.notes)


def _set(fields: tuple[AnswerField, ...], schema: dict[str, object], notes: tuple[str, ...]) -> None:
    """Have these fields, and draw the table anew."""
    _show(fields, notes)
    _write(schema)


def _show(fields: tuple[AnswerField, ...], notes: tuple[str, ...] = ()) -> None:
    """Rows for the table's editor, which tells edits of the rows that it was drawn with.

    `_DRAWN` are those with their fields, `_ROWS` the rows as they are now.
    """
    rows = [(field_rows.row_of(field), field) for field in fields]
    version = int(st.session_state.get(_VERSION) or 0) + 1
    st.session_state.update(
        {_DRAWN: rows, _ROWS: rows, _FIELDS: fields, _NOTES: notes, _PROBLEMS: (), _VERSION: version}
    )


def _write(schema: dict[str, object]) -> None:
    text = json.dumps(schema, ensure_ascii=False) if schema else ""
    st.session_state[SCHEMA_KEY] = st.session_state[_WRITTEN] = text


def _follow_schema() -> None:
    """Take over a schema that was set elsewhere: in the sidebar, or by a run that came back."""
    schema = str(st.session_state.get(SCHEMA_KEY) or "")
    if schema == (st.session_state.get(_WRITTEN) or ""):
        return
    reading = parse_fields(schema) if schema.strip() else FieldsReading()
    fields = reading.fields if reading.form == SCHEMA and not reading.problems else ()
    _show(fields)
    st.session_state[_WRITTEN], st.session_state[TEXT_KEY] = schema, _text_of(fields)


def _draw_table() -> None:
    key = f"fields-{st.session_state.get(_VERSION, 0)}"
    if key not in st.session_state:  # the editor forgets its edits while it is not drawn
        st.session_state[_DRAWN] = st.session_state.get(_ROWS) or []
    rows = [row for row, _ in st.session_state[_DRAWN]]
    types = [*TYPES, *({FieldType.GROUP.value} & {row[TYPE] for row in rows})]
    st.data_editor(
        pd.DataFrame(rows, columns=list(COLUMNS), dtype=str),
        key=key,
        num_rows="dynamic",
        hide_index=True,
        on_change=_take_table,
        args=(key,),
        column_config={
            NAME: st.column_config.TextColumn(NAME, max_chars=80, width=95),
            TYPE: st.column_config.SelectboxColumn(TYPE, options=types, width=110),
            VALUES: st.column_config.TextColumn(VALUES, max_chars=2000, width=150),
            NOTE: st.column_config.TextColumn(NOTE, max_chars=500, width=130),
        },
        placeholder="",
        alt="Answer fields",
    )


def _take_table(key: str) -> None:
    """Understand the table as it is now; the text and the schema follow."""
    drawn: list[tuple[Row, AnswerField | None]] = st.session_state[_DRAWN]
    edited = field_rows.edited([row for row, _ in drawn], st.session_state[key])
    rows = [row for row, _ in edited]
    originals = [None if place is None else drawn[place][1] for _, place in edited]
    fields, faults = field_rows.fields_of(rows, originals)
    reading = reading_of(fields) if fields else FieldsReading()
    problems = faults or (reading.problems if fields else ())
    st.session_state[_ROWS] = list(zip(rows, originals if faults else fields, strict=True))
    st.session_state[_NOTES], st.session_state[_PROBLEMS] = (), problems
    if not problems:
        st.session_state[_FIELDS] = fields
        st.session_state[TEXT_KEY] = _text_of(fields)
        _write(reading.schema)


def _text_of(fields: tuple[AnswerField, ...]) -> str:
    """The fields as a line, or as a schema where a line cannot say them."""
    if any(field.type is FieldType.GROUP or (field.items and field.items.type is FieldType.GROUP) for field in fields):
        return json.dumps(reading_of(fields).schema, ensure_ascii=False, indent=2)
    return write_line(fields) if fields else ""


def _draw_text() -> None:
    st.text_area(
        "Fields as a line, an example of the answer, a JSON schema, Pydantic or TypeScript",
        key=TEXT_KEY,
        height=150,
        max_chars=200_000,
        placeholder=PLACEHOLDER,
        on_change=_take_text,
        persist_state="session",
    )
    fields: Sequence[AnswerField] = st.session_state.get(_FIELDS) or ()
    if not fields and not st.session_state.get(_PROBLEMS):
        st.caption(WITHOUT)


def _take_text() -> None:
    take(str(st.session_state.get(TEXT_KEY) or ""))


def _draw_understood() -> None:
    """Say what was understood, and quietly what was not."""
    problems: Sequence[Fault] = st.session_state.get(_PROBLEMS) or ()
    for problem in problems:
        said = escape_markdown(f"{problem.fault} {problem.remedy}".strip())
        st.markdown(f":orange-badge[:material/edit:] {said}")
    fields: Sequence[AnswerField] = st.session_state.get(_FIELDS) or ()
    if not fields:
        st.caption(WITHOUT if not problems else "")
        return
    notes = " ".join(st.session_state.get(_NOTES) or ())
    understood = "; ".join(field.describe() for field in fields)
    st.caption(escape_markdown(f"Understood: {understood}. {notes}".strip()))
