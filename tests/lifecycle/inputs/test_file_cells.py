"""Columns whose cells name or hold files: each row's request has them, and what is kept of the row is their names."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from batch.errors import InputError
from lifecycle.core.run_files import INPUTS, REQUESTS
from lifecycle.inputs.attachments import FileAccess
from lifecycle.inputs.drafts import Draft, prepare
from lifecycle.inputs.tables.reading import TableReading


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


def draft_of(source: Path, folder: Path, *columns: str, template: str = "Describe {{name}}.") -> Draft:
    return prepare(
        source,
        folder,
        kind=source.suffix.removeprefix("."),
        template=template,
        reading=TableReading(file_columns=columns),
        access=FileAccess(source.parent),
    )


def parts(draft: Draft) -> list[list[str]]:
    lines = [json.loads(line) for line in (draft.folder / REQUESTS).read_text("utf-8").splitlines()]
    turns = [line["request"]["contents"][0]["parts"] for line in lines]
    return [[part.get("text") or part["fileData"]["mimeType"] for part in turn] for turn in turns]


def test_an_image_data_set_in_parquet(tmp_path: Path) -> None:
    images = [{"bytes": picture("red"), "path": "a.png"}, {"bytes": picture("blue"), "path": None}, None]
    table = pa.table({"image": images, "name": ["A", "B", "C"], "raw": [picture("red"), picture("red"), b"rubbish"]})
    pq.write_table(table, tmp_path / "t.parquet")
    draft = draft_of(tmp_path / "t.parquet", tmp_path / "d", "image", "raw")
    assert parts(draft) == [["image/png", "image/png", "Describe A."], ["image/png", "image/png", "Describe B."]]
    assert [problem.line for problem in draft.problems] == [3]
    assert '"image": names no file.' in draft.problems[0].fault
    kept = pq.read_table(draft.folder / INPUTS)
    assert kept.schema.field("image").type == pa.string() == kept.schema.field("raw").type
    assert kept.column("image").to_pylist()[0] == "a.png" and kept.column("raw").to_pylist()[0].startswith("bytes ")
    assert draft.files is not None and draft.files.files == 3


def test_a_table_of_paths(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    (tmp_path / "t.csv").write_text("name,photo\nA,a.png\nB,b.png\nC,\nD, a.png \n")
    draft = draft_of(tmp_path / "t.csv", tmp_path / "d", "Photo")
    assert parts(draft) == [["image/png", "Describe A."], ["image/png", "Describe D."]]
    assert [(problem.line, problem.fault) for problem in draft.problems] == [
        (3, '"photo": b.png is not there.'),
        (4, '"photo": names no file.'),
    ]


def test_the_instruction_may_be_the_same_for_every_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    (tmp_path / "t.csv").write_text("name,photo\nA,a.png\nB,a.png\n")
    draft = draft_of(tmp_path / "t.csv", tmp_path / "d", "photo", template="Describe.")
    assert parts(draft) == [["image/png", "Describe."]] * 2


def test_lists_of_files_and_cells_that_hold_none(tmp_path: Path) -> None:
    table = pa.table({"pages": [[picture("red"), picture("blue")], []], "name": ["A", "B"], "number": [1, 2]})
    pq.write_table(table, tmp_path / "t.parquet")
    draft = draft_of(tmp_path / "t.parquet", tmp_path / "d", "pages")
    assert parts(draft) == [["image/png", "image/png", "Describe A."]]
    refused = draft_of(tmp_path / "t.parquet", tmp_path / "e", "number")
    assert refused.rows == 0 and "neither a name nor the bytes" in refused.problems[0].fault


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("name\nA\n")
    with pytest.raises(InputError, match='no column "photo"'):
        draft_of(tmp_path / "t.csv", tmp_path / "d", "photo")
