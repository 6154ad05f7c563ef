"""The form of a table: how a row becomes a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from batch.errors import BatchRunnerError, InputError
from batch.requests.input_formats import kind_of
from batch.requests.prompt_template import default_template
from lifecycle.inputs.drafts import Draft, table_preview
from lifecycle.runner import Runner
from ui.files import given_bar
from ui.files.given_files import Upload
from ui.files.given_input import FormContext, Missing, Progress, RequestSettings, ShowChecked, show_nothing
from ui.shared import notices
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown


@dataclass(frozen=True)
class TableInput:
    """A table, and the instruction that goes with each of its rows. A path is never used for a second file."""

    path: Path
    kind: str
    name: str
    template: str

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
            progress=progress,
        )


def read(upload: Upload | None) -> TableInput | None:
    """What is to be sent of the table that was given. Raises Missing while it is not said what is to be done."""
    if upload is None:
        return None
    kind, template = kind_of(upload.files[0].name), str(st.session_state.get("template") or "")
    if not template.strip():
        _require_prompt_column(columns_of(upload.path, kind))
    return TableInput(upload.path, kind, upload.name, template)


def _require_prompt_column(columns: tuple[str, ...]) -> None:
    """Without an instruction, one column must plainly hold the prompts."""
    folded = [name.casefold() for name in columns]
    try:
        default_template(columns, folded.index("key") if "key" in folded else None)
    except InputError:
        raise Missing("Write an instruction first: it says what is to be done with each row.") from None


def draw(context: FormContext) -> ShowChecked:
    """Draw the table's name and the instruction."""
    upload = context.upload
    if upload is None:
        return show_nothing
    given_bar.draw(upload)
    try:
        columns = columns_of(upload.path, kind_of(upload.files[0].name))
    except BatchRunnerError as error:
        notices.draw_error(error)
        return show_nothing
    st.text_area(
        "Prompt template",
        key="template",
        height=120,
        max_chars=200_000,
        placeholder="Summarise in one sentence: {{text}}",
        help="{{column}} stands for a row's value in that column.",
        persist_state="session",
    )
    st.caption(escape_markdown("Columns: " + ", ".join(f"{{{{{truncate(column, 60)}}}}}" for column in columns[:40])))
    return show_nothing


@lru_cache(64)
def columns_of(path: Path, kind: str) -> tuple[str, ...]:
    """The table's columns. A path is never used for a second file."""
    return table_preview(path, kind).names
