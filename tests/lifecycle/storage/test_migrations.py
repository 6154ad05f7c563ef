"""A DATA_DIR that an earlier version wrote opens with all that is in it, and its runs go on.

`data_dir_v4/` holds one as version 4 of the database wrote it, and what the terminal said of it then.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, inspect

from batch.errors import InputError
from batch.pricing import catalog
from batch.pricing.costs import overall, sum_spend
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import Account, RunQuery
from lifecycle.core.run_progress import BudgetStop, RunProgress
from lifecycle.results.export.export import ExportOptions, export
from lifecycle.runner import Runner, Setup
from lifecycle.storage import migrations
from lifecycle.storage.run_table import RunTable
from lifecycle.storage.store import Store
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import wait_until_ended
from tests.lifecycle.storage.test_run_table import ended_run

ARCHIVE = Path(__file__).with_name("data_dir_v4") / "data_dir.tar.xz"
EXPECTED: dict[str, dict[str, Any]] = json.loads(ARCHIVE.with_name("expected.json").read_text())
REHEARSAL = "rehearsal-identity"
SNOOZED_RUN, DETACHED_RUN = "r857bd232c9c2", "r94b95851d3b9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "data_dir"


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'runs.db'}"


def change(folder: Path, *statements: str) -> None:
    """Change the database as it was written."""
    connection = sqlite3.connect(folder / "runs.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def open_runner(folder: Path, base_url: str = "http://127.0.0.1:9", database_url: str = "") -> Runner:
    setup = Setup(
        data_dir=folder,
        database_url=database_url or sqlite_url(folder),
        catalog=catalog.load(),
        rehearsal_url=lambda: base_url,
        base_url=base_url,
        request_timeout_seconds=3.0,
        settle_seconds=1.0,
        lease_seconds=2.0,
    )
    return Runner(setup)


def account_of(runner: Runner, key: str) -> Account:
    if key == REHEARSAL:
        return runner.accounts.register_rehearsal((runner.data_dir / REHEARSAL).read_text().strip())
    return runner.accounts.register_key(key)


def answers_digest(runner: Runner, account: Account, run_id: str, folder: Path) -> str:
    """A hash of each row's key, outcome and text."""
    target = folder / "answers.jsonl"
    export(runner.runs.results(account, run_id), target, "jsonl", ExportOptions())
    rows = sorted([row["key"], row["outcome"], row["text"]] for row in map(json.loads, target.read_text().splitlines()))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def runs_as_expected(runner: Runner, account: Account, folder: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for run in runner.runs.list_recent(account):
        values: dict[str, Any] = {
            "name": run.name,
            "stage": run.stage.value,
            "model": run.model,
            "rows": run.rows,
            "counts": dict(run.counts),
            "actual_usd": run.actual_usd,
            "actual_at_least": run.cost_is_lower_bound,
            "estimate_usd": run.estimate_usd,
            "parent_id": run.parent_id or None,
            "error": run.error or None,
        }
        if run.state.ended:
            values["state"] = run.state.value
        if run.has_results:
            values["answers_sha256"] = answers_digest(runner, account, run.id, folder)
        found[run.id] = values
    return found


def check_everything(runner: Runner, folder: Path) -> None:
    for key, expected in EXPECTED.items():
        account = account_of(runner, key)
        assert runs_as_expected(runner, account, folder) == expected["runs"], key
        totals = sum_spend(runner.billing.run_costs(account), overall)
        spend = [[total.runs, total.rows, pytest.approx(total.usd), total.at_least] for total in totals]
        assert spend == ([expected["spend"]] if expected["spend"] else []), key


def test_a_data_folder_of_version_4_opens_with_its_runs_results_and_costs(folder: Path) -> None:
    runner = open_runner(folder)
    check_everything(runner, folder)
    account = account_of(runner, "test-key-fixture-0001")
    assert runner.runs.snoozed_hours(account, SNOOZED_RUN) == 24
    detached = runner.runs.get(account, DETACHED_RUN)
    assert (detached.imported_job, detached.inputs_known) == ("batches/ldwc7fwwbh6i3auy4do3chq7ess0ry88nlok", False)
    runner.close()


def test_the_table_of_runs_tells_of_version_4_what_its_results_tell(folder: Path) -> None:
    """What retries had mended is counted when the runs are first listed; nothing that had ended is news."""
    runner = open_runner(folder)
    for key, expected in EXPECTED.items():
        account = account_of(runner, key)
        page = runner.run_table.page(account, RunQuery(limit=1000))
        assert {line.id for line in page.lines} == expected["runs"].keys() and page.total == len(page.lines)
        assert runner.run_table.unread_endings(account, 9) == ([], 0)
        for line in page.lines:
            run = runner.runs.get(account, line.id)
            assert (line.group is RunGroup.RUNNING) == (not run.state.ended)
            assert (line.attention, line.usd, line.usd_at_least) == (
                run.needs_attention,
                run.actual_usd,
                run.cost_is_lower_bound,
            )
            if run.has_results and run.state.ended:
                assert line.attention == runner.runs.results(account, line.id).reconciliation.needs_attention
    account = account_of(runner, "test-key-fixture-0001")
    assert RunTable(runner._context.store, account.owner_id).merges_due(9) == []
    runner.close()


def test_unfinished_runs_of_version_4_go_on_and_pay_once(folder: Path, emulator: EmulatorProcess) -> None:
    """Those that had no job when their process ended: each gets one."""
    runner = open_runner(folder, emulator.base_url)
    keys = ["test-key-fixture-stopped-planned", "test-key-fixture-stopped-submitting"]
    accounts = {key: account_of(runner, key) for key in keys}
    runner.start()
    for key, account in accounts.items():
        (run_id,) = EXPECTED[key]["runs"]
        run = wait_until_ended(runner, account, run_id, 60)
        assert run.counts == {"answered": run.rows}
        assert [job["display_name"] for job in emulator.ledger()["batch_jobs"]].count(jobs_name(run_id, runner)) == 1
    runner.close()


def jobs_name(run_id: str, runner: Runner) -> str:
    return f"{runner._context.prefix}{run_id}-s0000"


def test_what_the_user_forbade_stays_forbidden(folder: Path) -> None:
    """A name that is not known would be left out, and the default, at full price, taken instead."""
    change(
        folder,
        """UPDATE run SET spec = replace(spec, '"allow_plain": true', '"allow_plain": false')""",
        """UPDATE run SET spec = replace(spec, '"end_cache": false', '"end_cache": true')""",
    )
    store = Store(sqlite_url(folder))
    for run in store.unfinished():
        assert (run.spec.allow_uncached, run.spec.delete_user_caches) == (False, True)
    store.close()


def test_what_stages_remember_has_its_new_names_and_nothing_is_lost(folder: Path) -> None:
    with sqlite3.connect(folder / "runs.db") as connection:
        old = {run_id: json.loads(data) for run_id, data in connection.execute("SELECT id, data FROM run")}
    connection.close()
    store = Store(sqlite_url(folder))
    for run_id, data in old.items():
        run = store.run(run_id)
        assert run is not None
        progress = run.progress
        assert progress.no_result_rows == data.get("unreturned", {})
        assert progress.user_caches == data.get("borrowed", {})
        assert progress.cancel_requested_shards == data.get("cancel_asked", [])
        assert progress.result_files == data.get("outputs", {})
        assert progress.uploads_started == data.get("uploads", [])
        assert progress.replaces_run == data.get("after", "")
        assert progress.clock_skew == data.get("google_ahead", 0.0)
        assert {str(n): list(times) for n, times in progress.poll_times.items()} == data.get("watched", {})
        assert progress.backoff.reason == data.get("capacity", "")
        assert (progress.ending.state if progress.ending else None) == data.get("ending")
        assert (progress.imported_job.name if progress.imported_job else None) == data.get("recovered", {}).get("job")
        assert progress.assumed.token_counts == data.get("token_counts", {})
    store.close()


def columns_of(store: Store) -> dict[str, set[str]]:
    tables = inspect(store.engine)
    return {name: {column["name"] for column in tables.get_columns(name)} for name in tables.get_table_names()}


def test_a_migrated_database_has_the_columns_of_a_new_one(folder: Path, tmp_path: Path) -> None:
    old, new = Store(sqlite_url(folder)), Store(f"sqlite:///{tmp_path / 'new.db'}")
    assert columns_of(old) == columns_of(new)
    old.close()
    new.close()


@pytest.mark.parametrize("version", [1, 2])
def test_the_first_versions_are_brought_here_too(folder: Path, version: int) -> None:
    """Version 1 kept no costs, version 2 told less of them: what is missing is computed, or as if there were none."""
    columns = ("unreturned", "jobs", "again")
    dropped = {1: ["DROP TABLE bill"], 2: [f"ALTER TABLE bill DROP COLUMN {name}" for name in columns]}
    change(folder, *dropped[version], f"UPDATE meta SET value = '{version}' WHERE name = 'schema'")
    runner = open_runner(folder)
    account = account_of(runner, "test-key-fixture-0001")
    costs = runner.billing.run_costs(account)
    assert len(costs) == EXPECTED["test-key-fixture-0001"]["spend"][0] - (version == 1)  # one run was deleted
    assert all(not cost.again for cost in costs)
    runner.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(folder: Path) -> None:
    change(folder, f"UPDATE meta SET value = '{migrations.VERSION + 1}' WHERE name = 'schema'")
    before = (folder / "runs.db").read_bytes()
    with pytest.raises(InputError, match="newer version"):
        open_runner(folder)
    assert (folder / "runs.db").read_bytes() == before


def copy_to(url: str, folder: Path) -> None:
    """The database as version 4 wrote it, in another database."""
    source, target = create_engine(sqlite_url(folder)), create_engine(url)
    metadata = MetaData()
    metadata.reflect(source)
    metadata.create_all(target)
    with source.connect() as reading, target.begin() as writing:
        for table in metadata.sorted_tables:
            rows = [dict(row) for row in reading.execute(table.select()).mappings()]
            if rows:
                writing.execute(table.insert(), rows)
    source.dispose()
    target.dispose()


def test_a_run_that_version_9_had_stopped_at_its_budget_is_to_be_decided(tmp_path: Path) -> None:
    store = Store(sqlite_url(tmp_path))
    for run_id, stop in (("held", BudgetStop(5.0, 610)), ("sent", BudgetStop(5.0, 610, rest_run="c"))):
        progress = RunProgress(budget_stop=stop)
        store.add_run(ended_run(run_id, {"answered": 3, "missing": 610}, progress=progress))
    store.close()
    change(
        tmp_path,
        "ALTER TABLE run_summary DROP COLUMN held_back",
        "UPDATE run_summary SET standing = 'to try again'",
        "UPDATE setting SET value = '9' WHERE name = 'schema'",
    )
    store = Store(sqlite_url(tmp_path))
    lines = {line.id: (line.group, line.words) for line in RunTable(store, "a").page(RunQuery())}
    assert lines["held"] == (RunGroup.DECIDE, "stopped at its budget, 610 rows not sent")
    assert lines["sent"] == (RunGroup.TRY_AGAIN, "finished, 610 to try again")
    store.close()


def test_a_create_that_version_6_had_sent_again_is_looked_for(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    Store(url).close()
    change(
        tmp_path,
        *(f"ALTER TABLE shard DROP COLUMN {name}" for name in ("lost_creates", "strays_until", "handed_jobs")),
        "DROP TABLE output_summary",
        "DROP TABLE run_summary",
        "UPDATE setting SET value = '6' WHERE name = 'schema'",
        *(
            f"INSERT INTO run VALUES ('{run}', 'o', 0, '', '{run}', '', '', 'm', 1, 'running', 'active', '', "
            f"""'{{"model": "m"}}', '{progress}', '{{}}', '{{}}', NULL, '', '', 0, 0, 0, NULL, 0, 0, '')"""
            for run, progress in (("a", '{"create_resent": true}'), ("b", "{}"))
        ),
        *(
            f"INSERT INTO shard VALUES ('{run}', 0, 0, 1, 1, 1, 'file', '[]', 'n', 'submitted', 2, 0, '', 'j', '', "
            "NULL, NULL, NULL, '', 0)"
            for run in "ab"
        ),
    )
    store = Store(url)
    assert [(store.shards(run)[0].lost_creates, store.shards(run)[0].handed_jobs) for run in "ab"] == [(1, []), (0, [])]
    assert store.run("a") is not None
    store.close()
