"""The flat rows of a result, streamed in input order with the input's own columns beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.responses.spreadsheet_text import USD_DIGITS, input_column_names
from lifecycle.core.run_files import INPUTS
from lifecycle.results.read.table import Filter, ResultTable
from lifecycle.results.store import sql
from lifecycle.results.store.columns import LINE_LOCATION, RESULT_SCHEMA
from lifecycle.results.store.sorted_stream import SortedStream
from lifecycle.results.store.typed_columns import ARROW_TYPES, read_values

PictureNaming = Callable[[str, list[dict[str, str]]], list[str]]
"""By the key of a row and its pictures, the names of these."""
BATCH_ROWS, BATCH_BYTES = 4096, 8_000_000
REUSED_FROM = "reused_from"  # a column of results that hold answers of earlier runs
LOCATION_COLUMNS = [name for name, _ in LINE_LOCATION]


def flat_schema(table: ResultTable, fields: bool = False, *, own: bool = True) -> pa.Schema:
    """The input's own columns under the names they are shown by, the flat row's, then those of structured answers."""
    stored = pq.read_schema(table.folder / INPUTS)
    source_fields = [
        stored.field(name).with_name(shown).remove_metadata() for name, shown in source_columns(table).items()
    ]
    if not own:
        source_fields = []
    answers = [(field.column, ARROW_TYPES[field.type]) for field in table.reconciliation.fields] if fields else []
    return pa.schema([*source_fields, *(pa.field(name, _type(name)) for name in flat_columns(table)), *answers])


def answer_columns(table: ResultTable) -> list[str]:
    """The columns of structured answers in the flat row."""
    return [field.column for field in table.reconciliation.fields]


def flat_columns(table: ResultTable) -> tuple[str, ...]:
    """The columns of the flat row, with what is paid for beside the text where any row has it."""
    columns = table.kind.columns
    if "pictures" in columns and "pictures" not in pq.read_schema(table.results).names:  # of an earlier version
        columns = tuple(name for name in columns if name != "pictures")
    return (*columns, *table.reconciliation.extras, *((REUSED_FROM,) if table.reconciliation.reused else ()))


def source_columns(table: ResultTable) -> dict[str, str]:
    """The input's own columns, as stored, with the names they have in exports."""
    return input_column_names(
        table.source_columns, taken=(*flat_columns(table), *(field.column for field in table.reconciliation.fields))
    )


def flat_batches(
    table: ResultTable,
    where: Filter,
    *,
    fields: bool = False,
    include_repaired: bool = False,
    picture_names: PictureNaming | None = None,
    own: bool = True,
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """(flat rows with the columns of `flat_schema`, the rows of RESULT behind them), a bounded number at a time.

    Without `own`, the input's own columns are left out.
    """
    source_names, names = source_columns(table) if own else {}, flat_columns(table)
    schema = flat_schema(table, fields, own=own)
    stored_names = [name for name in names if name not in ("prompt", REUSED_FROM)]
    read_names = list(dict.fromkeys(["n", *stored_names, *LOCATION_COLUMNS, "shared", "parsed", "repaired"]))
    with (
        pq.ParquetFile(table.results, pre_buffer=False) as results,
        pq.ParquetFile(table.folder / INPUTS, pre_buffer=False) as inputs,
        sql.cursor() as db,
    ):
        stored = pa.schema([inputs.schema_arrow.field(name) for name in ("n", "prompt", *source_names)])
        size = _batch_rows(results, inputs)
        input_stream = SortedStream(stored, inputs.iter_batches(size, columns=stored.names, use_threads=False))
        selected = _selected_rows(db, table, where)
        for batch in results.iter_batches(size, columns=read_names, use_threads=False):
            if not batch.num_rows:
                continue
            bound = batch.column("n")[-1].as_py() + 1
            rows, input_rows = pa.Table.from_batches([batch]), input_stream.read_until("n", bound)
            if selected is not None:
                fits = pa.array(np.isin(rows.column("n"), selected.read_until("n", bound).column("n")))
                rows, input_rows = rows.filter(fits), input_rows.filter(fits)
            if rows.num_rows:
                columns = [input_rows.column(name) for name in source_names]
                overrides = {"prompt": input_rows.column("prompt"), "cost_usd": round_usd(rows.column("cost_usd"))}
                overrides |= {"pictures": _picture_names(rows, picture_names)} if "pictures" in names else {}
                overrides |= {REUSED_FROM: _origins(table, rows)} if REUSED_FROM in names else {}
                columns += [overrides[name] if name in overrides else rows.column(name) for name in names]
                columns += _answers(table, rows, include_repaired) if fields else []
                yield pa.table(columns, schema=schema), rows


def _batch_rows(*files: pq.ParquetFile) -> int:
    """Rows that hold about BATCH_BYTES in all files together, by their average."""
    size: int = sum(file.metadata.row_group(n).total_byte_size for file in files for n in range(file.num_row_groups))
    rows: int = files[0].metadata.num_rows
    return max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(size, 1)))


def round_usd(usd: pa.ChunkedArray) -> pa.Array:
    """Amounts to as many digits as mean something: 0.00023295, not 0.00023295000000000002. Null stays null."""
    values = usd.to_numpy().astype(float)
    finite = np.where(np.isfinite(values) & (values != 0), values, 1.0)
    digits = USD_DIGITS - 1 - np.floor(np.log10(np.abs(finite)))
    factor = 10.0 ** np.clip(digits, 0, 22)  # powers of ten that a float holds exactly
    return pa.array(np.where(finite == values, np.round(values * factor) / factor, values), from_pandas=True)


def _answers(table: ResultTable, rows: pa.Table, include_repaired: bool) -> list[pa.Array]:
    raw_columns = (rows.column(name).to_pylist() for name in ("text", "parsed", "repaired"))
    values = read_values(table.reconciliation.fields, *raw_columns, include_repaired=include_repaired)
    return [pa.array(values[field.column], ARROW_TYPES[field.type]) for field in table.reconciliation.fields]


def _selected_rows(db: sql.Connection, table: ResultTable, where: Filter) -> SortedStream | None:
    """The `n` of the rows that fit, ascending; None for all rows."""
    if not where:
        return None
    query, values = table.query("n", where)
    reader = db.sql(query, params=values).to_arrow_reader(65_536)
    return SortedStream(reader.schema, reader)


def _picture_names(rows: pa.Table, names_of: PictureNaming | None) -> pa.Array:
    """The files of each row's pictures, one after another; null where there are none."""
    pairs = zip(rows.column("key").to_pylist(), rows.column("pictures").to_pylist(), strict=True)
    named = (
        [] if not one else names_of(key, one) if names_of else [picture["file"] for picture in one]
        for key, one in pairs
    )
    return pa.array(["; ".join(names) or None for names in named], pa.string())


def _origins(table: ResultTable, rows: pa.Table) -> pa.Array:
    """The earlier run that each row's answer is from; null where the row was sent."""
    origins = {n: table.origin_of(n) or None for n in range(len(table.reconciliation.files))}
    return pa.array([origins.get(file) for file in rows.column("file").to_pylist()], pa.string())


def _type(name: str) -> pa.DataType:
    if name == "pictures":
        return pa.string()
    return RESULT_SCHEMA.field(name).type if name in RESULT_SCHEMA.names else pa.string()


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of any type as text; what is nested becomes JSON. Null stays null."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return pa.chunked_array([pa.array([_json(value) for value in column.to_pylist()], pa.string())])
    return pc.cast(column, pa.string())


def _json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()
