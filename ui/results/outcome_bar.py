"""What became of the rows, at a glance: one bar for all of them, and an outcome to click for each part of it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from batch.formatting import plural
from batch.model import Outcome
from batch.responses.outcome_tables import LABELS
from ui.shared.format import OUTCOME_COLOURS, outcome

_HUES = {
    "green": "light-dark(#0b6e69, #3fb8ae)",
    "orange": "light-dark(#d97706, #f0a04b)",
    "violet": "light-dark(#6d5bd0, #a49bf0)",
    "red": "light-dark(#c0392b, #ef7d72)",
    "gray": "light-dark(#84918e, #7d8b88)",
}


def draw(run_id: str, counts: Mapping[str, int]) -> None:
    """Draw the bar and the outcomes; clicking some of them narrows the table to their rows."""
    names = [name for name in OUTCOME_COLOURS if counts.get(name)]
    st.html(bar(counts))
    st.pills(
        "Outcomes",
        names,
        selection_mode="multi",
        format_func=lambda name: label(name, counts),
        key=_key(run_id),
        persist_state="session",
        help="  \n".join(f"**{outcome(name)}**: {LABELS[name]}" for name in names),
    )


def draw_attention(run_id: str, counts: Mapping[str, int]) -> None:
    """Offer to narrow the table to everything but plain answers, where there is both."""
    rest = [name for name in OUTCOME_COLOURS if counts.get(name) and name is not Outcome.ANSWERED]
    if rest and counts.get(Outcome.ANSWERED):
        number = sum(counts[name] for name in rest)
        text = f"Only the {plural(number, 'row')} that {'needs' if number == 1 else 'need'} attention"
        st.button(text, key=f"attention-{run_id}", on_click=_select, args=(run_id, rest))


def label(name: Outcome, counts: Mapping[str, int]) -> str:
    """An outcome and its number of rows, with the colour it has in the bar."""
    return f":{OUTCOME_COLOURS[name]}[●] {outcome(name)} {counts[name]:,}"


def selected_outcomes(run_id: str) -> tuple[str, ...]:
    """The outcomes that are clicked."""
    return tuple(Outcome(name).value for name in st.session_state.get(_key(run_id)) or ())


def bar(counts: Mapping[str, int]) -> str:
    """All rows as one bar, its parts as wide as their numbers but never too thin to be seen."""
    names = [name for name in OUTCOME_COLOURS if counts.get(name)]
    parts = "".join(
        f'<span title="{outcome(name)}: {counts[name]:,}" style="flex:{counts[name]} 0 4px;'
        f'background:{_HUES[OUTCOME_COLOURS[name]]}"></span>'
        for name in names
    )
    description = ", ".join(f"{counts[name]:,} {outcome(name)}" for name in names)
    style = "display:flex;gap:2px;height:0.9rem;border-radius:0.45rem;overflow:hidden"
    return f'<div role="img" aria-label="Rows by outcome: {description}" style="{style}">{parts}</div>'


def _select(run_id: str, names: list[Outcome]) -> None:
    st.session_state[_key(run_id)] = names


def _key(run_id: str) -> str:
    return f"outcomes-{run_id}"
