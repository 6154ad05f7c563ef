"""Rows of a job that was made elsewhere: its result lines under the keys of rows, and inputs with what was echoed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Raw

from lifecycle.core.run_files import INPUTS, REQUESTS
from lifecycle.inputs.draft_files import ROW_COLUMNS
from lifecycle.inputs.echoed_fields import KEY, EchoedFields, echoed_fields
from lifecycle.inputs.row_identity import Join, unique_values
from lifecycle.inputs.tables.table import unique_column_names

BATCH_ROWS = 8192
ECHOED = {b"echoed": b"1"}  # marks a column of INPUTS that came with the results, so that a second try replaces it

_members = msgspec.json.Decoder(dict[str, Raw]).decode


def id_columns(inputs: Path) -> dict[str, pa.ChunkedArray]:
    """The columns of an input that may hold ids, as texts: the key, and the input's own texts and whole numbers."""
    schema = pq.read_schema(inputs)
    own = [field for field in schema if field.name not in dict(ROW_COLUMNS) and not _is_echoed(field)]
    names = [KEY, *(field.name for field in own if _may_hold_ids(field.type))]
    table = pq.read_table(inputs, columns=names, use_threads=False, pre_buffer=False)
    return {name: table.column(name).cast(pa.string()) for name in names}


def _may_hold_ids(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_integer(type_))


def _is_echoed(field: pa.Field) -> bool:
    return (field.metadata or {}).get(b"echoed") is not None


def line_keys(echoed: EchoedFields, field: str) -> pa.ChunkedArray:
    """The key of each line by a field of its own; null where it has none, or (but for `key` itself) a repeated one."""
    values = echoed.column(field)
    return values if field == KEY else unique_values(values)


# -- result lines ------------------------------------------------------------------------------------------------------


def rekey_joined(received: Sequence[Path], inputs: Path, join: Join) -> list[Path]:
    """The files of result lines, with the key of the input's row on each line; lines of no row get made keys."""
    if (join.field, join.column) == (KEY, KEY):
        return list(received)
    row_keys = pq.read_table(inputs, columns=[KEY], use_threads=False, pre_buffer=False).column(KEY)
    return rekey(received, row_keys.take(join.rows), taken=row_keys)


def rekey(received: Sequence[Path], keys: pa.ChunkedArray, taken: pa.ChunkedArray | None = None) -> list[Path]:
    """Copy files of result lines with these keys on their lines, one for each line that is not blank.

    A line that has none gets one by its number among them, which nothing else has, `taken` included. Lines that
    cannot be read stay as they are.
    """
    prefix = unused_prefix("response", keys if taken is None else pa.chunked_array([*keys.chunks, *taken.chunks]))
    line_key = iter(_python_values(keys))
    number, copies = 0, []
    for path in received:
        copies.append(target := path.with_suffix(".keyed.jsonl"))
        part = target.with_suffix(".part")
        with path.open("rb") as lines, part.open("wb") as out:
            for line in lines:
                key = None if line.isspace() else next(line_key)
                if (members := _readable_members(line)) is not None:
                    if key is None:
                        number += 1
                        key = f"{prefix}-{number:06d}"
                    line = orjson.dumps({KEY: key, **members}) + b"\n"
                out.write(line)
        part.replace(target)
    return copies


def _python_values(values: pa.ChunkedArray) -> Iterator[str | None]:
    for chunk in values.chunks:
        yield from chunk.to_pylist()


def _readable_members(line: bytes) -> dict[str, orjson.Fragment] | None:
    """The members of a line byte for byte, without its key; None for a line that cannot be read."""
    if echoed_fields(line) is None:
        return None
    return {name: orjson.Fragment(bytes(value)) for name, value in _members(line).items() if name != KEY}


def unused_prefix(prefix: str, keys: pa.ChunkedArray) -> str:
    """A beginning for made keys that no key has."""
    while pc.any(pc.starts_with(keys, f"{prefix}-")).as_py():
        prefix = f"our-{prefix}"
    return prefix


# -- inputs ------------------------------------------------------------------------------------------------------------


def write_inputs(folder: Path, echoed: EchoedFields, keys: pa.ChunkedArray, unnamed: int) -> None:
    """Write inputs that are the keys of result lines with what was echoed, each file whole or not at all.

    `unnamed` rows follow, for requests that nothing is known of. No request is known.
    """
    known = keys.unique().drop_null()
    prefix = unused_prefix("unknown", keys)
    names = pa.concat_arrays([known, pa.array([f"{prefix}-{n:06d}" for n in range(1, unnamed + 1)], pa.string())])
    rows = len(names)
    columns = [pa.array(range(rows), pa.int64()), names]
    columns += [pa.array([""] * rows, pa.string()), pa.array([0] * rows, pa.int64())]
    part = folder / f"{INPUTS}.part"
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(ROW_COLUMNS)), part, compression="lz4")
    _append_echoed(part, folder / INPUTS, echoed, pc.index_in(names, value_set=keys.combine_chunks()))
    part = folder / f"{REQUESTS}.part"
    part.write_bytes(b"")
    part.replace(folder / REQUESTS)


def add_columns(inputs: Path, echoed: EchoedFields, join: Join) -> None:
    """Give the rows of an input what the results of theirs repeated, beside their own columns."""
    rows = pq.read_metadata(inputs).num_rows
    lines = pc.index_in(pa.array(range(rows), pa.int32()), value_set=join.rows.combine_chunks())
    _append_echoed(inputs, inputs, echoed, lines)


def _append_echoed(source: Path, target: Path, echoed: EchoedFields, lines: pa.Array) -> None:
    """Copy rows with the echoed fields of their `lines` as columns, but for those that they have already."""
    part = target.with_suffix(".echoed")
    with pq.ParquetFile(source, pre_buffer=False) as file:
        own = [field for field in file.schema_arrow if not _is_echoed(field)]
        own_names = [field.name for field in own]
        columns = {name: echoed.column(name).take(lines) for name in echoed.names}
        new = [name for name in columns if name not in own_names or _differ(source, name, columns[name])]
        stored = unique_column_names(new, own_names)
        types = [echoed.names.type_of(name) for name in new]
        schema = pa.schema([*own, *(pa.field(*pair, metadata=ECHOED) for pair in zip(stored, types, strict=True))])
        typed = [columns[name].cast(type_) for name, type_ in zip(new, types, strict=True)]
        start = 0
        with pq.ParquetWriter(part, schema, compression="lz4", write_statistics=["n"]) as out:
            for batch in file.iter_batches(BATCH_ROWS, columns=own_names, use_threads=False):
                pieces = [column.slice(start, batch.num_rows).combine_chunks() for column in typed]
                out.write_table(pa.Table.from_arrays([*batch.columns, *pieces], schema=schema))
                start += batch.num_rows
    part.replace(target)
    if source != target:
        source.unlink()


def _differ(inputs: Path, name: str, echoed: pa.ChunkedArray) -> bool:
    """Whether the results repeat anything else under a name than the input has there."""
    own = pq.read_table(inputs, columns=[name], use_threads=False, pre_buffer=False).column(0)
    if not _may_hold_ids(own.type) and not pa.types.is_boolean(own.type):
        return True
    return bool(pc.any(pc.not_equal(own.cast(pa.string()), echoed)).as_py())
