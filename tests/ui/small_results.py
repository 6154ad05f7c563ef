"""A small real table of results, made from lines as a batch job returns them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.results.collect.build import build_results
from lifecycle.results.read.table import ResultTable


def small_results(
    folder: Path,
    answers: Mapping[str, Any],
    prompts: Mapping[str, str] | None = None,
    schema: dict[str, Any] | None = None,
    extra_lines: Iterable[dict[str, Any]] = (),
    pages: Mapping[str, tuple[str, int | None]] | None = None,
    blobs: Mapping[str, str] | None = None,
) -> ResultTable:
    """`answers` maps each key sent to a text, to a whole result line's rest, or to None for a row that is missing.

    `schema` is the form asked of the answers; `extra_lines` are lines that come back besides; `pages` names the file
    and page of each key, `blobs` the PDF in the folder that goes with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = list(answers)
    prompt_texts = [(prompts or {}).get(key, f"prompt of {key}") for key in keys]
    columns = {"n": range(len(keys)), "key": keys, "prompt": prompt_texts, "line": range(1, len(keys) + 1)}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    table = table.cast(pa.schema([("n", "int64"), ("key", "string"), ("prompt", "string"), ("line", "int64")]))
    if pages:
        table = table.append_column("file", pa.array([pages[key][0] for key in keys], pa.string()))
        table = table.append_column("page", pa.array([pages[key][1] for key in keys], pa.int32()))
        (folder / "files.jsonl").touch()
    pq.write_table(table, folder / "inputs.parquet")
    requests = [
        {"key": key, "request": {"contents": [{"parts": [{"text": text}, *_file_parts(blobs, key)]}]}}
        for key, text in zip(keys, prompt_texts, strict=True)
    ]
    (folder / "requests.jsonl").write_bytes(b"\n".join(map(orjson.dumps, requests)))
    received = folder / "1-0.jsonl"
    lines = [{"key": key, **_result_fields(answer)} for key, answer in answers.items() if answer is not None]
    received.write_bytes(b"\n".join(map(orjson.dumps, [*lines, *extra_lines])))
    build_results(folder, received=[received], price=lambda usage: 0.000001, schema=schema)
    return ResultTable(folder)


def _file_parts(blobs: Mapping[str, str] | None, key: str) -> list[dict[str, Any]]:
    if blobs is None:
        return []
    return [{"fileData": {"fileUri": f"blob:{blobs[key]}", "mimeType": "application/pdf"}}]


def _result_fields(answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict):
        return answer
    candidate = {"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": answer}]}}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}
    return {"response": {"candidates": [candidate], "usageMetadata": usage}}
