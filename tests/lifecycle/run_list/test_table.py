"""What a person does in the table of runs, on real runs."""

from __future__ import annotations

import pytest

from batch.errors import InputError, NotFound
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import RunQuery
from lifecycle.run_list.table import Deleted, clean_tag
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until_ended


def test_a_retry_mends_the_line_of_its_parent_and_its_deletion_takes_that_back(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    emulator.settings(job_outcome="partially_succeeded")
    run = wait_until_ended(runner, account, bench.submit(runner, account, "a\nb\nc\nd\n[[emulate: safety]] e"))
    emulator.settings(job_outcome="succeeded")
    (line,) = runner.run_table.page(account, RunQuery()).lines
    assert line.attention == run.needs_attention > 1
    child = wait_until_ended(runner, account, runner.retries.retry(account, run.id, "t", outcomes=["missing"]))
    mended = runner.runs.get(account, run.id)
    page = runner.run_table.page(account, RunQuery())
    assert [(line.id, line.retry) for line in page.lines] == [(run.id, 0), (child.id, 1)]
    left = runner.runs.results(account, run.id).reconciliation
    assert page.lines[0].attention == mended.needs_attention == left.needs_attention < run.needs_attention
    assert dict(mended.counts) == dict(run.counts)
    assert runner.run_table.delete(account, [child.id, child.id, "r0"]) == Deleted(1, child.rows)
    (line,) = runner.run_table.page(account, RunQuery()).lines
    assert line.attention == run.needs_attention == runner.runs.get(account, run.id).needs_attention


def test_several_runs_are_deleted_or_none_is(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account, other = runner.accounts.register_key(KEY), runner.accounts.register_key("another-made-up-key")
    ids = [bench.submit(runner, account, "a\nb", f"t{n}", name=f"run {n}") for n in range(2)]
    for run_id in ids:
        wait_until_ended(runner, account, run_id)
    emulator.settings(job_outcome="stuck")
    stuck = bench.submit(runner, account, "c", "t3")
    with pytest.raises(InputError, match="1 run is still under way"):
        runner.run_table.delete(account, [*ids, stuck])
    assert runner.run_table.delete(other, ids) == Deleted(0, 0)
    assert runner.run_table.page(account, RunQuery()).counts[RunGroup.GOOD] == 2
    assert runner.run_table.delete(account, ids) == Deleted(2, 4)
    assert runner.run_table.delete(account, ids) == Deleted(0, 0)
    page = runner.run_table.page(account, RunQuery(first=500))
    assert [line.id for line in page.lines] == [stuck] == [run.id for run in runner.run_table.under_way(account)]
    assert runner.run_table.page(account, RunQuery(ended_only=True)).total == 0


def test_names_and_tags_are_cleaned_and_only_ones_own(bench: Bench) -> None:
    runner = bench.open(start=False)
    account, other = runner.accounts.register_key(KEY), runner.accounts.register_key("another-made-up-key")
    run_id = bench.submit(runner, account, "a")
    runner.run_table.rename(account, run_id, "  Week\n48 ")
    runner.run_table.retag(account, [run_id], ["+ invoices,\nold"])
    view = runner.runs.get(account, run_id)
    assert (view.name, view.tags) == ("Week 48", ("invoices old",))
    for wrong in (lambda: runner.run_table.rename(account, run_id, " "), lambda: clean_tag("+ ,")):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(InputError, match="at most 20 tags"):
        runner.run_table.retag(account, [run_id], [f"t{n}" for n in range(20)])
    for theirs in (
        lambda: runner.run_table.rename(other, run_id, "x"),
        lambda: runner.run_table.retag(other, [run_id], ["x"]),
    ):
        with pytest.raises(NotFound):
            theirs()
    again = runner.retries.rerun(account, run_id, "again")
    assert runner.runs.get(account, again).name == "Week 48"


def test_an_ending_stays_read_in_every_browser_and_after_a_restart(bench: Bench) -> None:
    runner = bench.open()
    account, other = runner.accounts.register_key(KEY), runner.accounts.register_key("another-made-up-key")
    run_id = bench.submit(runner, account, "a")
    assert runner.run_table.unread_endings(account, 5) == ([], 0)
    wait_until_ended(runner, account, run_id)
    runner.run_table.mark_endings(other, [run_id])
    lines, number = runner.run_table.unread_endings(account, 5)
    assert ([line.id for line in lines], number) == ([run_id], 1)
    runner.run_table.mark_endings(account, [run_id])
    runner.close()
    assert bench.open(start=False).run_table.unread_endings(account, 5) == ([], 0)
