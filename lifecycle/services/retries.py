"""Rows sent again as runs of their own: those that did not succeed, all of a run under way, or a whole run once more.

Which rows a retry takes, and how its draft is made of them, is in `retries`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from batch.errors import InputError
from batch.model import Stage
from lifecycle.core.models import Account, RunSpec
from lifecycle.planning import retry_draft
from lifecycle.planning.retry_draft import RetryOffer
from lifecycle.results.read.table import Filter
from lifecycle.services.context import Office
from lifecycle.services.forecasts import Quotes
from lifecycle.services.runs import Runs, check_inputs
from lifecycle.services.submissions import Submissions
from lifecycle.workflow.stages import await_cancelled as await_cancelled_stage


class Resubmissions:
    """A retry is priced first and sent as it was priced."""

    def __init__(self, office: Office, quotes: Quotes, submissions: Submissions, runs: Runs) -> None:
        self._office, self._quotes, self._submissions, self._runs = office, quotes, submissions, runs

    def rerun(self, account: Account, run_id: str, ticket: str) -> str:
        """Submit the same requests again, as a new run."""
        spec = msgspec.convert(self._office.row(account, run_id)["spec"], RunSpec)
        return self._submissions.accept(account, self._runs.draft_of(account, run_id), spec, ticket)

    def retry(
        self,
        account: Account,
        run_id: str,
        ticket: str,
        *,
        outcomes: Sequence[str] = (),
        keys: Sequence[str] = (),
        model: str = "",
        max_output_tokens: int | None = None,
        rows_per_job: int = 0,
    ) -> str:
        """Send chosen rows again as a child run, under their own keys; the parent's view merges the newest successes.

        Without outcomes and keys, the rows that may well go better next time. Without a ticket, the same wish at the
        same moment is the same run.
        """
        offer = self.retry_forecast(
            account,
            run_id,
            outcomes=outcomes,
            keys=keys,
            model=model,
            max_output_tokens=max_output_tokens,
            rows_per_job=rows_per_job,
        )
        return self.send_retry(account, offer, ticket)

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
    ) -> RetryOffer:
        """Prepare a child run of chosen rows, and price it; nothing is sent or recorded before `send_retry`.

        Of a run that is a retry itself, its own rows are meant, as they stand after all retries. Rows that are being
        sent again already are left out.
        """
        row, folder = self._office.row(account, run_id), self._office.folder
        check_inputs(row)
        parent = row["parent_id"] or run_id  # every retry is a child of the first run
        chosen = retry_draft.chosen_keys(self._runs.results(account, parent), outcomes, keys, where)
        if parent != run_id:
            chosen = retry_draft.those_of(chosen, folder(run_id))
        children = self._office.store.children(parent)
        going = [str(child["id"]) for child in children if child["stage"] != Stage.FINISHED]
        chosen = retry_draft.without_those_under_way(chosen, [(child, folder(child)) for child in going])
        draft = retry_draft.prepare_child(folder(run_id), chosen, self._office.new_draft_folder(), max_output_tokens)
        del chosen  # a million keys are 150 MB, which planning needs too
        spec = _otherwise(row, model, rows_per_job)
        return RetryOffer(parent, draft, spec, self._quotes.unseen(account, draft, spec), siblings=len(children))

    def resubmit_forecast(self, account: Account, run_id: str, *, model: str = "", rows_per_job: int = 0) -> RetryOffer:
        """Price what sending all rows of a run under way again would cost, elsewhere: the most that it can come to.

        Nothing is cancelled or recorded before `send_retry`. Raises InputError for a run that has ended.
        """
        row = self._office.row(account, run_id)
        if row["stage"] == Stage.FINISHED:
            raise InputError("The run has ended.", "Send its rows again instead.")
        root = row["parent_id"] or run_id
        children = self._office.store.children(root)
        for child in children:
            if child["data"].get(await_cancelled_stage.AFTER) == run_id and child["stage"] != Stage.FINISHED:
                raise InputError(f"Run {child['id']} waits already to send its rows again.", "Cancel that one first.")
        draft, spec = self._runs.draft_of(account, run_id), _otherwise(row, model, rows_per_job)
        found = self._quotes.unseen(account, draft, spec)
        return RetryOffer(root, draft, spec, found, after=run_id, siblings=len(children))

    def send_retry(self, account: Account, offer: RetryOffer, ticket: str) -> str:
        """Submit a prepared child run; the same ticket again is the same run. Raises OverBudget."""
        store = self._office.store
        self._office.row(account, offer.parent)
        known = {str(child["id"]) for child in store.children(offer.parent)}
        ticket = ticket or offer.ticket
        after = {await_cancelled_stage.AFTER: offer.after} if offer.after else {}
        child = self._submissions.accept(
            account, offer.draft, offer.spec, ticket, offer.found, parent=offer.parent, more=after
        )
        if offer.after:
            self._runs.cancel(account, offer.after)
            store.tell(offer.after, f"What it leaves unanswered is sent again as run {child}.")
        elif child not in known:
            store.tell(offer.parent, f"{offer.draft.rows:,} rows are sent again as run {child}.")
        return child


def _otherwise(row: Mapping[str, Any], model: str, rows_per_job: int) -> RunSpec:
    """What a run was sent with, but for another model or smaller jobs."""
    spec = msgspec.convert(row["spec"], RunSpec)
    return replace(spec, model=model or spec.model, rows_per_job=rows_per_job or spec.rows_per_job, canary=0)
