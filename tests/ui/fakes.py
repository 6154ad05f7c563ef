"""A runner that does nothing but remember, for tests of the page alone. Runs are advanced by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from batch.errors import NotFound
from batch.model import RunState, Stage, Tariff
from batch.pricing.costs import Bill
from lifecycle.core.foreign_jobs import Elsewhere, Recovered
from lifecycle.core.job_age import Usual
from lifecycle.core.models import Account, EventView, JobView, KeyCheck, ModelChoice, Progress, RunSpec, RunView
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.forecast import Forecast
from lifecycle.planning.retry_draft import RetryOffer
from lifecycle.services.accounts import Accounts
from lifecycle.services.billing import Billing
from lifecycle.services.forecasts import Quotes
from lifecycle.services.imported_jobs import Adoptions
from lifecycle.services.retries import Resubmissions
from lifecycle.services.runs import Runs
from lifecycle.services.submissions import Submissions

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MODELS = [
    ModelChoice(
        "gemini-3-flash", "Gemini 3 Flash", 0.25, 1.5, True, "in $0.25, out $1.50 per million tokens in a batch"
    ),
    ModelChoice("gemini-mystery", "Gemini Mystery", None, None, None, "price unknown"),
]


def a_run(run_id: str, **changes: Any) -> RunView:
    """A run under way, with whatever is different about it."""
    plain = RunView(
        id=run_id,
        name=f"run {run_id}",
        state=RunState.ACTIVE,
        stage=Stage.RUNNING,
        words="running",
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
    return replace(plain, **changes)


def ended(run: RunView) -> RunView:
    """The same run, finished."""
    return replace(
        run,
        state=RunState.FINISHED,
        stage=Stage.FINISHED,
        words="finished",
        ended_at=NOW + timedelta(seconds=90),
        progress=Progress(run.rows, run.rows, 0, True),
        has_results=True,
    )


TARIFFS = {  # USD per million tokens: 2 for input in a batch, 10 for output
    "gemini-3-flash": Tariff(4.0, 2.0, 20.0, 10.0, 0.4, None, 1.0, 1024, 2048)
}


class FakeAccounts(Accounts):
    """Any key works, unless `runner.check` says otherwise."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def hold_key(self, key: str) -> Account:
        return Account(f"owner-of-{key[-4:]}", False, f"key ending in {key[-4:]}", self.runner.destination)

    def hold_rehearsal(self, identity: str) -> Account:
        return Account(f"owner-of-{identity}", True, "rehearsal", "the rehearsal server on this computer")

    def forget(self, account: Account) -> None:
        self.runner.calls.append(("forget", account.owner))

    def check_key(self, key: str) -> KeyCheck:
        check = self.runner.check
        return replace(check, account=self.hold_key(key)) if check.ok else check

    def models(self, account: Account | None) -> list[ModelChoice]:
        return MODELS


class FakeForecasts(Quotes):
    """Knows prices, and forecasts nothing."""

    def __init__(self) -> None: ...

    def tariff(self, model: str) -> Tariff | None:
        return TARIFFS.get(model)


class FakeSubmissions(Submissions):
    """Every submission is a new run, once per ticket."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def submit(self, account: Account, draft: Any, spec: RunSpec, ticket: str, found: Forecast | None = None) -> str:
        return self.runner.add(account, draft.rows, spec, ticket, name=spec.name)


class FakeBilling(Billing):
    """Bills of `runner.bills_of`."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def bills(self, account: Account, run_id: str = "") -> list[Bill]:
        bills = self.runner.bills_of.get(account.owner, [])
        return [bill for bill in bills if run_id in ("", bill.run, bill.parent)]


class FakeRuns(Runs):
    """Runs of `runner.runs_of`, advanced by hand."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def runs(self, account: Account, limit: int = 200) -> list[RunView]:
        return self.runner.runs_of.get(account.owner, [])[:limit]

    def ended_since(self, account: Account, moment: float, limit: int) -> list[RunView]:
        ended = [run for run in self.runs(account) if run.ended_at and run.ended_at.timestamp() > moment]
        return sorted(ended, key=lambda run: str(run.ended_at), reverse=True)[:limit]

    def run(self, account: Account, run_id: str) -> RunView:
        for run in self.runs(account):
            if run.id == run_id:
                return run
        raise NotFound("There is no such run under this key.")

    def retries_of(self, account: Account, run_id: str) -> list[RunView]:
        return [run for run in self.runs(account)[::-1] if run.parent_id == run_id]

    def comparable(self, account: Account, run_id: str, limit: int = 50) -> list[tuple[RunView, int]]:
        others = [run for run in self.runs(account) if run.id != run_id and run.id in self.runner.tables]
        return [(run, 4) for run in others][:limit]

    def events(self, account: Account, run_id: str, limit: int = 200) -> list[EventView]:
        return [EventView(NOW, "info", f"Submitted {run_id}.")]

    def usual(self, account: Account, model: str) -> Usual | None:
        return self.runner.usual_for.get(model)

    def kept(self, account: Account, run_id: str) -> int:
        return self.runner.kept_hours.get(run_id, 0)

    def keep(self, account: Account, run_id: str, hours: int) -> None:
        self.runner.kept_hours[run_id] = hours

    def cancel(self, account: Account, run_id: str) -> None:
        self.runner.calls.append(("cancel", self.run(account, run_id).id))

    def delete(self, account: Account, run_id: str) -> None:
        self.runner.calls.append(("delete", self.run(account, run_id).id))
        self.runner.runs_of[account.owner] = [run for run in self.runs(account) if run.id != run_id]

    def results(self, account: Account, run_id: str) -> Any:
        self.run(account, run_id)
        if run_id not in self.runner.tables:
            raise NotFound("There are no results yet.")
        return self.runner.tables[run_id]


class FakeRetries(Resubmissions):
    """Prepares nothing; a row costs a cent at least, two probably, three at worst."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def retry_forecast(self, account: Account, run_id: str, *, where: Any, **otherwise: Any) -> RetryOffer:
        self.runner.calls.append(("offer", run_id, str(otherwise)))
        rows = len(list(self.runner.tables[run_id].keys(where)))
        spec = RunSpec(model=otherwise["model"] or self.runner.runs.run(account, run_id).model)
        return RetryOffer(run_id, Draft(Path("no-draft"), "", "", rows, 0), spec, _cents(rows))

    def resubmit_forecast(self, account: Account, run_id: str, *, model: str = "", rows_per_job: int = 0) -> RetryOffer:
        run = self.runner.runs.run(account, run_id)
        spec = RunSpec(model=model or run.model, rows_per_job=rows_per_job)
        draft = Draft(Path("no-draft"), "", "", run.rows, 0)
        return RetryOffer(run_id, draft, spec, _cents(run.rows), after=run_id)

    def send_retry(self, account: Account, offer: RetryOffer, ticket: str) -> str:
        return self.runner.add(account, offer.draft.rows, offer.spec, ticket, parent_id=offer.parent)


class FakeImports(Adoptions):
    """Adopts any job with a name like Google's, once."""

    def __init__(self, runner: FakeRunner) -> None:
        self.runner = runner

    def recover(self, account: Account, job: str, *, name: str = "", draft: Draft | None = None) -> Recovered:
        self.runner.calls.append(("recover", job, str(draft.rows if draft else None)))
        recovered = self.runner.recovered
        if job in recovered:
            return Recovered(recovered[job], True, True)
        if not job.startswith("batches/"):
            raise NotFound(f"Google finds no batch job {job} under this key.", "Check the name.")
        recovered[job] = self.runner.add(account, 2, RunSpec(model="gemini-3-flash"), job, recovered=job)
        return Recovered(recovered[job], False, False)

    def jobs_elsewhere(self, account: Account) -> list[Elsewhere]:
        return self.runner.elsewhere


class FakeRunner:
    """Keeps what it was told; `runs_of` maps an owner to runs, newest first."""

    def __init__(self) -> None:
        self.runs_of: dict[str, list[RunView]] = {}
        self.bills_of: dict[str, list[Bill]] = {}
        self.tables: dict[str, Any] = {}
        self.tickets: dict[str, str] = {}
        self.calls: list[tuple[str, ...]] = []
        self.usual_for: dict[str, Usual] = {}
        self.kept_hours: dict[str, int] = {}
        self.recovered: dict[str, str] = {}
        self.elsewhere: list[Elsewhere] = []
        self.destination = ""
        self.check = KeyCheck(True, "The key works.")
        self._numbers = itertools.count(1)
        self.accounts: Accounts = FakeAccounts(self)
        self.forecasts: Quotes = FakeForecasts()
        self.submissions: Submissions = FakeSubmissions(self)
        self.billing: Billing = FakeBilling(self)
        self.runs: Runs = FakeRuns(self)
        self.retries: Resubmissions = FakeRetries(self)
        self.imports: Adoptions = FakeImports(self)

    def add(self, account: Account, rows: int, spec: RunSpec, ticket: str, **facts: Any) -> str:
        """A new run, once per ticket."""
        if ticket not in self.tickets:
            run_id = self.tickets[ticket] = f"r{next(self._numbers)}"
            run = a_run(run_id, model=spec.model, rows=rows, rehearsal=account.rehearsal, spec=spec, **facts)
            self.runs_of.setdefault(account.owner, []).insert(0, run)
        return self.tickets[ticket]

    def finish(self, account_owner: str, run_id: str, folder: Path | None = None) -> None:
        """Let a run end."""
        self.runs_of[account_owner] = [ended(r) if r.id == run_id else r for r in self.runs_of[account_owner]]


def _cents(rows: int) -> Any:
    """A forecast of which only the price is looked at."""
    usd = SimpleNamespace(low=rows / 100, expected=rows / 50, worst=3 * rows / 100)
    return SimpleNamespace(card=SimpleNamespace(usd=usd))
