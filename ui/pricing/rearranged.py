"""Requests that are sent with what they share first, since the user said so: which rules, one row before and after."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from batch.arrangement.rules import RULE_WORDS, Rule, in_order
from batch.formatting import plural
from gem_cache import Plan
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.rearranged_draft import Example, RearrangedDraft
from lifecycle.planning.tried_rows import Tries
from lifecycle.runner import Runner
from lifecycle.services.tries import ROWS
from ui.answers import fields_editor, tries
from ui.answers.grid import GridColumn, grid_html
from ui.shared import notices
from ui.shared.app_state import get_state
from ui.shared.notices import escape_markdown

_STORED = "rearranged"


@dataclass(frozen=True)
class _Rearranged:
    """A draft as it was given, its plan, the rules that were offered, and the draft that is sent instead."""

    given: Draft
    plan: Plan
    offered: tuple[Rule, ...]
    done: RearrangedDraft


def move(draft: Draft, plan: Plan, offered: Sequence[Rule]) -> None:
    """Arrange the requests of a draft by some rules. For callbacks."""
    with notices.errors_to_notice("submit"):
        _store(draft, plan, tuple(offered), frozenset(offered))


def to_send(draft: Draft) -> Draft:
    """The draft that is sent: the given one, or that with its requests arranged."""
    stored = _stored(draft)
    return draft if stored is None else stored.done.draft


def draw(runner: Runner, account: Account | None, spec: RunSpec, draft: Draft | None) -> Draft | None:
    """Say how requests are sent, if otherwise than given. Returns the draft that is sent."""
    stored = _stored(draft)
    if draft is None or stored is None:
        return draft
    done = stored.done
    tries.follow(done.draft, draft, otherwise=" ".join(done.rules))
    with st.container(border=True, key="rearranged"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(escape_markdown(done.describe()), width="stretch")
            st.button("Send as written", key="send-as-written", on_click=_forget)
        for rule in stored.offered:
            key = f"rule-{rule}"
            st.session_state[key] = rule in done.rules
            st.checkbox(RULE_WORDS[rule], key=key, persist_state="session", on_change=_choose)
        if done.example is not None:
            with st.expander("One row, before and after", key="rearranged-example"):
                _draw_example(done.example)
        _draw_tries(runner, account, spec, draft, done.draft)
    return done.draft


def _draw_example(example: Example) -> None:
    for column, title, parts in zip(
        st.columns(2), ("As written", "As it is sent"), (example.before, example.after), strict=True
    ):
        with column:
            st.caption(title)
            for part in parts:
                st.code(part, language=None, wrap_lines=True)


def _draw_tries(runner: Runner, account: Account | None, spec: RunSpec, given: Draft, sent: Draft) -> None:
    """The answers to the same rows both ways, or the offer to ask for them: those that are missing, by one click."""
    ways = {draft.folder: tries.of_draft(draft) for draft in (given, sent)}
    before, after = ways[given.folder], ways[sent.folder]
    if before is not None and after is not None:
        st.html(answers_html(before, after))
    elif account is not None and fields_editor.is_offered(runner, spec.model):
        rows, missing = min(ROWS, given.rows), [draft for draft in (given, sent) if ways[draft.folder] is None]
        pending = any(tries.is_pending(str(draft.folder)) for draft in missing)
        both = "both ways" if len(missing) > 1 else "as written, too" if before is None else "as they are sent, too"
        st.button(
            f"Trying {rows} {both}…" if pending else f"Try {plural(rows, 'row')} {both}",
            key="try-both-ways",
            disabled=tries.is_pending(),
            on_click=tries.start,
            args=(runner, account, missing, spec),
            help="The same rows are answered as written and as they are sent, and the answers stand side by side. "
            "Every answer is paid, at the standard price.",
        )


def answers_html(before: Tries, after: Tries) -> str:
    """The answers to the rows that were tried both ways, beside each other."""
    others = {row.n: row for row in after.rows}
    columns = [GridColumn("row", quiet=True, number=True), GridColumn("as written"), GridColumn("as sent", answer=True)]
    rows = [
        [f"{row.n + 1:,}", row.text or row.error, others[row.n].text or others[row.n].error]
        for row in before.rows
        if row.n in others
    ]
    return grid_html("Answers both ways", columns, rows)


def _stored(draft: Draft | None) -> _Rearranged | None:
    stored: _Rearranged | None = st.session_state.get(_STORED)
    return stored if stored is not None and draft is not None and stored.given.folder == draft.folder else None


def _store(draft: Draft, plan: Plan, offered: tuple[Rule, ...], rules: frozenset[Rule]) -> None:
    done = get_state().runner.forecasts.rearrange(draft, plan, rules)
    _forget()
    st.session_state[_STORED] = _Rearranged(draft, plan, offered, done)


def _choose() -> None:
    """Follow the rules that are chosen now; with none of them, send as written."""
    stored: _Rearranged = st.session_state[_STORED]
    rules = frozenset(rule for rule in stored.offered if st.session_state[f"rule-{rule}"])
    if not rules:
        _forget()
        return
    with notices.errors_to_notice("submit"):
        _store(stored.given, stored.plan, tuple(in_order(stored.offered)), rules)


def _forget() -> None:
    """Send as written."""
    stored: _Rearranged | None = st.session_state.pop(_STORED, None)
    if stored is None or stored.done.draft.folder == stored.given.folder:
        return
    folder = stored.done.draft.folder
    if folder.is_relative_to(get_state().drafts) and not tries.is_pending(str(folder)):
        shutil.rmtree(folder, ignore_errors=True)
