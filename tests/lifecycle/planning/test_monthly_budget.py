"""What a person may spend in a month, over runs that ended, were deleted, and are under way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from batch.errors import OverBudget
from batch.pricing.costs import RunCost
from lifecycle.core.models import Visitor
from lifecycle.planning.monthly_budget import taken_usd
from tests.lifecycle.conftest import KEY, Bench

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


def test_what_is_under_way_counts_as_expected_and_the_last_month_does_not(bench: Bench) -> None:
    runner = bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    store, now = runner._context.store, datetime(2026, 11, 29, tzinfo=UTC)
    assert taken_usd(store, account.owner_id, now) == 0
    run_id = bench.submit(runner, account, PROMPTS)
    expected = runner.runs.get(account, run_id).estimate_usd
    for day, usd in ((datetime(2026, 11, 1, 1, tzinfo=UTC), 2.0), (datetime(2026, 10, 31, 23, tzinfo=UTC), 50.0)):
        store.add_run_cost(account.owner_id, RunCost(run=f"r{usd}", ended_at=day.timestamp(), rows_usd=usd))
    assert taken_usd(store, account.owner_id, now) == pytest.approx(2.0 + (expected or 0))
