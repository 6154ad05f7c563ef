"""The form of a table: it shows itself, its columns are clicked into an instruction, and answers get fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import streamlit as st

from batch.errors import BatchRunnerError, InputError
from batch.model import EmptyCells
from batch.requests.prompt_template import compile_template, default_template
from lifecycle.inputs.attachments import FileAccess
from lifecycle.inputs.drafts import Draft, table_preview
from lifecycle.inputs.tables.opening import Preview
from lifecycle.inputs.tables.reading import TableReading
from lifecycle.runner import Runner
from ui.answers import fields_editor, tried_view, tries
from ui.answers.grid import MAX_COLUMNS, GridColumn, grid_html
from ui.files import given_bar
from ui.files.given_files import Upload
from ui.files.given_input import FormContext, Missing, Progress, RequestSettings, ShowChecked, show_nothing
from ui.shared import notices
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown
from ui.table import file_columns, instruction, reading_choice
from ui.table.reading_words import NUMBERS, describe_column, describe_reading, describe_size

FIRST, TRIED = "First rows", "Tried rows"


@dataclass(frozen=True)
class TableInput:
    """A table, and the instruction that goes with each of its rows. A path is never used for a second file."""

    path: Path
    kind: str
    name: str
    template: str
    reading: TableReading
    empty_cells: EmptyCells
    pile: tuple[Path, ...] = ()

    def prepare(self, runner: Runner, settings: RequestSettings, progress: Progress | None) -> Draft:
        return runner.forecasts.prepare_draft(
            self.path,
            kind=self.kind,
            template=self.template,
            generation=settings.generation,
            shared_text=settings.shared_text,
            source_name=self.name,
            model=settings.model,
            use_cache=settings.use_cache,
            reading=self.reading,
            empty_cells=self.empty_cells,
            access=FileAccess(pile=self.pile),
            progress=progress,
            owner_id=settings.owner_id,
        )


def read(upload: Upload | None) -> TableInput | None:
    """What is to be sent of the table that was given. Raises Missing while it is not said what is to be done."""
    if upload is None or upload.table is None:
        return None
    kind, template, reading = upload.kind, instruction.text(), reading_choice.current(upload.path)
    try:
        preview = preview_of(upload.path, kind, reading)
    except BatchRunnerError:
        raise Missing("The table must be read first.") from None
    if preview.read_as.question:
        raise Missing(preview.read_as.question, preview.read_as.remedy)
    reading = replace(reading, file_columns=file_columns.chosen(upload, preview))
    _require_instruction(template, preview.names, reading.file_columns)
    fields_editor.require_complete()
    pile = upload.pile_of_table
    return TableInput(upload.path, kind, upload.name, template, reading, instruction.empty_cells(), pile)


def _require_instruction(template: str, columns: tuple[str, ...], files: tuple[str, ...]) -> None:
    """Without an instruction, one column must plainly hold the prompts; with one, it must name columns, or files."""
    if files and template.strip() and "{{" not in template:
        return
    folded = [name.casefold() for name in columns]
    try:
        if template.strip():
            compile_template(template, columns)
        else:
            default_template(columns, folded.index("key") if "key" in folded else None)
    except InputError as error:
        if not template.strip():
            raise Missing("Write an instruction first: it says what is to be done with each row.") from None
        if "{{" not in template:
            raise Missing("Click the columns that Gemini is to read: the instruction names none yet.") from None
        raise Missing(str(error), error.remedy) from None


def draw(context: FormContext) -> ShowChecked:
    """Draw the table's first rows, the instruction and the answer fields."""
    upload = context.upload
    if upload is None or upload.table is None:
        return show_nothing
    kind, error = upload.kind, None
    try:
        preview: Preview | None = preview_of(upload.path, kind, reading_choice.current(upload.path))
    except BatchRunnerError as raised:
        preview, error = None, raised
    _draw_bar(upload, preview)
    if error is not None:
        notices.draw_error(error)
    if preview is None:
        return show_nothing
    if preview.read_as.question:
        st.warning(escape_markdown(f"{preview.read_as.question} {preview.read_as.remedy}".strip()))
    _draw_rows(context, upload, preview)
    file_columns.draw(upload, preview)
    first_files = st.container(key="first-files")
    findings = st.container(key="table-findings")
    left, right = st.columns([6, 7], gap="medium")
    with left:
        instruction.draw(preview)
    with right:
        fields_editor.draw(context.runner, context.model)

    def show_checked(draft: Draft) -> None:
        with first_files:
            file_columns.draw_first_files(draft)
        with findings:
            instruction.draw_empty_cells(draft)

    return show_checked


def _draw_bar(upload: Upload, preview: Preview | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="table-bar"):
        given_bar.draw_line(upload, describe_size(preview) if preview else "")
        st.space("stretch")
        if preview:
            st.caption(f"Read as: {escape_markdown(describe_reading(preview.read_as))}", width="content")
        reading_choice.draw(upload.path, preview)


def _draw_rows(context: FormContext, upload: Upload, preview: Preview) -> None:
    """The first rows, or those that were tried, with their answers beside them."""
    tried = tries.of_source(str(upload.folder))
    with st.container(key="table-rows"):
        if not tried:
            _draw_first_rows(preview)
            return
        labels = {FIRST: FIRST, TRIED: f"{TRIED} {len(tried[-1].tries.rows)}"}
        key = f"table-view-{len(tried)}"  # a new try is shown
        st.session_state.setdefault(key, TRIED)
        st.segmented_control(
            "Rows",
            list(labels),
            key=key,
            required=True,
            format_func=labels.__getitem__,
            label_visibility="collapsed",
            persist_state="session",
        )
        if st.session_state[key] == FIRST:
            _draw_first_rows(preview)
        else:
            tried_view.draw(tried, context.runner.forecasts.model_rules(context.model).facts.output_cap)


def _draw_first_rows(preview: Preview) -> None:
    columns = [
        GridColumn(
            truncate(column.name, 60),
            describe_column(column.type, column.empty, preview.rows_seen),
            number=column.type in NUMBERS,
        )
        for column in preview.columns
    ]
    st.html(grid_html("First rows", columns, preview.rows))
    notes = list(preview.read_as.notes)
    if len(columns) > MAX_COLUMNS:
        notes.append(f"{len(columns) - MAX_COLUMNS:,} more columns are not shown here.")
    if preview.row_count is None and any(column.empty for column in preview.columns):
        notes.append(f"Empty cells were counted in the first {preview.rows_seen:,} rows.")
    if notes:
        st.caption(escape_markdown(" ".join(notes)))


@lru_cache(64)
def preview_of(path: Path, kind: str, reading: TableReading) -> Preview:
    """The table's columns and first rows. A path is never used for a second file."""
    return table_preview(path, kind, reading)
