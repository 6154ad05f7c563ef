"""How the user wants the table to be read: chosen in a popover, and kept for as long as this table is here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from lifecycle.inputs.tables.opening import Preview
from lifecycle.inputs.tables.reading import TableReading
from ui.table.reading_words import ENCODINGS, QUOTES, SEPARATORS, encoding_name

FIELDS = ("sheet", "header_row", "separator", "encoding", "quote", "key_column")
TEXT_FORMATS = ("csv", "tsv", "txt")


def current(path: Path) -> TableReading:
    """What is chosen for the table at this path."""

    def chosen(name: str) -> str:
        return str(st.session_state.get(_key(path, name)) or "")

    row = st.session_state.get(_key(path, "header_row"))
    return TableReading(
        sheet=chosen("sheet"),
        header_row=None if row is None else int(row),
        separator=chosen("separator"),
        encoding=chosen("encoding"),
        quote=chosen("quote"),
        key_column=chosen("key_column"),
    )


def draw(path: Path, found: Preview | None) -> None:
    """Draw the popover. `found` is what was read of the table, None where it could not be read."""
    with st.popover("Change", key=f"change-{_token(path)}"):
        st.caption("Empty means: as it was found. The rows above follow at once.")
        if found is None or found.read_as.sheets:
            _draw_sheet(path, found)
        if found is None or found.read_as.format not in ("parquet", "json", "jsonl"):
            st.number_input(
                "Row with the column names",
                0,
                value=None,
                step=1,
                key=_key(path, "header_row"),
                placeholder=str(found.read_as.header_row) if found else "found by itself",
                help="0: the table has no such row.",
                persist_state="session",
            )
        if found is None or found.read_as.format in TEXT_FORMATS:
            _draw_text_choices(path, found)
        names = found.names if found else ()
        _choose(path, "key_column", "Column with the keys", names, lambda name: name, "none, or the one called key")
        st.button("Read it as found", key=f"reset-{_token(path)}", on_click=reset, args=(path,), type="tertiary")


def reset(path: Path) -> None:
    """Choose nothing."""
    for name in FIELDS:
        st.session_state[_key(path, name)] = None if name == "header_row" else ""


def _draw_sheet(path: Path, found: Preview | None) -> None:
    sheets = found.read_as.sheets if found else ()
    _choose(path, "sheet", "Sheet", sheets, lambda name: name, found.read_as.sheet if found else "")


def _draw_text_choices(path: Path, found: Preview | None) -> None:
    read_as = found.read_as if found else None
    separator, encoding, quote = (read_as.separator, read_as.encoding, read_as.quote) if read_as else ("", "", "")
    _choose(path, "separator", "Separator", tuple(SEPARATORS), SEPARATORS.__getitem__, SEPARATORS.get(separator, ""))
    _choose(path, "encoding", "Encoding", tuple(ENCODINGS), encoding_name, encoding_name(encoding))
    _choose(path, "quote", "Quotation marks", tuple(QUOTES), QUOTES.__getitem__, QUOTES.get(quote, ""))


def _choose(path: Path, name: str, title: str, options: Sequence[str], words: Callable[[str], str], found: str) -> None:
    """One choice; the first option leaves it to what was found."""
    key = _key(path, name)
    if st.session_state.get(key) not in options:
        st.session_state[key] = ""
    as_found = f"As found: {found}" if found else "As found"
    labels: Mapping[str, str] = {"": as_found, **{option: words(option) for option in options}}
    st.selectbox(
        title, list(labels), key=key, format_func=lambda option: labels.get(option, option), persist_state="session"
    )


def _key(path: Path, name: str) -> str:
    return f"read-{name}-{_token(path)}"


def _token(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:8]
