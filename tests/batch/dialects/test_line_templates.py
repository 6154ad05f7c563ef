"""A line that is filled in is the line that the long way makes, whatever its texts hold; all others go the long way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.dialects.line_templates import may_fit
from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow, RowChecker
from tests.batch.dialects.lines import chat, message, response

TEXTS = [
    "Hi",
    'He said "no" \\ and left.',
    "100 %s of %b {0} \\u0041",
    "Größe, 漢字, 😀 and a tab\t",
    '"}],"role":"user","content":"',
    "\ue0f00\ue0f1",
    "user",
    "",
    "  \n",
    "@use_cache x\nWhat?",
    " @use_cache x\nWhat?",
    '{"contents": []}',
]
SYSTEM = {"role": "system", "content": "Be brief."}
SHAPES: dict[str, Any] = {
    "chat": lambda text: chat(messages=[SYSTEM, {"role": "user", "content": text}], max_tokens=9),
    "two systems": lambda text: chat(messages=[SYSTEM, SYSTEM | {"content": text}, {"role": "user", "content": "Go"}]),
    "turns": lambda text: chat(
        messages=[
            {"role": "user", "content": "A"},
            {"role": "assistant", "content": text},
            {"role": "user", "content": f"{text}!"},
        ]
    ),
    "same role": lambda text: chat(messages=[{"role": "user", "content": "A"}, {"role": "user", "content": text}]),
    "response": lambda text: response(input=text, instructions="Be brief."),
    "response turns": lambda text: response(input=[{"role": "user", "content": text}]),
    "anthropic": lambda text: message(messages=[{"role": "user", "content": text}], system="50 % off"),
    "wrong role": lambda text: chat(messages=[{"role": "robot", "content": text}]),
    "parts": lambda text: chat(messages=[{"role": "user", "content": [{"type": "text", "text": text}]}]),
}


def checker(model: str = "") -> RowChecker:
    return RowChecker(EncodedSettings(Generation(system_instruction="All of you.")), model=model)


def told(rows: list[Any], check: RowChecker) -> tuple[list[Any], dict[str, int], dict[str, int]]:
    """What a check made of lines: key, prompt and request of the good ones, the faults of others, and all counts."""
    made = [(row.key, row.prompt, row.request) if isinstance(row, CheckedRow) else row for row in rows]
    return made, dict(check.notes), dict(check.models)


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_filled_lines_are_those_of_the_long_way(shape: str, ensure_ascii: bool) -> None:
    lines = [
        json.dumps({**SHAPES[shape](text), "custom_id": f'k"{n}'}, ensure_ascii=ensure_ascii).encode()
        for n, text in enumerate(["First of them", *TEXTS, *TEXTS])
    ]
    assert all(map(may_fit, lines)) or "custom_id" not in lines[0][:80].decode()
    fast, slow = checker(), checker()
    assert told([fast.check_line(line, 1) for line in lines], fast) == told(
        [slow._check_slow(line, 1) for line in lines], slow
    )


ODD = [
    b'{"custom_id":"a","custom_id":"b","body":{"model":"m","messages":[{"role":"user","content":"x"}]}}',
    b'{"custom_id":"a","body":{"model":"m","model":"n","messages":[{"role":"user","content":"x"}]}}',
    b'{"custom_id":"a","body":{"model":"m","messages":[{"role":"user","content":"x","content":"y"}]}}',
    b'{"custom_id":"a","body":{"model":"m","messages":[{"role":"user","content":"x\xff"}]}}',
    b'{"custom_id":"a","body":{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}}',
    b'{"custom_id":"a","body":{"model":"m","messages":[{"role":"user","content":"x"}]}} x',
    b'{"custom_id":7,"body":{"model":"m","messages":[{"role":"user","content":"x"}]}}',
    b'{"custom_id":"a","id":"own","body":{"model":"m","messages":[{"role":"user","content":"x"}]}}',
    b'{"custom_id":"a","body":{"model":"other","messages":[{"role":"user","content":"x"}]}}',
]


@pytest.mark.parametrize("line", ODD)
def test_what_is_odd_is_found_after_a_line_like_it_as_well(line: bytes) -> None:
    good = b'{"custom_id":"c","body":{"model":"m","messages":[{"role":"user","content":"z"}]}}'
    fast, slow = checker("m"), checker("m")
    made = [fast.check_line(one, 1) for one in (good, good, line)]
    assert told(made, fast) == told([slow._check_slow(one, 1) for one in (good, good, line)], slow)
