"""The few rules of style that the theme's settings cannot say."""

from __future__ import annotations

import streamlit as st

_RULES = """<style>
/* The banner stays in sight, and sections that are scrolled to stop below it. */
.st-key-banner {position: sticky; top: 0; z-index: 100; background: light-dark(#ffffff, #0f1615);}
.st-key-submit, .st-key-monitor, .st-key-results {scroll-margin-top: 5rem;}
/* What works unseen takes no room. */
.st-key-browser-actions-first, .st-key-browser-actions-last, .st-key-preferences {
  position: absolute; width: 1px; height: 1px; overflow: hidden; visibility: hidden;
}
/* A chosen segment is written in the primary colour, which is too dim on a dark page. */
[data-testid="stButtonGroup"] [data-selected="true"] p {color: light-dark(#0b6e69, #5fd0c6);}
/* Four modes fit the sidebar in one line. */
.st-key-context button {padding-inline: 0.45rem;}
/* The way forward is filled only while there is something to send; it stays, because a click on it also ends typing. */
.st-key-submit:not(:has(.st-key-checked .st-key-ready)) .st-key-sending button[kind="primary"]:enabled {
  background: transparent; color: inherit; border-color: light-dark(#84918e, #7d8b88);
}
/* A table's own search would look at the visible page only. */
[data-testid="stElementToolbarButton"]:has([aria-label^="Search"]) {display: none;}
/* Two answers side by side: the text as it is, what differs marked. */
.gbr-pair {
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 26rem; overflow: auto; padding: 0.6rem 0.75rem;
  border-radius: 0.5rem; background: light-dark(#f1f5f4, #1a2422); font-size: 0.875rem;
}
.gbr-pair del, .gbr-pair ins {text-decoration: underline; text-underline-offset: 0.2em; border-radius: 0.2rem;}
.gbr-pair del {background: light-dark(#fbdcd2, #6b2a1c);}
.gbr-pair ins {background: light-dark(#c9efdc, #14523f);}
</style>"""


def draw() -> None:
    """Add the rules to the page."""
    st.html(_RULES)
