"""The few rules of style that the theme's settings cannot say."""

from __future__ import annotations

import streamlit as st

_RULES = """<style>
/* The banner stays in sight, and sections that are scrolled to stop below it. */
.st-key-banner {position: sticky; top: 0; z-index: 100; background: light-dark(#ffffff, #0f1615);}
.st-key-submit, .st-key-monitor, .st-key-results {scroll-margin-top: 5rem;}
/* What works unseen takes no room. */
.st-key-errands-first, .st-key-errands-last, .st-key-preferences {
  position: absolute; width: 1px; height: 1px; overflow: hidden; visibility: hidden;
}
/* A chosen segment is written in the primary colour, which is too dim on a dark page. */
[data-testid="stButtonGroup"] [data-selected="true"] p {color: light-dark(#0b6e69, #5fd0c6);}
/* Four modes fit the sidebar in one line. */
.st-key-context button {padding-inline: 0.45rem;}
/* A table's own search would look at the visible page only. */
[data-testid="stElementToolbarButton"]:has([aria-label^="Search"]) {display: none;}
</style>"""


def draw() -> None:
    """Add the rules to the page."""
    st.html(_RULES)
