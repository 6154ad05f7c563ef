"""What strangers write is read in time in proportion to its length: every reader, on the shapes that backtrack.

The clock is the processor's, and only ratios count: a text eight times as long may take three times eight as long.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from batch.fields.parse import parse_fields
from batch.requests.prompt_template import compile_template
from batch.requests.use_cache_marker import match_marker
from batch.responses.outcomes import classify
from batch.responses.spreadsheet_text import escape_formula, excel_cell
from batch.responses.structured_output import looks_like_refusal, repair_json
from gemini.redaction import redact
from lifecycle.inputs.drafts import prepare
from terminal.output.console import escape_controls
from ui.shared.notices import escape_markdown
from ui.shared.upload_folder import safe_name

SHORT, TIMES, SLACK_SECONDS, ATTEMPTS = 4_000, 8, 0.3, 4
PIECES = [
    *("{", "[", '"', "\\", "```", "```\n", "<", "{{", "}}", "a", "=", " ", "\n", ",", "\t", "'", "(", "|", ";", ":"),
    *('\\"', '{"a":', "[1,", ", ", "key=", "key: ", "AIza", "AQ.", "Bearer ", "@use_cache ", "../", "a|", "x: {"),
    *("a\n\n", "﻿", "－", "\x1b[", "](", "**", "quota ", "class A:\n", "interface A {", "1..", '"a": "b", '),
]
READERS: dict[str, Callable[[str], object]] = {
    "repair_json": repair_json,
    "looks_like_refusal": looks_like_refusal,
    "classify": lambda text: classify(text.encode("utf-8", "surrogatepass")),
    "parse_fields": parse_fields,
    "compile_template": lambda text: compile_template(text, ["a", "b"]),
    "match_marker": match_marker,
    "redact": redact,
    "escape_controls": escape_controls,
    "escape_formula": escape_formula,
    "excel_cell": excel_cell,
    "escape_markdown": escape_markdown,
    "safe_name": safe_name,
}

MEGABYTE = 1_000_000
CHEAP = ("classify", "escape_controls", "match_marker")  # those that read as much in about a second


def seconds(read: Callable[[str], object], text: str) -> float:
    before = time.process_time()
    with suppress(Exception):  # what it says of such a text is not the question here
        read(text)
    return time.process_time() - before


@pytest.mark.parametrize("name", READERS)
def test_reading_takes_time_in_proportion_to_the_text(name: str) -> None:
    assert slow_readings(READERS[name], SHORT) == []


@pytest.mark.parametrize("name", CHEAP)
def test_a_megabyte_is_read_in_time_in_proportion_too(name: str) -> None:
    """What is quadratic only in large texts, such as joining pieces, does not show in 32 kB."""
    assert slow_readings(READERS[name], MEGABYTE // TIMES) == []


def slow_readings(read: Callable[[str], object], short_size: int) -> list[tuple[str, str, float]]:
    """The texts that take more time than their length explains, each with the seconds of the short one."""
    slow = []
    for piece in PIECES:
        for form in ("{}", '{{"a": "{}'):
            text = form.format(piece * (short_size // len(piece)))
            short = seconds(read, text)
            limit = 3 * TIMES * short + SLACK_SECONDS
            long_text = form.format(piece * (short_size * TIMES // len(piece)))
            # What is slow by its nature is slow every time; a collection of garbage falls on one reading.
            if all(seconds(read, long_text) > limit for _ in range(ATTEMPTS)):
                slow.append((piece, form, round(short, 4)))
    return slow


# Whole inputs: the reader of each kind, on what a program could have written by chance or out of malice.
INPUT_BYTES = 12_000
LETTERS = [
    '{"key": "a", "request": ',
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    ",",
    ";",
    "\t",
    "\n",
    "\r\n",
    "a",
    "1",
    " ",
    "é",
    "|",
]
WORST = ['{"a":' * 40 + "\n", '"', '"a,\n', "[[[[", ",", ";\n", "a\tb;c,d|e\n", "\n", "\x00", "{{a}}"]


def chance(size: int, seed: int) -> str:
    """Pieces of inputs in an order that nobody meant."""
    pieces = random.Random(seed).choices(LETTERS, k=size // 2)
    return "".join(pieces)[:size]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "lines"])
def test_an_input_is_checked_in_time_in_proportion_to_its_size(kind: str, tmp_path: Path) -> None:
    numbers = itertools.count()

    def read(text: str) -> None:
        path = tmp_path / f"{next(numbers)}.{'txt' if kind == 'lines' else kind}"
        path.write_text(text, encoding="utf-8")
        folder = tmp_path / f"draft{next(numbers)}"
        folder.mkdir()
        prepare(path, folder, kind=kind, template="{{a}}" if kind == "csv" else "")

    seconds(read, "a,b\n1,2\n")  # what is imported at the first use is not counted
    slow = []
    for name in [*WORST, *range(2)]:
        short, long_text = (
            chance(size, name) if isinstance(name, int) else name * (size // len(name))
            for size in (INPUT_BYTES, INPUT_BYTES * TIMES)
        )
        limit = 3 * TIMES * seconds(read, short) + SLACK_SECONDS
        if all(seconds(read, long_text) > limit for _ in range(ATTEMPTS)):
            slow.append(name)
    assert slow == []
