"""An answer is held to the form that its own request asked for, and a line that is none costs no other row."""

from __future__ import annotations

import json

import pytest

from lifecycle.results.export.export import ExportOptions, export
from tests.lifecycle.run_fixture import PERSON, RunFixture, answer, asks_for, balanced


def test_an_answer_not_in_the_form_asked_for_is_invalid(run: RunFixture) -> None:
    run.send("abcdef", request=lambda key: asks_for(PERSON))
    run.receive(
        [
            {"key": "a", **answer('{"name": "Ada", "age": 36}')},
            {"key": "b", **answer('{"age": 36}')},
            {"key": "c", **answer('```json\n{"name": "Cy"}\n```')},
            {"key": "d", **answer("Sorry, I can't do that.")},
            {"key": "e", **answer('{"name": "E', finish="MAX_TOKENS")},
            {"key": "f", **answer('{"name": "F", "age": "old"}')},
        ]
    )
    account = run.build()
    rows = run.rows()
    assert [row["outcome"] for row in rows] == [
        *("answered", "invalid_output", "invalid_output", "refused", "truncated", "invalid_output")
    ]
    assert [row["parsed"] for row in rows] == ["strict", "failed", "lenient", "", "", "failed"]
    assert rows[1]["error_message"] == "not in the form asked for: $.name is missing"
    assert rows[5]["error_message"] == "not in the form asked for: $.age is not of type integer"
    assert json.loads(rows[2]["repaired"]) == {"name": "Cy"}
    assert [(field.name, field.type) for field in account.fields] == [("name", "VARCHAR"), ("age", "BIGINT")]
    assert balanced(account)


@pytest.mark.parametrize("text", ["[" * 400 + "]" * 400, "9" * 30, '"\\ud83d"'])
def test_json_that_others_would_trip_over_costs_no_other_row(run: RunFixture, text: str) -> None:
    """Neither a fenced answer that cannot be kept as JSON, nor a property of that kind, may end the collecting."""
    schema = {"type": "OBJECT", "properties": {"x": {}}}
    run.send("abc", request=lambda key: asks_for(schema))
    run.receive([{"key": "a", **answer(f'```json\n{{"x": {text}}}\n```')}, {"key": "b", **answer(f'{{"x": {text}}}')}])
    run.receive([{"key": "c", **answer('{"x": 1}')}], shard=1)
    run.build()
    assert [row["parsed"] for row in run.rows()][::2] == ["failed", "strict"]
    page, _ = run.table().page(fields=True, include_repaired=True)
    assert page["answer.x"][2] == "1"
    assert (
        export(run.table(), run.folder / "o.parquet", "parquet", ExportOptions(fields=True, include_repaired=True)).rows
        == 3
    )


def test_a_run_of_odd_lines_is_collected_shown_and_exported(run: RunFixture) -> None:
    deep = b'{"key":"deep","response":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001
    run.send(["deep", "huge", "vertex", "snake", "lost"])
    run.receive(
        [
            b"\xef\xbb\xbf" + json.dumps({"key": "huge", **answer("x" * 3_000_000)}).encode(),
            deep,
            b"   ",
            {"key": "vertex", "status": "", "request": {"contents": []}, **answer("V")},
            {
                "key": "snake",
                "response": {"candidates": [{"finish_reason": "STOP", "content": {"parts": [{"text": "S"}]}}]},
            },
            {"custom_id": "lost", **answer("under another name")},
            b"\x00\x00",
        ]
    )
    account = run.build()
    assert [row["outcome"] for row in run.rows()] == ["unknown", "answered", "answered", "answered", "missing"]
    assert (account.returned, account.unmatched, len(run.rows()[1]["text"])) == (6, 2, 3_000_000)
    assert balanced(account)
    assert run.table().detail("deep").response.encode() == deep
    for format in ("jsonl", "csv", "parquet", "xlsx", "txt"):
        assert export(run.table(), run.folder / "o", format).rows == 5
        if format == "jsonl":
            rows = [json.loads(line) for line in (run.folder / "o").read_text().splitlines()]
            assert [row["key"] for row in rows] == ["deep", "huge", "vertex", "snake", "lost"]
            assert rows[0]["response"].encode() == deep


def test_each_row_is_held_to_its_own_form(run: RunFixture) -> None:
    forms = {
        "a": asks_for(PERSON),
        "b": {"contents": []},
        "c": asks_for(None),
        "d": asks_for({"type": "STRING", "enum": ["yes", "no"]}, "text/x.enum"),
        "e": {"generation_config": {"response_json_schema": {"type": "array"}}},
    }
    run.send(forms, request=lambda key: forms[key])
    run.receive({"key": key, **answer("yes")} for key in "edcba")
    run.build()
    assert [row["outcome"] for row in run.rows()] == [
        *("invalid_output", "answered", "invalid_output", "answered", "invalid_output")
    ]


def test_the_runs_form_holds_where_a_request_names_none(run: RunFixture) -> None:
    run.send("ab", request=lambda key: asks_for(PERSON) if key == "a" else {"contents": []})
    run.receive({"key": key, **answer("[1]")} for key in "ab")
    run.build(schema={"type": "ARRAY"})
    assert [row["outcome"] for row in run.rows()] == ["invalid_output", "answered"]
