"""Objects of JSON come back as they were, in an array or one a line, with answers as further fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batch.errors import InputError
from lifecycle.core.run_files import DRAFT
from lifecycle.inputs.tables.reading import ReadAs
from tests.lifecycle.results.fill.given_run import filled, given_run
from tests.lifecycle.run_fixture import RunFixture

MOOD = {
    "type": "OBJECT",
    "properties": {
        "mood": {"type": "STRING"}, "score": {"type": "NUMBER"}, "id": {"type": "INTEGER"},
        "tags": {"type": "ARRAY", "items": {"type": "STRING"}},
    },
}  # fmt: skip
ANSWERS = [{"mood": 'go"od', "score": 0.5, "id": 9, "tags": ["a", "b"]}, {"mood": "so", "score": 2, "id": 8}]


def run_of(folder: Path, content: str, name: str, lines: list[int]) -> RunFixture:
    told = ReadAs("json", encoding="utf-8")
    own: dict[str, list[Any]] = {"id": [1] * len(lines), "dish": ["x"] * len(lines)}
    run = given_run(folder, content.encode(), told, own, lines, ANSWERS, MOOD)
    stored = json.loads((folder / DRAFT).read_text())
    (folder / DRAFT).write_text(json.dumps({**stored, "source_name": name}))
    return run


def answered(row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in ("id", "dish", "mood", "score", "id (answer)", "tags", "outcome")]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_stays_an_array(tmp_path: Path, indent: int | None) -> None:
    given = [{"id": 1, "dish": "soup", "n": 1.50}, {}, {"id": 3, "dish": "cake", "more": {"a": [1]}}]
    path, _ = filled(run_of(tmp_path, json.dumps(given, indent=indent), "menu.json", [1, 3]), "json")
    rows = json.loads(path.read_text())
    assert answered(rows[0]) == [1, "soup", 'go"od', 0.5, 9, ["a", "b"], "answered"]
    assert rows[1] == {}
    assert answered(rows[2]) == [3, "cake", "so", 2, 8, None, "answered"] and rows[2]["more"] == {"a": [1]}


def test_lines_stay_lines_byte_for_byte_and_what_was_not_sent_is_there(tmp_path: Path) -> None:
    lines = ['{"id": 1.0,  "dish":"so\\u0075p"}', "", "broken", '{"dish":"cake","id":3}']
    path, _ = filled(run_of(tmp_path, "\r\n".join(lines), "menu.jsonl", [1, 4]), "jsonl")
    written = path.read_text().split("\n")
    assert written[0].startswith('{"id": 1.0,  "dish":"so\\u0075p","mood":"go\\"od","score":0.5,')
    assert written[1:3] == ["", "broken"]
    assert answered(json.loads(written[3]))[:3] == [3, "cake", "so"]


def test_rows_that_are_not_where_they_were_are_no_filling(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not where it was"):
        filled(run_of(tmp_path / "short", '[{"id": 1}]', "menu.json", [1, 3]), "json")
    with pytest.raises(InputError, match="inside of an object"):
        filled(run_of(tmp_path / "inside", '{"data": [{"id": 1}, {"id": 2}]}', "menu.json", [1, 2]), "json")
