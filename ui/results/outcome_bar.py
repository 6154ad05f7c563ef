"""What became of the rows, at a glance: one bar for all of them, and a group to click for each part of it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from batch.model import Outcome
from batch.responses.outcome_groups import GROUPS, OutcomeGroup, group_counts
from batch.responses.outcome_tables import LABELS
from ui.shared.format import OUTCOME_COLOURS, outcome

ALL = "all"
_HUES = {
    OutcomeGroup.GOOD: "light-dark(#0b6e69, #3fb8ae)",
    OutcomeGroup.TRY_AGAIN: "light-dark(#b45309, #f0a04b)",
    OutcomeGroup.DECIDE: "light-dark(#5b4bb5, #a49bf0)",
    OutcomeGroup.LOST: "light-dark(#a8323f, #ef8a95)",
}
ICONS = {
    OutcomeGroup.GOOD: ":green[:material/check:]",
    OutcomeGroup.TRY_AGAIN: ":orange[:material/refresh:]",
    OutcomeGroup.DECIDE: ":violet[:material/help:]",
    OutcomeGroup.LOST: ":red[:material/close:]",
}


def draw_groups(run_id: str, counts: Mapping[str, int]) -> None:
    """Draw all and the groups that there are; clicking some of them narrows the table to their rows."""
    groups = {group: number for group, number in group_counts(counts).items() if number}
    labels = {group: f"{ICONS[group]} **{number:,}** {group}" for group, number in groups.items()}
    st.session_state.setdefault(_groups_key(run_id), [ALL])
    st.pills(
        "Rows by what they ask of you",
        [ALL, *groups],
        selection_mode="multi",
        format_func=lambda group: labels.get(group, f"All **{sum(groups.values()):,}**"),
        key=_groups_key(run_id),
        on_change=_settle,
        args=(run_id,),
        label_visibility="collapsed",
        persist_state="session",
    )


def draw_kinds(run_id: str, counts: Mapping[str, int]) -> None:
    """Draw the outcomes one by one, for who wants to know exactly."""
    names = [name for name in OUTCOME_COLOURS if counts.get(name)]
    st.pills(
        "By kind",
        names,
        selection_mode="multi",
        format_func=lambda name: label(name, counts),
        key=_kinds_key(run_id),
        help="  \n".join(f"**{outcome(name)}**: {LABELS[name]}" for name in names),
        persist_state="session",
    )


def label(name: Outcome, counts: Mapping[str, int]) -> str:
    """An outcome and its number of rows, with the colour it has in the bar."""
    return f":{OUTCOME_COLOURS[name]}[●] {outcome(name)} {counts.get(name, 0):,}"


def selected_outcomes(run_id: str) -> tuple[str, ...]:
    """The outcomes that are clicked, one by one or with their group."""
    kinds = [Outcome(name) for name in st.session_state.get(_kinds_key(run_id)) or ()]
    groups = set(_chosen_groups(run_id))
    if not kinds:
        return tuple(name.value for name, group in GROUPS.items() if group in groups)
    return tuple(name.value for name in kinds if not groups or GROUPS[name] in groups) or tuple(kinds)


def restore(run_id: str, counts: Mapping[str, int], asked: Mapping[str, str]) -> None:
    """Narrow to the groups and kinds that an address names, as far as there are such rows."""
    groups = {group.name.lower(): group for group, number in group_counts(counts).items() if number}
    kinds = {name.value: name for name in OUTCOME_COLOURS if counts.get(name)}
    named = [groups[one] for one in asked.get("rows", "").split(",") if one in groups]
    st.session_state[_groups_key(run_id)] = st.session_state[_before_key(run_id)] = named or [ALL]
    st.session_state[_kinds_key(run_id)] = [kinds[one] for one in asked.get("kinds", "").split(",") if one in kinds]


def asked(run_id: str) -> dict[str, str]:
    """The same as an address has it."""
    groups = (group.name.lower() for group in _chosen_groups(run_id))
    kinds = (Outcome(name).value for name in st.session_state.get(_kinds_key(run_id)) or ())
    return {"rows": ",".join(groups), "kinds": ",".join(kinds)}


def clear(run_id: str) -> None:
    """Narrow to nothing in particular."""
    st.session_state[_groups_key(run_id)] = [ALL]
    st.session_state[_kinds_key(run_id)] = []


def _settle(run_id: str) -> None:
    """Either all or some: a click on all takes the others back, one on a group takes all back, and none is all."""
    key, before = _groups_key(run_id), _before_key(run_id)
    chosen = list(st.session_state.get(key) or ())
    groups = [group for group in chosen if group != ALL]
    had_groups = any(group != ALL for group in st.session_state.get(before) or ())
    st.session_state[key] = [ALL] if not groups or (ALL in chosen and had_groups) else groups
    st.session_state[before] = st.session_state[key]


def bar(counts: Mapping[str, int]) -> str:
    """All rows as one bar, its parts as wide as their numbers but never too thin to be seen."""
    groups = {group: number for group, number in group_counts(counts).items() if number}
    parts = "".join(
        f'<span title="{group}: {number:,}" style="flex:{number} 0 6px;background:{_HUES[group]}"></span>'
        for group, number in groups.items()
    )
    description = ", ".join(f"{number:,} {group}" for group, number in groups.items())
    return f'<div class="gbr-bar" role="img" aria-label="Rows: {description}">{parts}</div>'


def _chosen_groups(run_id: str) -> list[OutcomeGroup]:
    """The groups that are clicked; none where all rows are shown."""
    return [OutcomeGroup(group) for group in st.session_state.get(_groups_key(run_id)) or () if group != ALL]


def _before_key(run_id: str) -> str:
    return f"groups-before-{run_id}"


def _groups_key(run_id: str) -> str:
    return f"groups-of-outcomes-{run_id}"


def _kinds_key(run_id: str) -> str:
    return f"outcomes-{run_id}"
