"""Which form the page takes: it follows from what was given, never from a choice made before."""

from __future__ import annotations

from batch.requests.input_formats import TABLE_KINDS
from ui.files import requests_form, uploader
from ui.files.given_files import Upload
from ui.files.given_input import Form, FormContext, GivenInput, ShowChecked, show_nothing
from ui.pile import pile_form
from ui.submit import prompts_form
from ui.table import table_form


def current(mode: str) -> Form:
    """The form for what is here: in mode Inline what is typed, otherwise what was dropped."""
    upload = uploader.current()
    if mode == "Inline":
        return PROMPTS
    if upload is None:
        return START
    if upload.table is None:
        return FILES
    return TABLE if upload.kind in TABLE_KINDS else REQUESTS


def _draw_start(context: FormContext) -> ShowChecked:
    prompts_form.draw_zone()
    return show_nothing


def _read_nothing(upload: Upload | None) -> GivenInput | None:
    return None


START = Form(_draw_start, _read_nothing)
PROMPTS = Form(prompts_form.draw, prompts_form.read)
REQUESTS = Form(requests_form.draw, requests_form.read)
TABLE = Form(table_form.draw, table_form.read)
FILES = Form(pile_form.draw, pile_form.read)
