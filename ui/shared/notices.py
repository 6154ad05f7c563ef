"""Notices beside what they are about: what went wrong or right. The only place that shows our errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import streamlit as st

from batch.errors import BatchRunnerError

Place = Literal[
    "configuration", "submit", "context", "caches", "monitor", "runs", "import-job", "results", "export", "retry"
]
Kind = Literal["good", "bad", "note"]
_KEY = "notices"


@contextmanager
def errors_to_notice(place: Place) -> Iterator[None]:
    """Turn an error of ours into a notice; anything else is a bug and stays one."""
    try:
        yield
    except BatchRunnerError as error:
        show(place, "bad", error.describe())


def show(place: Place, kind: Kind, message: str) -> None:
    """Keep a notice until the next action in the same place."""
    st.session_state.setdefault(_KEY, {})[place] = (kind, message)


def clear(place: Place) -> None:
    """Remove the notice there."""
    st.session_state.get(_KEY, {}).pop(place, None)


def draw(place: Place) -> None:
    """Show the notice of this place, as text. The container keeps what follows from moving in the page."""
    kind, message = st.session_state.get(_KEY, {}).get(place, ("", ""))
    box = {"good": st.success, "bad": st.error, "note": st.info}.get(kind)
    with st.container():
        if box is not None:
            box(escape_markdown(message))


def draw_error(error: BatchRunnerError) -> None:
    """Show an error of ours where it belongs, with what can be done about it."""
    st.error(escape_markdown(error.describe()))


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is written: nothing in it becomes a link, an image or a format.

    Bare addresses, which Markdown makes links of even where every sign is escaped, are parted by a sign of no width.
    """
    separated = _ADDRESS.sub(lambda match: match[0] + WORD_JOINER, text)
    return "".join(f"\\{char}" if char in _MARKDOWN_CHARS else char for char in separated)


WORD_JOINER = "\u2060"
_ADDRESS = re.compile(r":(?=//)|www(?=\.)|@", re.IGNORECASE)
_MARKDOWN_CHARS = frozenset("\\`*_{}[]()<>#+-.!|~$:")
