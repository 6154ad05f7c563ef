"""What fails while the page is drawn is said in plain words, and the page stays one that can be used."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from batch.errors import BatchRunnerError
from ui.shared.notices import escape_markdown

UNEXPECTED = "Something went wrong here. Your runs go on. Reload the page; the server's log has the details."
log = logging.getLogger("gemini_batch_runner")


def show(error: Exception) -> bool:
    """Say it; the details of a bug are logged. A database that is away is none, and awaited."""
    if isinstance(error, BatchRunnerError):
        st.warning(escape_markdown(error.describe()))
    else:
        log.error("The page failed", exc_info=error)
        st.error(UNEXPECTED)
    forget_fragments_not_drawn()
    return True


@contextlib.contextmanager
def section(key: str) -> Iterator[None]:
    """A part of the page: a bug in it is told in its place, and what comes after it is drawn as ever."""
    with st.container(key=key):
        try:
            yield
        except BatchRunnerError:
            raise  # the whole page waits for the database
        except Exception as error:
            show(error)


def forget_fragments_not_drawn() -> None:
    """Let no fragment tick whose place is gone.

    Streamlit (1.67) forgets them only where the whole script ends well. A tick that comes after one that did not is
    drawn into a container that the browser no longer has, for which it throws everything away: a blank page.
    """
    context = get_script_run_ctx()
    if context is not None and not context.fragment_ids_this_run:
        context.fragment_storage.clear(new_fragment_ids=context.shared.new_fragment_ids.snapshot())
