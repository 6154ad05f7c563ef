"""Which answer a row is given where several runs, or several rows of one, have asked the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lifecycle.reuse.search import NOT_FOUND, search
from tests.lifecycle.run_fixture import RunFixture, answer, error


def run(folder: Path, texts: Mapping[str, str], replies: Mapping[str, dict[str, Any]] | None = None) -> Path:
    """A run's folder: texts by key, and what came back if it was sent."""
    fixture = RunFixture(folder).send(texts, request=lambda key: {"contents": [{"parts": [{"text": texts[key]}]}]})
    if replies is not None:
        fixture.receive([{"key": key, **reply} for key, reply in replies.items()]).build()
    return folder


OK = answer("yes")
SENT = {"a": "one", "b": "two", "c": "one"}
DRAFTS: list[tuple[dict[str, str], list[int]]] = [  # (draft, the row of SENT that answers each of its rows)
    ({"a": "one", "b": "two", "c": "one"}, [0, 1, 2]),
    ({"c": "one", "x": "one", "b": "three"}, [2, 0, -1]),
    ({"b": "one", "a": "two"}, [0, 1]),
    ({}, []),
]


@pytest.mark.parametrize(("draft", "rows"), DRAFTS)
def test_of_rows_that_asked_the_same_the_own_key_comes_first(
    tmp_path: Path, draft: dict[str, str], rows: list[int]
) -> None:
    earlier = run(tmp_path / "earlier", SENT, dict.fromkeys(SENT, OK))
    found = search(run(tmp_path / "draft", draft), [earlier])
    assert [int(n) if run == 0 else -1 for run, n in zip(found.run, found.place["n"], strict=True)] == rows


def test_the_newest_run_that_answered_counts_and_failures_are_no_answers(tmp_path: Path) -> None:
    newest = run(tmp_path / "newest", {"a": "one", "b": "two"}, {"a": error(13), "b": OK})
    older = run(tmp_path / "older", {"a": "one", "b": "two"}, {"a": OK, "b": OK})
    nothing = run(tmp_path / "nothing", {"a": "one"}, {"a": answer("", finish="SAFETY")})
    found = search(run(tmp_path / "draft", {"a": "one", "b": "two", "c": "three"}), [nothing, newest, older])
    assert found.run.tolist() == [2, 1, NOT_FOUND]
    assert found.rows == 2


def test_a_run_whose_requests_are_not_those_of_its_results_answers_nothing(tmp_path: Path) -> None:
    earlier = run(tmp_path / "earlier", SENT, dict.fromkeys(SENT, OK))
    RunFixture(earlier).send(["a"])
    assert search(run(tmp_path / "draft", SENT), [earlier]).rows == 0
