"""Results that an earlier version wrote are read, billed and merged as before: columns they lack are empty."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from batch.model import Usage
from lifecycle.results.export.export import ExportOptions, export
from lifecycle.results.read.merge_retries import merge_retries
from lifecycle.results.store.columns import EXTRA_COLUMNS, USAGE_COLUMNS
from tests.lifecycle.hand_made_run import RunFixture, answer, error

NEW_COLUMNS = [*USAGE_COLUMNS[5:], *EXTRA_COLUMNS, "images"]


def as_written_before(run: RunFixture) -> RunFixture:
    """The result files without the columns, and the account without the fields, of this version."""
    for name in ("results.parquet", "others.parquet"):
        table, metadata = pq.read_table(run.folder / name), pq.read_metadata(run.folder / name).metadata
        account = json.loads(metadata.get(b"account", b"null"))
        if account:
            del account["extras"]
            account["usage"] = {key: account["usage"][key] for key in list(account["usage"])[:5]}
        old = table.drop_columns(NEW_COLUMNS).replace_schema_metadata({"account": json.dumps(account)})
        pq.write_table(old, run.folder / name)
    return run


@pytest.fixture
def parent(tmp_path: Path) -> RunFixture:
    run = RunFixture(tmp_path / "parent").send(["a", "b"])
    run.receive([{"key": "a", **answer("A")}, {"key": "b", **error(13)}, {"key": "z", **answer("nobody's")}])
    run.build()
    return as_written_before(run)


def test_a_result_of_before_is_billed_and_exported(parent: RunFixture, tmp_path: Path) -> None:
    table = parent.table()
    assert table.billed_usage().total == Usage(20, 0, 10)
    assert (table.totals().extras, table.detail("a").text) == ((), "A")
    assert export(table, tmp_path / "out.csv", "csv", ExportOptions()).rows == 2


def test_a_result_of_before_is_merged_with_a_retry_of_now(parent: RunFixture, tmp_path: Path) -> None:
    child = RunFixture(tmp_path / "child").send(["b"])
    line = answer("B", totalTokenCount=45)
    line["response"]["candidates"] += answer("B too")["response"]["candidates"]
    child.receive([{"key": "b", **line}])
    child.build()
    table = merge_retries(parent.folder, [child.folder])
    rows = pq.read_table(table.results).to_pylist()
    assert [(row["text"], row["unitemised_tokens"]) for row in rows] == [("A", None), ("B", 30)]
    assert table.totals().extras == ("other_answers",)
    assert table.billed_usage().total == Usage(30, 0, 15, unitemised=30)
    target = export(table, tmp_path / "out.jsonl", "jsonl", ExportOptions()).path
    written = [json.loads(one)["other_answers"] for one in target.read_text(encoding="utf-8").splitlines()]
    assert written == [None, ["B too"]]
    again = merge_retries(child.folder, [parent.folder])
    assert again.totals().extras == ("other_answers",)
