"""Everything that was paid for is in every export: further candidates, calls of tools, code that was run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lifecycle.results.export.export import ExportOptions, export
from lifecycle.results.export.rows import round_usd
from tests.lifecycle.run_fixture import RunFixture, answer

CALL = {"name": "look_up", "args": {"q": "größe"}}
CODE = [
    {"executableCode": {"language": "PYTHON", "code": "print(2)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
]
EXTRAS = ["other_answers", "tool_calls", "executed_code"]


@pytest.fixture
def run(tmp_path: Path) -> RunFixture:
    made = RunFixture(tmp_path / "r").send(["four", "call", "code", "plain"])
    four = answer("one")
    four["response"]["candidates"] += [answer(text)["response"]["candidates"][0] for text in ("two", "three", "=4")]
    call, code = answer("Let me see."), answer("It is 2.")
    call["response"]["candidates"][0]["content"]["parts"].append({"functionCall": CALL})
    code["response"]["candidates"][0]["content"]["parts"] += CODE
    lines = {"four": four, "call": call, "code": code, "plain": answer("A")}
    made.receive({"key": key, **line} for key, line in lines.items())
    made.build()
    return made


def written(run: RunFixture, tmp_path: Path, format: str) -> Path:
    return export(run.table(), tmp_path / f"out.{format}", format, ExportOptions()).path


def checked(rows: list[dict[str, Any]], empty: Any) -> None:
    """Every row as it must be in a table of texts."""
    assert [row["text"] for row in rows] == ["one", "Let me see.", "It is 2.", "A"]
    assert json.loads(rows[0]["other_answers"]) == ["two", "three", "=4"]
    assert json.loads(rows[1]["tool_calls"]) == [CALL]
    assert json.loads(rows[2]["executed_code"]) == CODE
    assert [rows[3][name] for name in EXTRAS] == [empty] * 3


def test_csv_xlsx_and_parquet_have_a_column_for_each(run: RunFixture, tmp_path: Path) -> None:
    with written(run, tmp_path, "csv").open(encoding="utf-8") as file:
        checked(list(csv.DictReader(file)), "")
    checked(pq.read_table(written(run, tmp_path, "parquet")).to_pylist(), None)
    sheet = openpyxl.load_workbook(written(run, tmp_path, "xlsx"))["Results"]
    header, *rows = sheet.iter_rows(values_only=True)
    checked([dict(zip(header, row, strict=True)) for row in rows], None)


def test_json_lines_have_them_as_values_and_lines_as_received_stay(run: RunFixture, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in written(run, tmp_path, "jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["other_answers"] for row in rows] == [["two", "three", "=4"], None, None, None]
    assert (rows[1]["tool_calls"], rows[2]["executed_code"]) == ([CALL], CODE)
    target = tmp_path / "raw.jsonl"
    export(run.table(), target, "jsonl", ExportOptions(), layout="gemini")
    assert target.read_bytes() == run.received[0].read_bytes()


def test_the_text_for_reading_has_them(run: RunFixture, tmp_path: Path) -> None:
    text = written(run, tmp_path, "txt").read_text(encoding="utf-8")
    assert 'Other answers: ["two","three","=4"]' in text
    assert f"Tool calls: {json.dumps([CALL], ensure_ascii=False, separators=(',', ':'))}" in text
    assert "Code that was run: [" in text


def test_a_run_without_any_has_no_column_for_them(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a"]).receive([{"key": "a", **answer("A")}])
    run.build()
    assert not set(EXTRAS) & set(pq.read_schema(written(run, tmp_path, "parquet")).names)


def test_an_own_column_of_the_same_name_keeps_its_values(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a"], source_columns={"tool_calls": ["mine"]})
    line = answer("A")
    line["response"]["candidates"][0]["content"]["parts"].append({"functionCall": CALL})
    run.receive([{"key": "a", **line}])
    run.build()
    (row,) = pq.read_table(written(run, tmp_path, "parquet")).to_pylist()
    assert (row["tool_calls (input)"], json.loads(row["tool_calls"])) == ("mine", [CALL])


def test_a_cost_that_is_not_whole_is_at_least(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a", "b"])
    untold = answer("A")
    untold["response"]["usageMetadata"] = {}
    run.receive([{"key": "a", **untold}, {"key": "b", **answer("B")}])
    run.build()
    assert "Cost: at least $" in written(run, tmp_path, "txt").read_text(encoding="utf-8")


def test_amounts_are_written_without_noise_and_to_the_digit() -> None:
    found = [0.00023295000000000002, None, 0.0, 0.1 + 0.2, 12345.678900000001, 7.500000000000001e-06, 1e-300]
    told = round_usd(pa.chunked_array([pa.array(found)])).to_pylist()
    assert told == [0.00023295, None, 0.0, 0.3, 12345.6789, 7.5e-06, 0.0]
