"""The columns of result files agree with each other, and with files that lack some."""

from __future__ import annotations

from dataclasses import fields

import pyarrow as pa

from batch.model import Outcome, Usage
from lifecycle.results.store.columns import (
    DUPLICATE,
    KINDS,
    LINE_SCHEMA,
    OTHERS_SCHEMA,
    RANK_SQL,
    RESULT_SCHEMA,
    UNMATCHED,
    USAGE_COLUMNS,
    with_all_columns,
)
from lifecycle.results.store.sql import cursor


def test_there_is_a_column_for_each_field_of_usage() -> None:
    assert len(USAGE_COLUMNS) == len(fields(Usage))


def test_columns_of_one_name_have_one_type_everywhere() -> None:
    for schema in (LINE_SCHEMA, OTHERS_SCHEMA):
        shared = [field for field in schema if field.name in RESULT_SCHEMA.names]
        assert all(RESULT_SCHEMA.field(field.name).type == field.type for field in shared)


def test_kinds_are_named_by_their_numbers() -> None:
    assert (KINDS[DUPLICATE], KINDS[UNMATCHED]) == ("duplicate", "unmatched")


def test_what_an_earlier_version_did_not_know_is_null() -> None:
    table = with_all_columns(pa.table({"key": ["a"], "n": pa.array([0], pa.int64())}), RESULT_SCHEMA)
    assert table.schema.names == RESULT_SCHEMA.names
    assert table.cast(RESULT_SCHEMA).column("pictures").to_pylist() == [None]


def test_the_database_ranks_every_outcome() -> None:
    with cursor() as db:
        for outcome in Outcome:
            row = db.execute(f"SELECT {RANK_SQL} FROM (SELECT ? AS outcome)", [outcome.value]).fetchone()
            assert row is not None
            assert row[0] is not None
