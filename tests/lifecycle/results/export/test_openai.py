"""A run's results as OpenAI's lines: in the form that was asked, in input order, one for every row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batch.errors import InputError
from batch.kinds.registry import KINDS
from lifecycle.inputs import drafts
from lifecycle.results.export.export import export
from lifecycle.results.export.openai import openai_form, was_openai
from tests.lifecycle.run_fixture import RunFixture, answer, error


def lines_for_openai(url: str, count: int = 3) -> str:
    body: dict[str, Any] = {"model": "gpt-4o-mini"}
    body |= {"input": "Hi"} if "responses" in url else {"messages": [{"role": "user", "content": "Hi"}]}
    rows = ({"custom_id": f"task-{n}", "method": "POST", "url": url, "body": body} for n in range(count))
    return "\n".join(map(json.dumps, rows))


def exported(run: RunFixture, folder: Path) -> list[dict[str, Any]]:
    out = folder / "x.jsonl"
    result = export(run.table(), out, "jsonl", layout="openai")
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert result.rows == len(lines)
    return lines


@pytest.mark.parametrize(
    ("url", "made_of"), [("/v1/chat/completions", "chat.completion"), ("/v1/responses", "response")]
)
def test_what_came_as_openai_lines_goes_back_in_their_form(tmp_path: Path, url: str, made_of: str) -> None:
    folder = tmp_path / "run"
    drafts.prepare(lines_for_openai(url), folder, kind="jsonl")
    run = RunFixture(folder)
    run.receive([{"key": "task-2", **answer("two")}, {"key": "task-0", **error(3)}]).build()
    assert was_openai(run.table())
    lines = exported(run, tmp_path)
    assert [line["custom_id"] for line in lines] == ["task-0", "task-1", "task-2"]
    assert [(line["response"] or {}).get("status_code") for line in lines] == [400, None, 200]
    assert lines[2]["response"]["body"]["object"] == made_of
    assert "two" in json.dumps(lines[2]["response"]["body"])


def test_any_run_can_be_had_in_this_form(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "run").send(["a"]).receive([{"key": "a", **answer("yes")}])
    run.build()
    assert not was_openai(run.table())
    (line,) = exported(run, tmp_path)
    assert line["response"]["body"]["choices"][0]["message"]["content"] == "yes"


def test_pictures_have_none(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "run").send(["a"]).receive([{"key": "a", **answer("no picture")}])
    run.build(kind=KINDS["image"])
    with pytest.raises(InputError, match="no form"):
        openai_form(run.table())
