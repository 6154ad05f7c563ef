"""Collecting, opening, filtering, paging, sorting and exporting a large result, beside the bare tools for each.

`python -m benchmarks.results [--rows 1000000] [--dir DIR]`. Collecting is compared with `json.loads` over the same
lines, pages with DuckDB's own query over the same files, exports with DuckDB's COPY. Every task runs in a process of
its own that prices with the product's price table; the better of two turns counts. Prints one JSON line a task.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.model import Tariff, Usage
from batch.pricing.rates import usage_usd
from lifecycle.results.collect.build import build_results
from lifecycle.results.export.export import export
from lifecycle.results.read.merge_retries import merge_retries
from lifecycle.results.read.table import Filter, ResultTable

TURNS = 2
TARIFF = Tariff(0.75, 0.375, 3.75, 1.875, 0.075, None, 1.0)
WORDS = ["service", "invoice", "Größe", "delay", "quoted", "naïve", "parcel", "order", "refund", "letter", "answer"]
WORDS += ["thanks", "tempor", "magna", "日本"]
SHARD_ROWS = 250_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.work:
        print(json.dumps(TASKS[choice.work[0]](Path(choice.work[1]))))
        return
    with tempfile.TemporaryDirectory(dir=choice.dir) as name:
        folder = Path(name)
        write_run(folder / "ordered", choice.rows, shuffled=False)
        write_run(folder / "shuffled", choice.rows, shuffled=True)
        compare("collect", folder / "ordered", "loads", "collect")
        compare("collect, shuffled", folder / "shuffled", "loads", "collect")
        for task in ("open", "page", "filter", "search", "sort"):
            compare(task, folder / "ordered", f"{task}_bare", task)
        for task in ("csv", "parquet", "jsonl", "xlsx"):
            compare(f"export {task}", folder / "ordered", f"{task}_bare", task)
        write_retry(folder / "ordered", folder / "retry")
        compare("merge a retry", folder / "ordered", "parquet_bare", "merge")


def compare(title: str, folder: Path, bare: str, ours: str) -> None:
    """Time both in turns and print the ratio."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(TURNS):
        for task in (bare, ours):
            told = run(task, folder)
            best[task] = min(best.get(task, told), told, key=lambda one: one["seconds"])
    ratio = best[ours]["seconds"] / max(best[bare]["seconds"], 1e-9)
    line = {"task": title, "ratio": round(ratio, 2), "against": bare, "seconds": round(best[ours]["seconds"], 3)}
    print(json.dumps({**line, "peak_mb": round(best[ours]["peak_mb"])}), flush=True)


def run(task: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.results", "--work", task, str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(found.stdout.splitlines()[-1]))


# -- the run -----------------------------------------------------------------------------------------------------


def write_run(folder: Path, rows: int, *, shuffled: bool) -> None:
    """A run's folder as it is when its jobs have ended."""
    chance = random.Random(3)
    (folder / "received").mkdir(parents=True)
    schema = pa.schema([("n", "int64"), ("key", "string"), ("prompt", "string"), ("line", "int64"), ("city", "string")])
    with (
        pq.ParquetWriter(folder / "inputs.parquet", schema, compression="lz4") as inputs,
        (folder / "requests.jsonl").open("wb") as requests,
    ):
        for start in range(0, rows, 8192):
            numbers = range(start, min(rows, start + 8192))
            prompts = [" ".join(chance.choices(WORDS, k=30)) for _ in numbers]
            keys = [key_of(n) for n in numbers]
            columns = [numbers, keys, prompts, [n + 1 for n in numbers], [WORDS[n % 7] for n in numbers]]
            inputs.write_batch(pa.record_batch([pa.array(c) for c in columns], schema=schema))
            for key, prompt in zip(keys, prompts, strict=True):
                body = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
                requests.write(orjson.dumps({"key": key, "request": body}) + b"\n")
    order = list(range(rows))
    if shuffled:
        chance.shuffle(order)
    for shard in range(0, rows, SHARD_ROWS):
        with (folder / "received" / f"0-{shard // SHARD_ROWS}.jsonl").open("wb") as out:
            out.writelines(orjson.dumps(result_line(n, chance)) + b"\n" for n in order[shard : shard + SHARD_ROWS])


def write_retry(parent: Path, folder: Path) -> None:
    """A child run that answers the parent's failed rows."""
    keys = list(ResultTable(parent).keys(Filter(outcomes=("error_transient",))))
    chance = random.Random(4)
    (folder / "received").mkdir(parents=True)
    columns = {"n": range(len(keys)), "key": keys, "prompt": keys, "line": range(len(keys))}
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), folder / "inputs.parquet")
    with (folder / "received" / "0-0.jsonl").open("wb") as out:
        out.writelines(orjson.dumps({**result_line(50, chance), "key": key}) + b"\n" for key in keys)
    build_results(folder, received=[folder / "received" / "0-0.jsonl"], price=price)


def key_of(n: int) -> str:
    return f"row-{n:07d}"


def result_line(n: int, chance: random.Random) -> dict[str, Any]:
    """Of a hundred rows three failed and three were cut off."""
    if n % 100 < 3:
        return {"key": key_of(n), "error": {"code": 13, "message": "An internal error has occurred. Please retry."}}
    text = " ".join(chance.choices(WORDS, k=45))
    reason = "STOP" if n % 100 < 97 else "MAX_TOKENS"
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": reason, "index": 0}
    prompt, output = 100 + chance.randrange(80), 40 + chance.randrange(60)
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": chance.randrange(90),
        "totalTokenCount": prompt + output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }
    more = {"modelVersion": "gemini-3.8-flash", "responseId": f"r{n}"}
    return {"key": key_of(n), "response": {"candidates": [candidate], "usageMetadata": usage, **more}}


# -- tasks, each in a process of its own -------------------------------------------------------------------------


def price(usage: Usage) -> float | None:
    return usage_usd(usage, TARIFF)


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds, and the process's peak memory in MB."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def received(folder: Path) -> list[Path]:
    return sorted((folder / "received").iterdir())


def loads(folder: Path) -> dict[str, float]:
    def work() -> None:
        for path in received(folder):
            with path.open("rb") as file:
                for line in file:
                    json.loads(line)

    return timed(work)


def collect(folder: Path) -> dict[str, float]:
    return timed(lambda: build_results(folder, received=received(folder), price=price))


def asked(**page: Any) -> Callable[[Path], dict[str, float]]:
    """A page as the panel asks for it, from an open table."""

    def task(folder: Path) -> dict[str, float]:
        ResultTable(folder).page(limit=1)  # what a process pays once
        return timed(lambda: ResultTable(folder).page(**page))

    return task


def joined(folder: Path) -> str:
    """Results with their inputs, as SQL."""
    results, inputs = (f"read_parquet('{folder}/{name}.parquet')" for name in ("results", "inputs"))
    return f"(SELECT r.*, i.prompt, i.city FROM {results} r JOIN {inputs} i USING (n))"


def bare(where: str, order: str = "n", offset: int = 0) -> Callable[[Path], dict[str, float]]:
    """The same page by one plain query for the rows and one for their number."""

    def task(folder: Path) -> dict[str, float]:
        source = joined(folder)
        with duckdb.connect() as db:
            db.execute(f"SELECT n FROM {source} LIMIT 1").fetchall()

            def work() -> None:
                db.execute(f"SELECT count(*) FROM {source} WHERE {where}").fetchall()
                db.execute(
                    f"SELECT * FROM {source} WHERE {where} ORDER BY {order} LIMIT 100 OFFSET {offset}"
                ).fetchall()

            return timed(work)

    return task


def exported(format: str) -> Callable[[Path], dict[str, float]]:
    return lambda folder: timed(lambda: export(ResultTable(folder), folder / f"out.{format}", format))


def copied(options: str) -> Callable[[Path], dict[str, float]]:
    """DuckDB's own export of the same columns, without received responses, neutralised formulas or a fixed order."""

    def task(folder: Path) -> dict[str, float]:
        source = joined(folder)
        with duckdb.connect() as db:
            return timed(lambda: db.execute(f"COPY (FROM {source}) TO '{folder}/bare.out' ({options})"))

    return task


def merge(folder: Path) -> dict[str, float]:
    shutil.rmtree(folder / "merged", ignore_errors=True)
    return timed(lambda: merge_retries(folder, [folder.parent / "retry"]))


SEARCH = "contains(lower(text), 'tempor magna order') OR contains(lower(prompt), 'tempor magna order')"
TASKS: dict[str, Callable[[Path], dict[str, float]]] = {
    "loads": loads,
    "collect": collect,
    "open": lambda folder: timed(lambda: ResultTable(folder).page()),
    "open_bare": bare("true"),
    "page": asked(offset=500_000),
    "page_bare": bare("true", offset=500_000),
    "filter": asked(where=Filter(outcomes=("truncated",))),
    "filter_bare": bare("outcome = 'truncated'"),
    "search": asked(where=Filter(search="tempor magna order")),
    "search_bare": bare(SEARCH),
    "sort": asked(order="cost_usd", descending=True),
    "sort_bare": bare("true", order="cost_usd DESC"),
    "csv": exported("csv"),
    "csv_bare": copied("FORMAT csv"),
    "parquet": exported("parquet"),
    "parquet_bare": copied("FORMAT parquet, COMPRESSION zstd"),
    "jsonl": exported("jsonl"),
    "jsonl_bare": copied("FORMAT json"),
    "xlsx": exported("xlsx"),
    "xlsx_bare": copied("FORMAT csv"),
    "merge": merge,
}

if __name__ == "__main__":
    main()
