"""Batch jobs made elsewhere under the same key: listed, and adopted as runs, each once."""

from __future__ import annotations

from batch.formatting import count
from batch.model import Stage
from gemini.wire import job_state, operation
from lifecycle.core import foreign_jobs
from lifecycle.core.foreign_jobs import Elsewhere, Recovered
from lifecycle.core.job_states import Fate, fate
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.services.context import Office
from lifecycle.services.submissions import Submissions


class Adoptions:
    """What is known of a foreign job, and how it is told, is in `recovery`."""

    def __init__(self, office: Office, submissions: Submissions) -> None:
        self._office, self._submissions = office, submissions

    def recover(self, account: Account, job: str, *, name: str = "", draft: Draft | None = None) -> Recovered:
        """Adopt a batch job made elsewhere under the same key: it is watched, and its results become a run's.

        `draft` are its requests, if the user has them. A job that a run here has already is that run's. Asked twice,
        even at the same moment, it is one run. Raises InputError for what is no name, NotFound, ApiError.
        """
        found = foreign_jobs.job_name(job)
        ticket = foreign_jobs.ticket(found)
        known = self._office.store.run_with_job(account.owner, found, ticket)
        if known is None:
            op = foreign_jobs.read(self._office.gateway(account), found)
            known = self._awaited(account, op.display_name)
        if known is not None:
            return Recovered(known, True, self._office.row(account, known)["stage"] == Stage.FINISHED)
        told = foreign_jobs.facts(op, draft is not None)
        rows = draft.rows if draft else int(told["requests"])
        spec = RunSpec(model=op.model, name=name or op.display_name or found)
        said = f"Job {found}, made elsewhere, was adopted: {count(int(told['requests']), 'request')} to {op.model}."
        run_id = self._submissions.record(
            account, draft.folder if draft else None, spec, ticket, rows=rows, data={foreign_jobs.DATA: told}, said=said
        )
        return Recovered(run_id, False, fate(job_state(op.state)) in (Fate.COLLECT, Fate.SALVAGE))

    def jobs_elsewhere(self, account: Account) -> list[Elsewhere]:
        """The batch jobs under this key that no run here has, as Google lists them: newest first."""
        ops = map(operation, self._office.gateway(account).list_batches())
        mine = self._office.store.jobs(account.owner)
        return [
            foreign_jobs.elsewhere(op)
            for op in ops
            if op.name not in mine and not self._awaited(account, op.display_name)
        ]

    def _awaited(self, account: Account, display_name: str) -> str | None:
        """The run under way that a job of this display name belongs to, though it may not know of it yet."""
        prefix = self._office.prefix
        if not display_name.startswith(prefix):
            return None
        run_id = display_name.removeprefix(prefix).split("-", 1)[0]
        row = self._office.store.run(run_id, account.owner)
        return run_id if row is not None and row["stage"] != Stage.FINISHED else None
