"""A Parquet file comes back with its own columns, types and metadata, and typed answers behind them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.inputs.tables.reading import ReadAs
from tests.lifecycle.results.fill.given_run import filled, given_run

FORM = {
    "type": "OBJECT",
    "properties": {"n": {"type": "INTEGER"}, "tags": {"type": "ARRAY", "items": {"type": "STRING"}}},
}


def test_own_columns_keep_their_types_and_rows_that_were_not_sent_stay(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["a", None, "c"], pa.large_string()),
            "money": pa.array([Decimal("1.10"), None, Decimal("2.00")], pa.decimal128(10, 2)),
            "at": pa.array([datetime.datetime(2024, 1, 1)] * 3, pa.timestamp("ns")),
            "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
        },
    ).replace_schema_metadata({"owner": "me"})
    pq.write_table(table, tmp_path / "in.parquet")
    own = {"text": ["a", "c"]}
    run = given_run(
        tmp_path / "run", tmp_path / "in.parquet", ReadAs("parquet"), own, [1, 3],
        [{"n": 1, "tags": ["a", "b"]}, {"n": 3, "tags": []}], FORM,
    )  # fmt: skip
    found = pq.read_table(filled(run, "parquet")[0])
    assert found.select(table.column_names).equals(table)
    assert found.schema.metadata == table.schema.metadata
    assert found.column_names[4:8] == ["n", "tags", "key", "prompt"]
    assert found.schema.field("n").type == pa.int64()
    assert found.column("n").to_pylist() == [1, None, 3]
    assert found.column("tags").to_pylist() == ['["a","b"]', None, "[]"]
    assert found.column("outcome").to_pylist() == ["answered", None, "answered"]
