"""What a file is shows in its bytes, and JSON of every shape becomes requests or a table."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.errors import InputError
from lifecycle.inputs.drafts import file_kind, prepare

REQUESTS = [{"key": key, "request": {"contents": [{"parts": [{"text": key * 2}]}]}} for key in "ab"]
RECORDS = [{"id": 1, "dish": "soup", "hot": True}, {"id": 2, "dish": "cake", "price": 1.5}]
PRINTED = "\n".join(json.dumps(one, indent=1) for one in REQUESTS)


def prompts(folder: Path) -> list[str]:
    found: list[str] = pq.read_table(folder / "inputs.parquet").column("prompt").to_pylist()
    return found


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.json", json.dumps(REQUESTS), "jsonl"),
        ("a.jsonl", PRINTED, "jsonl"),
        ("a.jsonl", '{"prompt":"x"}\n', "jsonl"),
        ("a.json", json.dumps(RECORDS), "records"),
        ("a.jsonl", "\n".join(map(json.dumps, RECORDS)), "records"),
        ("a.xlsx", "dish,n\nsoup,1\n", "csv"),
        ("a.txt", "dish,n\nsoup,1\n", "txt"),
    ],
)
def test_the_kind_is_told_by_what_is_inside(tmp_path: Path, name: str, content: str, kind: str) -> None:
    (tmp_path / name).write_text(content)
    assert file_kind(tmp_path / name) == kind
    with gzip.open(tmp_path / f"{name}.gz", "wt") as packed:
        packed.write(content)
    assert file_kind(tmp_path / f"{name}.gz") == kind


@pytest.mark.parametrize("content", [json.dumps(REQUESTS), PRINTED, json.dumps(REQUESTS, indent=2)])
def test_requests_in_an_array_or_printed_for_people_are_sent(tmp_path: Path, content: str) -> None:
    draft = prepare(content, tmp_path, kind="jsonl")
    assert (draft.rows, draft.problem_count, prompts(tmp_path)) == (2, 0, ["aa", "bb"])
    assert len((tmp_path / "requests.jsonl").read_bytes().splitlines()) == 2


@pytest.mark.parametrize("indent", [None, 2])
def test_records_inside_of_one_object_are_the_rows(tmp_path: Path, indent: int | None) -> None:
    content = json.dumps({"count": 2, "data": RECORDS, "next": None}, indent=indent)
    draft = prepare(content, tmp_path, kind="jsonl", template="{{dish}}?")
    assert (draft.kind, draft.columns[0], prompts(tmp_path)) == ("records", "id", ["soup?", "cake?"])
    assert any('"data"' in note for note in draft.notes)


def test_plain_text_with_an_instruction_that_names_columns_is_a_table(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("dish\tn\nsoup\t1\ncake\t2\n", encoding="utf-8")
    draft = prepare(source, tmp_path / "draft", kind="txt", template="{{dish}}?")
    assert (draft.kind, prompts(tmp_path / "draft")) == ("csv", ["soup?", "cake?"])


@pytest.mark.parametrize(
    "content", [json.dumps(RECORDS), "\n".join(map(json.dumps, RECORDS)), json.dumps(RECORDS, indent=1)]
)
def test_records_are_a_table_with_types(tmp_path: Path, content: str) -> None:
    draft = prepare(content, tmp_path, kind="jsonl", template="{{dish}}?")
    assert (draft.kind, draft.columns, prompts(tmp_path)) == (
        "records",
        ("id", "dish", "hot", "price"),
        ["soup?", "cake?"],
    )
    table = pq.read_table(tmp_path / "inputs.parquet")
    assert [str(table.schema.field(name).type) for name in draft.columns] == ["int64", "string", "bool", "double"]
    assert table["price"].to_pylist() == [None, 1.5]


def test_a_packed_table_and_packed_requests_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("menu/menu.csv", "dish,n\nsoup,1\n")
        archive.writestr("__MACOSX/menu/._menu.csv", "x")
    draft = prepare(tmp_path / "a.zip", tmp_path / "one", kind=file_kind(tmp_path / "a.zip"), template="{{dish}}")
    assert (prompts(tmp_path / "one"), draft.read_as and draft.read_as.packed) == (["soup"], "zip")
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as packed:
        packed.write("\n".join(map(json.dumps, REQUESTS)))
    assert prepare(tmp_path / "a.jsonl.gz", tmp_path / "two", kind="jsonl").rows == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xls", b"<html><table><tr><td>x</td></tr></table></html>", "a web page"),
        ("a.xls", b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "spreadsheet in XML"),
        ("a.csv", b"SQLite format 3\0", "a database"),
        ("a.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc", "cannot be unpacked"),
        ("a.csv", b"BZh91AY&SY\0\0", "bzip2"),
        ("a.parquet", b"PAR1\0\0\0\0PAR1", "cannot be read as Parquet"),
        ("a.xlsx", b"PK\x03\x04cut off", "cannot be read"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more", "cannot be read"),
    ],
)
def test_what_is_something_else_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        prepare(tmp_path / name, tmp_path / "draft", kind=file_kind(tmp_path / name), template="{{x}}")


def test_odd_values_of_parquet_are_shown_and_kept(tmp_path: Path) -> None:
    table = pa.table(
        {
            "bytes": pa.array([b"\x89\xff" * 10, b"text"]),
            "far": pa.array([2**40, 0], pa.int64()).cast(pa.timestamp("s")),
            "span": pa.array([90, None], pa.duration("s")),
            "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
            "struct": pa.array([{"bytes": b"\xff", "path": "a.png"}, None]),
            "none": pa.nulls(2),
            "list": pa.array([[b"\xff\xfe"], None]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    template = "|".join(f"{{{{{name}}}}}" for name in table.column_names)
    draft = prepare(tmp_path / "a.parquet", tmp_path / "draft", kind="parquet", template=template)
    assert any(note.startswith('What "bytes", "struct", "list" holds is bytes, not words.') for note in draft.notes)
    first, second = prompts(tmp_path / "draft")
    assert first.startswith("<bytes, 20 B>|<value out of range: 1099511627776000>|0:01:30|")
    assert first.endswith('{"bytes": "<bytes, 1 B>", "path": "a.png"}||["<bytes, 2 B>"]')
    assert second.startswith("text|1970-01-01||")
    kept = pq.read_table(tmp_path / "draft" / "inputs.parquet")
    assert kept["bytes"].to_pylist() == table["bytes"].to_pylist()
