"""Context that requests share: how it is paid for, pasted text, documents, or a cache that holds it all."""

from __future__ import annotations

import streamlit as st

from batch.errors import InputError
from batch.formatting import quoted_list
from batch.model import ContextMode
from cache_utils import CachedText, CacheFile
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from ui.shared import preferences
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown
from ui.submit import cache_form, documents

MODES = {
    ContextMode.AUTO: "Auto",
    ContextMode.EXPLICIT: "Explicit",
    ContextMode.IMPLICIT: "Implicit",
    ContextMode.NONE: "None",
}
HELP = """
How text that requests share is paid for. The price of each way is shown before you submit.

**Auto**: whichever way is cheapest for each shared text, by arithmetic.

**Explicit**: shared text is stored at Google and read at the cached price. Making a cache and each hour that it is kept
cost. The run makes and deletes its own, or you choose one that you have.

**Implicit**: shared text goes first in every request, identical to the byte. Google may find it again and charge less;
nothing is promised.

**None**: every request pays in full.
"""
MAX_CHARACTERS = 1_000_000


def draw_mode() -> None:
    """Choose how shared text is paid for."""
    remembered = preferences.recall("context")
    st.session_state.setdefault("context", ContextMode(remembered) if remembered in MODES else ContextMode.AUTO)
    st.segmented_control(
        "Context mode",
        list(MODES),
        key="context",
        required=True,
        persist_state="session",
        format_func=MODES.__getitem__,
        on_change=_remember,
        help=HELP,
        width="stretch",
    )


def _remember() -> None:
    preferences.remember(context=mode().value)


def mode() -> ContextMode:
    """The mode in force."""
    return ContextMode(st.session_state.get("context") or ContextMode.AUTO)


def draw(runner: Runner, account: Account | None, model: str, system_instruction: str) -> None:
    """Paste text, drop documents; in mode Explicit, choose a cache or make one of them."""
    explicit = mode() is ContextMode.EXPLICIT
    key = f"shared-{'open' if explicit else 'closed'}"
    with st.container(key="shared"):
        drawer = st.expander("Shared context", expanded=explicit, key=key, on_change="rerun")
        if not drawer.open and _summary():
            st.caption(_summary())
    if not drawer.open:
        return
    with drawer:
        if explicit and account:
            cache_form.draw_selector(runner, account, model)
        if chosen_cache():
            st.caption(
                "Every request uses this cache; a system instruction and text set here are not sent. Its storage is "
                "not in the price below."
            )
            st.checkbox(
                "Delete this cache when the run ends",
                key="end_cache",
                help="Otherwise it is charged for until it expires, and can be used again.",
                persist_state="session",
            )
            return
        st.text_area(
            "Text put before every request",
            key="shared_text",
            height=120,
            max_chars=MAX_CHARACTERS,
            persist_state="session",
        )
        documents.draw()
        if explicit and account and fingerprint() != ("",):
            cache_form.draw_form(runner, account, cache_contents(model, system_instruction), _default_cache_name())
        elif _media_names():
            st.warning("PDF and pictures can be shared only through an explicit cache.")
            st.button("Use an explicit cache", key="go-explicit", on_click=_use_explicit_mode)


def chosen_cache() -> str:
    """`cachedContents/…` that every request is to use; "" for none."""
    return cache_form.selected() if mode() is ContextMode.EXPLICIT else ""


def fingerprint() -> tuple[str, ...]:
    """All that the shared part of the requests depends on; costs nothing."""
    cache = chosen_cache()
    return ("", cache) if cache else (_pasted_text(), *(str(document.path) for document in documents.current()))


def shared_text() -> str:
    """What goes before every request; "" if a chosen cache holds it.

    Raises InputError while there are documents that only a cache can share.
    """
    if chosen_cache():
        return ""
    if _media_names():
        advice = "" if mode() is ContextMode.EXPLICIT else "choose the context mode Explicit and "
        raise InputError(
            f"{quoted_list(_media_names(), 3)} can be shared only through an explicit cache.",
            f"Under Shared context, {advice}create a cache, or remove it.",
        )
    return _joined_texts()


def cache_contents(model: str, system_instruction: str) -> CachedText:
    """What a cache of all that is here would hold."""
    files = tuple(
        CacheFile(document.path, document.mime_type) for document in documents.current() if document.mime_type
    )
    return CachedText(model, text=_joined_texts(), files=files, system_instruction=system_instruction)


def clear() -> None:
    """Clear what was pasted and dropped, and choose no cache."""
    documents.clear()
    cache_form.select("")
    st.session_state.update(shared_text="", end_cache=False)


def _joined_texts() -> str:
    """Pasted text and the texts of documents, a blank line between them."""
    return "\n\n".join(
        text for text in (_pasted_text(), *(document.text for document in documents.current())) if text.strip()
    )


def _pasted_text() -> str:
    return str(st.session_state.get("shared_text") or "")


def _summary() -> str:
    """What is in the expander while it is closed."""
    if chosen_cache():
        return "Every request uses a cache."
    contents = [
        *(["pasted text"] if _pasted_text().strip() else []),
        *(truncate(document.name, 40) for document in documents.current()),
    ]
    return escape_markdown(f"Shared by all requests: {', '.join(contents)}.") if contents else ""


def _media_names() -> list[str]:
    return [document.name for document in documents.current() if document.mime_type]


def _default_cache_name() -> str:
    """What a cache of this is called if nobody says otherwise."""
    return next((document.path.with_name(document.name).stem for document in documents.current()), "context")


def _use_explicit_mode() -> None:
    st.session_state["context"] = ContextMode.EXPLICIT
