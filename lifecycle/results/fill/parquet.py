"""Parquet: the user's own columns with their types and all that the file says of them, and answers behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.results.fill.answers import Answers
from lifecycle.results.fill.given_table import GivenTable
from lifecycle.results.fill.names import ANSWER, RUN, free_names
from lifecycle.results.store.sorted_stream import SortedStream
from lifecycle.results.workbook.xml_outline import UnusualPart

BATCH_ROWS, BATCH_BYTES = 8192, 16_000_000


def fill_parquet(given: GivenTable, answers: Answers, incomplete: str, stream: IO[bytes]) -> None:
    """Write the table with the answers."""
    added = _added_schema(answers, incomplete)
    with pq.ParquetFile(given.path, pre_buffer=False) as source:
        own = source.schema_arrow
        columns = _columns(own, added, answers)
        found = SortedStream(pa.schema([("line", pa.int64()), *added]), _added_rows(answers, incomplete, added))
        start = 0
        with pq.ParquetWriter(stream, pa.schema([*own, *columns], metadata=own.metadata), compression="zstd") as writer:
            for batch in source.iter_batches(batch_size=_batch_rows(source)):
                rows = found.read_until("line", start + batch.num_rows + 1)
                beside = _placed(rows, start, batch.num_rows)
                writer.write_table(pa.table([*batch.columns, *beside], schema=writer.schema))
                start += batch.num_rows
        if found.read_until("line", 2**62).num_rows:
            raise UnusualPart("it has fewer rows than were read")


def _batch_rows(source: pq.ParquetFile) -> int:
    groups = [source.metadata.row_group(n) for n in range(source.metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1)
    return max(1, min(BATCH_ROWS, int(BATCH_BYTES / max(widest, 1))))


def _added_schema(answers: Answers, incomplete: str) -> pa.Schema:
    """What is added, each under a name of its own here: "0", "1", …"""
    types = [*answers.schema.types, *answers.account.types, *([pa.string()] if incomplete else [])]
    return pa.schema([(str(n), kind) for n, kind in enumerate(types)])


def _columns(own: pa.Schema, added: pa.Schema, answers: Answers) -> list[pa.Field]:
    names = free_names(answers.schema.names, own.names, ANSWER)
    further = [*answers.account.names, "incomplete"][: len(added) - len(names)]
    names += free_names(further, [*own.names, *names], RUN)
    return [pa.field(name, kind) for name, kind in zip(names, added.types, strict=True)]


def _added_rows(answers: Answers, incomplete: str, added: pa.Schema) -> Iterator[pa.Table]:
    mark = [incomplete] if incomplete else []
    for batch in answers.batches():
        columns = [pa.array(batch.lines, pa.int64()), *batch.answers.columns, *batch.account.columns]
        if incomplete:
            columns.append(pa.array([*mark, *[None] * (len(batch.lines) - len(mark))], pa.string()))
            mark = []
        yield pa.table(columns, schema=pa.schema([("line", pa.int64()), *added]))


def _placed(rows: pa.Table, start: int, size: int) -> list[pa.ChunkedArray]:
    """The added columns for `size` rows from `start` on, null where a row was not sent."""
    places = np.full(size, -1, np.int64)
    places[rows.column("line").to_numpy() - start - 1] = np.arange(rows.num_rows)
    indices = pa.array(places, mask=places < 0)
    columns: list[pa.ChunkedArray] = rows.drop_columns(["line"]).take(indices).columns
    return columns
