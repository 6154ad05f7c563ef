"""The same instruction over other data is known again, another one is not, and no word of either is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from lifecycle.planning.history.prompt_sketch import PromptSketch, likeness, sample_requests

SORT = "Sort this review by mood, and say in one sentence what the customer wants from us: "
TRANSLATE = "Translate the following paragraph to French, keeping names as they are: "
SCHEMA = {"type": "OBJECT", "properties": {"mood": {"type": "STRING"}}}


def sketch(folder: Path, instruction: str, first: int = 0, rows: int = 40, **config: Any) -> PromptSketch:
    path = folder / "requests.jsonl"
    with path.open("wb") as file:
        for n in range(first, first + rows):
            text = f"{instruction}customer {n} said word{n * 7} and also word{n * 11} twice"
            request = {"contents": [{"parts": [{"text": text}]}], "generationConfig": config}
            file.write(orjson.dumps({"key": str(n), "request": request}) + b"\n")
    return sample_requests(path).sketch


def test_the_same_instruction_over_other_rows_is_alike(tmp_path: Path) -> None:
    one, other = sketch(tmp_path, SORT), sketch(tmp_path, SORT, 5_000, 300)
    assert likeness(one, other) > 0.9
    assert likeness(one, sketch(tmp_path, TRANSLATE)) < 0.5


def test_another_form_of_answer_or_more_thinking_is_less_alike(tmp_path: Path) -> None:
    free, fields = sketch(tmp_path, SORT), sketch(tmp_path, SORT, responseSchema=SCHEMA)
    thinking = sketch(tmp_path, SORT, thinkingConfig={"thinkingLevel": "HIGH"})
    assert likeness(fields, fields) == 1 and likeness(free, fields) < 0.5
    assert 0.4 < likeness(free, thinking) < 0.6
    assert likeness(free, free, 100, 110) == 1 > likeness(free, free, 100, 2_000)


def test_prompts_without_anything_in_common_are_a_little_alike(tmp_path: Path) -> None:
    one = sketch(tmp_path, SORT, rows=1)
    assert one.pairs == () and 0.5 < likeness(one, one) < 1
    assert likeness(one, sketch(tmp_path, SORT)) == 0


def test_what_cannot_be_read_teaches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b"nonsense\n[1]\n" + b'{"request": 5}\n')
    assert sample_requests(path).sketch == PromptSketch()
    path.write_bytes(b"")
    assert sample_requests(path).schema is None


def test_the_form_of_the_answer_and_the_kinds_of_files_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    parts = [{"inlineData": {"mimeType": "image/png", "data": ""}}, {"fileData": {"mimeType": "application/pdf"}}]
    request = {"contents": [{"parts": parts}], "generationConfig": {"responseSchema": SCHEMA}}
    path.write_bytes(orjson.dumps({"key": "a", "request": request}) + b"\n")
    sampled = sample_requests(path)
    assert sampled.schema == SCHEMA and sampled.sketch.media == ("application/pdf", "image")
