"""Before paying: which rows of a draft were answered already, under the same settings and for the same key's owner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from batch.model import Stage, model_id
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_files import RESULTS
from lifecycle.core.run_records import RunRecord
from lifecycle.inputs.drafts import Draft
from lifecycle.results.store.reconciliation import read_reconciliation
from lifecycle.reuse.search import Found, search
from lifecycle.reuse.take_over import AnsweringRun, rows_by_run, take_over
from lifecycle.services.context import ServiceContext

MAX_RUNS = 1_000  # that are looked through, the newest


@dataclass(frozen=True)
class RunShare:
    """A run that answered `rows` rows of a draft."""

    run: AnsweringRun
    rows: int


@dataclass(frozen=True)
class EarlierAnswers:
    """What is known of a draft already: the newest answer to each row that an earlier run has answered."""

    draft: Draft
    found: Found
    runs: tuple[AnsweringRun, ...]

    @property
    def rows(self) -> int:
        return self.found.rows

    @property
    def unanswered(self) -> int:
        """The rows that are new or were changed, or were not answered."""
        return self.draft.rows - self.rows

    @property
    def shares(self) -> tuple[RunShare, ...]:
        """The runs that answered, the newest first."""
        return tuple(RunShare(self.runs[number], rows) for number, rows in rows_by_run(self.found).items())

    def describe(self) -> str:
        """What was found, in a sentence."""
        if not self.rows:
            return f"None of the {self.draft.rows:,} rows was answered before with this model and these settings."
        sent = f"{self.unanswered:,} are sent" if self.unanswered else "nothing is sent"
        return f"{self.rows:,} of {self.draft.rows:,} rows are answered already, {sent}."

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        shares = [{"run": share.run.id, "day": share.run.day, "rows": share.rows} for share in self.shares]
        return {"rows": self.draft.rows, "answered": self.rows, "sent": self.unanswered, "runs": shares}


class EarlierAnswerService:
    """Looks through an owner's ended runs of the same model. Nothing is asked of Google."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def find(self, account: Account, draft: Draft, spec: RunSpec) -> EarlierAnswers:
        """The answers that this account's runs have to the requests of a draft, sent to this model."""
        runs = tuple(self._answering_runs(account, model_id(spec.model)))
        return EarlierAnswers(draft, search(draft.folder, [run.folder for run in runs]), runs)

    def could_have(self, account: Account, spec: RunSpec) -> bool:
        """Whether there is any run to look through, which is known at once."""
        return any(True for _ in self._candidates(account, model_id(spec.model)))

    def use(self, earlier: EarlierAnswers) -> Draft:
        """A draft of the other rows alone, with these answers beside it; the given one if there are none."""
        if not earlier.rows:
            return earlier.draft
        return take_over(
            earlier.draft, earlier.found, earlier.runs, self._context.new_draft_folder(made_of=earlier.draft.folder)
        )

    def _answering_runs(self, account: Account, model: str) -> Iterator[AnsweringRun]:
        for row in self._candidates(account, model):
            folder = self._context.folder(row.id)
            files = read_reconciliation(folder / RESULTS).files
            yield AnsweringRun(row.id, row.name, row.ended_at or row.created_at, folder, files)

    def _candidates(self, account: Account, model: str) -> Iterator[RunRecord]:
        """Ended runs whose requests are known, the newest first; jobs made elsewhere have rows in another order."""
        rows: Sequence[RunRecord] = self._context.store.runs(account.owner_id, MAX_RUNS)
        for row in rows:
            same = row.model == model and row.stage == Stage.FINISHED and row.progress.imported_job is None
            if same and (self._context.folder(row.id) / RESULTS).exists():
                yield row
