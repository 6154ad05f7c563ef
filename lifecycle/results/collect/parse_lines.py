"""First step of collecting: result lines, one by one, into columns, in the order they were received."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.model import Usage
from batch.responses.outcome_tables import RANK
from batch.responses.parsed_row import ParsedRow
from batch.responses.row_errors import as_cancelled
from lifecycle.results.store.columns import KEY_SCHEMA, LINE_SCHEMA, USAGE_COLUMNS

Price = Callable[[Usage], float | None]
Classify = Callable[[bytes], ParsedRow]

_WIDTH = 1 + len(LINE_SCHEMA)
BATCH_ROWS = 4096
BATCH_BYTES = 8_000_000
YIELD_ROWS = 256  # rows between two chances for the page's threads: about 2 ms

_VARIABLE_PARTS = re.compile(r"\b[0-9a-f]*\d[0-9a-f]*\b|'[^']*'|\"[^\"]*\"")


def error_group(message: str) -> str:
    """A message without its numbers and quotations, so that messages of one kind count as one."""
    return _VARIABLE_PARTS.sub("…", message[:300]) if message else ""


def attempt_of(path: Path) -> int:
    """The attempt in a received file's name, `<attempt>-<shard>.jsonl`; 0 if it names none."""
    head = path.stem.partition("-")[0]
    return int(head) if head.isdecimal() else 0


class Payload(Protocol):
    """What lines carry beside their text: taken out of each and written to a place of its own."""

    def take(self, row: ParsedRow, line: bytes) -> tuple[ParsedRow, list[dict[str, object]] | None, int | None]:
        """The row, judged anew where what it carries is unreadable; its pictures; the slot of its vector."""
        ...


class NoPayload:
    """Of lines that are text alone."""

    def take(self, row: ParsedRow, line: bytes) -> tuple[ParsedRow, list[dict[str, object]] | None, int | None]:
        return row, None, None


def parse_files(
    received: list[Path],
    line_path: Path,
    key_path: Path,
    price: Price,
    classify: Classify,
    cancelled: Collection[Path] = (),
    payload: Payload | None = None,
    reused: Collection[Path] = (),
) -> int:
    """Classify and price every line of the received files; returns how many there were.

    `line_path` becomes an Arrow stream of all a line tells, `key_path` a Parquet file of what joining needs.
    `cancelled` are the files of jobs whose cancel was asked for, `reused` those whose lines an earlier run has paid.
    Blank lines are skipped; any other line, however broken, is one row. Memory is that of one batch.
    """
    count = 0
    with (
        pa.ipc.new_stream(str(line_path), LINE_SCHEMA) as line_writer,
        pq.ParquetWriter(key_path, KEY_SCHEMA, compression="lz4", use_dictionary=False) as key_writer,
    ):
        for cells in _batches(received, price, classify, cancelled, payload or NoPayload(), reused):
            ranks, *columns = (cells[column::_WIDTH] for column in range(_WIDTH))
            arrays = [pa.array(column, type) for column, type in zip(columns, LINE_SCHEMA.types, strict=True)]
            line_writer.write_batch(batch := pa.record_batch(arrays, schema=LINE_SCHEMA))
            seq = pa.array(range(count, count + batch.num_rows), pa.int64())
            key_columns = [seq, batch.column("key"), batch.column("attempt"), pa.array(ranks, pa.int8())]
            key_writer.write_batch(pa.record_batch(key_columns, schema=KEY_SCHEMA))
            count += batch.num_rows
    return count


def _batches(
    received: list[Path],
    price: Price,
    classify: Classify,
    cancelled: Collection[Path],
    payload: Payload,
    reused: Collection[Path],
) -> Iterator[list[object]]:
    """The lines of all files, a bounded number at a time: each line's worth and columns of WIDE, one after another.

    One flat list, because a list of tuples would keep the garbage collector busy.
    """
    cells: list[object] = []
    size = 0
    for number, path in enumerate(received):
        attempt, position = attempt_of(path), 0
        read: Callable[[bytes], ParsedRow] = (
            (lambda line: as_cancelled(classify(line))) if path in cancelled else classify
        )
        is_paid = path in reused
        with path.open("rb", buffering=1 << 20) as file:
            for count, line in enumerate(file):
                length = len(line)
                if not line.isspace():
                    row, pictures, slot = payload.take(read(line), line)
                    cells += _parse(row._replace(usage=_NOTHING) if is_paid else row, price)
                    cells += (pictures, attempt, number, position, length, slot)
                    size += len(row.text) + sum(map(len, row.other_answers))
                position += length
                if not count % YIELD_ROWS:
                    time.sleep(0)
                    if len(cells) >= BATCH_ROWS * _WIDTH or size > BATCH_BYTES:
                        yield cells
                        cells, size = [], 0
    if cells:
        yield cells


def _parse(row: ParsedRow, price: Price) -> tuple[object, ...]:
    """A row's worth, key and told columns."""
    key, outcome, text, _, code, message, finish, block, usage, cache_lost, others, calls, executed, images, _ = row
    head = (RANK[outcome], key, outcome, text, code, message, error_group(message), finish, block)
    extras = (orjson.dumps(others).decode() if others else None, calls or None, executed or None, images)
    if usage is None:
        return (*head, *_NOT_TOLD, cache_lost, *extras)
    cost = price(usage) if usage != _NOTHING else 0.0
    return (*head, *vars(usage).values(), cost, cache_lost, *extras)


_NOTHING = Usage()
_NOT_TOLD = (None,) * (len(USAGE_COLUMNS) + 1)  # usage, and the cost
