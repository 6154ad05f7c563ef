"""The account of a run's results, written into the results themselves."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.model import Usage
from lifecycle.results.store.columns import RECONCILIATION_KEY
from lifecycle.results.store.reconciliation import AnswerColumn, Reconciliation, read_reconciliation

ACCOUNT = Reconciliation(
    sent=5,
    returned=4,
    matched=4,
    missing=1,
    counts={"answered": 3, "truncated": 1, "missing": 1},
    usage=Usage(prompt=10, candidates=5),
    usd=0.5,
    fields=(AnswerColumn("mood", "VARCHAR"),),
    notes=("a note",),
    files=("received/0-0000.jsonl",),
    extras=("tool_calls",),
)


def test_it_survives_the_file_that_carries_it(tmp_path: Path) -> None:
    table = pa.table({"n": [1]}).replace_schema_metadata({RECONCILIATION_KEY: ACCOUNT.to_json()})
    pq.write_table(table, tmp_path / "results.parquet")
    assert read_reconciliation(tmp_path / "results.parquet") == ACCOUNT


def test_an_account_of_an_earlier_version_is_read() -> None:
    values = orjson.loads(ACCOUNT.to_json())
    for later in ("extras", "kind"):
        del values[later]
    read = Reconciliation.from_json(orjson.dumps(values))
    assert (read.extras, read.kind, read.fields) == ((), "text", ACCOUNT.fields)


def test_what_needs_attention_is_all_that_was_not_answered() -> None:
    assert (ACCOUNT.answered, ACCOUNT.needs_attention, ACCOUNT.complete) == (3, 2, False)
    assert Reconciliation().complete
