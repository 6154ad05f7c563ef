"""A budget holds whatever happens: no more is bought, and what is left is neither lost nor bought twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch.errors import InputError, OverBudget
from batch.model import RunState
from batch.pricing.estimate import CostRange
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.transport import BatchLimits
from lifecycle.results.read.table import Filter
from lifecycle.runner import Runner
from lifecycle.workflow.shards import budget
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until_ended
from tests.lifecycle.simulation import SURVIVABLE_FAULTS, InjectedFault, Simulation

ROWS, ROW_USD, WORST_ROW_USD, TOKEN_USD = 40, 0.05, 0.10, 0.01
OPS = ("list", "upload", "create", "get", "download")


def estimate(rows: int = ROWS, row_usd: float = ROW_USD, worst_usd: float = WORST_ROW_USD) -> dict[str, Any]:
    usd = {"low": 0.0, "expected": rows * row_usd, "worst": rows * worst_usd}
    nothing = {"expected": 0.0, "worst": 0.0}
    return {"usd": usd, "uncached_usd": usd, "prompt_usd": nothing, "caches_usd": nothing}


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with Simulation(tmp_path, BatchLimits(rows=3)) as world:
        world.token_usd = TOKEN_USD
        world.google.output_tokens = lambda key: 1 + int(key.rsplit("-", 1)[1]) * 7 % 10  # 1 to 10 cents a row
        yield world


def bought(simulation: Simulation) -> float:
    """What all jobs that were ever made cost, whether they have ended or not."""
    tokens = simulation.google.output_tokens
    assert tokens is not None
    return sum(tokens(key) * TOKEN_USD for job in simulation.google.jobs for key in job.keys)


@pytest.mark.parametrize("duration", [1.0, 400.0])
def test_sending_stops_before_the_budget_is_exceeded_and_says_what_is_left(
    simulation: Simulation, duration: float
) -> None:
    simulation.google.duration = duration
    run_id = simulation.submit(rows=ROWS, max_usd=1.0, estimate=estimate())
    simulation.run_until_ended(run_id)
    stopped, sent = simulation.row(run_id).progress.budget_stop, sum(len(job.keys) for job in simulation.google.jobs)
    assert stopped is not None and stopped.rows == ROWS - sent and 0 < sent < ROWS
    assert 0.75 <= bought(simulation) <= 1.0
    assert len(simulation.answers(run_id)) == sent
    assert f"Stopped at the budget of $1.00: {stopped.rows} rows not sent." in simulation.log_text(run_id)


def test_a_budget_that_ignores_what_is_under_way_is_exceeded(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above sees it: this is what it guards against."""
    balance = budget._balance
    monkeypatch.setattr(budget, "_balance", lambda *facts: balance(*facts)._replace(under_way=0.0))
    simulation.google.duration = 400.0
    simulation.run_until_ended(simulation.submit(rows=ROWS, max_usd=1.0, estimate=estimate()))
    assert bought(simulation) > 1.0


def test_a_run_that_turns_out_cheap_is_sent_whole(simulation: Simulation) -> None:
    """By the estimate's worst case most of it would be left: what came back corrects that."""
    simulation.google.output_tokens = lambda key: 3
    run_id = simulation.submit(rows=200, max_usd=6.5, estimate=estimate(200, 0.03, 0.5))
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).progress.budget_stop is None and len(simulation.answers(run_id)) == 200


def test_a_single_row_that_is_expected_to_fit_is_sent(simulation: Simulation) -> None:
    run_id = simulation.submit(rows=1, max_usd=0.06, estimate=estimate(1))
    simulation.run_until_ended(run_id)
    assert len(simulation.answers(run_id)) == 1


def test_a_higher_budget_lets_a_run_under_way_go_on(simulation: Simulation) -> None:
    simulation.google.duration = 400.0
    run_id = simulation.submit(rows=ROWS, max_usd=1.0, estimate=estimate())
    simulation.work(10)
    row = simulation.row(run_id)
    at = budget.position(simulation.process.store, row)
    assert row.progress.waits_for_budget and at is not None and not at.ended
    assert at.rows == ROWS - sum(len(job.keys) for job in simulation.google.jobs)
    assert at.spent_usd + at.under_way_usd <= at.limit_usd < at.spent_usd + at.under_way_usd + at.worst_usd
    assert at.expected_usd == pytest.approx(at.rows * ROW_USD)
    simulation.process.store.set_max_usd(run_id, 100.0)
    simulation.work(10)
    assert sum(len(job.keys) for job in simulation.google.jobs) == ROWS
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).progress.budget_stop is None and len(simulation.answers(run_id)) == ROWS


def test_raised_in_the_moment_of_stopping_it_goes_on(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = simulation.submit(rows=ROWS, max_usd=1.0, estimate=estimate())
    stop = budget.stop

    def raised_meanwhile(*facts: Any) -> None:
        simulation.process.store.set_max_usd(run_id, 100.0)
        stop(*facts)

    monkeypatch.setattr(budget, "stop", raised_meanwhile)
    simulation.run_until_ended(run_id)
    assert simulation.row(run_id).progress.budget_stop is None and len(simulation.answers(run_id)) == ROWS


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_budget_holds_and_no_row_is_lost_or_bought_twice(
    simulation: Simulation, seed: int
) -> None:
    """Processes die, replies are lost, jobs are slow, and a retry of the rest shares the budget."""
    chance, google = random.Random(seed), simulation.google
    google.duration, google.list_lag = chance.choice([1.0, 60.0, 400.0]), chance.choice([0.0, 30.0])
    limit, rows = chance.choice([0.4, 0.8]), 20
    run_id = simulation.submit(rows=rows, max_usd=limit, estimate=estimate(rows))
    for _ in range(5):
        google.faults.append(InjectedFault(chance.choice(OPS), chance.choice(SURVIVABLE_FAULTS)))
        store = simulation.process.store
        store.crash_in, store.crash_after = chance.choice([0, chance.randint(1, 30)]), chance.random() < 0.5
        simulation.work(chance.choice([1.0, 61.0, 700.0]))
        assert bought(simulation) <= limit + 1e-9
    simulation.run_until_ended(run_id)
    sent = [key for job in google.jobs for key in job.keys]
    stopped = simulation.row(run_id).progress.budget_stop
    assert stopped is not None and len(simulation.answers(run_id)) + stopped.rows == rows
    left = [key for key in simulation.keys(run_id) if key not in sent]
    child = simulation.submit(keys=left, parent=run_id, max_usd=limit, estimate=estimate(len(left)))
    simulation.run_until_ended(child)
    sent = [key for job in google.jobs for key in job.keys]
    assert len(sent) == len(set(sent)) and bought(simulation) <= limit + 1e-9


# -- with the service itself ---------------------------------------------------------------------------------------


def submit_with(runner: Runner, account: Account, rows: int, max_usd: float, expected: float, worst: float) -> str:
    """A run that is expected to cost so much, whatever it will really cost."""
    draft = runner.forecasts.prepare_draft("\n".join(f"Describe town {n}" for n in range(rows)), kind="lines")
    spec = RunSpec(model=MODEL, max_usd=max_usd)
    forecast = runner.forecasts.for_draft(account, draft, spec, exact=False)
    usd, nothing = CostRange(0.0, expected, worst), CostRange(0.0, 0.0, 0.0)
    card = replace(forecast.estimate, usd=usd, uncached=usd, prompt_usd=nothing, caches_usd=nothing)
    return runner.submissions.submit(account, draft, spec, "", replace(forecast, estimate=card))


def test_a_run_stops_at_its_budget_and_the_rest_is_sent_when_it_is_raised(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    whole = wait_until_ended(runner, account, submit_with(runner, account, 30, 9.0, 0.1, 0.2))
    cost = whole.actual_usd
    assert cost
    limit = cost / 2
    run = wait_until_ended(runner, account, submit_with(runner, account, 30, limit, limit / 2, 4 * limit))
    assert run.state is RunState.FINISHED and 0 < run.unsent_rows < 30 and run.actual_usd
    assert run.actual_usd <= limit and run.counts["missing"] == run.unsent_rows
    assert run.status_text == run.state_words == f"stopped at its budget, {run.unsent_rows} rows not sent"
    with pytest.raises(OverBudget, match="is spent"):
        runner.retries.retry(account, run.id, "", outcomes=["missing"])
    at = runner.retries.budget_position(account, run.id)
    assert at is not None and (at.run_id, at.limit_usd, at.rows, at.under_way_usd) == (
        run.id,
        limit,
        run.unsent_rows,
        0,
    )
    assert at.spent_usd == pytest.approx(run.actual_usd) and at.suggested_usd >= at.spent_usd + at.worst_usd
    assert at.expected_usd == pytest.approx(cost - at.spent_usd, rel=0.3)  # by what the other rows have cost
    assert runner.retries.quote(account, run.id).rows == 0  # they are offered once, by raising the budget
    with pytest.raises(InputError, match="held back by the budget"):
        runner.retries.retry(account, run.id, "")
    child_id = runner.retries.raise_budget(account, run.id, at.suggested_usd)
    assert runner.retries.raise_budget(account, run.id, at.suggested_usd) == child_id  # a second click
    assert runner.retries.raise_budget(account, run.id, 3 * cost) == child_id  # and more for the same rows
    assert runner.retries.budget_position(account, run.id) is None
    child = wait_until_ended(runner, account, child_id)
    assert (child.rows, child.unsent_rows, child.parent_id) == (run.unsent_rows, 0, run.id)
    assert runner.runs.get(account, run.id).rest_run == child_id
    assert runner.runs.results(account, run.id).counts() == {"answered": 30}
    assert run.actual_usd + (child.actual_usd or 0) == pytest.approx(cost, rel=0.2)
    with pytest.raises(InputError):
        runner.retries.raise_budget(account, run.id, 3 * cost)  # nothing is left
    with pytest.raises(InputError, match="no budget"):
        draft = runner.forecasts.prepare_draft("one", kind="lines")
        free = runner.submissions.submit(account, draft, RunSpec(model=MODEL), "")
        runner.retries.raise_budget(account, free, 1.0)


def test_rows_that_a_budget_held_back_and_a_retry_sends_are_not_offered_again(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, submit_with(runner, account, 24, 0.05, 0.0001, 3.0))
    held = list(runner.runs.results(account, run.id).keys(Filter(outcomes=("missing",))))
    assert len(held) == run.unsent_rows > 2
    runner.retries.send_again(account, run.id, Filter(keys=(held[0],)))
    (at, now) = runner.retries.budget_position(account, run.id), runner.runs.get(account, run.id)
    assert at is not None and at.rows == now.unsent_rows == len(held) - 1 and not now.rest_run
    child = runner.retries.send_again(account, run.id, Filter(keys=tuple(held[1:])))
    assert runner.runs.get(account, run.id).rest_run == child
    assert runner.retries.budget_position(account, run.id) is None
