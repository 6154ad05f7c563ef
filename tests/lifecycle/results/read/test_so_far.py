"""Lines that came back are shown before a run ends: any page of them, in the order of the files."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.kinds.text import TEXT
from lifecycle.results.read.so_far import results_so_far


def line(key: str, text: str) -> bytes:
    candidate = {"finishReason": "STOP", "content": {"parts": [{"text": text}]}}
    return orjson.dumps({"key": key, "response": {"candidates": [candidate]}})


def test_a_page_is_read_from_wherever_it_begins(tmp_path: Path) -> None:
    keys = [f"k{n}" for n in range(130)]
    prompts = [f"Name the capital of country {n}" for n in range(130)]
    pq.write_table(pa.table({"key": keys, "prompt": prompts}), tmp_path / "inputs.parquet")
    first, second = tmp_path / "0-0000.jsonl", tmp_path / "0-0001.jsonl"
    first.write_bytes(b"".join(line(key, "x" * 30) + b"\n" for key in keys[:120]))
    refused = orjson.dumps({"key": "k120", "error": {"code": 13, "message": "Internal error."}})
    second.write_bytes(b"\n".join([refused, *(line(key, "late") for key in keys[121:])]))  # no end of the last line
    received = [first, second]

    def shown(start: int) -> list[str]:
        return [one.key for one in results_so_far(tmp_path, received, TEXT.classify, start, 7, 10).lines]

    assert all(shown(start) == keys[start : start + 7] for start in (0, 49, 50, 99, 116, 120, 127))
    found = results_so_far(tmp_path, received, TEXT.classify, 119, 2, 10)
    assert found.total == 130 and [one.outcome for one in found.lines] == ["answered", "error_transient"]
    assert [one.text for one in found.lines] == ["x" * 10, ""] and found.lines[1].error == "Internal e"
    assert [one.asked for one in found.lines] == ["119", "120"], "what differs between the prompts"
    assert results_so_far(tmp_path, [], TEXT.classify, 0, 7, 10) == (0, ())
