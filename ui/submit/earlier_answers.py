"""Rows of the draft that an earlier run has answered: told, and taken over or asked again, as the user chooses."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from batch.formatting import plural
from batch.requests.input_formats import TABLE_KINDS
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.reuse.answers import EarlierAnswers, RunShare
from lifecycle.runner import Runner
from ui.shared.app_state import get_state
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown

USE, ASK = "Use these answers", "Ask all again"
RUNS_NAMED = 3
LARGE_ROWS = 200_000  # from here on, the search takes a second or more, and is made when it is asked for
_STORED, _LOOK = "earlier_answers", "look-for-earlier"


@dataclass
class _Search:
    """What was found for a draft, and the draft of the other rows once it was made."""

    key: tuple[str, str, str]
    earlier: EarlierAnswers
    rest: Draft | None = None


def draw(runner: Runner, account: Account | None, spec: RunSpec, draft: Draft | None) -> Draft | None:
    """Tell of earlier answers, if there are any. Returns the draft that is to be priced: of the rows that are sent."""
    if account is None or draft is None or not draft.rows or draft.problem_count:
        return draft
    if draft.rows > LARGE_ROWS and not _is_known(account, spec, draft):
        if runner.earlier_answers.could_have(account, spec):
            st.button("Look for rows that were answered before", key=_LOOK, on_click=_find, args=(account, spec, draft))
        return draft
    search = _search(runner, account, spec, draft)
    if search is None or not search.earlier.rows:
        return draft
    with st.container(border=True, key="earlier-answers"):
        st.markdown(escape_markdown(_describe(search.earlier)))
        st.segmented_control(
            "Rows answered before",
            [USE, ASK],
            key=_choice_key(draft),
            default=_default(draft),
            required=True,
            label_visibility="collapsed",
        )
        chosen = _chosen(runner, search)
        st.caption(_describe_choice(search.earlier, uses=chosen is not draft))
    return chosen


def to_send(runner: Runner, account: Account, spec: RunSpec, draft: Draft) -> Draft:
    """The draft as it was chosen: of all rows, or of those that nobody has answered, with the answers to the others."""
    return _chosen(runner, st.session_state[_STORED]) if _is_known(account, spec, draft) else draft


def _search(runner: Runner, account: Account, spec: RunSpec, draft: Draft) -> _Search | None:
    """What is known of a draft; None where no run could know anything."""
    if not _is_known(account, spec, draft):
        if not runner.earlier_answers.could_have(account, spec):
            return None
        _find(account, spec, draft)
    search: _Search = st.session_state[_STORED]
    return search


def _find(account: Account, spec: RunSpec, draft: Draft) -> None:
    old: _Search | None = st.session_state.pop(_STORED, None)
    if old is not None and old.rest is not None and old.rest.folder.is_relative_to(get_state().drafts):
        shutil.rmtree(old.rest.folder, ignore_errors=True)
    earlier = get_state().runner.earlier_answers.find(account, draft, spec)
    st.session_state[_STORED] = _Search(_key(account, spec, draft), earlier)


def _key(account: Account, spec: RunSpec, draft: Draft) -> tuple[str, str, str]:
    return str(draft.folder), account.owner_id, spec.model


def _is_known(account: Account, spec: RunSpec, draft: Draft) -> bool:
    search: _Search | None = st.session_state.get(_STORED)
    return search is not None and search.key == _key(account, spec, draft)


def _choice_key(draft: Draft) -> str:
    return f"earlier-{draft.folder.name}"


def _default(draft: Draft) -> str:
    """A table comes again for its new rows; prompts that are typed again are rather meant to be asked again."""
    return USE if draft.kind in TABLE_KINDS else ASK


def _chosen(runner: Runner, search: _Search) -> Draft:
    draft = search.earlier.draft
    if not search.earlier.rows or st.session_state.get(_choice_key(draft), _default(draft)) != USE:
        return draft
    if search.rest is None:
        search.rest = runner.earlier_answers.use(search.earlier)
    return search.rest


def _describe(earlier: EarlierAnswers) -> str:
    named = [_describe_share(share, alone=len(earlier.shares) == 1) for share in earlier.shares[:RUNS_NAMED]]
    further = len(earlier.shares) - len(named)
    origins = ", ".join([*named, *([f"others in {plural(further, 'more run')}"] if further else [])])
    answered = f"{earlier.rows:,} of {plural(earlier.draft.rows, 'row')} {'was' if earlier.rows == 1 else 'were'}"
    return f"{answered} answered before, by the same request, {origins}."


def _describe_share(share: RunShare, *, alone: bool) -> str:
    rows = "" if alone else f"{share.rows:,} "
    day = datetime.fromtimestamp(share.run.ended_at, UTC)
    return f"{rows}in the run {truncate(share.run.name, 40) or share.run.id} of {day.day} {day:%b %Y}"


def _describe_choice(earlier: EarlierAnswers, *, uses: bool) -> str:
    if not uses:
        return f"{plural(earlier.draft.rows, 'row')} will be sent and paid, those answered before too."
    if not earlier.unanswered:
        return "Nothing is sent, and nothing is paid: the results are the answers that are there."
    return f"{plural(earlier.unanswered, 'row')} will be sent. The results hold all {earlier.draft.rows:,} rows."
