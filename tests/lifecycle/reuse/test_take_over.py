"""What a draft becomes when answers are taken over, and that a wrong match of digests attaches nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lifecycle.inputs import drafts
from lifecycle.inputs.drafts import Draft, open_draft
from lifecycle.reuse.search import search
from lifecycle.reuse.take_over import AnsweringRun, take_over
from tests.lifecycle.run_fixture import RunFixture, answer


@pytest.fixture
def earlier(tmp_path: Path) -> AnsweringRun:
    """A run that was asked two questions, written with spaces as Python writes JSON."""
    run = RunFixture(tmp_path / "r1").send(["a", "b"])
    text = (run.folder / "requests.jsonl").read_text().splitlines()
    (run.folder / "requests.jsonl").write_text("".join(json.dumps(json.loads(line)) + "\n" for line in text))
    lines = [{"key": key, **answer(f"answer to {key}")} for key in ("a", "b")]
    return AnsweringRun("r1", "", 0.0, run.folder, run.receive(lines).build().files)


def draft_of(folder: Path, questions: dict[str, str]) -> Draft:
    rows = [{"key": key, "request": {"contents": [{"parts": [{"text": text}]}]}} for key, text in questions.items()]
    return drafts.prepare("\n".join(json.dumps(row) for row in rows), folder, kind="jsonl")


def keys(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_bytes().splitlines()]


def test_the_rest_is_a_draft_and_the_answers_lie_beside_it(earlier: AnsweringRun, tmp_path: Path) -> None:
    draft = draft_of(tmp_path / "draft", {"new": "question c", "x": "question a", "b": "question b"})
    found = search(draft.folder, [earlier.folder])
    rest = take_over(draft, found, [earlier], tmp_path / "rest")
    assert (rest.rows, rest.reused_rows) == (1, 2)
    assert open_draft(rest.folder).reused_rows == 2
    assert keys(rest.folder / "requests.jsonl") == ["new"]
    assert rest.size_bytes == (rest.folder / "requests.jsonl").stat().st_size
    assert pq.read_table(rest.folder / "inputs.parquet").select(["n", "key"]).to_pylist() == [{"n": 0, "key": "new"}]
    answers = rest.folder / "reused" / "answers" / "r1.jsonl"
    assert keys(answers) == ["x", "b"]
    assert "answer to a" in answers.read_text().splitlines()[0]


def test_requests_that_differ_are_sent_although_their_digests_are_the_same(
    earlier: AnsweringRun, tmp_path: Path
) -> None:
    draft = draft_of(tmp_path / "draft", {"a": "question a", "b": "something else"})
    found = search(draft.folder, [earlier.folder])
    found.run[1], found.place[1] = 0, found.place[0]
    rest = take_over(draft, found, [earlier], tmp_path / "rest")
    assert keys(rest.folder / "requests.jsonl") == ["b"]
    assert found.run.tolist() == [0, -1] and np.count_nonzero(found.run >= 0) == rest.reused_rows
