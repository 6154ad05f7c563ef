"""Send rows of a result again: choose which, see what it will cost, and send just that, once."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass, replace

import streamlit as st

from batch.formatting import count
from batch.model import Outcome
from batch.pricing.estimate import over_budget
from lifecycle.core.models import Account, RunView
from lifecycle.planning.retry_draft import WORTH_RETRYING, RetryOffer
from lifecycle.results.read.table import EVERYTHING, Filter, ResultTable
from lifecycle.runner import Runner
from ui.results import table as results_table
from ui.shared import background, notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import money, outcome, progress
from ui.shared.notices import plain

NAME = "retry"
BY_OUTCOME, BY_FILTER, BY_TICKS = "By outcome", "Rows that fit the filter above", "Ticked rows"
MOST_TOKENS = 1_000_000


@dataclass(frozen=True)
class _About:
    """What an offer hangs on. `state` is the result as it is now: another attempt makes another offer."""

    run_id: str
    owner: str
    where: Filter
    model: str
    cap: int | None
    state: str


def draw_family(runner: Runner, account: Account, run: RunView) -> None:
    """Name the runs that send rows of this one again, and the run that this one belongs to."""
    if run.parent_id:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("This run sends rows of another one again.", width="content")
            st.button("Open the whole result", key="open-parent", on_click=selection.select, args=(run.parent_id,))
        return
    for child in runner.runs.retries_of(account, run.id):
        words = f"{count(child.rows, 'row')} sent again with {child.model}: {child.words}"
        if not child.state.ended:
            words += f", {progress(child)}. What comes back appears here when that run ends"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(plain(f"{words}."), width="content")
            st.button(
                "Open", key=f"open-child-{child.id}", type="tertiary", on_click=selection.select, args=(child.id,)
            )


def draw(runner: Runner, account: Account, run: RunView, table: ResultTable, narrowed: Filter) -> None:
    """Offer to send rows again. Nothing is prepared before the drawer is opened; `narrowed` is the table's filter."""
    if run.parent_id or not run.state.ended or not run.inputs_known or _under_way(runner, account, run):
        return
    with st.expander("Send rows again", key="retry", on_change="rerun") as drawer:
        if not drawer.open:
            return
        where, total = _choose(run.id, table, narrowed)
        model, cap = _otherwise(runner, account, run)
        if not total:
            st.caption("Choose outcomes to send again.")
        else:
            about = _About(run.id, account.owner, where, model, cap, str(table.results))
            _offer(runner, account, about, table)
        notices.draw("retry")


def _under_way(runner: Runner, account: Account, run: RunView) -> bool:
    """Whether rows are being sent again now: what comes back decides what is still worth sending."""
    return any(not child.state.ended for child in runner.runs.retries_of(account, run.id))


def _total(table: ResultTable, where: Filter) -> int:
    return table.page(where, limit=1)[1]


def _choose(run_id: str, table: ResultTable, narrowed: Filter) -> tuple[Filter, int]:
    """(which rows, how many)."""
    counts = table.counts()
    names = [name for name in Outcome if counts.get(name)]
    ticked = Filter(keys=tuple(results_table.ticks(run_id)))
    ways = {
        BY_OUTCOME: EVERYTHING,
        **({BY_FILTER: narrowed} if narrowed else {}),
        **({BY_TICKS: ticked} if ticked else {}),
    }
    way = BY_OUTCOME
    if len(ways) > 1:
        at_first = list(ways).index(BY_TICKS) if ticked else 0
        way = st.radio("Rows", list(ways), index=at_first, key=f"retry-way-{run_id}", horizontal=True)
    if way != BY_OUTCOME:
        total = _total(table, ways[way])
        fit = "fits the filter" if total == 1 else "fit the filter"
        st.caption(f"{count(total, 'row')} {fit if way == BY_FILTER else 'ticked'}.")
        return ways[way], total
    chosen = st.pills(
        "Outcomes to send again",
        names,
        default=[name for name in names if name in WORTH_RETRYING],
        selection_mode="multi",
        format_func=lambda name: f"{outcome(name)} {counts[name]:,}",
        key=f"retry-outcomes-{run_id}",
        help="Chosen already: what may well go better next time.",
    )
    return Filter(outcomes=tuple(sorted(name.value for name in chosen))), sum(counts[name] for name in chosen)


def _otherwise(runner: Runner, account: Account, run: RunView) -> tuple[str, int | None]:
    """(another model or "", another output cap or None)."""
    others = [choice.id for choice in runner.accounts.models(account) if choice.id != run.model]
    with st.container(horizontal=True, gap="small"):
        model = st.selectbox(
            "Model",
            ["", *others],
            key=f"retry-model-{run.id}",
            format_func=lambda name: name or f"{run.model}, as before",
            width=280,
        )
        cap = st.number_input(
            "Output cap, tokens",
            1,
            MOST_TOKENS,
            value=None,
            step=256,
            key=f"retry-cap-{run.id}",
            placeholder="as before",
            help="A higher one helps rows that were cut off. Thoughts count too.",
            width=180,
        )
    return model, cap


def _offer(runner: Runner, account: Account, about: _About, table: ResultTable) -> None:
    """Say what it will cost, and offer to send exactly what was priced."""
    asked = _ask(runner, account, about)
    if asked.trouble is not None:
        st.error(plain(f"{asked.trouble} {asked.trouble.remedy}".strip()))
    elif asked.found is None:
        background.draw_waiting(NAME, "Preparing the rows and their price…")
    else:
        _price(asked.found, account.rehearsal)
        _button(asked.found)
        answered = Outcome.ANSWERED.value
        again = _total(table, replace(about.where, outcomes=(answered,)))
        if again and (not about.where.outcomes or answered in about.where.outcomes):
            st.caption(f"{count(again, 'row')} answered already; a newer answer takes the place of the older one.")


def _ask(runner: Runner, account: Account, about: _About) -> background.Asked[RetryOffer]:
    known: background.Asked[RetryOffer] | None = background.last(NAME)
    if known is not None and known.about != about and known.found is not None:
        _discard(known.found)
    return background.ask(
        NAME,
        about,
        lambda: runner.retries.retry_forecast(
            account, about.run_id, where=about.where, model=about.model, max_output_tokens=about.cap
        ),
    )


def _discard(offer: RetryOffer) -> None:
    """Throw prepared rows away; a run that was made of them has its own copy."""
    if offer.draft.folder.is_relative_to(get_state().drafts):
        shutil.rmtree(offer.draft.folder, ignore_errors=True)


def _price(offer: RetryOffer, rehearsal: bool) -> None:
    usd = offer.found.card.usd
    verb = "It would cost" if rehearsal else "It costs"
    words = f"{verb} {money(usd.expected)} probably, {money(usd.low)} at least, {money(usd.worst)} at worst."
    st.caption(plain(words))


def _button(offer: RetryOffer) -> None:
    ticket = st.session_state.setdefault("retry_ticket", secrets.token_urlsafe(16))
    over = None if offer.spec.max_usd is None else over_budget(offer.found.card, offer.spec.max_usd)
    st.button(
        f"Send {count(offer.draft.rows, 'row')} again",
        key=f"retry-send-{ticket}",
        type="primary",
        on_click=_send,
        args=(ticket,),
        disabled=over is not None,
    )
    if over:
        st.error(plain(f"{over} {over.remedy}"))


def _still_wanted(about: object) -> bool:
    """Whether the fields say what the offer was made for: one click leaves a field and presses the button."""
    if not isinstance(about, _About):
        return False
    said = (st.session_state.get(f"retry-{field}-{about.run_id}") for field in ("model", "cap"))
    return tuple(said) == (about.model, about.cap)


def _send(ticket: str) -> None:
    """Submit the offer that is shown, once per ticket."""
    known: background.Asked[RetryOffer] | None = background.last(NAME)
    offer = known.found if known else None
    if known is None or offer is None or ticket != st.session_state.get("retry_ticket"):
        return
    if not _still_wanted(known.about):
        notices.tell("retry", "note", "Not sent, because the choice had just changed. Look at the new price and send.")
        return
    with notices.telling("retry"):
        get_state().runner.retries.send_retry(session.required(), offer, ticket)
        st.session_state["retry_ticket"] = secrets.token_urlsafe(16)
        background.forget(NAME)
        _discard(offer)
        st.query_params["run"] = offer.parent  # else the newest run would come into view
        selection.change_page()
