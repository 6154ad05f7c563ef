"""One pass over the lines: what is written down of each, and how tokens are estimated on the way."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batch.prefixes import scan as scan_module
from batch.prefixes.scan import (
    HAS_OWN_CACHE,
    ROW,
    ROW_DTYPE,
    TEMPERATURE_0,
    UNKNOWN_SIZE,
    UNPARSED,
    PrefixScan,
    SuffixTokens,
    TokenEstimator,
    each_line,
)


def measure(part: bytes) -> float:
    return math.nan if b"fileUri" in part else float(len(part))


def scan(*requests: dict[str, Any] | bytes) -> np.ndarray[Any, Any]:
    scanned = PrefixScan(measure, {"cachedContents/a": 1_000})
    lines = [
        request if isinstance(request, bytes) else json.dumps({"key": "k", "request": request}).encode() + b"\n"
        for request in requests
    ]
    scanned.run(lines, within_turns=True)
    return np.frombuffer(bytes(scanned.rows), ROW_DTYPE)


def ask(*texts: str, **rest: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text} for text in texts]}], **rest}


def test_a_row_is_written_in_41_bytes() -> None:
    assert ROW.size == ROW_DTYPE.itemsize == 41


def test_a_prefix_met_again_is_the_rows_base() -> None:
    rows = scan(ask("shared", "one"), ask("shared", "two"), ask("other", "two"))
    assert rows["base"][0] == 0
    assert rows["novel"].tolist() == [1, 0, 1]
    assert rows["base"][1] != 0
    assert rows["base"][2] == 0


def test_equal_requests_have_one_name_and_settings_tell_them_apart() -> None:
    rows = scan(ask("a"), ask("a"), ask("a", generationConfig={"temperature": 0}), ask("b"))
    assert rows["whole"][0] == rows["whole"][1]
    assert len(set(rows["whole"].tolist())) == 3
    assert rows["flags"].tolist() == [0, 0, TEMPERATURE_0, 0]


@pytest.mark.parametrize(
    ("request_", "flag"),
    [
        (ask("a", cachedContent="cachedContents/a"), HAS_OWN_CACHE),
        (b'{"key": "k", "request": {"contents": []}}\n', UNPARSED),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://example.org/a"}}]}]}, UNKNOWN_SIZE),
    ],
)
def test_what_cannot_be_planned_like_others_is_marked(request_: dict[str, Any] | bytes, flag: int) -> None:
    assert scan(request_)["flags"].tolist() == [flag]


def test_lines_of_nothing_are_no_rows_and_offsets_count_them() -> None:
    rows = scan(b"\n", ask("a"), b"  \n", ask("b"))
    assert rows["offset"][0] == 1
    assert len(rows) == 2


def test_many_texts_are_estimated_from_some_of_about_their_size() -> None:
    estimator = TokenEstimator(lambda part: len(part) / 4)
    for size in (8, 100, 5_000):
        estimator.measure_exactly(b"x" * size)
    assert estimator.ratio(100) == 0.25
    assert TokenEstimator(measure).ratio(100) == 0.25  # before anything was measured


def test_tails_are_estimated_by_their_octave() -> None:
    suffixes = SuffixTokens(lambda part: len(part) * (2.0 if len(part) < 64 else 1.0))
    suffixes.add(0, b"x" * 10)
    suffixes.add(1, b"x" * 1_000)
    assert suffixes.tokens(np.array([10, 1_000, 12, 1_020], dtype=np.uint32)).tolist() == [20, 1_000, 24, 1_020]


def test_lines_of_a_file_are_the_same_a_block_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "BLOCK_BYTES", 100)
    for data in (b"", b"a\n\nb\n", b"one\r\n" + b"x" * 300 + b"\n" + b"y" * 40 + b"\nlast"):
        path = tmp_path / "lines"
        path.write_bytes(data)
        with path.open("rb") as file:
            found = list(each_line(file))
        assert found == data.splitlines(keepends=True) == list(each_line(data.splitlines(keepends=True)))
