"""What a person may spend in a month, over runs that ended, were deleted, and are under way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from batch.errors import OverBudget
from batch.pricing.costs import RunCost
from lifecycle.core.models import RunSpec, Visitor
from lifecycle.planning.monthly_budget import taken_usd
from tests.lifecycle.conftest import KEY, MODEL, Bench
from tests.patience import PATIENCE_SECONDS

PROMPTS = "Say hello.\nName a river."


def test_a_run_that_would_take_a_person_over_the_month_is_refused_and_nobody_else_is(bench: Bench) -> None:
    runner = bench.open(start=False, env_key=KEY, user_monthly_usd=1.0)
    ann, bea = (
        runner.accounts.register_key(KEY, permanent=True, visitor=Visitor(name, "10.0.0.1")) for name in ("ann", "bea")
    )
    store = runner._context.store
    bench.submit(runner, ann, PROMPTS)
    store.add_run_cost(ann.owner_id, RunCost(run="deleted", ended_at=store.now(), rows_usd=0.999999))
    with pytest.raises(OverBudget, match="This month you may spend"):
        bench.submit(runner, ann, PROMPTS)
    bench.submit(runner, bea, PROMPTS)
    alone = runner.accounts.register_key(KEY)
    assert not alone.visitor.user
    bench.submit(runner, alone, PROMPTS)


def test_of_two_runs_sent_at_once_only_the_one_that_fits_begins(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = bench.open(start=False, env_key=KEY, user_monthly_usd=1.0)
    ann = runner.accounts.register_key(KEY, permanent=True, visitor=Visitor("ann", "10.0.0.1"))
    first = bench.submit(runner, ann, PROMPTS)
    expected = runner.runs.get(ann, first).estimate_usd
    assert expected
    store, ready = runner._context.store, threading.Barrier(2)
    store.add_run_cost(ann.owner_id, RunCost(run="deleted", ended_at=store.now(), rows_usd=1 - 2.5 * expected))
    add_run = store.add_run

    def add_at_once(*arguments: Any, **options: Any) -> str:  # as late as all that is decided before can be decided
        ready.wait(PATIENCE_SECONDS)
        return add_run(*arguments, **options)

    monkeypatch.setattr(store, "add_run", add_at_once)
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(bench.submit, runner, ann, PROMPTS) for _ in range(2)]
    refused = [future.exception() for future in sent if future.exception()]
    assert [type(error) for error in refused] == [OverBudget]
    runs = runner.runs.list_recent(ann)
    assert len(runs) == 2 and {path.name for path in (runner.data_dir / "runs").iterdir()} == {run.id for run in runs}


def test_a_second_click_on_what_used_up_the_month_is_the_same_run(bench: Bench) -> None:
    runner = bench.open(start=False, env_key=KEY, user_monthly_usd=1.0)
    ann = runner.accounts.register_key(KEY, permanent=True, visitor=Visitor("ann", "10.0.0.1"))
    draft = runner.forecasts.prepare_draft(PROMPTS, kind="lines")
    run_id = runner.submissions.submit(ann, draft, RunSpec(model=MODEL), "click")
    store = runner._context.store
    store.add_run_cost(ann.owner_id, RunCost(run="deleted", ended_at=store.now(), rows_usd=0.999999))
    assert runner.submissions.submit(ann, draft, RunSpec(model=MODEL), "click") == run_id


def test_what_is_under_way_counts_as_expected_and_the_last_month_does_not(bench: Bench) -> None:
    runner = bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    store, now = runner._context.store, datetime(2026, 11, 29, tzinfo=UTC)
    assert taken_usd(store.spending(account.owner_id), now) == 0
    run_id = bench.submit(runner, account, PROMPTS)
    expected = runner.runs.get(account, run_id).estimate_usd
    for day, usd in ((datetime(2026, 11, 1, 1, tzinfo=UTC), 2.0), (datetime(2026, 10, 31, 23, tzinfo=UTC), 50.0)):
        store.add_run_cost(account.owner_id, RunCost(run=f"r{usd}", ended_at=day.timestamp(), rows_usd=usd))
    assert taken_usd(store.spending(account.owner_id), now) == pytest.approx(2.0 + (expected or 0))
