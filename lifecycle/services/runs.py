"""An account's runs as they are known here, and what a user does to one that is there: look, cancel, keep, delete."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import ApiError, InputError
from batch.model import Stage
from lifecycle.core.draft_links import link_sent_draft, link_whole_draft
from lifecycle.core.job_age import TypicalDuration, typical_duration
from lifecycle.core.models import Account, EventView, RunView
from lifecycle.core.observation_kinds import DURATION_HOURS
from lifecycle.core.run_files import received_path
from lifecycle.core.run_records import CacheRecord, RunRecord
from lifecycle.services import run_views
from lifecycle.services.context import ServiceContext
from lifecycle.storage.copies import adoption
from lifecycle.storage.run_table import RunTable
from lifecycle.storage.store import SNOOZED
from lifecycle.workflow import stray_jobs

if TYPE_CHECKING:
    from lifecycle.inputs.drafts import Draft
    from lifecycle.results.read.so_far import ResultsSoFar
    from lifecycle.results.read.table import ResultTable
    from lifecycle.services.billing import BillingService

GRACE_DAYS, DAY_SECONDS = 3.0, 86_400.0
log = logging.getLogger(__name__)


class RunService:
    """Nothing here asks Google. A run of another account is NotFound, like one that does not exist."""

    def __init__(self, context: ServiceContext, billing: BillingService) -> None:
        self._context, self._billing = context, billing

    def list_recent(self, account: Account, limit: int = 200) -> list[RunView]:
        """An account's runs, newest first, as last known; nothing is asked of Google."""
        return self._views(account, self._context.store.runs(account.owner_id, limit))

    def views(self, account: Account, run_ids: Sequence[str]) -> list[RunView]:
        """These runs in their order, as far as they are the account's."""
        rows = {row.id: row for row in self._context.store.runs_by_id(account.owner_id, run_ids)}
        return self._views(account, [rows[run_id] for run_id in run_ids if run_id in rows])

    def under_way(self, account: Account) -> list[RunView]:
        """An account's runs that have not ended, newest first, with their jobs."""
        rows = self._context.store.unfinished([account.owner_id])
        return self._views(account, sorted(rows, key=lambda row: -row.created_at))

    def get(self, account: Account, run_id: str) -> RunView:
        """One run in full. Raises NotFound, in the same words whether it is absent or another's."""
        row, store = self._context.run_row(account, run_id), self._context.store
        return self._views(account, [row], caches=store.caches(run_id))[0]

    def retries_of(self, account: Account, run_id: str) -> list[RunView]:
        """The child runs of a run, oldest first."""
        self._context.run_row(account, run_id)
        return self._views(account, self._context.store.children(run_id))

    def events(self, account: Account, run_id: str, limit: int = 200) -> list[EventView]:
        self._context.run_row(account, run_id)
        rows = self._context.store.events(run_id, limit)
        return [EventView(datetime.fromtimestamp(r.at, UTC), r.level, r.text) for r in rows]

    def typical_duration(self, account: Account, model: str) -> TypicalDuration | None:
        """How long this account's own jobs on a model took; None before one has succeeded."""
        return typical_duration(
            [hours for hours, _ in self._context.store.observations(account.owner_id, model, DURATION_HOURS)]
        )

    def draft_of(self, account: Account, run_id: str) -> Draft:
        """A run's requests, to be looked at and submitted again: all, also those that an earlier run had answered.

        Raises InputError where they are not known.
        """
        from lifecycle.inputs.drafts import open_draft

        return self._draft_without_answers(account, run_id, link_whole_draft) or open_draft(
            self._context.folder(run_id)
        )

    def sent_draft_of(self, account: Account, run_id: str) -> Draft:
        """The requests that a run was to send itself. Raises InputError where they are not known."""
        from lifecycle.inputs.drafts import open_draft

        return self._draft_without_answers(account, run_id, link_sent_draft) or open_draft(self._context.folder(run_id))

    def _draft_without_answers(self, account: Account, run_id: str, link: Callable[[Path, Path], None]) -> Draft | None:
        """A draft of a run's requests in a folder of its own; None for a run that takes over no answers."""
        from lifecycle.inputs.drafts import open_draft

        row, folder = self._context.run_row(account, run_id), self._context.folder(run_id)
        require_inputs(row)
        if not row.progress.reused_rows:
            return None
        link(folder, target := self._context.new_draft_folder(account.owner_id))
        return replace(open_draft(target), reused_rows=0)

    # -- results -----------------------------------------------------------------------------------------------

    def results(self, account: Account, run_id: str) -> ResultTable:
        """A run's results, each row at its newest success over the run and its retries. Raises NotFound."""
        from lifecycle.results.read.merge_retries import merge_retries

        self._context.run_row(account, run_id)
        children = self._context.store.children(run_id)
        return merge_retries(self._context.folder(run_id), [self._context.folder(child.id) for child in children])

    def so_far(self, account: Account, run_id: str, first: int, limit: int, clip: int) -> ResultsSoFar:
        """What has come back of a run that is under way, a page of it: see `results_so_far`."""
        from batch.kinds.registry import kind_of
        from lifecycle.results.read.so_far import results_so_far

        row, folder = self._context.run_row(account, run_id), self._context.folder(run_id)
        shards = [shard for shard in self._context.store.shards(run_id) if not shard.attempt]
        received = [path for shard in shards if (path := received_path(folder, 0, shard.n)).exists()]
        kind = kind_of(self._context.price_list.model(row.model))
        return results_so_far(folder, received, kind.classify, first, limit, clip)

    def comparable_runs(self, account: Account, run_id: str, limit: int = 50) -> list[tuple[RunView, int]]:
        """Other runs with results and how many keys each shares with a run, newest first; retries are part of their
        run. Only the `limit` newest are looked at."""
        from lifecycle.results.read.compare import shared_keys

        run_row, folder = self._context.run_row(account, run_id), self._context.folder
        excluded_ids = {run_id, run_row.parent_id}
        others = [
            view
            for view in self.list_recent(account, 10 * limit)
            if view.has_results and not view.parent_id and view.id not in excluded_ids
        ]
        shared_counts = ((view, shared_keys(folder(run_id), folder(view.id))) for view in others[:limit])
        return [(view, keys) for view, keys in shared_counts if keys]

    def mark_row(self, account: Account, run_id: str, key: str, mark: str, note: str) -> None:
        """Keep what was noted of a row; nothing takes it back."""
        from lifecycle.results.store.row_marks import RowMark, write_mark

        self._context.run_row(account, run_id)
        write_mark(self._context.folder(run_id), key, RowMark(mark, note.strip()))

    # -- what a user asks of a run -----------------------------------------------------------------------------

    def poll_now(self, account: Account, run_id: str) -> None:
        """Look at a run at once, whenever its next look would be due."""
        self._context.run_row(account, run_id)
        self._context.store.mark_due(run_id)
        self._context.wake_worker()

    def look_for_strays(self, account: Account) -> int:
        """Look now for jobs of ended runs whose create had lost its reply, and stop them; returns how many there were.

        What cannot be asked now is asked by the next process that works for the account.
        """
        client = self._context.keyring.client(account.owner_id)
        if client is None:
            return 0
        try:
            return stray_jobs.look_for_strays(client, self._context.store, account.owner_id, self._context.prefix)
        except ApiError:
            return 0

    def cancel(self, account: Account, run_id: str) -> None:
        """Ask for a cancel. The run is cancelled when Google says so; what it finished is kept."""
        self._context.run_row(account, run_id)
        self._context.note(account, "cancel", run_id)
        self._context.store.request_cancel(run_id)
        self._context.store.add_event(run_id, "A cancel was asked for.")
        self._context.wake_worker()

    def detach(self, account: Account, run_id: str) -> None:
        """Stop watching a job made elsewhere, without cancelling it: the run ends, the job goes on at Google.

        Raises InputError for a job that a run here has made.
        """
        if self._context.run_row(account, run_id).progress.imported_job is None:
            raise InputError("Only a job made elsewhere can be left to itself.", "Cancel the run instead.")
        self._context.store.request_detach(run_id)
        self._context.wake_worker()

    def snooze_warning(self, account: Account, run_id: str, hours: int) -> None:
        """Go on waiting although a warning says how old the run's job is; the next warning asks again."""
        self._context.run_row(account, run_id)
        self._context.store.set_setting(f"{SNOOZED}{run_id}", str(hours))

    def snoozed_hours(self, account: Account, run_id: str) -> int:
        """The warning, in hours, that the user has answered with "keep waiting"; 0 for none."""
        self._context.run_row(account, run_id)
        return int(self._context.store.get_setting(f"{SNOOZED}{run_id}") or 0)

    def adopt_folder(self, account: Account, folder: Path) -> RunView:
        """Take up the folder of a run that the database does not know. Raises InputError for one that cannot be."""
        identity = self._context.keyring.identity(account.owner_id)
        runs = self._context.folder("r").parent
        run = adoption.adopt_folder(self._context.store, runs, account, identity, folder)
        self._context.note(account, "adopt", run.id)
        self._context.wake_worker()
        return self.get(account, run.id)

    def delete_expired(self) -> int:
        """Delete ended runs that are kept no longer, of all owners; what they have cost stays. Returns how many.

        Nothing is deleted within GRACE_DAYS of the day on which a server first saw how long runs are kept: until then
        the page and the terminal tell of it.
        """
        days, store = self._context.retention_days, self._context.store
        if not days:
            return 0
        since = float(store.get_or_create_setting(f"retention:{days:g}", lambda: str(store.now())))
        if store.now() - since < GRACE_DAYS * DAY_SECONDS:
            return 0
        expired = [
            row
            for row in store.ended_before(store.now() - days * DAY_SECONDS)
            if all(child.stage == Stage.FINISHED for child in store.children(row.id))
        ]
        for row in expired:
            self._remove(row)
            log.info("Run %s was deleted: it had ended more than %g days ago.", row.id, days)
        return len(expired)

    def delete(self, account: Account, run_id: str) -> None:
        """Forget an ended run and its results on this computer. What it has cost stays on the account's bill.

        Its retries stand on their own from then on. Raises InputError while it, or one of them, is under way.
        """
        row, store = self._context.run_row(account, run_id), self._context.store
        if row.stage != Stage.FINISHED:
            raise InputError("The run is still under way.", "Cancel it first.")
        if any(child.stage != Stage.FINISHED for child in store.children(run_id)):
            raise InputError("Rows of this run are being sent again.", "Wait until that run ends, or cancel it first.")
        self._context.note(account, "delete", run_id)
        self._remove(row)

    def _remove(self, row: RunRecord) -> None:
        """Forget a run; what it has cost stays."""
        self._billing.finalize(row)
        self._context.store.remove_run(row.id)
        shutil.rmtree(self._context.folder(row.id), ignore_errors=True)
        if row.parent_id:
            RunTable(self._context.store, row.owner_id).mark_merge_due(row.parent_id)

    def _views(self, account: Account, rows: Sequence[RunRecord], caches: Sequence[CacheRecord] = ()) -> list[RunView]:
        """Runs with their jobs."""
        ids, store, key_held = [row.id for row in rows], self._context.store, self._context.is_working_for(account)
        kept = self._context.retention_days
        shards, told = store.shards_by_run(ids), RunTable(store, account.owner_id).merged_counts(ids)
        views = [
            run_views.run_view(row, shards.get(row.id, []), caches, time.time(), key_held=key_held, kept_days=kept)
            for row in rows
        ]
        return [
            replace(view, merged_counts=counts, tags=tags)
            for view in views
            for counts, tags in [told.get(view.id, (view.counts, ()))]
        ]


def require_inputs(row: RunRecord) -> None:
    """Raises InputError for a run whose requests are not here."""
    if not run_views.inputs_known(row):
        raise InputError(
            "This batch job was made elsewhere, and what it was asked is not known here.",
            "Delete the run, and recover the job together with the file of its requests.",
        )
