"""Send rows of a result again: choose which, see what it will cost, and send just that, once."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace

import streamlit as st

from batch.formatting import money, plural
from batch.model import Outcome
from batch.pricing.estimate import over_budget
from lifecycle.core.models import Account, RunView
from lifecycle.planning.retry_draft import MAX_SAME_FAILURES, RETRYABLE, RetryForecast, worth_retrying
from lifecycle.results.read.table import ALL_ROWS, Filter, ResultTable
from lifecycle.runner import Runner
from ui.results import table as results_table
from ui.shared import background, model_list, notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import outcome, progress
from ui.shared.notices import escape_markdown

NAME = "retry"
BY_OUTCOME, BY_FILTER, BY_SELECTION = "By outcome", "Rows that fit the filter above", "Selected rows"
MAX_TOKENS = 1_000_000


@dataclass(frozen=True)
class _CacheKey:
    """What a retry's forecast depends on. `state` is the result as it is now: another attempt changes it."""

    run_id: str
    owner: str
    where: Filter
    model: str
    output_cap: int | None
    state: str


def draw_related_runs(runner: Runner, account: Account, run: RunView) -> None:
    """Name the runs that send rows of this one again, and the run that this one belongs to."""
    if run.parent_id:
        st.caption("This run sends rows of another one again; its answers stand in the whole result too.")
        return
    for child in runner.runs.retries_of(account, run.id):
        text = f"{plural(child.rows, 'row')} sent again with {child.model}: {child.state_words}"
        if not child.state.ended:
            text += f", {progress(child)}. What comes back appears here when that run ends"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(escape_markdown(f"{text}."), width="content")
            st.button(
                "Open", key=f"open-child-{child.id}", type="tertiary", on_click=selection.select, args=(child.id,)
            )


def draw(runner: Runner, account: Account, run: RunView, table: ResultTable, table_filter: Filter) -> None:
    """Offer to send rows again, those of the filter too. Nothing is prepared before the expander is opened."""
    if run.parent_id or not run.state.ended or not run.inputs_known or _retry_in_progress(runner, account, run):
        return
    with st.expander("Send rows again", key="retry", on_change="rerun") as drawer:
        if not drawer.open:
            return
        held_back = runner.retries.budget_position(account, run.id)
        if held_back is not None:
            text = f"{plural(held_back.rows, 'row')} held back by the budget: raising it sends them."
            st.caption(escape_markdown(text))
        where, total = _draw_row_choice(run.id, table, table_filter, () if held_back is None else (Outcome.MISSING,))
        model, output_cap = _draw_overrides(account, run)
        if not total:
            st.caption("Choose outcomes to send again.")
        else:
            cache_key = _CacheKey(run.id, account.owner_id, where, model, output_cap, str(table.results))
            _draw_forecast(runner, account, cache_key, table)
        notices.draw("retry")


def _retry_in_progress(runner: Runner, account: Account, run: RunView) -> bool:
    """Whether rows are being sent again now: what comes back decides what is still worth sending."""
    return any(not child.state.ended for child in runner.runs.retries_of(account, run.id))


def _count_rows(table: ResultTable, where: Filter) -> int:
    return table.page(where, limit=1)[1]


def _draw_row_choice(
    run_id: str, table: ResultTable, table_filter: Filter, not_now: Collection[Outcome]
) -> tuple[Filter, int]:
    """(which rows, how many). Outcomes that are `not_now` worth it are not chosen beforehand."""
    counts = table.counts()
    names = [name for name in Outcome if counts.get(name)]
    selected = Filter(keys=tuple(results_table.selected_keys(run_id)))
    choices = {
        BY_OUTCOME: ALL_ROWS,
        **({BY_FILTER: table_filter} if table_filter else {}),
        **({BY_SELECTION: selected} if selected else {}),
    }
    choice = BY_OUTCOME
    if len(choices) > 1:
        default_index = list(choices).index(BY_SELECTION) if selected else 0
        choice = st.radio("Rows", list(choices), index=default_index, key=f"retry-rows-{run_id}", horizontal=True)
    if choice != BY_OUTCOME:
        total = _count_rows(table, choices[choice])
        suffix = "fits the filter" if total == 1 else "fit the filter"
        st.caption(f"{plural(total, 'row')} {suffix if choice == BY_FILTER else 'selected'}.")
        return choices[choice], total
    outcomes = st.pills(
        "Outcomes to send again",
        names,
        default=[name for name in names if name in RETRYABLE and name not in not_now],
        selection_mode="multi",
        format_func=lambda name: f"{outcome(name)} {counts[name]:,}",
        key=f"retry-outcomes-{run_id}",
        help="Chosen already: what may well go better next time.",
    )
    where = worth_retrying(outcomes)
    total = _count_rows(table, where) if outcomes else 0
    if left_out := sum(counts[name] for name in outcomes) - total:
        text = f"{plural(left_out, 'row')} failed {MAX_SAME_FAILURES} times for the same cause"
        st.caption(f"{text}, and {'is' if left_out == 1 else 'are'} left out: tick them in the table to send them.")
    return where, total


def _draw_overrides(account: Account, run: RunView) -> tuple[str, int | None]:
    """(another model or "", another output cap or None)."""
    with st.container(horizontal=True, gap="small"):
        model = model_list.draw_override(account, run, f"retry-model-{run.id}")
        output_cap = st.number_input(
            "Output cap, tokens",
            1,
            MAX_TOKENS,
            value=None,
            step=256,
            key=f"retry-cap-{run.id}",
            placeholder="as before",
            help="A higher one helps rows that were cut off. Thoughts count too.",
            width=180,
        )
    return model, output_cap


def _draw_forecast(runner: Runner, account: Account, cache_key: _CacheKey, table: ResultTable) -> None:
    """Say what it will cost, and offer to send exactly what was priced."""
    result = _request_forecast(runner, account, cache_key)
    if result.error is not None:
        notices.draw_error(result.error)
    elif result.value is None:
        background.draw_pending(NAME, "Preparing the rows and their price…")
    else:
        _draw_price(result.value, account.rehearsal)
        _draw_send_button(result.value)
        answered = Outcome.ANSWERED.value
        answered_rows = _count_rows(table, replace(cache_key.where, outcomes=(answered,)))
        if answered_rows and (not cache_key.where.outcomes or answered in cache_key.where.outcomes):
            st.caption(
                f"{plural(answered_rows, 'row')} answered already; a newer answer takes the place of the older one."
            )


def _request_forecast(
    runner: Runner, account: Account, cache_key: _CacheKey
) -> background.BackgroundResult[RetryForecast]:
    latest: background.BackgroundResult[RetryForecast] | None = background.latest(NAME)
    if latest is not None and latest.cache_key != cache_key and latest.value is not None:
        _discard_draft(latest.value)
    return background.run_once(
        NAME,
        cache_key,
        lambda: runner.retries.retry_forecast(
            account,
            cache_key.run_id,
            where=cache_key.where,
            model=cache_key.model,
            max_output_tokens=cache_key.output_cap,
        ),
    )


def _discard_draft(retry_forecast: RetryForecast) -> None:
    """Delete prepared rows; a run that was made of them has its own copy."""
    if retry_forecast.draft.folder.is_relative_to(get_state().drafts):
        shutil.rmtree(retry_forecast.draft.folder, ignore_errors=True)


def _draw_price(retry_forecast: RetryForecast, rehearsal: bool) -> None:
    usd = retry_forecast.forecast.estimate.usd
    verb = "It would cost" if rehearsal else "It costs"
    text = f"{verb} {money(usd.expected)} probably, {money(usd.low)} at least, {money(usd.worst)} at worst."
    st.caption(escape_markdown(text))


def _draw_send_button(retry_forecast: RetryForecast) -> None:
    idempotency_key = st.session_state.setdefault("retry_idempotency_key", secrets.token_urlsafe(16))
    budget_error = (
        None
        if retry_forecast.spec.max_usd is None
        else over_budget(retry_forecast.forecast.estimate, retry_forecast.spec.max_usd)
    )
    st.button(
        f"Send {plural(retry_forecast.draft.rows, 'row')} again",
        key=f"retry-send-{idempotency_key}",
        type="primary",
        on_click=_send,
        args=(idempotency_key,),
        disabled=budget_error is not None,
    )
    if budget_error:
        notices.draw_error(budget_error)


def _matches_fields(cache_key: object) -> bool:
    """Whether the fields say what the forecast was made for: one click leaves a field and presses the button."""
    if not isinstance(cache_key, _CacheKey):
        return False
    field_values = (st.session_state.get(f"retry-{field}-{cache_key.run_id}") for field in ("model", "cap"))
    return tuple(field_values) == (cache_key.model, cache_key.output_cap)


def _send(idempotency_key: str) -> None:
    """Submit what was priced, once per idempotency key."""
    latest: background.BackgroundResult[RetryForecast] | None = background.latest(NAME)
    retry_forecast = latest.value if latest else None
    if latest is None or retry_forecast is None or idempotency_key != st.session_state.get("retry_idempotency_key"):
        return
    if not _matches_fields(latest.cache_key):
        notices.show("retry", "note", "Not sent, because the choice had just changed. Look at the new price and send.")
        return
    with notices.errors_to_notice("retry"):
        get_state().runner.retries.submit_retry(session.require_account(), retry_forecast, idempotency_key)
        st.session_state["retry_idempotency_key"] = secrets.token_urlsafe(16)
        background.invalidate(NAME)
        _discard_draft(retry_forecast)
        selection.change_page()
