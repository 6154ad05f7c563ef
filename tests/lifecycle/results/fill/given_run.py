"""Runs whose table was kept, made by hand: how it was read is said, not found out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.core.run_files import DRAFT, INPUTS, SOURCE
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.inputs.tables.table import unique_column_names
from lifecycle.results.export.export import ExportOptions, ExportResult
from lifecycle.results.fill.fill import FILL, export_table
from tests.lifecycle.run_fixture import RunFixture, answer, asks_for


def given_run(
    folder: Path,
    source: Path | bytes,
    read_as: ReadAs,
    own: Mapping[str, list[Any]],
    lines: Sequence[int],
    answers: Sequence[str | dict[str, Any] | None],
    schema: dict[str, Any] | None = None,
) -> RunFixture:
    """A run of a table's rows, which stand on these lines of it; None for a row that nothing came back for."""
    keys = [f"row-{number}" for number in range(len(lines))]
    run = RunFixture(folder).send(
        keys,
        source_columns=dict(zip(unique_column_names(list(own)), own.values(), strict=True)),
        request=lambda key: asks_for(schema) if schema else {"contents": []},
    )
    inputs = pq.read_table(folder / INPUTS)
    placed = inputs.set_column(inputs.schema.get_field_index("line"), "line", pa.array(lines, pa.int64()))
    pq.write_table(placed, folder / INPUTS)
    (folder / SOURCE).write_bytes(source if isinstance(source, bytes) else source.read_bytes())
    (folder / DRAFT).write_text(json.dumps({"source_name": "t", "read_as": asdict(read_as), "columns": list(own)}))
    texts = [json.dumps(one) if isinstance(one, dict) else one for one in answers]
    run.receive({"key": key, **answer(text)} for key, text in zip(keys, texts, strict=True) if text is not None)
    run.build()
    return run


def filled(run: RunFixture, format: str, **options: Any) -> tuple[Path, ExportResult]:
    """The run's table, given back."""
    path = run.folder / f"filled.{format}"
    return path, export_table(run.table(), path, format, ExportOptions(**options), way=FILL)
