"""What a first visitor reads and sees: what the product does, in one sentence, and an example of what comes back."""

from __future__ import annotations

import streamlit as st

from ui.answers.grid import GridColumn, grid_html

SENTENCE = (
    "Ask Gemini the same thing about every row, page or picture. "
    "The answers come back beside them, at half the price of single calls."
)
CAPTION = "What comes back"
COLUMNS = (
    GridColumn("item", quiet=True),
    GridColumn("comment", quiet=True),
    GridColumn("mood", answer=True),
    GridColumn("urgent", answer=True, number=True),
    GridColumn("part", answer=True),
)
ROWS = (
    ("Lantern, blue", "Broke in a week", "negative", "5", "hinge"),
    ("Tent, 2 people", "Dry in a storm", "positive", "1", ""),
    ("Stove", "Heats, but loud", "neutral", "2", "noise"),
    ("Rucksack 40 l", "Strap tore off", "negative", "4", "strap"),
)
SHARES = {"good": 188, "again": 8, "decide": 3, "lost": 1}  # of the 200 rows that the table is said to have


def draw() -> None:
    """Draw rows with their answers, and how such a run ends in numbers."""
    parts = "".join(f'<i class="gbr-{tone}" style="flex:{number}"></i>' for tone, number in SHARES.items())
    with st.container(border=True, key="example", gap="xsmall"):
        st.markdown(f"**{CAPTION}** :small[your columns, then the answers]")
        st.html(grid_html(f"{CAPTION}: an example", COLUMNS, ROWS) + f'<div class="gbr-shares">{parts}</div>')
        st.caption("188 of 200 rows good · 8 to try again · 3 to decide · 1 lost · \\$0.09")
