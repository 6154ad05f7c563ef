"""The flat rows of a result, streamed in input order with the input's own columns beside them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.responses.spreadsheet_text import FLAT, USD_DIGITS, own_names
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store import sql
from lifecycle.results.store.columns import INPUTS, PLACE, RESULT
from lifecycle.results.store.sorted_stream import Chunks
from lifecycle.results.store.typed_columns import ARROW, read_values

BATCH_ROWS, BATCH_BYTES = 4096, 8_000_000
_READ = [
    *dict.fromkeys(["n", *(name for name in FLAT if name != "prompt"), *dict(PLACE), "shared", "parsed", "repaired"])
]
PLACES = [name for name, _ in PLACE]


def flat_schema(table: ResultTable, fields: bool = False) -> pa.Schema:
    """The input's own columns under the names they are shown by, the flat row's, then those of structured answers."""
    stored = pq.read_schema(table.folder / INPUTS)
    own = [stored.field(name).with_name(shown).remove_metadata() for name, shown in own_columns(table).items()]
    answers = [(field.column, ARROW[field.type]) for field in table.account.fields] if fields else []
    return pa.schema([*own, *(pa.field(name, _type(name)) for name in FLAT), *answers])


def own_columns(table: ResultTable) -> dict[str, str]:
    """The input's own columns, as stored, with the names they have in exports."""
    return own_names(table.own, taken=(*FLAT, *(field.column for field in table.account.fields)))


def flat_batches(
    table: ResultTable, where: Filter, *, fields: bool = False, lenient: bool = False
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """(flat rows with the columns of `flat_schema`, the rows of RESULT behind them), a bounded number at a time."""
    own = own_columns(table)
    schema = flat_schema(table, fields)
    with (
        pq.ParquetFile(table.results, pre_buffer=False) as results,
        pq.ParquetFile(table.folder / INPUTS, pre_buffer=False) as inputs,
        sql.cursor() as db,
    ):
        stored = pa.schema([inputs.schema_arrow.field(name) for name in ("n", "prompt", *own)])
        size = _batch_rows(results, inputs)
        beside = Chunks(stored, inputs.iter_batches(size, columns=stored.names, use_threads=False))
        wanted = _wanted(db, table, where)
        for batch in results.iter_batches(size, columns=_READ, use_threads=False):
            if not batch.num_rows:
                continue
            bound = batch.column("n")[-1].as_py() + 1
            rows, asked = pa.Table.from_batches([batch]), beside.until("n", bound)
            if wanted is not None:
                fits = pa.array(np.isin(rows.column("n"), wanted.until("n", bound).column("n")))
                rows, asked = rows.filter(fits), asked.filter(fits)
            if rows.num_rows:
                columns = [asked.column(name) for name in own]
                told = {"prompt": asked.column("prompt"), "cost_usd": rounded(rows.column("cost_usd"))}
                columns += [told[name] if name in told else rows.column(name) for name in FLAT]
                columns += _answers(table, rows, lenient) if fields else []
                yield pa.table(columns, schema=schema), rows


def _batch_rows(*files: pq.ParquetFile) -> int:
    """Rows that hold about BATCH_BYTES in all files together, by their average."""
    size: int = sum(file.metadata.row_group(n).total_byte_size for file in files for n in range(file.num_row_groups))
    rows: int = files[0].metadata.num_rows
    return max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(size, 1)))


def rounded(usd: pa.ChunkedArray) -> pa.Array:
    """Amounts to as many digits as mean something: 0.00023295, not 0.00023295000000000002. Null stays null."""
    values = usd.to_numpy().astype(float)
    whole = np.where(np.isfinite(values) & (values != 0), values, 1.0)
    places = USD_DIGITS - 1 - np.floor(np.log10(np.abs(whole)))
    factor = 10.0 ** np.clip(places, 0, 22)  # powers of ten that a float holds exactly
    return pa.array(np.where(whole == values, np.round(values * factor) / factor, values), from_pandas=True)


def _answers(table: ResultTable, rows: pa.Table, lenient: bool) -> list[pa.Array]:
    told = (rows.column(name).to_pylist() for name in ("text", "parsed", "repaired"))
    values = read_values(table.account.fields, *told, lenient=lenient)
    return [pa.array(values[field.column], ARROW[field.type]) for field in table.account.fields]


def _wanted(db: sql.Connection, table: ResultTable, where: Filter) -> Chunks | None:
    """The `n` of the rows that fit, ascending; None for all rows."""
    if not where:
        return None
    query, values = table.query("n", where)
    reader = db.sql(query, params=values).to_arrow_reader(65_536)
    return Chunks(reader.schema, reader)


def _type(name: str) -> pa.DataType:
    return RESULT.field(name).type if name in RESULT.names else pa.string()


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of any type as text; what is nested becomes JSON. Null stays null."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return pa.chunked_array([pa.array([_json(value) for value in column.to_pylist()], pa.string())])
    return pc.cast(column, pa.string())


def _json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()
