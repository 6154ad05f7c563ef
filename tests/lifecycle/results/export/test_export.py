"""What is exported can be read by others, and says what was there."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.errors import InputError
from batch.responses.spreadsheet_text import FLAT_COLUMNS, excel_cell, is_formula
from lifecycle.results.export.export import FORMATS, ExportOptions
from lifecycle.results.export.export import export as write_export
from lifecycle.results.read.table import Filter, ResultTable
from tests.lifecycle.run_fixture import RunFixture, answer, error

FORMULA_LIKE = [
    "=1+1",
    "+cmd",
    "-x",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "-5",
    "+3.14",
    "=5",
    "-",
    "-1e5",
    "-1,000",
    "+49 30 1234",
    "\n=1",
    "\ufeff=1",
    "\u00a0\uff1d1",
    "\uff0d5",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        *FORMULA_LIKE,
        '"',
        ",",
        "a\nb",
        "a\r\nb",
        "'",
        "_x0041_",
        " ",
        "é",
        "日本",
        "😀",
        "\x00",
        "\x1b[31m",
        "NA",
        "null",
        "1",
    ]
)


@pytest.fixture
def mixed(tmp_path: Path) -> RunFixture:
    run = RunFixture(tmp_path / "run")
    run.send(
        ["a", "b", "c", "d"],
        source_columns={"city": ["Rome", None, "Köln", "=HYPERLINK(1)"], "score": [1.5, None, -3.0, 2.0]},
    )
    run.receive(
        [
            {"key": "c", **answer("-5", output=7, thoughtsTokenCount=3, cachedContentTokenCount=4)},
            {"key": "a", **answer("=1+1")},
            {"key": "b", **error(13, "it broke")},
        ]
    )
    run.build()
    return run


def export(run: RunFixture | ResultTable, format: str, **more: Any) -> Path:
    table = run if isinstance(run, ResultTable) else run.table()
    path = table.folder / f"out.{format}"
    form = more.pop("form", "flat")
    write_export(table, path, format, ExportOptions(**more), layout=form)
    return path


def test_a_jsonl_row_is_the_flat_row_with_usage_and_response_as_received(mixed: RunFixture) -> None:
    rows = [json.loads(line) for line in export(mixed, "jsonl").read_text(encoding="utf-8").splitlines()]
    body = answer("-5", output=7, thoughtsTokenCount=3, cachedContentTokenCount=4)["response"]
    assert [row["key"] for row in rows] == ["a", "b", "c", "d"]
    assert rows[2] == {
        "input": {"city": "Köln", "score": -3.0},
        "key": "c",
        "prompt": "question c",
        "outcome": "answered",
        "text": "-5",
        "error_code": None,
        "error_message": "",
        "prompt_tokens": 10,
        "cached_tokens": 4,
        "output_tokens": 7,
        "thoughts_tokens": 3,
        "cost_usd": 3e-05,  # 10e-6 + 10 * 2e-6 without the noise of binary fractions
        "usage": body["usageMetadata"],
        "response": body,
    }
    assert (rows[1]["error_code"], rows[1]["error_message"], rows[1]["cost_usd"]) == (13, "it broke", 0.0)
    missing = {
        "outcome": "missing",
        "text": "",
        "prompt_tokens": None,
        "cost_usd": None,
        "usage": None,
        "response": None,
    }
    assert {name: rows[3][name] for name in missing} == missing


def test_json_is_the_list_of_the_same_rows(mixed: RunFixture) -> None:
    lines = [json.loads(line) for line in export(mixed, "jsonl").read_text(encoding="utf-8").splitlines()]
    assert json.loads(export(mixed, "json").read_bytes()) == lines


def test_tables_put_the_inputs_columns_first(mixed: RunFixture) -> None:
    columns = ["city", "score", *FLAT_COLUMNS, "incomplete"]
    assert list(pd.read_csv(export(mixed, "csv")).columns) == columns
    assert pq.read_schema(export(mixed, "parquet")).names == columns
    assert list(pd.read_excel(export(mixed, "xlsx"), engine="openpyxl").columns) == columns


def test_a_csv_neutralises_formulas_but_not_numbers(mixed: RunFixture) -> None:
    with export(mixed, "csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["'=1+1", "", "-5", ""]
    assert [row["city"] for row in rows] == ["Rome", "", "Köln", "=HYPERLINK(1)"]  # his own
    assert [row["score"] for row in rows] == ["1.5", "", "-3", "2"]


def test_a_csv_may_begin_with_a_byte_order_mark(mixed: RunFixture) -> None:
    assert export(mixed, "csv", bom=True).read_bytes()[:3] == b"\xef\xbb\xbf"
    assert export(mixed, "csv").read_bytes()[:3] != b"\xef\xbb\xbf"
    assert next(iter(pd.read_csv(export(mixed, "csv", bom=True), encoding="utf-8-sig").columns)) == "city"


def test_a_formula_in_a_column_name_is_the_users_own(tmp_path: Path) -> None:
    run = (
        RunFixture(tmp_path / "run").send("a", source_columns={"=cmd|x": ["1"]}).receive([{"key": "a", **answer("A")}])
    )
    run.build()
    assert export(run, "csv").read_text().startswith('"=cmd|x"')
    sheet = openpyxl.load_workbook(export(run, "xlsx"))["Results"]
    assert (sheet["A1"].value, sheet["A1"].data_type) == ("=cmd|x", "s")


def test_an_xlsx_holds_texts_as_texts(mixed: RunFixture) -> None:
    book = openpyxl.load_workbook(export(mixed, "xlsx"))
    sheet = book["Results"]
    header, *rows = list(sheet.iter_rows())
    text = [name.value for name in header].index("text")
    assert [row[text].value for row in rows] == ["=1+1", None, "-5", None]
    assert all(row[text].data_type in ("s", "inlineStr", "n") for row in rows)
    assert [row[text].quotePrefix for row in rows] == [True, False, False, False]
    assert [row[1].value for row in rows] == [1.5, None, -3, 2]
    assert header[0].font.bold
    assert book.sheetnames == ["Results", "About"]
    assert "INCOMPLETE: nothing came back for 1 of 4 rows." in [row[0].value for row in book["About"].iter_rows()]


def test_what_a_cell_cannot_hold_is_noted(tmp_path: Path) -> None:
    run = (
        RunFixture(tmp_path / "run")
        .send("ab")
        .receive([{"key": "a", **answer("x" * 40_000)}, {"key": "b", **answer("\x00\x1b")}])
    )
    run.build()
    written = write_export(run.table(), tmp_path / "o.xlsx", "xlsx")
    texts = list(pd.read_excel(tmp_path / "o.xlsx", engine="openpyxl")["text"])
    assert len(texts[0]) == 32_767
    assert texts[0].endswith("… [cut: 40,000 characters]")
    assert texts[1] == "\ufffd\ufffd"
    assert [note[:8] for note in written.notes] == ["1 cell h", "1 cell h"]


def test_a_text_report_begins_with_the_account(mixed: RunFixture) -> None:
    text = export(mixed, "txt", complete=False).read_text(encoding="utf-8")
    head = text.splitlines()
    assert head[0] == "INCOMPLETE: the run is not finished."
    assert head[1] == "INCOMPLETE: nothing came back for 1 of 4 rows."
    assert head[2] == "4 rows sent, 3 lines returned: 3 rows matched, 1 missing, 0 duplicate, 0 unmatched."
    assert text.index("question a") < text.index("=1+1") < text.index("question b") < text.index("it broke")


SAID = "INCOMPLETE: the run is not finished. INCOMPLETE: nothing came back for 1 of 4 rows."


def test_an_incomplete_result_says_so_first_and_stays_a_table_of_its_rows(mixed: RunFixture) -> None:
    for format in ("json", "jsonl"):
        text = export(mixed, format, complete=False).read_text(encoding="utf-8")
        assert SAID in "".join(text.splitlines()[:2])
        rows = json.loads(text) if format == "json" else [json.loads(line) for line in text.splitlines()]
        assert [row.get("incomplete") for row in rows] == [SAID, None, None, None]
    frames = {
        "csv": pd.read_csv(export(mixed, "csv", complete=False)),
        "parquet": pd.read_parquet(export(mixed, "parquet", complete=False)),
        "xlsx": pd.read_excel(export(mixed, "xlsx", complete=False), engine="openpyxl"),
    }
    for frame in frames.values():
        assert list(frame.columns) == ["city", "score", *FLAT_COLUMNS, "incomplete"]
        assert frame["incomplete"].fillna("").tolist() == [SAID, "", "", ""]
    assert "incomplete" not in pd.read_csv(export(whole(mixed), "csv")).columns


def whole(run: RunFixture) -> RunFixture:
    """The same run when the last row has come back too."""
    run.receive([{"key": "d", **answer("D")}], attempt=1).build()
    return run


def test_a_column_of_ones_own_called_incomplete_is_kept(tmp_path: Path) -> None:
    run = (
        RunFixture(tmp_path / "run")
        .send("ab", source_columns={"Incomplete": ["x", "y"]})
        .receive([{"key": "b", **answer("B")}])
    )
    run.build()
    frame = pd.read_csv(export(run, "csv"))
    assert list(frame["Incomplete"]) == ["x", "y"] and frame["incomplete (input)"][0].startswith("INCOMPLETE")


@pytest.mark.parametrize("format", FORMATS)
def test_every_export_notes_what_is_missing(mixed: RunFixture, format: str) -> None:
    written = write_export(mixed.table(), mixed.folder / "o", format)
    assert "INCOMPLETE: nothing came back for 1 of 4 rows." in written.notes
    assert written.rows == 4


def test_lines_as_received_are_byte_for_byte(mixed: RunFixture) -> None:
    received = mixed.received[0].read_bytes().splitlines()
    exported = export(mixed, "jsonl", form="gemini").read_bytes().splitlines()
    assert exported == [received[1], received[2], received[0]]
    assert json.loads(export(mixed, "json", form="gemini").read_bytes()) == [json.loads(line) for line in exported]


def test_a_shared_answer_is_exported_under_its_own_key(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "run").send("ab", fanout={"b": "a"}).receive([{"key": "a", **answer("A")}])
    run.build()
    lines = [json.loads(line) for line in export(run, "jsonl", form="gemini").read_bytes().splitlines()]
    assert lines == [{"key": "a", **answer("A")}, {"key": "b", **answer("A")}]


def test_a_filtered_export_holds_the_rows_that_fit(mixed: RunFixture) -> None:
    for format in ("csv", "jsonl", "parquet"):
        path = export(mixed, format, where=Filter(outcomes=("answered",)))
        assert [key for (key,) in duckdb.sql(f"SELECT key FROM '{path}'").fetchall()] == ["a", "c"]


def test_names_that_are_taken_are_noted(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "run").send(
        "a", source_columns={"Text": ["mine"], "outcome": ["won"], "text (input)": ["?"]}
    )
    run.receive([{"key": "a", **answer("A")}]).build()
    written = write_export(run.table(), tmp_path / "o.csv", "csv")
    row = pd.read_csv(tmp_path / "o.csv").iloc[0].to_dict()
    assert (row["Text (input)"], row["outcome (input)"], row["text (input) (input)"]) == ("mine", "won", "?")
    assert (row["text"], row["outcome"]) == ("A", "answered")
    assert len([note for note in written.notes if "is named" in note]) == 3


def test_structured_answers_become_typed_columns(tmp_path: Path) -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "name": {"type": "STRING"},
            "age": {"type": "INTEGER"},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}},
        },
    }
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    run = RunFixture(tmp_path / "run").send("abc", request=lambda key: {"contents": [], "generationConfig": config})
    run.receive(
        [
            {"key": "a", **answer('{"name": "Ada", "age": 36, "tags": ["x"]}')},
            {"key": "b", **answer('```json\n{"name": "Bo", "age": 7}\n```')},
            {"key": "c", **answer('{"name": 5}')},
        ]
    )
    run.build()
    strict = pq.read_table(export(run, "parquet", fields=True)).to_pylist()
    assert [(row["answer.name"], row["answer.age"]) for row in strict] == [("Ada", 36), (None, None), (None, None)]
    assert strict[0]["answer.tags"] == '["x"]'
    lenient = pq.read_table(export(run, "parquet", fields=True, include_repaired=True)).to_pylist()
    assert [row["answer.name"] for row in lenient] == ["Ada", "Bo", None]
    page, _ = run.table().page(fields=True, include_repaired=True, clip=5)
    assert list(page["answer.age"])[:2] == [36, 7]
    assert page["text"][0] == '{"nam'
    first = json.loads(export(run, "jsonl", fields=True).read_text().splitlines()[0])
    assert first["answer"] == {"name": "Ada", "age": 36, "tags": ["x"]}


@pytest.mark.parametrize(("format", "form"), [("csv", "gemini"), ("pdf", "flat"), ("", "flat")])
def test_what_cannot_be_written_is_refused(mixed: RunFixture, format: str, form: str) -> None:
    with pytest.raises(InputError):
        write_export(mixed.table(), mixed.folder / "o", format, layout=form)


def test_an_export_appears_whole_or_not_at_all(mixed: RunFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mixed.folder / "o.jsonl"
    path.write_text("earlier")
    mixed.received[0].unlink()
    with pytest.raises(FileNotFoundError):
        write_export(mixed.table(), path, "jsonl")
    assert path.read_text() == "earlier"
    assert not list(mixed.folder.glob(".o.jsonl*"))


def test_flawed_json_is_exported_as_others_can_read_it(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "run").send("ab")
    candidate = rb'{"finishReason":"STOP","content":{"parts":[{"text":"A"}]}}'
    text = rb'{"key":"a","response":{"x":"\ud83d then more text","candidates":[' + candidate + b"]}}"
    run.receive([text, text.replace(b'"a"', b'"b"').replace(rb"\ud83d", b"\xff")])
    run.build()
    path = export(run, "jsonl")
    assert [row[0] for row in duckdb.sql(f"SELECT text FROM '{path}'").fetchall()] == ["A", "A"]
    assert [json.loads(line)["response"]["x"][0] for line in path.read_text().splitlines()] == ["\ufffd", "\ufffd"]


# -- round trips -------------------------------------------------------------------------------------------------


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    count = draw(st.integers(1, 6))
    return [{"key": f"k{n}", "prompt": draw(TEXTS), "text": draw(TEXTS), "own": draw(TEXTS)} for n in range(count)]


def build(folder: Path, rows: list[dict[str, Any]]) -> ResultTable:
    run = RunFixture(folder).send(
        [r["key"] for r in rows], prompts=[r["prompt"] for r in rows], source_columns={"own": [r["own"] for r in rows]}
    )
    run.receive({"key": row["key"], **answer(row["text"])} for row in rows)
    run.build()
    return run.table()


def neutralised(text: str) -> str:
    return "'" + text if is_formula(text) else text


ROUND_TRIP = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ROUND_TRIP
@given(tables())
def test_texts_survive_every_format(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("trip")
    table = build(folder / "run", rows)
    columns = ("key", "prompt", "text", "own")
    sent = [tuple(row[name] for name in columns) for row in rows]
    safe = [(*map(neutralised, row[:-1]), row[-1]) for row in sent]  # the last is the user's own cell

    parquet = export(table, "parquet")
    assert list(zip(*(pq.read_table(parquet)[name].to_pylist() for name in columns), strict=True)) == sent
    assert duckdb.sql(f"SELECT {', '.join(columns)} FROM '{parquet}'").fetchall() == sent

    lines = [json.loads(line) for line in export(table, "jsonl").read_bytes().splitlines()]
    assert [(line["key"], line["prompt"], line["text"], line["input"]["own"]) for line in lines] == sent

    with export(table, "csv").open(encoding="utf-8", newline="") as file:
        assert [tuple(row[name] for name in columns) for row in csv.DictReader(file)] == safe
    if not any("\x00" in text for row in sent for text in row):
        frame = pd.read_csv(export(table, "csv"), dtype=str, keep_default_na=False, lineterminator="\n")
        assert [tuple(row) for row in frame[list(columns)].itertuples(index=False)] == safe

    sheet = openpyxl.load_workbook(export(table, "xlsx"))["Results"]
    header, *cells = list(sheet.iter_rows(values_only=True))
    order = [header.index(name) for name in columns]
    assert [tuple(row[place] or "" for place in order) for row in cells] == [
        tuple(excel_cell(text)[0] for text in row) for row in sent
    ]


def test_own_columns_of_every_type_are_exported(tmp_path: Path) -> None:
    own = {
        "whole": pa.array([1, None], pa.int32()),
        "big": pa.array([2**60, 1]),
        "flag": pa.array([True, None]),
        "day": pa.array([0, 1], pa.date32()),
        "when": pa.array([0, None], pa.timestamp("ms", "UTC")),
        "money": pa.array(["1.10", "2"]).cast(pa.decimal128(10, 2)),
        "tags": pa.array([["a"], None]),
        "thing": pa.array([{"x": 1}, {"x": None}]),
        "nothing": pa.nulls(2),
        "word": pa.array(["a", "b"]).dictionary_encode(),
    }
    run = RunFixture(tmp_path / "run").send("ab", source_columns=own).receive([{"key": "a", **answer("A")}])
    run.build()
    assert pq.read_table(export(run, "parquet")).column("tags").to_pylist() == [["a"], None]
    with export(run, "csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert (first["whole"], first["big"], first["flag"], first["money"]) == ("1", str(2**60), "true", "1.10")
    assert (first["day"], first["tags"], first["thing"], first["word"]) == ("1970-01-01", '["a"]', '{"x":1}', "a")
    sheet = openpyxl.load_workbook(export(run, "xlsx"))["Results"]
    values = dict(zip(*([c.value for c in row] for row in list(sheet.iter_rows())[:2]), strict=True))
    assert (values["whole"], values["big"], values["flag"], values["tags"]) == (1, str(2**60), True, '["a"]')
    assert json.loads(export(run, "jsonl").read_text().splitlines()[0])["input"]["thing"] == {"x": 1}
    detail = run.table().detail("a")
    assert (detail.source_columns["tags"], detail.source_columns["thing"], str(detail.source_columns["day"])) == (
        ["a"],
        {"x": 1},
        "1970-01-01",
    )
    assert detail.source_columns["nothing"] is None


def test_an_xlsx_is_a_sound_zip(mixed: RunFixture) -> None:
    with zipfile.ZipFile(export(mixed, "xlsx")) as parts:
        assert parts.testzip() is None
