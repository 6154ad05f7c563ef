"""A runner that does nothing but remember, for tests of the page alone. Runs are advanced by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from batch.errors import BatchRunnerError, NotFound, OverBudget
from batch.model import RunState, Stage, Tariff
from batch.pricing.costs import RunCost
from batch.responses.outcome_groups import RunGroup
from batch.rules.model_rules import ModelRules
from lifecycle.core.foreign_jobs import ForeignJob, ImportedRun
from lifecycle.core.job_age import TypicalDuration
from lifecycle.core.models import (
    NOBODY,
    Account,
    BudgetPosition,
    EventView,
    JobView,
    KeyCheck,
    ModelChoice,
    Progress,
    RunLine,
    RunPage,
    RunQuery,
    RunSpec,
    RunView,
    Visitor,
)
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.forecast import Forecast
from lifecycle.planning.history.again import AgainQuote, quote
from lifecycle.planning.retry_draft import RETRYABLE, RetryForecast, worth_retrying
from lifecycle.planning.tried_rows import Tries
from lifecycle.results.read.so_far import LineSoFar, ResultsSoFar
from lifecycle.results.read.table import Filter
from lifecycle.results.store.row_marks import RowMark, write_mark
from lifecycle.reuse.answers import EarlierAnswerService
from lifecycle.run_list.table import Deleted, RunTableService
from lifecycle.runner import Runner
from lifecycle.services.accounts import AccountService
from lifecycle.services.billing import BillingService
from lifecycle.services.forecasts import ForecastService
from lifecycle.services.imported_jobs import ImportService
from lifecycle.services.retries import RetryService
from lifecycle.services.runs import RunService
from lifecycle.services.submissions import SubmissionService
from lifecycle.services.tries import ROWS, TryService

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MODELS = [
    ModelChoice(
        "gemini-3-flash", "Gemini 3 Flash", 0.25, 1.5, True, "in $0.25, out $1.50 per million tokens in a batch"
    ),
    ModelChoice("gemini-mystery", "Gemini Mystery", None, None, None, "price unknown"),
]


def make_run(run_id: str, **changes: Any) -> RunView:
    """A run under way, with whatever is different about it."""
    base = RunView(
        id=run_id,
        name=f"run {run_id}",
        state=RunState.ACTIVE,
        stage=Stage.RUNNING,
        status_text="running",
        model="gemini-3-flash",
        rows=100,
        created_at=NOW,
        ended_at=None,
        age_seconds=75,
        progress=Progress(100, 40, 2, True),
        counts={},
        jobs=(JobView(0, "batches/abc", "JOB_STATE_RUNNING", 100, None, NOW, None),),
        caches=(),
        estimate_usd=None,
        actual_usd=None,
        note="",
        warning="",
        error="",
        parent_id="",
        rehearsal=False,
        cancel_requested=False,
        has_results=False,
        spec=RunSpec(model="gemini-3-flash"),
    )
    return replace(base, **changes)


def finished_run(run: RunView) -> RunView:
    """The same run, finished."""
    return replace(
        run,
        state=RunState.FINISHED,
        stage=Stage.FINISHED,
        status_text="finished",
        ended_at=NOW + timedelta(seconds=90),
        progress=Progress(run.rows, run.rows, 0, True),
        has_results=True,
    )


TARIFFS = {  # USD per million tokens: 2 for input in a batch, 10 for output
    "gemini-3-flash": Tariff(4.0, 2.0, 20.0, 10.0, 0.4, None, 1.0, 1024, 2048)
}


class FakeAccounts(AccountService):
    """Any key works, unless `runner.check` says otherwise."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner
        self.dropped: set[str] = set()
        self.forgotten: set[str] = set()
        self.revoked: set[str] = set()

    def register_key(self, key: str, *, permanent: bool = False, visitor: Visitor = NOBODY) -> Account:
        self.dropped.discard(f"owner-of-{key[-4:]}")
        return Account(f"owner-of-{key[-4:]}", False, f"key ending in {key[-4:]}", self.runner.destination)

    def register_rehearsal(self, identity: str, *, visitor: Visitor = NOBODY) -> Account:
        return Account(f"owner-of-{identity}", True, "rehearsal", "the rehearsal server on this computer")

    def forget(self, account: Account) -> None:
        self.runner.calls.append(("forget", account.owner_id))
        self.dropped.add(account.owner_id)
        self.forgotten.add(account.owner_id)

    def note(self, account: Account, what: str, run_id: str = "") -> None: ...

    def keep(self, account: Account) -> bool:
        return account.owner_id not in self.dropped

    def is_forgotten(self, account: Account) -> bool:
        return account.owner_id in self.forgotten

    def revoke(self, token: str, seconds: float) -> None:
        self.revoked.add(token)

    def is_revoked(self, token: str) -> bool:
        return token in self.revoked

    def check_key(self, key: str, *, visitor: Visitor = NOBODY) -> KeyCheck:
        check = self.runner.check
        return replace(check, account=self.register_key(key)) if check.ok else check

    def models(self, account: Account | None) -> list[ModelChoice]:
        return MODELS


class FakeForecasts(ForecastService):
    """Knows prices, and forecasts nothing."""

    def __init__(self) -> None: ...

    def tariff(self, model: str) -> Tariff | None:
        return TARIFFS.get(model)

    def model_rules(self, model: str) -> ModelRules:
        return ModelRules(model)

    def with_settings(self, draft: Draft, **settings: object) -> None:
        """Every draft is checked anew."""


class FakeSubmissions(SubmissionService):
    """Every submission is a new run, once per idempotency key."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def submit(
        self,
        account: Account,
        draft: Draft,
        spec: RunSpec,
        idempotency_key: str,
        forecast: Forecast | None = None,
        *,
        attended: bool = True,
    ) -> str:
        return self.runner.add(account, draft.rows, spec, idempotency_key, name=spec.name)


class FakeBilling(BillingService):
    """Costs of `runner.costs_of`."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def run_costs(self, account: Account, run_id: str = "") -> list[RunCost]:
        costs = self.runner.costs_of.get(account.owner_id, [])
        return [cost for cost in costs if run_id in ("", cost.run, cost.parent)]


class FakeRuns(RunService):
    """Runs of `runner.runs_of`, advanced by hand."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def list_recent(self, account: Account, limit: int = 200) -> list[RunView]:
        return self.runner.runs_of.get(account.owner_id, [])[:limit]

    def under_way(self, account: Account) -> list[RunView]:
        return [run for run in self.list_recent(account, 10**6) if not run.state.ended]

    def get(self, account: Account, run_id: str) -> RunView:
        for run in self.list_recent(account):
            if run.id == run_id:
                return run
        raise NotFound("There is no such run under this key.")

    def retries_of(self, account: Account, run_id: str) -> list[RunView]:
        return [run for run in self.list_recent(account)[::-1] if run.parent_id == run_id]

    def comparable_runs(self, account: Account, run_id: str, limit: int = 50) -> list[tuple[RunView, int]]:
        others = [run for run in self.list_recent(account) if run.id != run_id and run.id in self.runner.tables]
        return [(run, 4) for run in others][:limit]

    def events(self, account: Account, run_id: str, limit: int = 200) -> list[EventView]:
        return [EventView(NOW, "info", f"Submitted {run_id}.")]

    def typical_duration(self, account: Account, model: str) -> TypicalDuration | None:
        return self.runner.typical_for.get(model)

    def snoozed_hours(self, account: Account, run_id: str) -> int:
        return self.runner.snooze_hours.get(run_id, 0)

    def snooze_warning(self, account: Account, run_id: str, hours: int) -> None:
        self.runner.snooze_hours[run_id] = hours

    def poll_now(self, account: Account, run_id: str) -> None:
        self.runner.calls.append(("poll_now", self.get(account, run_id).id))

    def cancel(self, account: Account, run_id: str) -> None:
        self.runner.calls.append(("cancel", self.get(account, run_id).id))

    def delete(self, account: Account, run_id: str) -> None:
        self.runner.calls.append(("delete", self.get(account, run_id).id))
        self.runner.runs_of[account.owner_id] = [run for run in self.list_recent(account) if run.id != run_id]

    def mark_row(self, account: Account, run_id: str, key: str, mark: str, note: str) -> None:
        write_mark(self.runner.tables[run_id].folder, key, RowMark(mark, note))

    def so_far(self, account: Account, run_id: str, first: int, limit: int, clip: int) -> ResultsSoFar:
        lines = self.runner.lines_so_far.get(run_id, [])
        return ResultsSoFar(len(lines), tuple(lines[first : first + limit]))

    def results(self, account: Account, run_id: str) -> Any:
        self.get(account, run_id)
        if run_id not in self.runner.tables:
            raise NotFound("There are no results yet.")
        return self.runner.tables[run_id]


def line_of(run: RunView) -> RunLine:
    """A run as a line of the table."""
    state, counts = run.state, run.newest_counts
    return RunLine(
        id=run.id,
        parent_id=run.parent_id,
        parent_name=f"run {run.parent_id}" if run.parent_id else "",
        retry=1 if run.parent_id else 0,
        name=run.name,
        model=run.model,
        tags=run.tags,
        rows=run.rows,
        state=state,
        group=run.group,
        counts=counts,
        attention=run.needs_attention,
        usd=run.actual_usd,
        usd_at_least=run.cost_is_lower_bound,
        error=run.error,
        created_at=run.created_at,
        ended_at=run.ended_at,
        held_back_rows=run.held_back_rows,
    )


class FakeRunTable(RunTableService):
    """The table of `runner.runs_of`, in the order that they have there."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def _all(self, account: Account) -> list[RunLine]:
        return [line_of(run) for run in self.runner.runs_of.get(account.owner_id, [])]

    def page(self, account: Account, query: RunQuery) -> RunPage:
        words = query.text.casefold().split()
        found = [
            line
            for line in self._all(account)
            if all(word in f"{line.name} {line.model} {line.id} {line.tags}".casefold() for word in words)
        ]
        counts = {group: sum(line.group is group for line in found) for group in RunGroup}
        if query.group is not None:
            found = [line for line in found if line.group is query.group]
        elif query.ended_only:
            found = [line for line in found if line.group is not RunGroup.RUNNING]
        return RunPage(tuple(found[query.first : query.first + query.limit]), len(found), counts)

    def counts(self, account: Account) -> dict[RunGroup, int]:
        return dict(self.page(account, RunQuery()).counts)

    def under_way(self, account: Account) -> list[RunView]:
        return self.runner.runs.under_way(account)

    def lines(self, account: Account, run_ids: Sequence[str]) -> list[RunLine]:
        by_id = {line.id: line for line in self._all(account)}
        return [by_id[run_id] for run_id in run_ids if run_id in by_id]

    def tags(self, account: Account) -> list[str]:
        return sorted({tag for line in self._all(account) for tag in line.tags})

    def unread_endings(self, account: Account, limit: int) -> tuple[list[RunLine], int]:
        read = self.runner.read_endings
        lines = [line for line in self._all(account) if line.ended_at and (account.owner_id, line.id) not in read]
        return sorted(lines, key=lambda line: str(line.ended_at), reverse=True)[:limit], len(lines)

    def mark_endings(self, account: Account, run_ids: Sequence[str], *, read: bool = True) -> None:
        names = {(account.owner_id, run_id) for run_id in run_ids}
        self.runner.read_endings = self.runner.read_endings | names if read else self.runner.read_endings - names

    def rename(self, account: Account, run_id: str, name: str) -> None:
        self._change(account, [run_id], lambda run: replace(run, name=name))

    def retag(self, account: Account, run_ids: Sequence[str], add: Sequence[str], remove: Sequence[str] = ()) -> None:
        self._change(
            account,
            run_ids,
            lambda run: replace(run, tags=tuple(tag for tag in (*run.tags, *add) if tag not in remove)),
        )

    def count_retries(self, account: Account, run_ids: Sequence[str]) -> int:
        runs = self.runner.runs_of.get(account.owner_id, [])
        return sum(run.parent_id in run_ids and run.id not in run_ids for run in runs)

    def delete(self, account: Account, run_ids: Sequence[str]) -> Deleted:
        lines = self.lines(account, run_ids)
        for line in lines:
            self.runner.runs.delete(account, line.id)
        return Deleted(len(lines), sum(line.rows for line in lines))

    def _change(self, account: Account, run_ids: Sequence[str], change: Callable[[RunView], RunView]) -> None:
        runs = self.runner.runs_of[account.owner_id]
        self.runner.runs_of[account.owner_id] = [change(run) if run.id in run_ids else run for run in runs]


class FakeRetries(RetryService):
    """Prepares nothing; a row costs a cent at least, two probably, three at worst."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def quote(self, account: Account, run_id: str, where: Filter | None = None) -> AgainQuote:
        wanted = worth_retrying(RETRYABLE) if where is None else where
        return quote(self.runner.tables[run_id], wanted)

    def send_again(self, account: Account, run_id: str, where: Filter | None = None) -> str:
        rows = self.quote(account, run_id, where).rows
        self.runner.calls.append(("send_again", run_id, str(rows)))
        return self.runner.add(account, rows, RunSpec(model="gemini-3-flash"), f"again-{run_id}", parent_id=run_id)

    def budget_position(self, account: Account, run_id: str) -> BudgetPosition | None:
        return self.runner.held_back.get(run_id)

    def raise_budget(self, account: Account, run_id: str, usd: float) -> str:
        position = self.runner.held_back[run_id]
        self.runner.calls.append(("raise_budget", run_id, str(usd)))
        if usd <= position.spent_usd:
            raise OverBudget(f"{usd} is spent.", "Give more.")
        if not position.ended:
            self.runner.held_back[run_id] = replace(position, limit_usd=usd)
            return run_id
        del self.runner.held_back[run_id]
        return self.runner.add(account, position.rows, RunSpec("gemini-3-flash"), f"rest-{run_id}", parent_id=run_id)

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
        overrides = {"model": model, "max_output_tokens": max_output_tokens}
        self.runner.calls.append(("retry_forecast", run_id, str(overrides)))
        rows = len(list(self.runner.tables[run_id].keys(where)))
        spec = RunSpec(model=model or self.runner.runs.get(account, run_id).model)
        return RetryForecast(run_id, Draft(Path("no-draft"), "", "", rows, 0), spec, _cents(rows))

    def resubmit_forecast(
        self, account: Account, run_id: str, *, model: str = "", rows_per_job: int = 0
    ) -> RetryForecast:
        run = self.runner.runs.get(account, run_id)
        spec = RunSpec(model=model or run.model, rows_per_job=rows_per_job)
        draft = Draft(Path("no-draft"), "", "", run.rows, 0)
        return RetryForecast(run_id, draft, spec, _cents(run.rows), replaces_run=run_id)

    def submit_retry(self, account: Account, retry_forecast: RetryForecast, idempotency_key: str) -> str:
        draft, spec = retry_forecast.draft, retry_forecast.spec
        return self.runner.add(account, draft.rows, spec, idempotency_key, parent_id=retry_forecast.parent_id)


class FakeTries(TryService):
    """Answers rows at once as `runner.tried` says, without asking anybody."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def try_rows(self, account: Account, draft: Draft, spec: RunSpec, rows: int = ROWS) -> Tries:
        self.runner.calls.append(("try_rows", account.owner_id))
        if self.runner.try_error is not None:
            raise self.runner.try_error
        return replace(self.runner.tried, draft=str(draft.folder), model=spec.model)


class FakeImports(ImportService):
    """Adopts any job with a name like Google's, once."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def import_job(
        self, account: Account, job: str, *, name: str = "", draft: Draft | None = None, key_field: str = ""
    ) -> ImportedRun:
        self.runner.calls.append(("import-job", job, str(draft.rows if draft else None), *filter(None, [key_field])))
        imported_jobs = self.runner.imported
        if job in imported_jobs:
            return ImportedRun(imported_jobs[job], True, True)
        if not job.startswith("batches/"):
            raise NotFound(f"Google finds no batch job {job} under this key.", "Check the name.")
        imported_jobs[job] = self.runner.add(account, 2, RunSpec(model="gemini-3-flash"), job, imported_job=job)
        return ImportedRun(imported_jobs[job], False, False)

    def list_foreign_jobs(self, account: Account) -> list[ForeignJob]:
        return self.runner.foreign_jobs


class FakeEarlierAnswers(EarlierAnswerService):
    """Nothing was asked before."""

    def __init__(self) -> None:
        pass

    def could_have(self, account: Account, spec: RunSpec) -> bool:
        return False


class FakeRunner(Runner):
    """Keeps what it was told; `runs_of` maps an owner to runs, newest first."""

    def __init__(self) -> None:
        self.runs_of: dict[str, list[RunView]] = {}
        self.costs_of: dict[str, list[RunCost]] = {}
        self.tables: dict[str, Any] = {}
        self.idempotency_keys: dict[str, str] = {}
        self.calls: list[tuple[str, ...]] = []
        self.typical_for: dict[str, TypicalDuration] = {}
        self.snooze_hours: dict[str, int] = {}
        self.read_endings: set[tuple[str, str]] = set()  # (owner, run)
        self.imported: dict[str, str] = {}
        self.foreign_jobs: list[ForeignJob] = []
        self.destination = ""
        self.lines_so_far: dict[str, list[LineSoFar]] = {}  # by run
        self.held_back: dict[str, BudgetPosition] = {}  # by run
        self.tried = Tries("", "", ())
        self.try_error: BatchRunnerError | None = None
        self.check = KeyCheck(True, "The key works.")
        self._numbers = itertools.count(1)
        self.accounts = FakeAccounts(self)
        self.forecasts = FakeForecasts()
        self.submissions = FakeSubmissions(self)
        self.billing = FakeBilling(self)
        self.runs = FakeRuns(self)
        self.run_table = FakeRunTable(self)
        self.retries = FakeRetries(self)
        self.imports = FakeImports(self)
        self.earlier_answers = FakeEarlierAnswers()
        self.tries = FakeTries(self)

    def store_trouble(self) -> None:
        """The database of this runner is always there."""
        return

    def add(self, account: Account, rows: int, spec: RunSpec, idempotency_key: str, **facts: Any) -> str:
        """A new run, once per idempotency key."""
        if idempotency_key not in self.idempotency_keys:
            run_id = self.idempotency_keys[idempotency_key] = f"r{next(self._numbers)}"
            run = make_run(run_id, model=spec.model, rows=rows, rehearsal=account.rehearsal, spec=spec, **facts)
            self.runs_of.setdefault(account.owner_id, []).insert(0, run)
        return self.idempotency_keys[idempotency_key]

    def finish(self, account_owner: str, run_id: str, folder: Path | None = None) -> None:
        """Let a run end."""
        self.runs_of[account_owner] = [finished_run(r) if r.id == run_id else r for r in self.runs_of[account_owner]]


def _cents(rows: int) -> Any:
    """A forecast of which only the price is looked at."""
    usd = SimpleNamespace(low=rows / 100, expected=rows / 50, worst=3 * rows / 100)
    return SimpleNamespace(estimate=SimpleNamespace(usd=usd))
