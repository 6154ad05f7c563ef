"""Requests made a block at a time are those that are made row by row: the same files and the same account."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from batch.errors import InputError
from batch.model import EmptyCells, Generation
from batch.requests.row_checker import RowChecker
from lifecycle.inputs.columns import request_blocks
from lifecycle.inputs.drafts import prepare
from lifecycle.inputs.tables.reading import TableReading

CELLS = [
    "", "", " ", "\u00a0", "\u3000 ", "\u2028", "\x85", "soup", "12", "naïve Größe", "суп", "汤", "a\nb", "a\r\n", "\t",
    'say "hi"', "back\\slash", "\\", '{"contents": []}', "{", "@use_cache menu", "@use_cache", " @use_cache x\nsoup",
    "\x7f", "\x0b", "\x1f", "\x00", "é" * 40, "row-000003", "{{a}}",
]  # fmt: skip
PLAIN = ["soup", "12", "naïve Größe", "汤", 'say "hi"', "back\\slash", "a\nb", ""]
TEMPLATES = [
    "{{a}}", "{{ a }}{{b}}", "Say: {{a}}\n", " \n{{a}}", "@{{a}}", "@use_cache menu\n{{a}}", "{{{{{{a}}", "{{{a}}",
    "A long beginning. " * 20 + "\n\nThe dish: {{a}}, {{b}}", "A long beginning. " * 20 + "\n{{a}}",
    '{"contents": {{a}}',
]  # fmt: skip


def account(
    source: Path, folder: Path, template: str, generation: Generation, shared: str, **options: Any
) -> tuple[Any, ...] | str:
    """Everything that a draft is."""
    try:
        draft = prepare(
            source, folder, kind="csv", template=template, generation=generation, shared_text=shared, **options
        )
    except InputError as error:
        return str(error)
    told = {**asdict(draft), "folder": ""}
    inputs = pq.read_table(folder / "inputs.parquet")
    return told, (folder / "requests.jsonl").read_bytes(), inputs.to_pylist(), inputs.schema


def written(chance: random.Random) -> str:
    cells = chance.choice([CELLS, PLAIN, PLAIN])
    quoted = lambda cell: '"' + cell.replace('"', '""') + '"'  # noqa: E731
    keyed = chance.random() < 0.4
    lines = ["a,b,key" if keyed else "a,b,c"]
    for n in range(chance.randint(0, 40)):
        third = chance.choice([f"k{n}", f"k{n}", "", "k1", "row-000002", 'k"']) if keyed else "x"
        row = [chance.choice(cells), chance.choice(cells), third]
        lines.append(",".join(map(quoted, row[: 3 if chance.random() < 0.98 else 2])))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(3))
def test_blocks_make_what_rows_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    source = tmp_path / "a.csv"
    for n in range(25):
        source.write_text(written(chance), encoding="utf-8", newline="")
        template, shared = chance.choice(TEMPLATES), chance.choice(["", "", 'Be "kind".\n'])
        generation = Generation(system_instruction=chance.choice(["", "Be brief."]), temperature=0.5)
        options: dict[str, Any] = {
            "empty_cells": chance.choice(list(EmptyCells)),
            "reading": TableReading(separator=",", quote='"', header_row=1),
        }
        monkeypatch.setattr(request_blocks, "BLOCK_BYTES", chance.choice([1, 2000, 1 << 20]))
        with monkeypatch.context() as rows_alone:
            rows_alone.setattr(RowChecker, "prompt_frame", lambda self, prefix: None)
            expected = account(source, tmp_path / f"rows{n}", template, generation, shared, **options)
        made = account(source, tmp_path / f"blocks{n}", template, generation, shared, **options)
        assert made == expected, (template, source.read_bytes())


def test_rows_that_are_alike_are_not_looked_at_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowChecker, "check_prompt", None)
    source = tmp_path / "a.csv"
    source.write_text("key,dish\n" + "".join(f"k{n},soup {n}\n" for n in range(100)), encoding="utf-8")
    draft = prepare(source, tmp_path / "draft", kind="csv", template="Rate {{dish}}.")
    assert (draft.rows, draft.preview[0]) == (100, ("k0", "Rate soup 0."))


@pytest.mark.parametrize("first", [1, 9_998, 99_998, 999_998])
def test_made_keys_are_as_long_as_they_have_to_be(first: int) -> None:
    numbers = np.arange(first, first + 4)
    assert request_blocks.generated_keys(numbers).to_pylist() == [f"row-{n:06d}" for n in numbers]
