"""Rows sent again as runs of their own: those that did not succeed, all of a run under way, or a whole run once more.

Which rows a retry takes, and how its draft is made of them, is in `lifecycle/planning/retry_draft.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from batch.errors import InputError
from batch.formatting import money
from batch.model import Outcome, Stage, model_id
from lifecycle.core.models import Account, BudgetPosition, RunSpec
from lifecycle.core.run_files import REQUESTS, shard_path
from lifecycle.core.run_records import RunRecord
from lifecycle.planning import retry_draft
from lifecycle.planning.history.again import AgainQuote, quote
from lifecycle.planning.history.measured_rows import MeasuredRows, measured_rows
from lifecycle.planning.retry_draft import RetryForecast
from lifecycle.requests.request_subset import keys_in_file
from lifecycle.results.read.table import Filter
from lifecycle.services.context import ServiceContext
from lifecycle.services.forecasts import ForecastService
from lifecycle.services.runs import RunService, require_inputs
from lifecycle.services.submissions import SubmissionService
from lifecycle.workflow.shards import budget

HELD_BACK = "What is left to send was held back by the budget."


class RetryService:
    """A retry is priced first and sent as it was priced."""

    def __init__(
        self, context: ServiceContext, forecasts: ForecastService, submissions: SubmissionService, runs: RunService
    ) -> None:
        self._context, self._forecasts, self._submissions, self._runs = context, forecasts, submissions, runs
        self._submitting = threading.Lock()

    def rerun(self, account: Account, run_id: str, idempotency_key: str) -> str:
        """Submit the same requests again, as a new run."""
        row = self._context.run_row(account, run_id)
        spec = replace(row.spec, name=row.name)
        return self._submissions.submit_draft(account, self._runs.draft_of(account, run_id), spec, idempotency_key)

    def retry(
        self,
        account: Account,
        run_id: str,
        idempotency_key: str,
        *,
        outcomes: Sequence[str] = (),
        keys: Sequence[str] = (),
        model: str = "",
        max_output_tokens: int | None = None,
        rows_per_job: int = 0,
    ) -> str:
        """Send chosen rows again as a child run, under their own keys; the parent's view merges the newest successes.

        Without outcomes and keys, the rows that may well go better next time. Without an idempotency key, the same
        request at the same moment is the same run.
        """
        retry_forecast = self.retry_forecast(
            account,
            run_id,
            outcomes=outcomes,
            keys=keys,
            model=model,
            max_output_tokens=max_output_tokens,
            rows_per_job=rows_per_job,
        )
        return self.submit_retry(account, retry_forecast, idempotency_key)

    def retry_forecast(
        self,
        account: Account,
        run_id: str,
        *,
        outcomes: Sequence[str] = (),
        keys: Sequence[str] = (),
        where: Filter | None = None,
        model: str = "",
        max_output_tokens: int | None = None,
        rows_per_job: int = 0,
    ) -> RetryForecast:
        """Prepare a child run of chosen rows, and price it; nothing is sent or recorded before `submit_retry`.

        Of a run that is a retry itself, its own rows are meant, as they stand after all retries. Rows that are being
        sent again already are left out.
        """
        row, folder = self._context.run_row(account, run_id), self._context.folder
        require_inputs(row)
        parent_id = row.parent_id or run_id  # every retry is a child of the first run
        worth_it = self._worth_it(row) if where is None and not outcomes and not keys else None
        try:
            chosen = retry_draft.select_keys(
                self._runs.results(account, parent_id), outcomes, keys, where if worth_it is None else worth_it
            )
        except InputError:
            if worth_it is not None and self.budget_position(account, run_id) is not None:
                raise InputError(HELD_BACK, "Raise the budget: that sends it.") from None
            raise
        if parent_id != run_id:
            chosen = retry_draft.keys_in_run(chosen, folder(run_id))
        children = self._context.store.children(parent_id)
        in_flight = [child.id for child in children if child.stage != Stage.FINISHED]
        chosen = retry_draft.exclude_in_flight(chosen, [(child, folder(child)) for child in in_flight])
        draft = retry_draft.prepare_child(
            folder(run_id), chosen, self._context.new_draft_folder(account.owner_id), max_output_tokens
        )
        measured = self._measured(account, row, chosen, model, max_output_tokens)
        del chosen  # a million keys are 150 MB, which planning needs too
        spec = _with_overrides(row, model, rows_per_job)
        if model or max_output_tokens:
            retry_draft.require_same_kind(row.model, self._forecasts.model_rules, spec.model)
            retry_draft.require_accepted(draft, self._forecasts.model_rules(spec.model))
        forecast = self._forecasts.default_forecast(account, draft, spec, measured)
        return RetryForecast(parent_id, draft, spec, forecast, sibling_count=len(children))

    def _measured(
        self, account: Account, row: RunRecord, keys: set[str], model: str, max_output_tokens: int | None
    ) -> MeasuredRows | None:
        """What these rows of a run used, as they stand now, where that tells what they will use again."""
        if model and model_id(model) != row.model:
            return None
        return measured_rows(self._runs.results(account, row.parent_id or row.id).results, keys, max_output_tokens)

    def budget_position(self, account: Account, run_id: str) -> BudgetPosition | None:
        """How a run stands to a budget that holds rows of it or of its retries back; None where none does."""
        row, store = self._context.run_row(account, run_id), self._context.store
        family = [row, *([] if row.parent_id else store.children(run_id)[::-1])]
        return next((found for member in family if (found := budget.position(store, member)) is not None), None)

    def _worth_it(self, row: RunRecord) -> Filter:
        """Rows worth sending again. Those that a budget holds back are sent by raising it, and not by this, too."""
        family = [row, *([] if row.parent_id else self._context.store.children(row.id))]
        held_back = any(budget.position(self._context.store, member) is not None for member in family)
        return retry_draft.worth_retrying(
            outcome for outcome in retry_draft.RETRYABLE if not (held_back and outcome is Outcome.MISSING)
        )

    def raise_budget(self, account: Account, run_id: str, usd: float) -> str:
        """Let a run and its retries cost up to `usd` all in all, and return the run that goes on.

        One under way goes on by itself. Of one that was stopped at its budget the rows that were not sent, and not
        answered since, are sent by a child run; where one sends them already, its budget is raised. Raises InputError,
        OverBudget.
        """
        row, store = self._context.run_row(account, run_id), self._context.store
        if row.spec.max_usd is None:
            raise InputError("This run has no budget.", "There is nothing to raise.")
        if usd <= row.spec.max_usd and row.progress.budget_stop is None:
            raise InputError(
                f"{money(usd)} is not more than the budget of {money(row.spec.max_usd)}.", "Give a higher one."
            )
        if row.stage == Stage.FINISHED:
            return self._send_rest(account, row, usd)
        for member in {run_id, row.parent_id or run_id}:
            store.set_max_usd(member, usd)
        if self._context.run_row(account, run_id).progress.budget_stop is not None:  # it read the old budget last
            raise InputError("The run is just ending at its budget.", "Raise it once the run has ended.")
        store.add_event(run_id, f"The budget was raised to {money(usd)}.")
        self._context.wake_worker()
        return run_id

    def _send_rest(self, account: Account, row: RunRecord, usd: float) -> str:
        """Send what a run left unsent at its budget."""
        if row.progress.budget_stop is None:
            raise InputError("This run was not stopped by its budget.", "Send rows again instead.")
        store, folder = self._context.store, self._context.folder(row.id)
        unsent = retry_draft.unsent_keys(folder, row.progress.budget_stop.shards)
        family_budget = replace(row.spec, max_usd=usd)
        try:
            forecast = self._forecast_of_keys(account, row, Filter(outcomes=(Outcome.MISSING,)), unsent, family_budget)
        except retry_draft.RowsInFlight as sent:  # asked for twice
            rest = self._context.run_row(account, sent.run_id)
            self._note_rest(rest)
            return sent.run_id if usd <= (rest.spec.max_usd or 0.0) else self.raise_budget(account, sent.run_id, usd)
        child = self.submit_retry(account, forecast, "")
        for member in {row.id, row.parent_id or row.id}:
            store.set_max_usd(member, usd)
        return child

    def _note_rest(self, child: RunRecord) -> None:
        """Note of the runs that ended at their budget, and of which a retry sends unsent rows, how many are left."""
        store, folder = self._context.store, self._context.folder
        parent = store.run(child.parent_id)
        for member in [*([parent] if parent else []), *store.children(child.parent_id)]:
            stopped = member.progress.budget_stop
            if member.id == child.id or stopped is None or stopped.rest_run or member.stage != Stage.FINISHED:
                continue
            unsent = {key for n in stopped.shards for key in keys_in_file(shard_path(folder(member.id), n))}
            before = len(unsent)
            for other in store.children(child.parent_id):
                if other.id != member.id and other.created_at > member.created_at:
                    unsent.difference_update(keys_in_file(folder(other.id) / REQUESTS))
            if not unsent:
                store.note_rest(member.id, rest_run=child.id)
            elif len(unsent) < before:
                store.note_rest(member.id, rows=len(unsent))

    def _forecast_of_keys(
        self, account: Account, row: RunRecord, where: Filter, keys: set[str], spec: RunSpec
    ) -> RetryForecast:
        """Prepare and price a child run of those of these rows that fit `where` in the merged results."""
        root_id, folder = row.parent_id or row.id, self._context.folder
        require_inputs(row)
        chosen = keys.intersection(self._runs.results(account, root_id).keys(where))
        if not chosen:
            raise InputError(*retry_draft.NOTHING_TO_RETRY)
        children = self._context.store.children(root_id)
        in_flight = [(child.id, folder(child.id)) for child in children if child.stage != Stage.FINISHED]
        chosen = retry_draft.exclude_in_flight(chosen, in_flight)
        draft = retry_draft.prepare_child(folder(row.id), chosen, self._context.new_draft_folder(account.owner_id))
        forecast = self._forecasts.default_forecast(
            account, draft, spec, self._measured(account, row, chosen, "", None)
        )
        return RetryForecast(root_id, draft, spec, forecast, sibling_count=len(children))

    def quote(self, account: Account, run_id: str, where: Filter | None = None) -> AgainQuote:
        """What sending rows again would cost by what such rows cost in this run; without `where`, those worth it.

        Nothing is prepared. Raises NotFound while there are no results.
        """
        row = self._context.run_row(account, run_id)
        facts = self._forecasts.model_rules(row.model).facts
        wanted = self._worth_it(row) if where is None else where
        caches = self._context.store.caches(run_id)
        return quote(
            self._runs.results(account, run_id),
            wanted,
            self._forecasts.tariff(row.model),
            most_output=facts.output_cap,
            caches_usd=sum(cache.usd or 0.0 for cache in caches),
        )

    def send_again(self, account: Account, run_id: str, where: Filter | None = None) -> str:
        """Send rows again as `quote` priced them, in one step, and return the run that does it; once, however often.

        Raises OverBudget, and InputError where nothing is left to send.
        """
        quoted = self.quote(account, run_id, where)
        try:
            forecast = self.retry_forecast(account, run_id, where=where, max_output_tokens=quoted.output_cap)
        except retry_draft.RowsInFlight as sent:
            return sent.run_id
        return self.submit_retry(account, forecast, "")

    def resubmit_forecast(
        self, account: Account, run_id: str, *, model: str = "", rows_per_job: int = 0
    ) -> RetryForecast:
        """Price what sending all rows of a run under way again would cost, elsewhere: the most that it can come to.

        Nothing is cancelled or recorded before `submit_retry`. Raises InputError for a run that has ended.
        """
        row = self._context.run_row(account, run_id)
        if row.stage == Stage.FINISHED:
            raise InputError("The run has ended.", "Send its rows again instead.")
        root_id = row.parent_id or run_id
        children = self._context.store.children(root_id)
        for child in children:
            if child.progress.replaces_run == run_id and child.stage != Stage.FINISHED:
                raise InputError(f"Run {child.id} waits already to send its rows again.", "Cancel that one first.")
        draft, spec = self._runs.sent_draft_of(account, run_id), _with_overrides(row, model, rows_per_job)
        if model:
            retry_draft.require_same_kind(row.model, self._forecasts.model_rules, spec.model)
            retry_draft.require_accepted(draft, self._forecasts.model_rules(spec.model))
        forecast = self._forecasts.default_forecast(account, draft, spec)
        return RetryForecast(root_id, draft, spec, forecast, replaces_run=run_id, sibling_count=len(children))

    def submit_retry(self, account: Account, retry_forecast: RetryForecast, idempotency_key: str) -> str:
        """Submit a prepared child run, once: the same idempotency key again, or another submission of rows that were
        sent since the forecast was made, is the run that sends them.

        Raises OverBudget, and InputError where only some of the rows were sent since.
        """
        with self._submitting:  # two clicks at once; what another process does is in the store by then, or has the key
            if not retry_forecast.replaces_run and (sent := self._sent_since(retry_forecast)):
                return sent
            return self._submit(account, retry_forecast, idempotency_key)

    def _sent_since(self, retry_forecast: RetryForecast) -> str:
        """The run that sends these rows already, "" if none of them was sent since the forecast was made."""
        newer = self._context.store.children(retry_forecast.parent_id)[retry_forecast.sibling_count :]
        if not newer:
            return ""
        keys = set(keys_in_file(retry_forecast.draft.folder / REQUESTS))
        for child in newer:
            common = keys.intersection(keys_in_file(self._context.folder(child.id) / REQUESTS))
            if len(common) == len(keys):
                return child.id
            if common:
                raise InputError(
                    f"Of these rows {len(common):,} were just sent again, by run {child.id}.",
                    "Look at the rows that are left, and send those.",
                )
        return ""

    def _submit(self, account: Account, retry_forecast: RetryForecast, idempotency_key: str) -> str:
        store = self._context.store
        self._context.run_row(account, retry_forecast.parent_id)
        existing_children = {child.id for child in store.children(retry_forecast.parent_id)}
        idempotency_key = idempotency_key or retry_forecast.idempotency_key
        child = self._submissions.submit_draft(
            account,
            retry_forecast.draft,
            retry_forecast.spec,
            idempotency_key,
            retry_forecast.forecast,
            parent_id=retry_forecast.parent_id,
            replaces_run=retry_forecast.replaces_run,
        )
        if retry_forecast.replaces_run:
            self._runs.cancel(account, retry_forecast.replaces_run)
            store.add_event(retry_forecast.replaces_run, f"What it leaves unanswered is sent again as run {child}.")
        elif child not in existing_children:
            store.add_event(
                retry_forecast.parent_id, f"{retry_forecast.draft.rows:,} rows are sent again as run {child}."
            )
            if (recorded := store.run(child)) is not None:
                self._note_rest(recorded)
        return child


def _with_overrides(row: RunRecord, model: str, rows_per_job: int) -> RunSpec:
    """What a run was sent with, but for another model or smaller jobs."""
    spec = row.spec
    return replace(
        spec, name=row.name, model=model or spec.model, rows_per_job=rows_per_job or spec.rows_per_job, canary=0
    )
