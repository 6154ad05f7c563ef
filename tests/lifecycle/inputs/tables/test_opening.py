"""Tables of every kind give the same rows, with their types kept and their cells as a person sees them."""

from __future__ import annotations

import datetime
import decimal
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.errors import InputError
from lifecycle.inputs.drafts import Draft, prepare
from lifecycle.inputs.tables.opening import table_preview
from lifecycle.inputs.tables.table import unique_column_names

DAY, MOMENT = datetime.datetime(2026, 3, 1), datetime.datetime(2026, 3, 1, 14, 30)


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def own(draft: Draft) -> pa.Table:
    table = pq.read_table(draft.folder / "inputs.parquet")
    return table.select(table.column_names[4:])


def prompts(draft: Draft) -> list[str]:
    found: list[str] = pq.read_table(draft.folder / "inputs.parquet").column("prompt").to_pylist()
    return found


def test_a_workbook_keeps_types_and_shows_cells_as_seen(tmp_path: Path) -> None:
    header = ["name", "count", "share", "day", "moment", "flag", "mixed"]
    rows: list[list[Any]] = [
        ["Größe", 3, 0.5, DAY, MOMENT, True, 1],
        ["b\nc", 4, 2, DAY, DAY, False, "one"],
        ["d", None, None, None, None, None, None],
    ]
    source = workbook(tmp_path / "a.xlsx", header, *rows)
    template = "|".join(f"{{{{{name}}}}}" for name in header)
    draft = prepare(source, tmp_path / "draft", kind="xlsx", template=template)
    assert prompts(draft) == [
        "Größe|3|0.5|2026-03-01|2026-03-01 14:30:00|TRUE|1",
        "b\nc|4|2|2026-03-01|2026-03-01|FALSE|one",
        "d||||||",
    ]
    table = own(draft)
    assert [str(f.type) for f in table.schema] == [
        "string",
        "int64",
        "double",
        "date32[day]",
        "timestamp[us]",
        "bool",
        "string",
    ]
    assert table.column("count").to_pylist() == [3, 4, None]
    assert table.column("moment").to_pylist() == [MOMENT, DAY, None]
    assert table.column("mixed").to_pylist() == ["1", "one", None]


def test_a_workbooks_rows_have_the_numbers_of_its_sheet(tmp_path: Path) -> None:
    source = workbook(
        tmp_path / "a.xlsx", [], ["prompt", "b"], ["one", 1], [], ["two"], ["three", 3, "beyond"], [None, 4]
    )
    draft = prepare(source, tmp_path / "draft", kind="xlsx", template="{{prompt}}")
    table = pq.read_table(draft.folder / "inputs.parquet")
    lines = table["line"].to_pylist()
    assert list(zip(lines, table["prompt"].to_pylist(), strict=True)) == [(3, "one"), (5, "two"), (6, "three")]
    assert own(draft).column_names == ["prompt (input)", "b", "column C"]
    assert "Column C has no name in row 2." in draft.notes
    assert [(p.line, p.fault.split(".")[0]) for p in draft.problems] == [(7, "The prompt is empty")]


def test_only_the_first_sheet_is_read_and_that_is_said(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Mine"
    book.active.append(["prompt"])
    book.active.append(["hi"])
    book.create_sheet("Other").append(["x"])
    book.save(tmp_path / "a.xlsx")
    draft = prepare(tmp_path / "a.xlsx", tmp_path / "draft", kind="xlsx")
    assert 'Only the first sheet, "Mine", was read.' in draft.notes


def test_parquet_keeps_its_types_to_the_bit(tmp_path: Path) -> None:
    columns = {
        "text": pa.array(["a", "b", None]),
        "small": pa.array([0.1, 2.0, None], pa.float32()),
        "exact": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2.00"), None]),
        "when": pa.array([MOMENT, DAY, None], pa.timestamp("ns")),
        "list": pa.array([["x", "y"], [], None]),
        "tag": pa.array(["t", "t", "u"]).dictionary_encode(),
        "flag": pa.array([True, False, None]),
        "big": pa.array([2**63, 0, 1], pa.uint64()),
    }
    source = parquet(tmp_path / "a.parquet", **columns)
    template = "-" + "|".join(f"{{{{{name}}}}}" for name in columns)
    draft = prepare(source, tmp_path / "draft", kind="parquet", template=template)
    assert prompts(draft) == [
        '-a|0.1|1.50|2026-03-01 14:30:00|["x", "y"]|t|TRUE|9223372036854775808',
        "-b|2|2.00|2026-03-01|[]|t|FALSE|0",
        "-||||||u||1".replace("||||||u", "|||||u"),
    ]
    assert own(draft).to_pylist() == pq.read_table(source).to_pylist()
    assert own(draft).schema.field("small").type == pa.float32()


def test_parquet_of_many_row_groups_streams_in_order(tmp_path: Path) -> None:
    source = tmp_path / "a.parquet"
    pq.write_table(pa.table({"prompt": [f"row {n}" for n in range(9000)]}), source, row_group_size=1000)
    draft = prepare(source, tmp_path / "draft", kind="parquet")
    assert prompts(draft) == [f"row {n}" for n in range(9000)]
    table = pq.read_table(draft.folder / "inputs.parquet")
    assert table["line"].to_pylist() == list(range(1, 9001))


def test_duplicate_keys_take_their_own_columns_with_them(tmp_path: Path) -> None:
    source = parquet(
        tmp_path / "a.parquet",
        key=pa.array(["a", "b", "a", ""]),
        prompt=pa.array(list("wxyz")),
        v=pa.array([1, 2, 3, 4]),
    )
    draft = prepare(source, tmp_path / "draft", kind="parquet", template="{{prompt}}")
    assert own(draft).column("v").to_pylist() == [1, 2, 4]
    assert [(p.line, p.key) for p in draft.problems] == [(3, "a")]
    assert pq.read_table(draft.folder / "inputs.parquet")["key"].to_pylist() == ["a", "b", "row-000004"]


@pytest.mark.parametrize("kind", ["parquet", "xlsx"])
@pytest.mark.parametrize("damage", ["pdf", "cut", "empty"])
def test_a_damaged_file_is_a_users_error(tmp_path: Path, kind: str, damage: str) -> None:
    whole = tmp_path / "whole"
    if kind == "xlsx":
        workbook(whole, ["prompt"], ["hi"])
    else:
        parquet(whole, prompt=pa.array(["hi"] * 1000))
    content = {"pdf": b"%PDF-1.7", "cut": whole.read_bytes()[: whole.stat().st_size // 2], "empty": b""}[damage]
    source = tmp_path / f"a.{kind}"
    source.write_bytes(content)
    with pytest.raises(InputError) as caught:
        prepare(source, tmp_path / "draft", kind=kind)
    wanted = {"pdf": f"a.{kind} is a PDF", "cut": f"a.{kind} cannot be read", "empty": "The table is empty"}[damage]
    assert wanted in str(caught.value)


def test_a_page_damaged_in_the_middle_is_a_users_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = parquet(tmp_path / "a.parquet", prompt=pa.array([f"{n} " * 50 for n in range(9000)]))
    content = bytearray(source.read_bytes())
    content[200:4000] = bytes(3800)
    source.write_bytes(content)
    with pytest.raises(InputError):
        prepare(source, tmp_path / "draft", kind="parquet")
    assert list((tmp_path / "draft").iterdir()) == []


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lifecycle.inputs.tables.workbook.UNPACKED_BYTES", 1000)
    with pytest.raises(InputError, match="too large"):
        prepare(workbook(tmp_path / "a.xlsx", ["prompt"], ["hi"]), tmp_path / "draft", kind="xlsx")


def test_a_zip_that_is_no_workbook_is_refused_unless_it_holds_one_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("hello.csv", "prompt\nhi\n")
    assert prompts(prepare(tmp_path / "a.xlsx", tmp_path / "one", kind="xlsx")) == ["hi"]
    with zipfile.ZipFile(tmp_path / "a.xlsx", "a") as archive:
        archive.writestr("again.csv", "prompt\nhi\n")
    with pytest.raises(InputError, match="holds 2 files"):
        prepare(tmp_path / "a.xlsx", tmp_path / "two", kind="xlsx")


def look(source: Path | str, kind: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    preview = table_preview(source, kind)
    return preview.names, preview.rows


def test_the_preview_shows_columns_and_first_rows(tmp_path: Path) -> None:
    rows = [[f"t{n}", n] for n in range(9)]
    source = workbook(tmp_path / "a.xlsx", ["text", "n"], *rows)
    wanted = tuple((f"t{n}", str(n)) for n in range(5))
    assert look(source, "xlsx") == (("text", "n"), wanted)
    parquet(tmp_path / "a.parquet", text=pa.array([r[0] for r in rows]), n=pa.array([r[1] for r in rows]))
    assert look(tmp_path / "a.parquet", "parquet") == (("text", "n"), wanted)
    assert look("text\tn\n" + "\n".join(f"t{n}\t{n}" for n in range(9)), "tsv") == (("text", "n"), wanted)
    assert look("text,n\n", "csv") == (("text", "n"), ())


@pytest.mark.parametrize("content", ["", "\n\n", "   \n"])
def test_an_empty_table_is_refused(content: str) -> None:
    with pytest.raises(InputError, match="empty"):
        table_preview(content, "csv")


def test_separators_and_encodings_of_spreadsheets_are_understood(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    for n, content in enumerate(
        [
            "\ufeffname;prompt\r\nGröße;hi\r\n".encode(),
            "name,prompt\nGröße,hi\n".encode("cp1252"),
            "name\tprompt\nGröße\thi\n".encode("utf-16"),
        ]
    ):
        source.write_bytes(content)
        draft = prepare(source, tmp_path / str(n), kind="csv", template="{{name}}: {{prompt}}")
        assert prompts(draft) == ["Größe: hi"]
        assert any("Windows-1252" in note for note in draft.notes) == (n == 1)


def test_a_quote_that_is_never_closed_costs_its_row_and_not_the_rest(tmp_path: Path) -> None:
    draft = prepare('prompt,b\none,1\n"two,2\nthree,3\n', tmp_path, kind="csv", template="{{prompt}}")
    assert prompts(draft) == ["one", "three"]
    assert draft.problems[0].line == 3


def test_a_line_of_a_table_over_the_limit_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lifecycle.inputs.tables.delimited.LINE_LIMIT_BYTES", 40)
    draft = prepare(f"prompt,b\none,1\n{'x' * 90},2\nthree,3\n", tmp_path, kind="csv", template="{{prompt}}")
    assert prompts(draft) == ["one", "three"]
    assert [(p.line, p.fault) for p in draft.problems] == [(3, "A line is too long.")]


def test_names_that_are_taken_in_the_file_are_marked() -> None:
    assert unique_column_names(["Key", "a", "prompt", "prompt (input)", "LINE"]) == [
        "Key (input)",
        "a",
        "prompt (input)",
        "prompt (input) (input)",
        "LINE (input)",
    ]
