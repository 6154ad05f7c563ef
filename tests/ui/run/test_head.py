"""The numbers of a run are the same wherever they are said, and the head says them in words."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from batch.formatting import money
from batch.model import RunState
from batch.pricing.costs import sum_run_costs
from batch.responses.outcome_groups import OutcomeGroup, RunGroup, group_counts
from batch.responses.spreadsheet_text import headline
from lifecycle.core.models import RunQuery
from lifecycle.results.export.export import ExportOptions, export
from lifecycle.results.read.table import Filter
from terminal.output.documents import run_document
from terminal.output.lines import run_line
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, bench, emulator, shared_emulator, wait_until_ended
from tests.lifecycle.workflow.shards.test_budget import submit_with
from tests.ui.fakes import finished_run, make_run
from ui.monitor.desktop_notification import notifications
from ui.monitor.since_last_visit import how
from ui.results.outcome_bar import bar
from ui.results.run_cost import compare_with_estimate, describe_what
from ui.rows.send_again import button_label
from ui.run.head import describe_state, facts
from ui.runs.run_table import colour
from ui.shared.format import progress

__all__ = ["bench", "emulator", "shared_emulator"]
PROMPTS = "\n".join(
    [
        *(f"good {n}" for n in range(4)),
        "[[emulate: max_tokens]] cut",
        "[[emulate: error:13]] for now",
        "[[emulate: safety]] blocked",
        "[[emulate: error:3]] lost",
    ]
)


def test_a_mixed_run_says_the_same_in_every_place_before_and_after_a_retry(
    bench: Bench, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS))
    for _ in range(2):
        (line,) = [one for one in runner.run_table.page(account, RunQuery()).lines if one.id == run.id]
        table = runner.runs.results(account, run.id)
        groups = group_counts(table.counts())
        attention = run.rows - groups[OutcomeGroup.GOOD]
        target = export(table, tmp_path / "out.csv", "csv", ExportOptions()).path
        with target.open(encoding="utf-8", newline="") as file:
            exported = Counter(row["outcome"] for row in csv.DictReader(file))

        assert dict(run.newest_counts) == table.counts() == dict(exported) == dict(line.counts)
        assert attention == run.needs_attention == line.attention == table.reconciliation.needs_attention
        assert describe_state(run)[0] == run.state_words == line.words
        assert f"{attention} need attention" in run_line(run)
        assert f"{attention} need attention" in progress(run) and "failed" not in progress(run)
        assert (
            headline("X", run.newest_counts) == f"X: {groups[OutcomeGroup.GOOD]} answered, {attention} need attention"
        )
        shown = ", ".join(f"{number} {group}" for group, number in groups.items() if number)
        assert f'aria-label="Rows: {shown}"' in bar(table.counts())

        own, *retries = runner.billing.run_costs(account, run.id)
        assert own.usd == pytest.approx(run.actual_usd) and line.usd == run.actual_usd
        assert run_document(run)["actual_usd"] == run.actual_usd and money(run.actual_usd) in run_line(run)
        children = runner.runs.retries_of(account, run.id)
        told = " · ".join(facts(run, children, [own, *retries]))
        assert money(run.actual_usd) in told
        assert [retry.usd for retry in retries] == pytest.approx([child.actual_usd for child in children])
        bill = sum_run_costs([own, *retries])
        assert not children or f"with 1 retry {money(bill.usd)}" in told
        assert describe_what([own, *retries], False) == ("Cost with 1 retry" if children else "Cost")
        assert bill.usd is not None and bill.worst_usd is not None and bill.expected_usd is not None
        said = " ".join(compare_with_estimate(bill))
        is_worse = bill.usd > bill.worst_usd
        assert f"{money(bill.worst_usd)} {'estimated as' if is_worse else 'was'} the worst case" in said
        assert money(bill.usd / bill.rows) in said and bill.expected_usd <= bill.worst_usd

        quoted = runner.retries.quote(account, run.id)
        forecast = runner.retries.retry_forecast(account, run.id, max_output_tokens=quoted.output_cap)
        again = forecast.forecast.estimate.usd
        assert quoted.rows == forecast.draft.rows and quoted.usd == pytest.approx(again.expected, rel=0.02)
        assert again.worst is not None and again.expected is not None and again.expected <= again.worst
        assert money(quoted.usd) in button_label(quoted).replace("\\", "")
        if not children:
            child = runner.retries.send_again(account, run.id, Filter(search="emulate: safety"))
            wait_until_ended(runner, account, child)
            run = runner.runs.get(account, run.id)


def test_a_run_stopped_at_its_budget_says_so_in_every_place_until_the_rest_is_sent(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    whole = wait_until_ended(runner, account, submit_with(runner, account, 30, 9.0, 0.1, 0.2))
    limit = (whole.actual_usd or 0.0) / 2
    run = wait_until_ended(runner, account, submit_with(runner, account, 30, limit, limit / 2, 4 * limit))
    words = f"stopped at its budget, {run.held_back_rows} rows not sent"
    query = RunQuery(group=RunGroup.DECIDE, text=run.id)
    (line,) = runner.run_table.page(account, query).lines

    assert 0 < run.held_back_rows < 30 and run.held_back_rows == line.held_back_rows == run.needs_attention
    assert run.group is line.group is RunGroup.DECIDE and colour(line) == describe_state(run)[1] == "violet"
    assert words == describe_state(run)[0] == run.state_words == run.status_text == line.words
    assert run_line(run).startswith(f"{run.id}  {words}") and run_document(run)["group"] == RunGroup.DECIDE
    (unread,) = [one for one in runner.run_table.unread_endings(account, 9)[0] if one.id == run.id]
    assert how(unread) == f"{words}: {30 - run.held_back_rows} of 30 rows good"
    ((_, title, text),) = notifications([unread])
    assert title == "A run was stopped at its budget" and text.startswith(words)
    assert runner.run_table.counts(account) == {**dict.fromkeys(RunGroup, 0), RunGroup.DECIDE: 1, RunGroup.GOOD: 1}

    child = runner.retries.raise_budget(account, run.id, 9.0)
    assert runner.run_table.lines(account, [run.id])[0].words == runner.runs.get(account, run.id).state_words != words
    wait_until_ended(runner, account, child)
    (line,) = runner.run_table.lines(account, [run.id])
    run = runner.runs.get(account, run.id)
    assert run.group is line.group is RunGroup.GOOD and run.state_words == line.words == "finished"


def test_a_run_that_was_cut_off_in_parts_is_never_a_plain_success() -> None:
    run = finished_run(make_run("r1", rows=320, counts={"answered": 213, "truncated": 107}))
    assert describe_state(run) == ("finished, 107 of 320 cut off", "orange", ":material/refresh:")
    good = replace(run, counts={"answered": 320})
    assert describe_state(good) == ("finished, all 320 good", "green", ":material/check:")
    failed = replace(run, state=RunState.FAILED, counts={}, error="Your key was refused. Try another.")
    assert describe_state(failed)[:2] == ("failed: your key was refused", "red")
