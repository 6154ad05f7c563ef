"""The plan: which texts are shared, how each is best paid for, what that saves. Every choice can be changed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from batch.arrangement.rules import Rule
from batch.formatting import money, plural
from gem_cache import CachingChoice, Group, Hint
from lifecycle.inputs.drafts import Draft
from ui.pricing import group_texts, rearranged
from ui.pricing.forecasts import DisplayedForecast
from ui.pricing.plan_chart import chart_options
from ui.pricing.price_words import PLAN_WORTH_OPENING, is_plan_worth_opening
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown

GROUPS_PER_PAGE = 10
PREVIEW_CHARACTERS, TEXT_CHARACTERS = 160, 600  # a box to scroll in could not be reached by keyboard
LABELS = {CachingChoice.NONE: "none", CachingChoice.IMPLICIT: "implicit", CachingChoice.EXPLICIT: "explicit"}
MOVES: dict[str, str] = {
    Rule.SYSTEM_APART: "Move it to the end",
    Rule.SYSTEM_WORD: "Add one",
    Rule.OWN_PART: "Make it a part",
    Rule.TOOLS_IN_ORDER: "Use one order",
}
"""What a click does, where that is not to move something first."""
MAX_HOURS = 48.0
_CHANGED = "plan_changed"
_CACHE_PAYS = {
    "too small": "too small for a cache of this model",
    "always": "a cache pays however long the job takes",
    "never": "a cache does not pay",
    "not known": "",
}


def draw(displayed: DisplayedForecast, given: Draft | None = None) -> None:
    """Draw the plan of a draft; what is chosen in it shows in the next forecast.

    `given` is the draft where its requests may still be arranged otherwise.
    """
    key_suffix = "some" if displayed.groups else "none"
    with st.expander(
        escape_markdown(_title(displayed)),
        expanded=is_plan_worth_opening(displayed.forecast.estimate) or _is_moving_worth_it(displayed),
        key=f"plan-{key_suffix}",
    ):
        st.caption(escape_markdown(_describe_totals(displayed)))
        if displayed.groups:
            _draw_groups(displayed)
            if displayed.priced:
                _draw_chart(displayed)
        _draw_level(displayed)
        for hint in displayed.hints:
            _draw_hint(hint, displayed, given)
        _draw_settings(displayed)


def _draw_chart(displayed: DisplayedForecast) -> None:
    st.caption("Input cost by how long the job takes. A cache is paid for as long as it lives.")
    options = chart_options(displayed.curve, displayed.forecast.hours, displayed.groups)
    st.echarts_chart(options, height=290, alt="Input cost of this plan, of the best one, and without a cache, by hours")


def _best_moving(displayed: DisplayedForecast) -> Hint | None:
    """The hint that saves the most by moving what is shared; None without any."""
    return next((hint for hint in displayed.hints if hint.rules), None)


def _is_moving_worth_it(displayed: DisplayedForecast) -> bool:
    """Whether that saves enough of the whole price for the plan to be shown unasked."""
    moving, price = _best_moving(displayed), displayed.forecast.estimate.uncached.expected
    return moving is not None and price is not None and moving.usd_saved >= PLAN_WORTH_OPENING * price


def _title(displayed: DisplayedForecast) -> str:
    usd, caches = displayed.forecast.plan.totals.usd, len(displayed.forecast.plan.caches)
    if not displayed.priced:
        return "Plan: no cache, because the model's prices are unknown"
    if caches:
        return f"Plan: {plural(caches, 'explicit cache')}, input {money(usd.chosen)} instead of {money(usd.uncached)}"
    if moving := _best_moving(displayed):
        price = f"{money(moving.usd - moving.usd_saved)} instead of {money(moving.usd)}"
        return f"Plan: no cache yet; with shared text first, input {price}"
    return "Plan: no explicit cache" if displayed.groups else "Plan: no text is shared that a cache could pay for"


def _describe_totals(displayed: DisplayedForecast) -> str:
    totals = displayed.forecast.plan.totals
    usd = totals.usd
    shared = f"{plural(totals.requests, 'request')}, {plural(len(displayed.groups), 'shared text')}."
    unsent = totals.requests - totals.sent
    duplicates_text = f" {plural(unsent, 'request')} equal to another, not sent again." if unsent else ""
    if not displayed.priced:
        return f"{shared}{duplicates_text}"
    return (
        f"{shared}{duplicates_text} Input: {money(usd.chosen)} as planned, {money(usd.uncached)} without a cache, "
        f"{money(usd.standard)} at standard price."
    )


# -- groups ------------------------------------------------------------------------------------------------------------


def _draw_groups(displayed: DisplayedForecast) -> None:
    """The table and the group that was clicked, drawn again without the rest of the page."""
    groups, texts, order = displayed.groups, displayed.texts, _order(displayed.groups)

    @st.fragment(key="groups")
    def draw_table() -> None:
        if st.session_state.pop(_CHANGED, False):
            st.rerun()
        pages = -(-len(order) // GROUPS_PER_PAGE)
        page = min(int(st.session_state.get("groups_page") or 1), pages)
        shown = order[(page - 1) * GROUPS_PER_PAGE : page * GROUPS_PER_PAGE]
        missing = [groups[index] for index in shown if groups[index].id not in texts]
        texts.update(group_texts.texts(displayed.forecast.plan, missing))
        selected = _draw_table(groups, shown, texts, displayed.priced, page)
        if pages > 1:
            st.pagination(pages, key="groups_page", max_visible_pages=5)
        if selected is not None:
            _draw_detail(groups[selected], texts[groups[selected].id], displayed.priced)

    draw_table()


def _order(groups: Sequence[Group]) -> list[int]:
    """Places of the groups, those with caches first, then those with most at stake."""
    return sorted(
        range(len(groups)),
        key=lambda index: (not groups[index].served, -groups[index].requests * groups[index].prefix_tokens),
    )


def _draw_table(
    groups: Sequence[Group], shown: Sequence[int], texts: dict[str, str], priced: bool, page: int
) -> int | None:
    """One page of groups, what is decided first, since a phone shows few columns. Returns the place clicked."""
    numbers = {group.id: n for n, group in enumerate(groups, 1)}
    rows = [_row(groups[index], numbers, texts, priced) for index in shown]
    table = pd.DataFrame(rows)
    money_format = _money_format([group.usd.none for group in groups])
    event = st.dataframe(
        table.drop(columns=[name for name in table.columns if table[name].isna().all()]),
        key=f"groups-{page}",
        hide_index=True,
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        column_config={
            "#": st.column_config.NumberColumn(width=40),
            "Continues": st.column_config.NumberColumn(width=80, help="The text that this one goes on from"),
            "Requests": st.column_config.NumberColumn(format="localized"),
            "Tokens": st.column_config.NumberColumn(format="localized"),
            "Cache pays": st.column_config.TextColumn(help="How long the job may take for a cache to be the cheapest"),
            "Shared text": st.column_config.TextColumn(width=230),
            **{name: st.column_config.NumberColumn(format=money_format) for name in ("None", "Implicit", "Explicit")},
        },
        placeholder="",
        alt="Shared texts with requests, tokens, the cost of each way to pay for them, and the choice",
    )
    selection = event["selection"]
    indexes = [*selection["rows"], *(row for row, _ in selection["cells"])]
    if not indexes:
        return shown[0] if len(groups) == 1 else None
    return shown[indexes[0]]


def _row(group: Group, numbers: dict[str, int], texts: dict[str, str], priced: bool) -> dict[str, object]:
    usd = group.usd
    return {
        "#": numbers[group.id],
        "Choice": LABELS[group.choice] + (" (yours)" if group.overridden else ""),
        "None": usd.none if priced else None,
        "Explicit": usd.explicit if priced else None,
        "Implicit": usd.implicit if priced else None,
        "Cache pays": _break_even(group) if priced else None,
        "Requests": group.requests,
        "Tokens": group.prefix_tokens,
        "Continues": numbers.get(group.parent or ""),
        "Shared text": truncate(" ".join(texts[group.id].split()), PREVIEW_CHARACTERS),
    }


def _break_even(group: Group) -> str:
    """For how long an explicit cache is the cheapest way."""
    hours = group.break_even_hours
    if not group.possible:
        return "too small"
    if hours is None:
        return "not known"
    if hours <= 0:
        return "never"
    return "always" if hours > MAX_HOURS else f"up to {hours:.1f} h"


def _money_format(amounts: Sequence[float | None]) -> str:
    """As many decimals as the largest amount asks for."""
    largest = max((usd for usd in amounts if usd is not None), default=1.0)
    return "$%.2f" if largest >= 10 else "$%.4f" if largest >= 0.01 else "$%.6f"


def _draw_detail(group: Group, text: str, priced: bool) -> None:
    """One group: its text, and the choice."""
    with st.container(border=True, key="group-detail"):
        usd = group.usd
        st.caption(escape_markdown(_describe_group(group)))
        st.code(truncate(text, TEXT_CHARACTERS), language=None, wrap_lines=True)
        prices = {
            CachingChoice.NONE: usd.none,
            CachingChoice.IMPLICIT: usd.implicit,
            CachingChoice.EXPLICIT: usd.explicit,
        }
        possible = [choice for choice in CachingChoice if choice is not CachingChoice.EXPLICIT or group.possible]
        key = f"choice-{group.id}"
        st.session_state[key] = group.choice.value if group.overridden else ""
        st.segmented_control(
            "How it is paid for",
            ["", *(choice.value for choice in possible)],
            key=key,
            required=True,
            persist_state="session",
            format_func=lambda name: _choice_label(name, prices, priced),
            on_change=_override,
            args=(group.id,),
        )


def _choice_label(name: str, prices: dict[CachingChoice, float | None], priced: bool) -> str:
    if not name:
        return "As planned"
    label = LABELS[CachingChoice(name)].capitalize()
    return escape_markdown(f"{label} {money(prices[CachingChoice(name)])}") if priced else label


def _describe_group(group: Group) -> str:
    counted = "" if group.counted else "about "
    parts = [
        f"{plural(group.requests, 'request')} begin with these {counted}{plural(group.prefix_tokens, 'token')}",
        _CACHE_PAYS.get(_break_even(group), f"a cache pays {_break_even(group)}"),
    ]
    return " · ".join(part for part in parts if part)


def _override(group: str) -> None:
    """Note the user's choice for one group, or take it back."""
    choices = dict(st.session_state.get("overrides") or {})
    choices.pop(group, None)
    if st.session_state[f"choice-{group}"]:
        choices[group] = st.session_state[f"choice-{group}"]
    st.session_state["overrides"] = choices
    st.session_state[_CHANGED] = True


# -- hints and settings ------------------------------------------------------------------------------------------------


def _draw_settings(displayed: DisplayedForecast) -> None:
    """What the plan assumes and may do."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="plan-settings"):
        st.number_input(
            "Expected hours",
            0.1,
            MAX_HOURS,
            value=None,
            step=1.0,
            key="hours",
            placeholder=f"{displayed.forecast.hours.expected:.1f}",
            help="How long the job will take. Empty: learned from your finished jobs, four hours at first.",
            persist_state="session",
            width=150,
        )
        st.session_state.setdefault("split_texts", True)
        st.checkbox(
            "Cache beginnings of texts",
            key="split_texts",
            help="Where texts begin alike and it saves 5 % of the input or more, their beginning is cached, up to a "
            "line end, and the rest is sent as a part of its own. Otherwise texts stay whole.",
            persist_state="session",
        )
        st.checkbox(
            "Send equal requests once",
            key="dedupe",
            help="Equal requests get one answer. At temperature 0 this is done anyway.",
            persist_state="session",
        )
        if displayed.forecast.plan.caches:
            st.session_state.setdefault("allow_plain", True)
            price = money(displayed.forecast.estimate.uncached.expected)
            st.checkbox(
                f"If Google refuses caches, pay {price}",
                key="allow_plain",
                help="Then the run goes on without them and pays the shared text in full, within your budget. "
                "Otherwise it stops.",
                persist_state="session",
            )


def _draw_hint(hint: Hint, displayed: DisplayedForecast, given: Draft | None) -> None:
    """Say what would save more; where a click is enough, offer it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(escape_markdown(hint.words(displayed.priced)), width="content")
        if hint.rules and given is not None:
            saves = f": saves {money(hint.usd_saved)}" if displayed.priced else ""
            st.button(
                escape_markdown(f"{MOVES.get(hint.kind, 'Move it first')}{saves}"),
                key=f"move-{hint.kind}",
                on_click=rearranged.move,
                args=(given, displayed.forecast.plan, hint.rules),
                help="Requests are then sent with what they share first. One of them is shown before and after, and "
                "each rule can be refused.",
            )
        if hint.kind == "text":
            st.button("Cache beginnings of texts", key="hint-text", on_click=_cut_texts, args=(True,))


def _draw_level(displayed: DisplayedForecast) -> None:
    """Say that texts are cut, where the plan chose so, with the way back."""
    saved = displayed.forecast.plan.usd_saved_inside_texts
    if saved is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        saves = f" That saves {money(saved)}." if displayed.priced else ""
        st.caption(
            escape_markdown(
                f"Texts that begin alike are sent in two parts, cut at a line end: the beginning is cached.{saves}"
            ),
            width="content",
        )
        st.button("Keep texts whole", key="keep-whole", on_click=_cut_texts, args=(False,))


def _cut_texts(wanted: bool) -> None:
    st.session_state["split_texts"] = st.session_state["split_always"] = wanted
