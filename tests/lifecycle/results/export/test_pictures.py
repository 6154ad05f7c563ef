"""Pictures go out under the names of their rows, and the table beside them says which are whose."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from batch.kinds.image import IMAGE
from lifecycle.results.export.export import export
from lifecycle.results.export.pictures import PictureNames, export_pictures
from lifecycle.results.read.table import ResultTable
from tests.lifecycle.results.collect.test_picture_files import answer, picture
from tests.lifecycle.run_fixture import RunFixture


@pytest.fixture
def table(tmp_path: Path) -> ResultTable:
    lines: dict[str, dict[str, Any]] = {
        "scans/a.png": answer(picture("red")),
        "../b": answer(picture("blue"), {"text": "and"}, picture("green")),
        "none": {"response": {"candidates": [{"content": {}, "finishReason": "NO_IMAGE"}]}},
    }
    run = RunFixture(tmp_path / "r").send(list(lines))
    run.receive([{"key": key, **line} for key, line in lines.items()])
    run.build(kind=IMAGE)
    return ResultTable(run.folder)


EXPECTED = {"scans_a.png.jpg", "_b-1.jpg", "_b-2.jpg", "results.csv"}


def test_a_folder_has_the_pictures_and_a_table_that_names_them(table: ResultTable, tmp_path: Path) -> None:
    exported = export_pictures(table, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == EXPECTED
    with (tmp_path / "out" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["pictures"] for row in rows] == ["scans_a.png.jpg", "_b-1.jpg; _b-2.jpg", ""]
    assert rows[2]["error_message"] == "no picture was made (NO_IMAGE)"
    assert exported.rows == 3 and exported.notes[-1] == "3 pictures."
    export_pictures(table, tmp_path / "out")  # again: the same


def test_a_zip_has_the_same(table: ResultTable, tmp_path: Path) -> None:
    export_pictures(table, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert set(archive.namelist()) == EXPECTED
        assert archive.read("scans_a.png.jpg").startswith(b"\xff\xd8")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_lines_hold_names_and_no_base64(table: ResultTable, tmp_path: Path) -> None:
    export(table, tmp_path / "x.jsonl", "jsonl")
    first, *_ = (tmp_path / "x.jsonl").read_bytes().splitlines()
    blob = orjson.loads(first)["response"]["candidates"][0]["content"]["parts"][0]["inlineData"]
    assert blob["data"].startswith("(pictures/")
    export(table, tmp_path / "y.jsonl", "jsonl", layout="gemini")
    assert picture("red")["inlineData"]["data"].encode() in (tmp_path / "y.jsonl").read_bytes()
    assert table.detail("../b").pictures[1]["mime_type"] == "image/jpeg"
    assert "(pictures/" in table.detail("../b").response


def test_no_two_pictures_have_one_name() -> None:
    names = PictureNames()
    one = [{"file": "pictures/x.jpg"}]
    assert names.of("a/b", one) + names.of("A_b", one) + names.of("a_b", one) == ["a_b.jpg", "A_b~2.jpg", "a_b~3.jpg"]
    assert names.of("..", one) == ["row.jpg"]
