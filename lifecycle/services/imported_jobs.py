"""Batch jobs made elsewhere under the same key: listed, and adopted as runs, each once."""

from __future__ import annotations

from batch.formatting import plural
from batch.model import Stage
from gemini.wire import job_state, parse_operation
from lifecycle.core import foreign_jobs
from lifecycle.core.foreign_jobs import ForeignJob, ImportedRun
from lifecycle.core.job_states import JobAction, action_for
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_progress import RunProgress
from lifecycle.inputs.drafts import Draft
from lifecycle.services.context import ServiceContext
from lifecycle.services.submissions import SubmissionService


class ImportService:
    """Adopts jobs; what is known of one, and how it is described, is in `lifecycle/core/foreign_jobs.py`."""

    def __init__(self, context: ServiceContext, submissions: SubmissionService) -> None:
        self._context, self._submissions = context, submissions

    def import_job(
        self, account: Account, job: str, *, name: str = "", draft: Draft | None = None, key_field: str = ""
    ) -> ImportedRun:
        """Adopt a batch job made elsewhere under the same key: it is watched, and its results become a run's.

        `draft` are its requests, if the user has them; answers are joined to them by the field of the results that
        identifies rows, which is looked for unless `key_field` names it. A job that a run here has already is that
        run's. Asked twice, even at the same moment, it is one run. Raises InputError for what is no name, NotFound,
        ApiError.
        """
        job_name = foreign_jobs.job_name(job)
        idempotency_key = foreign_jobs.idempotency_key(job_name)
        existing_run = self._context.store.run_with_job(account.owner_id, job_name, idempotency_key)
        if existing_run is None:
            op = foreign_jobs.fetch_job(self._context.client(account), job_name)
            existing_run = self._pending_owner_of(account, op.display_name)
        if existing_run is not None:
            return ImportedRun(existing_run, True, self._context.run_row(account, existing_run).stage == Stage.FINISHED)
        facts = foreign_jobs.job_facts(op, draft is not None, key_field.strip())
        rows = draft.rows if draft else facts.requests
        spec = RunSpec(model=op.model, name=name or op.display_name or job_name)
        message = f"Job {job_name}, made elsewhere, was adopted: {plural(facts.requests, 'request')} to {op.model}."
        run_id = self._submissions.insert_run(
            account,
            draft.folder if draft else None,
            spec,
            idempotency_key,
            rows=rows,
            progress=RunProgress(imported_job=facts),
            message=message,
        )
        return ImportedRun(
            run_id, False, action_for(job_state(op.state)) in (JobAction.COLLECT, JobAction.COLLECT_PARTIAL)
        )

    def list_foreign_jobs(self, account: Account) -> list[ForeignJob]:
        """The batch jobs under this key that no run here has, as Google lists them: newest first."""
        ops = map(parse_operation, self._context.client(account).list_batches())
        known_jobs = self._context.store.job_names(account.owner_id)
        return [
            foreign_jobs.foreign_job(op)
            for op in ops
            if op.name not in known_jobs and not self._pending_owner_of(account, op.display_name)
        ]

    def _pending_owner_of(self, account: Account, display_name: str) -> str | None:
        """The run under way that a job of this display name belongs to, though it may not know of it yet."""
        prefix = self._context.prefix
        if not display_name.startswith(prefix):
            return None
        run_id = display_name.removeprefix(prefix).split("-", 1)[0]
        row = self._context.store.run(run_id, account.owner_id)
        return run_id if row is not None and row.stage != Stage.FINISHED else None
